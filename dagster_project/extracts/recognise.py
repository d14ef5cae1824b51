"""Which source a file is of, told by its content and never by its name alone: its columns, sheets or ZIP's members."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import sheets, zip_members
from dagster_project.extracts.readers.delimited import (
    HEADER_WITHIN,
    first_records,
    loose_key,
    marked_encoding,
)
from dagster_project.extracts.source import source_records

HEAD_BYTES = 65_536
_WORKBOOK = "xl/workbook.xml"

# A name that promises data: other content under it is an error, not a file to pass over.
_DATA_NAMES = frozenset({".csv", ".zip", ".xlsx", ".xls"})
_ZIP = "a ZIP archive or workbook"
_OLD_EXCEL = "a workbook of the old Excel format"
# A workbook with a password is of the old format inside, whatever its name.
_SUFFIXES_OF = {_ZIP: (".zip", ".xlsx"), _OLD_EXCEL: (".xls", ".xlsx")}
_FETCH_AGAIN = "Download the file again from the publisher's page in a browser, or take it out of the folder."


@dataclass(frozen=True)
class Recognised:
    """`source` names the reader; it is None for a file to pass over, and `reason` says why."""

    source: str | None
    reason: str


def recognise(head: bytes, file_name: str, path: Path | None = None) -> Recognised:
    """Says what a file is from its first `HEAD_BYTES` bytes and, for an archive or workbook, the file itself.

    Raises InputRejected where the name promises data (.csv, .zip, .xlsx) and the content is a web page,
    nothing at all, of another format, or an archive that is cut off.
    """
    suffix = PurePath(file_name).suffix.casefold()
    found = _format_of(head)
    if found is not None:
        if suffix in _DATA_NAMES and suffix not in _SUFFIXES_OF.get(found, ()):
            raise _rejected(file_name, found, "comma-separated text" if suffix == ".csv" else "a data file")
        if found == _ZIP and path is not None:
            return _recognised_package(path, file_name, promises_data=suffix in _DATA_NAMES)
        return Recognised(None, f"{found}: no reader takes it")
    begins = first_records(head)
    for _, rows in begins:
        source = _source_of_any(rows)
        if source is not None:
            return Recognised(source, "recognised by its columns")
    filled = next((row for row in begins[0][1] if any(cell.strip() for cell in row)), [])
    shown = ", ".join(cell.strip() for cell in filled[:4])[:80]
    return Recognised(None, f"not recognised: it starts with {shown!r}")


def source_of(names: Sequence[str]) -> str | None:
    """The source whose columns these are (or, for a file without header, its first record); None if none's."""
    keys = set(map(loose_key, names))
    for source, own in _header_keys():
        if 2 * len(own & keys) >= len(own):
            return source
    return next(
        (record.name for record in source_records() if record.is_row is not None and record.is_row(names)),
        None,
    )


@cache
def _header_keys() -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple(
        (record.name, frozenset(map(loose_key, header)))
        for record in source_records()
        for header in record.headers
    )


def _source_of_any(rows: Iterable[Sequence[str]]) -> str | None:
    """The source whose columns one of a file's first rows has: titles or blank lines may stand above them."""
    return next((source for row in rows if (source := source_of(row)) is not None), None)


def _recognised_package(path: Path, file_name: str, *, promises_data: bool) -> Recognised:
    try:
        return Recognised(*_source_of_package(path, file_name))
    except InputRejected as error:
        if promises_data:
            raise
        return Recognised(None, f"{_ZIP}, and not a whole one: {error.found}")


def _source_of_package(path: Path, file_name: str) -> tuple[str | None, str]:
    """The source (None for a package to pass over), and why.

    Raises InputRejected for one that is cut off or damaged, or that is a bomb or plays tricks.
    """
    with zip_members.opened(path, file_name) as archive:
        if _WORKBOOK in archive.namelist():
            sheets.check_workbook(archive, file_name)
        else:
            return _source_of_zip(archive, file_name)
    return _source_of_workbook(path, file_name)


def _source_of_zip(archive: zipfile.ZipFile, file_name: str) -> tuple[str | None, str]:
    members = zip_members.csv_members(archive)
    if not members:
        return None, "a ZIP archive that holds no CSV: no reader takes it"
    zip_members.check_contents(archive, file_name)
    for member in members:
        head = next(zip_members.chunks(archive, member, file_name), b"")[:HEAD_BYTES]
        source = next((found for _, rows in first_records(head) if (found := _source_of_any(rows))), None)
        if source is not None:
            return source, "recognised by the columns of its CSV"
    return None, "a ZIP archive: no reader takes what it holds"


def _source_of_workbook(path: Path, file_name: str) -> tuple[str | None, str]:
    try:
        workbook = sheets.loaded_workbook(path, file_name)
    except InputRejected as error:
        return None, f"a workbook that can't be read: {error.found}"
    # The sheets that are known by name first: the others needn't be opened then.
    known = {record.sheet.casefold() for record in source_records() if record.sheet}
    for sheet in sorted(workbook.sheet_names, key=lambda name: name.casefold() not in known):
        rows = sheets.sheet_rows(workbook, sheet, file_name)
        for record in source_records():
            if record.is_sheet is not None and record.is_sheet(rows):
                return record.name, f"recognised by its sheet {sheet}"
        by_columns = _source_of_any([sheets.cell_text(cell) for cell in row] for row in rows[:HEADER_WITHIN])
        if by_columns is not None:
            return by_columns, f"recognised by the columns of its sheet {sheet}"
    return None, "a workbook: no reader takes it"


def _format_of(head: bytes) -> str | None:
    """What the bytes are if they aren't text of ours."""
    body = head.removeprefix(b"\xef\xbb\xbf")
    start = body[:1024].lstrip().lower()
    if not body.strip():
        return "an empty file"
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<script")) or (
        start.startswith((b"<?xml", b"<!--")) and b"<html" in body.lower()
    ):
        return "a web page (HTML), as sites send instead of a file when they refuse a download"
    if body.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _ZIP
    if start.startswith(b"%pdf"):
        return "a PDF document"
    if body.startswith(b"\xd0\xcf\x11\xe0"):
        return _OLD_EXCEL
    if body.startswith(b"\x1f\x8b"):
        return "a gzip archive"
    if b"\x00" in body and marked_encoding(head) is None:
        return "binary content"
    return None


def _rejected(file_name: str, found: str, expected: str) -> InputRejected:
    return InputRejected(file=file_name, expected=expected, found=found, remedy=_FETCH_AGAIN)
