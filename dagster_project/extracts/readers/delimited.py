"""A comma-separated file as records of text with their physical lines: decoding, header, cut-off records."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.text import folded

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"
_FETCH_AGAIN = "Download the file again from the publisher; if it is the same there, tell them."
_CELLS_SHOWN = 60


@dataclass(frozen=True)
class Records:
    """The data records of one file, column by column.

    `header` maps a column's key (see `column_key`) to its published name, `columns` the key to its
    texts as published; `lines` holds each record's first physical line (header = 1).
    """

    file_name: str
    header: dict[str, str]
    columns: dict[str, list[str]]
    lines: list[int]
    raw_lines: list[str]
    notes: list[str] = field(default_factory=list)

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


def decoded(raw: bytes, file_name: str) -> tuple[str, list[str]]:
    """The text of the bytes (UTF-8 with or without mark, else cp1252), and a note where it wasn't UTF-8."""
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


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def first_record(head: bytes, separator: str) -> list[str]:
    """The fields of a text's first record; none where it can't be read as such."""
    text = head.removeprefix(_BOM).decode("cp1252", errors="replace")
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:
        return []


def read_records(
    raw: bytes, file_name: str, *, names: Sequence[str] | None = None, any_header: bool = False
) -> Records:
    """All records of a CSV; raises InputRejected for a bad header, quoting, or a short or long record.

    With `names` the file has no header line. With `any_header` columns may be blank or stand there twice:
    see `header_of`.
    """
    text, notes = decoded(raw, file_name)
    physical = list(io.StringIO(text, newline=""))
    reader = csv.reader(physical, strict=True)
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
    if not rows:
        raise InputRejected(
            file=file_name, expected="a header and data records", found="an empty file", remedy=_FETCH_AGAIN
        )
    header = header_of(rows[0] if names is None else names, file_name, any_header=any_header)
    first = 1 if names is None else 0
    if len(rows) == first:
        raise InputRejected(
            file=file_name, row=1, expected="data records", found="the header alone", remedy=_FETCH_AGAIN
        )
    records = [
        _complete(row, len(header), start, file_name)
        for row, start in zip(rows[first:], starts[first:], strict=True)
    ]
    if not physical[-1].endswith(("\n", "\r")):
        _refuse_cut_last_field(records, starts[-1], file_name)
        notes.append("the last line has no line end: check that the file is complete")
    return Records(
        file_name=file_name,
        header=header,
        columns=dict(zip(header, map(list, zip(*records, strict=True)), strict=True)),
        lines=starts[first:],
        raw_lines=[
            "".join(physical[start - 1 : end]).rstrip("\r\n")
            for start, end in zip(starts[first:], ends[first:], strict=True)
        ],
        notes=notes,
    )


def header_of(names: Sequence[str], file_name: str, *, any_header: bool = False) -> dict[str, str]:
    """Each column's key to its published name, spaces folded; InputRejected for blank or repeated names.

    With `any_header` those are called by their place instead, and a repeated name means its first column.
    """
    header: dict[str, str] = {}
    for position, name in enumerate(names, 1):
        key = column_key(name)
        if any_header and (not key or key in header):
            header[f"column {position}"] = f"column {position}"
            continue
        if not key or key in header:
            raise InputRejected(
                file=file_name,
                row=1,
                column=f"{position}",
                expected="a column name that stands there once",
                found="a blank one" if not key else f"{folded(name)!r} a second time",
                remedy=f"Columns are told apart by name only. {_FETCH_AGAIN}",
            )
        header[key] = folded(name)
    return header


def _complete(row: list[str], width: int, line: int, file_name: str) -> list[str]:
    if len(row) == width:
        return row
    if not row:
        return [""] * width
    raise InputRejected(
        file=file_name,
        row=line,
        expected=f"{width} fields, as in the header",
        found=f"{len(row)}",
        remedy=f"The file is cut off, or a comma stands outside quotes. {_FETCH_AGAIN}",
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
            row=1,
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
