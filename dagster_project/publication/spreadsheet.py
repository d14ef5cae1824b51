"""An accessible workbook from sheets of plain values: laid out and formatted as ONS gptables does it, row by row.

gptables' own writer makes a data frame of formats per table, which takes 160 ms for a board pack against 10 ms here,
turns a name such as `[a](b)` into a link and refuses one without letters. Its workbook, theme and layout are used as
they are; a test holds a sheet cell by cell against one that gptables itself wrote.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dagster_project.errors import LeagueError
from dagster_project.publication.words import plain
from dagster_project.shown import in_one_line

if TYPE_CHECKING:
    from gptables import GPWorkbook
    from gptables.core.wrappers import GPWorksheet

NOT_AVAILABLE = "[x]"
COVER, CONTENTS = "Cover", "Contents"
_LONGEST_TAB = 31
_NOT_IN_A_TAB = re.compile(r"[\[\]:*?/\\']")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]+")
# Text stays text, whatever it looks like.
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
# In signs: wide enough for a name, narrow enough for a screen; longer texts are wrapped.
_NARROWEST, _WIDEST = 10, 50
_MOST_PLACES = 4


@dataclass(frozen=True)
class Sheet:
    """One table on one sheet. `lines` stand between title and table; values are text, numbers, truths or None."""

    name: str
    title: str
    lines: tuple[str, ...]
    headings: tuple[str, ...]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Cover:
    """The first sheet: a title, then headings each with its lines."""

    title: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]


def workbook(cover: Cover, sheets: Sequence[Sheet], *, subject: str, dated: date, comments: str) -> bytes:
    """The workbook's bytes: cover, contents, then the sheets. `dated` stands in its properties instead of now.

    A sheet without rows is an error of the caller: gptables' guidance allows no empty table.
    """
    from gptables import GPWorkbook

    out = io.BytesIO()
    book = GPWorkbook(out, options=_OPTIONS)
    book.set_properties(
        {
            "title": in_one_line(cover.title),
            "subject": subject,
            "author": "NHS league tables, recomputed",
            "comments": comments,
            "created": datetime.combine(dated, time()),
        }
    )
    book.set_custom_property("Language", "en-GB", "text")
    _write_cover(book, cover)
    named = list(zip(tab_names([sheet.name for sheet in sheets]), sheets, strict=True))
    if named:
        _write_contents(book, named)
    for tab, sheet in named:
        _write_sheet(book, book.add_worksheet(tab), tab, sheet)
    book.close()
    return out.getvalue()


def tab_names(names: Sequence[str]) -> list[str]:
    """Names of sheets as Excel takes them: at most 31 signs, none of []:*?/\\', no two alike."""
    taken = {COVER.casefold(), CONTENTS.casefold()}
    found = []
    for name in names:
        clean = _NOT_IN_A_TAB.sub(" ", in_one_line(name)).strip() or "Sheet"
        tab, number = clean[:_LONGEST_TAB].strip(), 2
        while tab.casefold() in taken:
            tab = f"{clean[: _LONGEST_TAB - len(str(number)) - 1].strip()} {number}"
            number += 1
        taken.add(tab.casefold())
        found.append(tab)
    return found


def _write_cover(book: GPWorkbook, cover: Cover) -> None:
    sheet, theme = book.add_worksheet(COVER), book.theme
    _write_text(sheet, 0, 0, cover.title, book.add_format(theme.cover_title_format))
    row = 1
    for heading, lines in cover.parts:
        _write_text(sheet, row, 0, heading, book.add_format(theme.cover_subtitle_format))
        for number, line in enumerate(lines, row + 1):
            _write_text(sheet, number, 0, line, book.add_format(theme.cover_text_format))
        row += 1 + len(lines)
    sheet.set_column(0, 0, 85)


def _write_contents(book: GPWorkbook, named: Sequence[tuple[str, Sheet]]) -> None:
    """Links to the sheets, with their titles, as gptables' own contents."""
    sheet = book.add_worksheet(CONTENTS)
    contents = Sheet(
        CONTENTS,
        "Table of contents",
        ("This worksheet contains one table.",),
        ("Sheet name", "Table description"),
        [(tab, one.title) for tab, one in named],
    )
    first = _write_sheet(book, sheet, CONTENTS, contents)
    link = {**book.theme.index_2_format, "align": "left", "underline": True, "font_color": "blue"}
    for row, (tab, _) in enumerate(named, first):
        sheet.write_url(row, 0, f"internal:'{tab}'!A1", book.add_format(link), tab)


def _write_sheet(book: GPWorkbook, sheet: GPWorksheet, tab: str, content: Sheet) -> int:
    """Title, lines, headings and rows from A1 down; returns the number of the first row of values."""
    theme = book.theme
    _write_text(sheet, 0, 0, content.title, book.add_format(theme.title_format))
    for number, line in enumerate(content.lines, 1):
        _write_text(sheet, number, 0, line, book.add_format(theme.instructions_format))
    top = 1 + len(content.lines)
    columns: list[dict[str, Any]] = []
    for column, heading in enumerate(content.headings):
        values = [_shown(row[column]) for row in content.rows]
        numbers = all(not isinstance(value, str) or value == NOT_AVAILABLE for value in values)
        align = {"align": "right" if numbers and column else "left"}
        style = {**(theme.data_format if column else theme.index_2_format), **align}
        formats: dict[int | None, Any] = {None: book.add_format(style)}
        for row, value in enumerate(values, top + 1):
            if isinstance(value, str):
                _write_text(sheet, row, column, value, formats[None])
                continue
            places = _places(value)
            if places not in formats:
                formats[places] = book.add_format({**style, "num_format": f"0.{'0' * (places or 0)}"})
            sheet.write_number(row, column, value, formats[places])
        heading_format = book.add_format({**theme.column_heading_format, **align})
        columns.append({"header": heading, "header_format": heading_format})
        widest = max([len(heading) // 2, *map(len, map(str, values))], default=0)
        sheet.set_column(column, column, min(max(widest + 2, _NARROWEST), _WIDEST))
    sheet.add_table(
        top,
        0,
        top + len(content.rows),
        len(content.headings) - 1,
        {
            "header_row": True,
            "autofilter": False,
            "columns": columns,
            "style": None,
            "name": f"table_{_NOT_IN_A_NAME.sub('_', tab).strip('_').casefold()}_{len(book.worksheets())}",
            "title": in_one_line(content.title),
            "description": in_one_line(" ".join(content.lines)),
        },
    )
    return top + 1


def _write_text(sheet: GPWorksheet, row: int, column: int, text: str, style: Any) -> None:
    if sheet.write_string(row, column, in_one_line(text), style) != 0:
        raise LeagueError(
            f"sheet {sheet.get_name()}, row {row + 1}, column {column + 1}: expected a text that a cell can hold, "
            f"at most 32,767 signs; found {len(text)}. Shorten it where it comes from."
        )


def _shown(value: object) -> str | int | Decimal:
    """A number stays one; all else is text, and a missing value the sign for that."""
    if value is None or value == "":
        return NOT_AVAILABLE
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    return plain(value)


def _places(value: int | Decimal) -> int | None:
    """Decimal places to show: those of the released column where they are few; None shows what there is."""
    if not isinstance(value, Decimal):
        return None
    exponent = value.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return places if 0 < places <= _MOST_PLACES else None
