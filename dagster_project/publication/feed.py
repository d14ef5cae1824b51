"""The Atom feed of releases and corrections."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import Contents
from dagster_project.publication.rendering import Produced


def of_all(contents: Contents) -> Iterator[Produced]:
    """The feed."""
    yield from ()
