"""A workbook's sheets as records of text with their physical rows, under the limits of `zip_members`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import zip_members
from dagster_project.extracts.readers.delimited import HEADER_WITHIN, Records, header_of, loose_key

_WORDS_KEPT = 12
_ZIP = b"PK\x03\x04"
_FETCH_AGAIN = "Download the file again from the publisher's page."
Row = Sequence[Any]


def is_package(raw: bytes | Path) -> bool:
    """Whether the bytes are a ZIP archive's, as those of a workbook are."""
    if isinstance(raw, bytes):
        return raw.startswith(_ZIP)
    with raw.open("rb") as file:
        return file.read(len(_ZIP)) == _ZIP


def open_workbook(raw: bytes | Path, file_name: str) -> CalamineWorkbook:
    """The workbook; raises InputRejected if it is damaged, a ZIP bomb, or no workbook."""
    with zip_members.opened(raw, file_name) as archive:
        zip_members.check_all(archive, file_name)
    return loaded_workbook(raw, file_name)


def loaded_workbook(raw: bytes | Path, file_name: str) -> CalamineWorkbook:
    """As `open_workbook`, for an archive that was checked before."""
    try:
        return CalamineWorkbook.from_object(zip_members.source_file(raw))
    except (CalamineError, OSError, ValueError) as error:
        raise InputRejected(
            file=file_name, expected="a workbook (xlsx)", found=f"{error}", remedy=_FETCH_AGAIN
        ) from None


def sheet_rows(workbook: CalamineWorkbook, sheet: str, file_name: str) -> list[list[Any]]:
    """All rows of a sheet from its first physical one, empty ones too; raises InputRejected."""
    try:
        return workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError) as error:
        raise InputRejected(
            file=f"{file_name} ({sheet})",
            expected="a sheet that can be read",
            found=f"{error}",
            remedy=_FETCH_AGAIN,
        ) from None


def header_position(rows: Sequence[Row], names: Sequence[str]) -> int | None:
    """Where among the first rows the header stands that has all these columns; None if nowhere."""
    wanted = set(map(loose_key, names))
    for position, row in enumerate(rows[:HEADER_WITHIN]):
        if wanted <= {loose_key(cell_text(cell)) for cell in row}:
            return position
    return None


def sheet_records(
    rows: Sequence[Row],
    header_at: int,
    file_name: str,
    wanted: Callable[[str], bool] | None = None,
    *,
    columns: Sequence[str] = (),
    sheet: str | None = None,
) -> Records:
    """The rows below the header as records; blank rows are left out, columns may be blank or repeated.

    `wanted` says by key which columns to keep. A record's raw line is the start of its row, in words.
    """
    shown = [cell_text(cell) for cell in rows[header_at]]
    names = header_of(shown, file_name, any_header=True, line=header_at + 1, columns=columns)
    kept = {
        key: (place, name) for place, (key, name) in enumerate(names.items()) if wanted is None or wanted(key)
    }
    filled = [at for at in range(header_at + 1, len(rows)) if any(cell != "" for cell in rows[at])]
    return Records(
        file_name=file_name,
        header={key: name for key, (_, name) in kept.items()},
        columns={key: [cell_text(rows[at][place]) for at in filled] for key, (place, _) in kept.items()},
        lines=[at + 1 for at in filled],
        raw_lines=[",".join(map(cell_text, rows[at][:_WORDS_KEPT])) for at in filled],
        header_line=header_at + 1,
        above=tuple(tuple(map(cell_text, row)) for row in rows[:header_at]),
        sheet=sheet,
    )


def cell_text(cell: Any) -> str:
    """What a cell says: whole numbers without a point, dates as 2025-06-01, nothing for an empty cell."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)
