"""Find your trust: by name, former name, code, town and postcode, as people type them."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import Contents
from dagster_project.publication.rendering import Produced


def of_all(contents: Contents) -> Iterator[Produced]:
    """The search page with its index."""
    yield from ()
