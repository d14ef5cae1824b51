"""A file that holds one table, whatever it was saved as: delimited text, a workbook's sheet, or a ZIP of one CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import sheets, zip_members
from dagster_project.extracts.readers.delimited import HEADER_WITHIN, Records, loose_key, read_records

_WORKBOOK = "xl/workbook.xml"


def table_records(
    raw: bytes | Path,
    file_name: str,
    columns: Sequence[str],
    *,
    any_header: bool = False,
    sheet_called: str = "",
) -> Records:
    """The records below the header that has the most of `columns`: see `delimited.read_records`.

    Where several sheets of a workbook have them, it is the only one with `sheet_called` in its name. Raises
    InputRejected for a workbook with no or several such sheets, a ZIP with no or several CSVs, and for what can't
    be read.
    """
    body = csv_bytes(raw, file_name)
    if body is None:
        return _of_workbook(raw, file_name, columns, sheet_called)
    return read_records(body, file_name, columns=columns, any_header=any_header)


def csv_records(raw: bytes | Path, file_name: str, *, columns: Sequence[str]) -> Records:
    """The records of a CSV, also out of a ZIP, whatever other columns it has."""
    return read_records(csv_bytes(raw, file_name) or b"", file_name, columns=columns, any_header=True)


def csv_bytes(raw: bytes | Path, file_name: str) -> bytes | None:
    """The bytes of a CSV, out of its ZIP if it is in one; None for a workbook.

    Raises InputRejected for a ZIP with no or several CSVs.
    """
    if not sheets.is_package(raw):
        return raw if isinstance(raw, bytes) else raw.read_bytes()
    with zip_members.opened(raw, file_name) as archive:
        if _WORKBOOK in archive.namelist():
            return None
        zip_members.check_contents(archive, file_name, most_bytes=zip_members.MOST_BYTES_READ_WHOLE)
        member = zip_members.only_csv(archive, file_name)
        return b"".join(zip_members.chunks(archive, member, file_name))


def _of_workbook(raw: bytes | Path, file_name: str, columns: Sequence[str], sheet_called: str) -> Records:
    workbook = sheets.open_workbook(raw, file_name)
    found = []
    for sheet in workbook.sheet_names:
        rows = sheets.sheet_rows(workbook, sheet, file_name)
        at = header_within(rows, columns)
        if at is not None:
            found.append((sheet, at, rows))
    if len(found) > 1 and sheet_called:
        found = [one for one in found if sheet_called in one[0].casefold()] or found
    if len(found) != 1:
        names = ", ".join(sheet for sheet, _, _ in found) or f"none among {', '.join(workbook.sheet_names)}"
        raise InputRejected(
            file=file_name,
            expected=f"one sheet with the columns {', '.join(columns[:4])} ...",
            found=names[:200],
            remedy="Save the sheet that holds the publisher's table as a file of its own.",
        )
    sheet, at, rows = found[0]
    return sheets.sheet_records(rows, at, file_name, columns=columns, sheet=sheet)


def header_within(rows: Sequence[sheets.Row], columns: Sequence[str]) -> int | None:
    """Where among the first rows the one stands that has the most, and at least half, of these columns."""
    wanted = set(map(loose_key, columns))
    held = [len(wanted & {loose_key(sheets.cell_text(cell)) for cell in row}) for row in rows[:HEADER_WITHIN]]
    most = max(held, default=0)
    return held.index(most) if most and 2 * most >= len(wanted) else None
