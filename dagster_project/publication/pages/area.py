"""A page per region and per ICB area, as far as the reference data say which trust lies where."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.rendering import Produced


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's regions and ICB areas."""
    yield from ()
