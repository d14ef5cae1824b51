"""What a file is, read from its content and never from its name alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath

from dagster_project.catalogue import catalogue
from dagster_project.errors import InputRejected
from dagster_project.extracts.packages import source_of_package
from dagster_project.extracts.readers.delimited import first_records, marked_encoding
from dagster_project.extracts.source_columns import nearest_source, source_of_any

HEAD_BYTES = 65_536

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
    # Where no reader takes it: the source that its name or some of its columns make it seem to be of.
    seems: str | None = None


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
        return Recognised(None, f"{found}: no reader takes it", _source_by_name(file_name, suffix))
    begins = first_records(head)
    for _, rows in begins:
        source = source_of_any(rows)
        if source is not None:
            return Recognised(source, "recognised by its columns")
    filled = next((row for row in begins[0][1] if any(cell.strip() for cell in row)), [])
    shown = ", ".join(cell.strip() for cell in filled[:4])[:80]
    near = next((near for _, rows in begins if (near := nearest_source(rows)) is not None), None)
    return Recognised(
        None, f"not recognised: it starts with {shown!r}", near or _source_by_name(file_name, suffix)
    )


def _source_by_name(file_name: str, suffix: str) -> str | None:
    """The source whose files are called so, by the catalogue; only names that promise data say anything."""
    return catalogue.source_named(PurePath(file_name).name) if suffix in _DATA_NAMES else None


def _recognised_package(path: Path, file_name: str, *, promises_data: bool) -> Recognised:
    try:
        source, reason, seems = source_of_package(path, file_name)
    except InputRejected as error:
        if promises_data:
            raise
        return Recognised(None, f"{_ZIP}, and not a whole one: {error.found}")
    suffix = PurePath(file_name).suffix.casefold()
    return Recognised(source, reason, seems or (None if source else _source_by_name(file_name, suffix)))


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
