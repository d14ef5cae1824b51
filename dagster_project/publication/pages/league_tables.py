"""A page per league table: sortable, filterable, with likely ranges and the ranked-dots chart."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.rendering import Produced


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's league tables."""
    yield from ()
