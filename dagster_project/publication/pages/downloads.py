"""What can be downloaded, and the guide for programs."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import Contents
from dagster_project.publication.rendering import Produced


def of_all(contents: Contents) -> Iterator[Produced]:
    """The downloads and the guide for programs."""
    yield from ()
