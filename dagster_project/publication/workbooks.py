"""Accessible workbooks: one a quarter, one per organisation."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.rendering import Produced


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's workbook and board packs."""
    yield from ()
