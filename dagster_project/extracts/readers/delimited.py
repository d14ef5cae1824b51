"""A delimited text file as records of text with their physical lines: decoding, header, cut-off records.

Also as spreadsheet programs save it: UTF-16, semicolons or tabs, a `sep=` line, blank or title lines above the
header, thousands separators and decimal commas.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.text import folded

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"
# Longer marks first: UTF-32's begins with UTF-16's.
_MARKED = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# What stands above a header: a `sep=` line, blank lines, titles.
HEADER_WITHIN = 20
_HEADER_COLUMNS = 2
# The widest file known has 121 columns; a line of 105 weekly bands takes about 1,000 characters.
MOST_COLUMNS = 2_000
LONGEST_LINE = 1_000_000
# Half a year of cancer waits has some 500,000 lines; what is larger is read in bounded memory (`large_csv`).
MOST_LINES = 3_000_000
_SEP_LINE = re.compile(r'"?sep=(?P<separator>.)"?[,;\t]*', re.IGNORECASE)
_NO_LETTER_OR_DIGIT = re.compile(r"[\W_]+")
# Numbers with a comma: of either kind, with thousands as English writes them, and `1,234`, which may be both.
_WITH_COMMA = re.compile(r"[+-]?[0-9]+(?:,[0-9]+)+(?:\.[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_EITHER = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_WITH_POINT = re.compile(r"[+-]?[0-9]+\.[0-9]+%?")
_COMMA_RANGE = re.compile(r"([0-9]+),([0-9]+)( to | ?[-\u2013] ?)([0-9]+),([0-9]+)", re.IGNORECASE)
_FETCH_AGAIN = "Download the file again from the publisher; if it is the same there, tell them."
_CELLS_SHOWN = 60


@dataclass(frozen=True)
class Records:
    """The data records of one file, column by column.

    `header` maps a column's key (see `column_key`) to its published name, `columns` the key to its
    texts as published; `lines` holds each record's first physical line, counted from the file's first.
    """

    file_name: str
    header: dict[str, str]
    columns: dict[str, list[str]]
    lines: list[int]
    raw_lines: list[str]
    notes: list[str] = field(default_factory=list)
    header_line: int = 1
    # What stands above the header, record by record.
    above: tuple[tuple[str, ...], ...] = ()
    sheet: str | None = None

    def __len__(self) -> int:
        return len(self.lines)

    def kept(self, positions: Sequence[int]) -> Records:
        """Only the records at these positions; notes stay shared."""
        return Records(
            file_name=self.file_name,
            header=self.header,
            columns={key: [texts[i] for i in positions] for key, texts in self.columns.items()},
            lines=[self.lines[i] for i in positions],
            raw_lines=[self.raw_lines[i] for i in positions],
            notes=self.notes,
            header_line=self.header_line,
            above=self.above,
            sheet=self.sheet,
        )

    def parsed(self, key: str, parse: Callable[[str], T]) -> list[T]:
        """A column's cells through `parse`; its ValueError becomes InputRejected with row and column."""
        known: dict[str, T] = {}
        values: list[T] = []
        for position, text in enumerate(self.columns[key]):
            if text not in known:
                try:
                    known[text] = parse(text)
                except ValueError as error:
                    self.reject(position, key, expected=str(error))
            values.append(known[text])
        return values

    def reject(self, position: int, key: str, *, expected: str) -> NoReturn:
        """Raises InputRejected for one cell."""
        raise InputRejected(
            file=self.file_name,
            row=self.lines[position],
            column=self.header[key],
            expected=expected,
            found=repr(self.columns[key][position][:_CELLS_SHOWN]),
            remedy=f"Compare that line with the publisher's file. {_FETCH_AGAIN}",
        )


def column_key(name: str) -> str:
    """A column name in the form that drift of case, spaces, hyphens and underscores doesn't touch."""
    return re.sub(r"[\s_\-\u2010-\u2015]+", "_", folded(name).casefold()).strip("_")


def loose_key(name: str) -> str:
    """A column name by its letters and digits alone, for headers that were respelt: `A&E`, `a_e` and `AE`."""
    return _NO_LETTER_OR_DIGIT.sub("", folded(name).casefold()).replace("hours", "hrs")


def decoded(raw: bytes, file_name: str) -> tuple[str, list[str]]:
    """The text of the bytes, and a note where it wasn't UTF-8.

    UTF-8 with or without mark, UTF-16 or UTF-32 with its mark, else Windows-1252 (cp1252). Raises InputRejected
    for what is none of these, for NUL characters and for a line longer than any that a publisher writes.
    """
    text, notes = _decoded(raw, file_name)
    at = text.find("\0")
    if at >= 0:
        raise InputRejected(
            file=file_name,
            row=text.count("\n", 0, at) + 1,
            expected="text",
            found="a NUL character: binary content, or UTF-16 without its mark",
            remedy=f"In a spreadsheet program, save it as CSV in UTF-8. {_FETCH_AGAIN}",
        )
    return text, notes


def _decoded(raw: bytes, file_name: str) -> tuple[str, list[str]]:
    encoding = marked_encoding(raw)
    if encoding is not None:
        try:
            return raw.decode(encoding), [f"read as {encoding.upper()}, as its first bytes say"]
        except UnicodeDecodeError as error:
            raise InputRejected(
                file=file_name,
                expected=f"text in {encoding.upper()}, as its first bytes say",
                found=f"bytes that aren't, at {error.start:,} of {len(raw):,}",
                remedy=f"The file may be cut off. {_FETCH_AGAIN}",
            ) from None
    body = raw.removeprefix(_BOM)
    try:
        return body.decode("utf-8"), []
    except UnicodeDecodeError:
        lines = [number for number, line in enumerate(body.split(b"\n"), 1) if not _is_utf8(line)]
    try:
        text = body.decode("cp1252")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise InputRejected(
            file=file_name,
            row=line,
            expected="text in UTF-8 or Windows-1252",
            found=f"the byte 0x{body[error.start]:02x}, which is in neither",
            remedy=_FETCH_AGAIN,
        ) from None
    shown = ", ".join(map(str, lines[:10])) + (", ..." if len(lines) > 10 else "")
    return text, [f"not UTF-8: read as Windows-1252 (cp1252); line {shown}"]


def marked_encoding(raw: bytes) -> str | None:
    """UTF-16 or UTF-32 where the first bytes are its mark."""
    return next((encoding for mark, encoding in _MARKED if raw.startswith(mark)), None)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def first_records(head: bytes) -> list[tuple[str, list[list[str]]]]:
    """By separator, the records that a text begins with; `head` may end anywhere in it."""
    encoding = marked_encoding(head)
    text = head.removeprefix(_BOM).decode(encoding or "cp1252", errors="replace")
    physical = list(io.StringIO(text, newline=""))
    return [(separator, _beginning(physical, separator)) for separator in SEPARATORS]


def _separator_named(physical: Sequence[str]) -> str | None:
    """The separator of a first line such as `sep=;`, as spreadsheet programs write it."""
    match = _SEP_LINE.fullmatch(physical[0].rstrip("\r\n")) if physical else None
    return match["separator"] if match else None


def _beginning(physical: Sequence[str], separator: str) -> list[list[str]]:
    """The first records, as far as they can be read."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(physical, delimiter=separator):
            rows.append(row)
            if len(rows) == HEADER_WITHIN:
                break
    except csv.Error:
        pass
    return rows


def header_position(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> int | None:
    """Where the row with the most of these columns stands; None where none has two of them."""
    wanted = set(map(loose_key, columns))
    held = [len(wanted & set(map(loose_key, row))) for row in rows]
    most = max(held, default=0)
    return held.index(most) if most >= min(_HEADER_COLUMNS, len(wanted)) else None


def _layout(
    physical: list[str], file_name: str, columns: Sequence[str], names: Sequence[str] | None
) -> tuple[str, int]:
    """The separator, and at which record the header (without one, the first data) stands."""
    named = _separator_named(physical)
    if named is not None and named not in SEPARATORS:
        raise InputRejected(
            file=file_name,
            row=1,
            expected="fields separated by " + " or ".join(SEPARATORS.values()),
            found=f"a line that says they are separated by {named!r}",
            remedy=f"Save it as CSV with commas. {_FETCH_AGAIN}",
        )
    # What the first line says may be wrong: the header tells.
    begins = [(separator, _beginning(physical, separator)) for separator in SEPARATORS]
    best: tuple[int, str, int] | None = None
    wanted = set(map(loose_key, columns))
    for separator, rows in begins:
        at = header_position(rows, columns) if columns else None
        if at is None:
            continue
        held = len(wanted & set(map(loose_key, rows[at])))
        if best is None or held > best[0]:
            best = (held, separator, at)
    if best is not None:
        return best[1], best[2]
    if names is not None:
        for separator, rows in begins:
            whole = next((at for at, row in enumerate(rows) if len(row) == len(names)), None)
            if whole is not None:
                return separator, whole
    separator = named or ","
    rows = dict(begins)[separator]
    start = 1 if named is not None else 0
    filled = (at for at, row in enumerate(rows[start:], start) if any(cell.strip() for cell in row))
    return separator, next(filled, start)


def read_records(
    raw: bytes,
    file_name: str,
    *,
    columns: Sequence[str] = (),
    names: Sequence[str] | None = None,
    any_header: bool = False,
) -> Records:
    """All records of a CSV; raises InputRejected for a bad header, quoting, or a short or long record.

    The header is the one of the first lines that has the most of `columns`; one of these that is respelt gets
    its usual key. With `names` the file has no header line. With `any_header` columns may be blank or stand
    there twice: see `header_of`.
    """
    text, notes = decoded(raw, file_name)
    physical = _physical_lines(text, file_name)
    separator, first = _layout(physical, file_name, columns, names)
    rows, starts, ends = _parsed(physical, separator, file_name)
    if len(rows) <= first:
        raise InputRejected(
            file=file_name, expected="a header and data records", found="an empty file", remedy=_FETCH_AGAIN
        )
    if separator != ",":
        notes.append(f"fields are separated by {SEPARATORS[separator]}")
    header_line = starts[first]
    above = tuple(tuple(row) for row in rows[:first] if any(cell.strip() for cell in row))
    if first:
        begins = "the header is" if names is None else "the first record is"
        notes.append(f"{begins} line {header_line}: what stands above it isn't read")
    width = _used_width(rows[first:]) if names is None else len(names)
    shown = rows[first][:width] if names is None else names
    header = header_of(shown, file_name, any_header=any_header, line=header_line, columns=columns)
    at = first + (names is None)
    if len(rows) == at:
        raise InputRejected(
            file=file_name,
            row=header_line,
            expected="data records",
            found="the header alone",
            remedy=_FETCH_AGAIN,
        )
    published = len(rows[first]) if names is None else len(names)
    records = [
        _complete(row, published, start, file_name, separator)[:width]
        for row, start in zip(rows[at:], starts[at:], strict=True)
    ]
    if not physical[-1].endswith(("\n", "\r")):
        _refuse_cut_last_field(records, starts[-1], file_name)
        notes.append("the last line has no line end: check that the file is complete")
    held = dict(zip(header, map(list, zip(*records, strict=True)), strict=True))
    lines = starts[at:]
    _read_commas_in_numbers(held, separator, lines, header, file_name, notes)
    return Records(
        file_name=file_name,
        header=header,
        columns=held,
        lines=lines,
        raw_lines=[
            "".join(physical[start - 1 : end]).rstrip("\r\n")
            for start, end in zip(lines, ends[at:], strict=True)
        ],
        notes=notes,
        header_line=header_line,
        above=above,
    )


def _physical_lines(text: str, file_name: str) -> list[str]:
    """The lines with their ends; raises InputRejected where they are more or longer than any publisher's."""
    lines_at_most = max(text.count("\n"), text.count("\r"))
    if lines_at_most > MOST_LINES:
        raise InputRejected(
            file=file_name,
            expected=f"at most {MOST_LINES:,} lines",
            found=f"{lines_at_most:,}",
            remedy=_FETCH_AGAIN,
        )
    physical = list(io.StringIO(text, newline=""))
    _refuse_long_lines(physical, file_name)
    return physical


def _refuse_long_lines(physical: Iterable[str], file_name: str) -> None:
    for number, line in enumerate(physical, 1):
        if len(line) > LONGEST_LINE:
            raise InputRejected(
                file=file_name,
                row=number,
                expected=f"lines of at most {LONGEST_LINE:,} characters",
                found=f"one of {len(line):,}",
                remedy=_FETCH_AGAIN,
            )


def _parsed(
    physical: list[str], separator: str, file_name: str
) -> tuple[list[list[str]], list[int], list[int]]:
    """Every record, with its first and last physical line."""
    reader = csv.reader(physical, delimiter=separator, strict=True)
    rows: list[list[str]] = []
    starts: list[int] = []
    ends: list[int] = []
    line = 0
    try:
        for row in reader:
            starts.append(line + 1)
            line = reader.line_num
            ends.append(line)
            rows.append(row)
    except csv.Error as error:
        raise InputRejected(
            file=file_name,
            row=line + 1,
            expected="a complete CSV record",
            found=f"a record that can't be read to its end ({error})",
            remedy=f"A quote is opened and not closed, or the file is cut off. {_FETCH_AGAIN}",
        ) from None
    return rows, starts, ends


def _used_width(rows: Sequence[Sequence[str]]) -> int:
    """The header's columns without those at its end that have neither name nor content, as sheets are saved."""
    width = len(rows[0])
    while width > 1 and not rows[0][width - 1].strip():
        if any(len(row) >= width and row[width - 1].strip() for row in rows):
            break
        width -= 1
    return width


def _read_commas_in_numbers(
    columns: dict[str, list[str]],
    separator: str,
    lines: Sequence[int],
    header: dict[str, str],
    file_name: str,
    notes: list[str],
) -> None:
    """Writes numbers such as `17,035` or `12,5` with a point and without thousands separators, in place.

    What a comma means must follow from the file as a whole: InputRejected where `1,234` could be either, or
    where both ways stand side by side.
    """
    found = [
        (key, at, cell.strip())
        for key, cells in columns.items()
        for at, cell in enumerate(cells)
        if "," in cell and _WITH_COMMA.fullmatch(cell.strip())
    ]
    has_ranges = separator != "," and bool(_ranges_of(columns))
    if not found and not has_ranges:
        return
    decimal = has_ranges or any(_THOUSANDS.fullmatch(cell) is None for _, _, cell in found)
    thousands = any(
        _THOUSANDS.fullmatch(cell) and not _EITHER.fullmatch(cell) for _, _, cell in found
    ) or any(_WITH_POINT.fullmatch(cell.strip()) for cells in columns.values() for cell in cells)
    if separator == ",":
        if decimal and thousands:
            # Each such cell is refused, by its own name, where a number is wanted.
            return
        thousands = not decimal
    if decimal == thousands:
        key, at, cell = found[0] if found else next(iter(_ranges_of(columns)))
        raise InputRejected(
            file=file_name,
            row=lines[at],
            column=header[key],
            expected="numbers with a decimal point, or with commas that mean the same in the whole file",
            found=f"{cell!r}, where the comma may be a decimal one or separate thousands",
            remedy="In the spreadsheet program, show these numbers with a decimal point and without separators "
            f"of thousands, and save it again. {_FETCH_AGAIN}",
        )
    for key, at, cell in found:
        columns[key][at] = cell.replace(",", "." if decimal else "")
    for key, at, cell in _ranges_of(columns) if decimal else ():
        columns[key][at] = _COMMA_RANGE.sub(r"\1.\2\3\4.\5", cell)
    meaning = "decimal commas" if decimal else "separators of thousands"
    notes.append(f"{len(found)} numbers are written with a comma: read as {meaning}")


def _ranges_of(columns: dict[str, list[str]]) -> list[tuple[str, int, str]]:
    """Cells such as `1,2 to 1,89`, with their columns and positions."""
    return [
        (key, at, cell.strip())
        for key, cells in columns.items()
        for at, cell in enumerate(cells)
        if "," in cell and _COMMA_RANGE.fullmatch(cell.strip())
    ]


def header_of(
    names: Sequence[str],
    file_name: str,
    *,
    any_header: bool = False,
    line: int = 1,
    columns: Sequence[str] = (),
) -> dict[str, str]:
    """Each column's key to its published name, spaces folded; InputRejected for blank or repeated names.

    With `any_header` those are called by their place instead, and a repeated name means its first column.
    A name that is one of `columns` but for its spelling gets that one's key.
    """
    if len(names) > MOST_COLUMNS:
        raise InputRejected(
            file=file_name,
            row=line,
            expected=f"at most {MOST_COLUMNS:,} columns",
            found=f"{len(names):,}",
            remedy=_FETCH_AGAIN,
        )
    spellings = Counter(loose_key(name) for name in dict.fromkeys(columns))
    usual = {loose_key(name): column_key(name) for name in columns if spellings[loose_key(name)] == 1}
    there = set(map(column_key, names))
    header: dict[str, str] = {}
    for position, name in enumerate(names, 1):
        key = column_key(name)
        respelt = usual.get(loose_key(name))
        if respelt is not None and respelt not in there:
            key = respelt
        if any_header and (not key or key in header):
            header[f"column {position}"] = f"column {position}"
            continue
        if not key or key in header:
            raise InputRejected(
                file=file_name,
                row=line,
                column=f"{position}",
                expected="a column name that stands there once",
                found="a blank one" if not key else f"{folded(name)!r} a second time",
                remedy=f"Columns are told apart by name only. {_FETCH_AGAIN}",
            )
        header[key] = folded(name)
    return header


def _complete(row: list[str], width: int, line: int, file_name: str, separator: str) -> list[str]:
    if len(row) == width:
        return row
    if not row:
        return [""] * width
    raise InputRejected(
        file=file_name,
        row=line,
        expected=f"{width} fields, as in the header",
        found=f"{len(row)}",
        remedy=f"The file is cut off, or one of the {SEPARATORS[separator]} that separate fields stands outside "
        f"quotes. {_FETCH_AGAIN}",
    )


def _refuse_cut_last_field(records: list[list[str]], line: int, file_name: str) -> None:
    """A last line without line end is taken only if its last field looks like one of the others'.

    `11` among ranks written like `113.0` is what a cut leaves: a wrong number, not a missing one.
    """
    *others, last = (re.sub(r"[0-9]+", "9", record[-1]) for record in records)
    if others and last not in others:
        raise InputRejected(
            file=file_name,
            row=line,
            expected="a last line with its line end, or a last field written like those above it",
            found=f"{records[-1][-1][-_CELLS_SHOWN:]!r} and the end of the file",
            remedy=f"The file seems cut off inside its last field. {_FETCH_AGAIN}",
        )


def require_columns(records: Records, names: Sequence[str]) -> None:
    """Raises InputRejected naming the first of these published column names that the file lacks."""
    missing = [name for name in names if column_key(name) not in records.header]
    if missing:
        raise InputRejected(
            file=records.file_name,
            row=records.header_line,
            column=missing[0],
            expected="the columns " + ", ".join(names),
            found="the columns " + ", ".join(records.header.values()) + f" (missing: {', '.join(missing)})",
            remedy="If the publisher renamed a column, name it as before in a copy of the file; "
            "else download the file again.",
        )


def note_other_columns(records: Records, names: Sequence[str]) -> None:
    """Notes the columns that the reader has no use for."""
    used = {column_key(name) for name in names}
    others = [name for key, name in records.header.items() if key not in used]
    if others:
        records.notes.append("columns not used: " + ", ".join(others))
