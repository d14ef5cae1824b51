"""Markdown that GitHub and MyST both read: headings, tables, code; nothing of the project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dagster_project import shown


def heading(level: int, text: str) -> str:
    """A heading of a level, 1 the largest."""
    return f"{'#' * level} {one_line(text)}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a pipe or a line break in a cell can't end it."""
    lines = [_row(header), "|" + "|".join("---" for _ in header) + "|"]
    return "\n".join([*lines, *(_row(row) for row in rows)])


def code(text: str) -> str:
    """Text as code; nothing for nothing."""
    return shown.code(text)


def one_line(text: str) -> str:
    """Text without line breaks and repeated spaces."""
    return shown.in_one_line(text)


def page(*blocks: str) -> str:
    """Blocks with a blank line between them, LF at the end; empty blocks are left out."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in cells) + " |"
