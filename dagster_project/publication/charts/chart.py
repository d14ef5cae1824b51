"""What a chart is to a page: its picture, what it says in words, and the table of what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """A released cell of a chart's table; a page shows it as its `figure`. `shown` is other words for it."""

    table: str
    row: Row
    column: str
    shown: str | None = None


@dataclass(frozen=True)
class Chart:
    """`name` is unique in a page and names its file; `alt` says in sentences what the picture shows; `rows` stand
    beside it under `headings`, each cell text or a released cell. `notes` are what must be known to read the
    picture, such as what is missing in it.
    """

    name: str
    title: str
    alt: str
    svg: Markup
    headings: tuple[str, ...]
    rows: Sequence[Sequence[str | Cell]]
    notes: tuple[str, ...] = ()
