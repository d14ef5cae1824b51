"""How every figure of an organisation came about: the tree of `league explain` as a page."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.rendering import Produced


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """Every organisation's derivations."""
    yield from ()
