"""How answers are laid out on a terminal of any width: tables that fold into records, labelled lines, long names.

No line is wider than the terminal, and no word or id is broken. What is said isn't here, nor how a text is made safe to
show (shown).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from dagster_project.shown import Terminal, visible

# As wide as a terminal is when it is opened, and as a page of documentation shows.
NARROW = 80
_LEFT_OUT = "..."
_BETWEEN = 2
# Where a raw line or an address without spaces may go on in the next line.
_BREAKS = re.compile(r"[^\s,;/]*[,;/]?\s*")
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")
_GOES_ON = " \\"


def narrow_terminal() -> Terminal:
    """A terminal for answers that are read as sentences: 80 columns or fewer, words whole."""
    return Terminal(soft_wrap=False, width=min(NARROW, Terminal().width))


@dataclass(frozen=True)
class Column:
    """A column of `Rows`. `least` is how narrow it may become before rows fold into records: names fold into a few
    lines, but not into a column of single words."""

    heading: str
    right: bool = False
    least: int = 0


@dataclass(frozen=True)
class Rows:
    """Rows of text as a table where it fits the width with every word whole, else as a record for each row."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    title: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.title:
            yield Text(visible(self.title), style="bold")
        widths = self._widths(options.max_width)
        if widths is not None:
            yield self._table(widths)
        else:
            yield from self._records(options.max_width)

    def _widths(self, room: int) -> list[int] | None:
        """How wide each column is in so much room, the widest narrowed first; None where a word would be broken."""
        texts = [[column.heading, *(row[at] for row in self.rows)] for at, column in enumerate(self.columns)]
        widths = [
            max(cell_len(line) for text in column for line in [*text.split("\n"), ""]) for column in texts
        ]
        least = [
            max(min(self.columns[at].least, widths[at]), *map(_longest_word, column))
            for at, column in enumerate(texts)
        ]
        room -= _BETWEEN * (len(widths) - 1)
        if sum(least) > room:
            return None
        while sum(widths) > room:
            widest = max((at for at in range(len(widths)) if widths[at] > least[at]), key=widths.__getitem__)
            widths[widest] -= 1
        return widths

    def _table(self, widths: Sequence[int]) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, _BETWEEN, 0, 0), header_style="dim")
        for column, width in zip(self.columns, widths, strict=True):
            justify: Literal["left", "right"] = "right" if column.right else "left"
            table.add_column(column.heading, justify=justify, width=width, vertical="top", overflow="fold")
        for row in self.rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        return table

    def _records(self, room: int) -> Iterator[Table | Text]:
        """A record for each row; a word that has no room beside its label, such as a file's name, goes below it."""
        label_width = max(cell_len(column.heading) for column in self.columns) + _BETWEEN
        for number, row in enumerate(self.rows):
            if number:
                yield Text("")
            beside: list[tuple[str, str]] = []
            for column, cell in zip(self.columns, row, strict=True):
                if cell and _longest_word(cell) <= room - label_width:
                    beside.append((column.heading, cell))
                elif cell:
                    yield from (labelled(beside, label_width),) if beside else ()
                    yield Text(column.heading, style="dim")
                    yield Text(visible(cell), overflow="fold")
                    beside = []
            yield from (labelled(beside, label_width),) if beside else ()


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)


def labelled(pairs: Sequence[tuple[str, str]], label_width: int = 0) -> Table:
    """A line for each label and its text; what doesn't fit goes on below the text."""
    grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    grid.add_column(style="dim", no_wrap=True, min_width=max(0, label_width - _BETWEEN) or None)
    # A word that is wider than all of the room, such as a path, is broken rather than cut.
    grid.add_column(overflow="fold")
    for label, text in pairs:
        grid.add_row(Text(label), Text(visible(text)))
    return grid


def shortened(text: str, width: int) -> str:
    """The text in so many columns: whole words of its start and its end, which tell names apart, with `...` between."""
    words = text.split()
    if cell_len(text) <= width or len(words) < 2:
        return text
    for kept in range(len(words) - 1, 0, -1):
        for ends in range(kept // 2, -1, -1):
            start, end = words[: kept - ends], words[len(words) - ends :]
            found = " ".join([*start, _LEFT_OUT, *end])
            if cell_len(found) <= width:
                return found
    return words[0] if cell_len(words[0]) <= width else _LEFT_OUT


def broken(text: str, width: int) -> str:
    """A long text in lines of a width, broken after spaces, else after a comma, semicolon or slash."""
    lines, line = [], ""
    for part in _BREAKS.findall(text):
        if line and cell_len((line + part).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += part
    return "\n".join([*lines, line.rstrip()])


def command_line(text: str, width: int) -> str:
    """A command to copy, in lines of a width that a shell takes as one: `\\` at the end, and the next indented."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if lines[-1].strip() and cell_len(longer) > width - len(_GOES_ON):
            lines.append(f"    {word}")
        else:
            lines[-1] = longer
    return f"{_GOES_ON}\n".join(lines)


def digits(number: str | None) -> str:
    """A decimal with the digits that matter: without zeros at its end. Nothing for None, any other text as it is."""
    if number is None or not _DECIMAL.fullmatch(number):
        return number or ""
    short = number.rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def counted(number: int, one: str, many: str = "") -> str:
    """A number and its noun, singular or plural: `1 row`, `1,024 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shown_path(path: str | Path) -> str:
    """A path as short as it can be said from here: relative where it is below the current folder."""
    here = Path.cwd()
    absolute = Path(path)
    return (
        str(absolute.relative_to(here)) if absolute != here and absolute.is_relative_to(here) else str(path)
    )
