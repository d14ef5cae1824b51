"""Data for programs: JSON at addresses that stay, CSV in a Frictionless data package, the newest release."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.rendering import Produced


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's JSON files and its data package."""
    yield from ()


def of_all(contents: Contents) -> Iterator[Produced]:
    """`latest.json`."""
    yield from ()
