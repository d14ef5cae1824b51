"""Charts as files of their own, SVG and PNG, for slides."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.rendering import Produced


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's charts."""
    yield from ()
