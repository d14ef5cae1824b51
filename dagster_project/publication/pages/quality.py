"""What the gates found, per quarter; corrections and changes over all."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.rendering import Produced


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's quality report."""
    yield from ()


def of_all(contents: Contents) -> Iterator[Produced]:
    """Corrections and changes."""
    yield from ()
