"""What a file is, read from its first bytes and never from its name alone."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import PurePath

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import nof_data, nof_league_table
from dagster_project.extracts.readers.delimited import column_key

HEAD_BYTES = 65_536

# A name that promises data: other content under it is an error, not a file to pass over.
_DATA_NAMES = frozenset({".csv", ".zip", ".xlsx", ".xls"})
_ZIP = "a ZIP archive or workbook"
_OLD_EXCEL = "a workbook of the old Excel format"
# A workbook with a password is of the old format inside, whatever its name.
_SUFFIXES_OF = {_ZIP: (".zip", ".xlsx"), _OLD_EXCEL: (".xls", ".xlsx")}
_FETCH_AGAIN = "Download the file again from the publisher's page in a browser, or take it out of the folder."

# Columns that only one kind of file has; half of them are enough, so that a file that lost one is
# recognised and then rejected by its reader with the column's name.
_OWN_COLUMNS = {
    nof_data.SOURCE: frozenset(map(column_key, nof_data.FIGURE_COLUMNS)),
    nof_league_table.SOURCE: frozenset(
        map(
            column_key,
            (
                "Average_score",
                "Likely_range_of_average_score",
                "Segment",
                "Trust_in_financial_deficit",
                "ICB_in_financial_deficit",
                "Likely_range_of_rank",
            ),
        )
    ),
}


@dataclass(frozen=True)
class Recognised:
    """`source` names the reader; it is None for a file to pass over, and `reason` says why."""

    source: str | None
    reason: str


def recognise(head: bytes, file_name: str) -> Recognised:
    """Says what a file is from its first `HEAD_BYTES` bytes.

    Raises InputRejected where the name promises data (.csv, .zip, .xlsx) and the content is a web page,
    nothing at all, or of another format.
    """
    suffix = PurePath(file_name).suffix.casefold()
    found = _format_of(head)
    if found is not None:
        if suffix in _DATA_NAMES and suffix not in _SUFFIXES_OF.get(found, ()):
            raise _rejected(file_name, found, "comma-separated text" if suffix == ".csv" else "a data file")
        return Recognised(None, f"{found}: no reader takes it")
    first_line = _first_record(head, ",")
    source = _source_of(first_line)
    if source is not None:
        return Recognised(source, "recognised by its columns")
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if _source_of(_first_record(head, separator)) is not None:
            raise _rejected(file_name, f"fields separated by {name}", "fields separated by commas")
    shown = ", ".join(cell.strip() for cell in first_line[:4])[:80]
    return Recognised(None, f"not recognised: it starts with {shown!r}")


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
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text in UTF-16"
    if b"\x00" in body:
        return "binary content"
    return None


def _first_record(head: bytes, separator: str) -> list[str]:
    text = head.removeprefix(b"\xef\xbb\xbf").decode("cp1252", errors="replace")
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:
        return []


def _source_of(names: list[str]) -> str | None:
    keys = set(map(column_key, names))
    for source, own in _OWN_COLUMNS.items():
        if 2 * len(own & keys) >= len(own):
            return source
    return None


def _rejected(file_name: str, found: str, expected: str) -> InputRejected:
    return InputRejected(file=file_name, expected=expected, found=found, remedy=_FETCH_AGAIN)
