"""Text made safe to show: on a terminal, as JSON, in Markdown and in a spreadsheet. Every output goes through here.

What is shown holds names, file names, reasons and raw lines that others wrote. A terminal obeys escape
sequences, Markdown obeys brackets, a spreadsheet computes what starts as a formula; here they are only text.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.errors import MarkupError
from rich.segment import Segment
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

# Letters and marks that show as nothing; what Unicode itself calls a control or format character isn't listed.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|#~$&]")
# What a spreadsheet takes for a formula (full-width signs too), and the numbers among it, which it may.
_FORMULA = r"^[ \t\r\n]*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|^[\t\r]"
_NUMBER = (
    r"^[ ]*[+-]?([0-9][0-9,]*([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?[ ]?%?"
    r"( to [+-]?[0-9.,]+%?)?$|^[+-]$"
)
_FORMULA_PATTERN = re.compile(_FORMULA.replace(r"\x{", r"\u").replace("}", ""))
_NUMBER_PATTERN = re.compile(_NUMBER)
_WORD = re.compile(r"\S+\s*")
# Wide enough that codes, ids and names aren't cut.
WIDTH_OF_A_FILE = 160
_HEIGHT_OF_A_FILE = 25


def visible(text: str) -> str:
    """The text with everything that can't be seen written out (`\\x1b` for an escape); line ends and tabs stay.

    Control and bidirectional characters, line and paragraph separators, surrogates, characters for private
    use, unassigned ones and those that show as nothing: none reaches a terminal or a page as itself.
    """
    if text.isprintable() and not _INVISIBLE.search(text):
        return text
    return "".join(character if _is_visible(character) else _written_out(character) for character in text)


def in_one_line(text: str) -> str:
    """Visible text without line breaks, tabs and repeated spaces."""
    return " ".join(visible(text).split())


def json_text(value: object, *, indent: int | None = None, sort_keys: bool = False) -> str:
    """JSON of plain values, in which what can't be seen is escaped: the same values for whoever reads it."""
    text = json.dumps(value, indent=indent, sort_keys=sort_keys, ensure_ascii=False)
    # Line ends are the indentation's: those within a text are escaped already.
    if text.replace("\n", "").isprintable() and not _INVISIBLE.search(text):
        return text
    return "".join(
        character if character == "\n" or _is_visible(character) else json.dumps(character)[1:-1]
        for character in text
    )


def markdown(text: str) -> str:
    """Text in one line whose signs mean nothing in Markdown: no link, no HTML, no end of a table's cell."""
    escaped = _MARKDOWN.sub(lambda sign: f"\\{sign[0]}", in_one_line(text))
    # A number or a dash at the start would make a list of it, an address a link.
    escaped = re.sub(r"^([0-9]+)([.)])(?= |$)", r"\1\\\2", escaped)
    escaped = re.sub(r"^([-+=])(?=[-+= ]|$)", r"\\\1", escaped)
    return re.sub(r"(?i)\b(https?|ftp|mailto|javascript|data|www)([:.])(?=\S)", r"\1\\\2", escaped)


def code(text: str) -> str:
    """Text as code in Markdown, whatever backticks it holds; nothing for nothing."""
    if not text:
        return ""
    text = visible(text).replace("\n", " ").replace("\t", " ")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def cell(text: str) -> str:
    """Text for a cell of a CSV: an apostrophe before what a spreadsheet would compute. Numbers stay."""
    computes = _FORMULA_PATTERN.search(text) and not _NUMBER_PATTERN.search(text)
    return f"'{text}" if computes else text


def cell_in_sql(column: str) -> str:
    """`cell` of a text column, as an expression of DuckDB's SQL."""
    return (
        f"case when regexp_matches({column}, '{_FORMULA}') and not regexp_matches({column}, '{_NUMBER}') "
        f"then '''' || {column} else {column} end"
    )


def as_csv(frame: pd.DataFrame) -> bytes:
    """The frame as CSV in UTF-8 with LF line ends, every text of it a `cell`."""
    safe = frame.copy()
    for name in safe.columns:
        safe[name] = safe[name].map(lambda value: cell(value) if isinstance(value, str) else value)
    return safe.to_csv(index=False, lineterminator="\n").encode("utf-8", "backslashreplace")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with LF line ends, every text of them a `cell`; nothing for None, `true` and `false`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_csv_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _csv_cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return cell(visible(value)) if isinstance(value, str) else value


class Terminal(Console):
    """A console of rich to which no text can send a control sequence; what rich itself sends stays.

    A pipe or a file has no width of its own: there a table is as wide as COLUMNS says, else `width_of_file`. Where a
    width is known, sentences go on in the next line between words; elsewhere they stay whole lines, for programs that
    read lines. A word that is wider than the terminal, such as a path, is never broken, so that it can be copied.
    """

    def __init__(
        self,
        *,
        stderr: bool = False,
        width: int | None = None,
        width_of_file: int = WIDTH_OF_A_FILE,
        highlight: bool = False,
        soft_wrap: bool | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(stderr=stderr, width=width, highlight=highlight, **settings)
        # Rich asks COLUMNS once, when it is made: here each time, as most consoles are made at an import.
        self._width = width
        self._width_of_file = width_of_file
        self._asked_to_keep_lines = soft_wrap

    @property
    def size(self) -> ConsoleDimensions:
        """As wide as asked for, as COLUMNS says, as the terminal is, or as a file may be."""
        if self._width is None and _said_width():
            return ConsoleDimensions(_said_width(), _HEIGHT_OF_A_FILE)
        if self._width is None and not self.file.isatty():
            return ConsoleDimensions(self._width_of_file, _HEIGHT_OF_A_FILE)
        return super().size

    @size.setter
    def size(self, size: tuple[int, int]) -> None:
        self._width, self._height = size

    @property
    def keeps_lines(self) -> bool:
        """Whether a sentence is printed as one line, however long it is."""
        if self._asked_to_keep_lines is not None:
            return self._asked_to_keep_lines
        return not (self._width or _said_width() or self.file.isatty())

    def render_str(self, text: str, **settings: Any) -> Text:
        """Rich's text of a string, which is made visible before it is measured and laid out."""
        return super().render_str(visible(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of rich, their text visible."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)

    def print(self, *objects: Any, **settings: Any) -> None:
        """As rich prints, but no word is broken; a text with brackets that aren't rich's is printed as it stands."""
        if self.keeps_lines:
            settings.setdefault("soft_wrap", True)
        elif len(objects) == 1 and isinstance(objects[0], str):
            objects, settings = (self._in_lines(objects[0]),), {"soft_wrap": True, **settings}
        settings.setdefault("crop", False)
        try:
            super().print(*objects, **settings)
        except MarkupError:
            super().print(*objects, **{**settings, "markup": False})

    def _in_lines(self, text: str) -> Text:
        """The text in lines of this terminal's width, broken between words; what goes on is indented as it began."""
        try:
            whole = self.render_str(text)
        except MarkupError:
            whole = Text(visible(text))
        lines = []
        for line in whole.split("\n", allow_blank=True):
            indent = len(line.plain) - len(line.plain.lstrip(" "))
            room = max(1, self.width - indent)
            parts = line[indent:].divide(_breaks(line.plain[indent:], room))
            for part in parts:
                part.rstrip()
            lines += [Text(" " * indent).append_text(part) for part in parts] or [Text()]
        return Text("\n").join(lines)


def _breaks(line: str, room: int) -> list[int]:
    """Where a line is to be broken so that each part has room: before words, of which none is broken."""
    breaks, used = [], 0
    for word in _WORD.finditer(line):
        if used and used + cell_len(word[0].rstrip()) > room:
            breaks.append(word.start())
            used = 0
        used += cell_len(word[0])
    return breaks


def _said_width() -> int:
    """The columns that the environment says; 0 where it doesn't."""
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdigit() else 0


def _is_visible(character: str) -> bool:
    if _INVISIBLE.match(character):
        return False
    return character in "\n\t" or character.isprintable() or unicodedata.category(character) == "Zs"


def _written_out(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
