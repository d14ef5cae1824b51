"""Two to four organisations side by side."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import Contents
from dagster_project.publication.rendering import Produced


def of_all(contents: Contents) -> Iterator[Produced]:
    """The page that compares by its address, and the usual comparisons."""
    yield from ()
