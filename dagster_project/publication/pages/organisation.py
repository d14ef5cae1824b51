"""A page per organisation and quarter, and one per organisation that stays."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.rendering import Produced


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """Every organisation of the quarter."""
    yield from ()


def of_all(contents: Contents) -> Iterator[Produced]:
    """Every organisation's page of all its quarters."""
    yield from ()
