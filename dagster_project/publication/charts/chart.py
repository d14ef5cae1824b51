"""What a chart is to a page: its picture, what it says in words, and the table of what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Chart:
    """`name` is unique in a page and names its file; `alt` says in sentences what the picture shows; `rows` stand beside
    it under `headings`, each cell text or a figure's markup.
    """

    name: str
    title: str
    alt: str
    svg: Markup
    headings: tuple[str, ...]
    rows: Sequence[Sequence[str | Markup]]
