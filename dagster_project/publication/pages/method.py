"""How the tables come about: method, glossary, assumptions, known differences from the publisher."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import Contents
from dagster_project.publication.rendering import Produced


def of_all(contents: Contents) -> Iterator[Produced]:
    """The pages about the method."""
    yield from ()
