"""A workbook's sheets as records of text with their physical rows, under the limits of `zip_members`."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import zip_members
from dagster_project.extracts.readers.delimited import HEADER_WITHIN, Records, header_of, loose_key

# The largest sheet known has 450,000 cells. A library holds some 32 bytes for each, empty ones too.
MOST_CELLS = 10_000_000
_WORDS_KEPT = 12
_LONGEST_TAG = 10_000
_LONGEST_PLACE = 64
_MOST_DIGITS = 10
_MOST_LETTERS = 6
_ENTITIES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
# A ">" may stand within quotes.
_ROW_OR_CELL = re.compile(
    rb"<(?:[A-Za-z0-9_.-]+:)?(?P<tag>row|c)(?P<attributes>(?:\s(?:[^<>\"']|\"[^<\"]*\"|'[^<']*')*)?)/?>"
)
# Whatever tag it stands in, as what isn't proper XML may be read all the same.
_ANY_PLACE = re.compile(rb"\sr\s*=\s*[\"'](?P<letters>[A-Za-z]*)(?P<digits>[0-9]+)")
_PLACED_ROW = rb"row\s+r\s*=\s*[\"'](?P<digits>[0-9]+)[\"']"
_PLACED_CELL = rb"c\s+r\s*=\s*[\"'](?P<letters>[A-Za-z]+)[0-9]+[\"']"
_TAG = rb"<(?:[A-Za-z0-9_.-]+:)?"
# A row or cell that doesn't say first where it is.
_UNPLACED = re.compile(_TAG + rb"(?=(?:row|c)[\s/>])(?!" + _PLACED_ROW + rb"|" + _PLACED_CELL + rb")")
_LAST_ROW = re.compile(rb".*" + _TAG + _PLACED_ROW, re.DOTALL)
_LAST_CELL = re.compile(rb".*" + _TAG + _PLACED_CELL, re.DOTALL)
_PLACE = re.compile(rb"(?:^|\s)r\s*=\s*[\"'](?P<letters>[A-Za-z]*)(?P<digits>[0-9]*)")
_ZIP = b"PK\x03\x04"
_FETCH_AGAIN = "Download the file again from the publisher's page."
# Sums of workbooks that passed in this process, each with the size it was allowed.
_SOUND: set[tuple[bytes, int]] = set()
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
        check_workbook(archive, file_name)
    return loaded_workbook(raw, file_name)


def check_workbook(
    archive: zipfile.ZipFile, file_name: str, *, most_bytes: int = zip_members.MOST_BYTES_READ_WHOLE
) -> None:
    """Reads every part once, before a library holds each sheet as one block from its first to its last cell.

    Raises InputRejected for a ZIP bomb, a damaged part, a sheet that reaches too far, and XML that declares
    entities. The same bytes are checked once in a process: a file is recognised and then read.
    """
    checked = (zip_members.digest(archive), most_bytes)
    if checked in _SOUND:
        return
    zip_members.check_contents(archive, file_name, most_bytes=most_bytes)
    for member in archive.infolist():
        reach = _Reach()
        for piece in zip_members.chunks(archive, member, file_name):
            reach.read(piece)
            if reach.declares_entities:
                raise InputRejected(
                    file=f"{file_name} ({member.filename[:80]})",
                    expected="a workbook as programs write it",
                    found="XML that declares entities of its own",
                    remedy=_FETCH_AGAIN,
                )
            if reach.rows * reach.columns > MOST_CELLS:
                raise InputRejected(
                    file=f"{file_name} ({member.filename[:80]})",
                    row=reach.rows,
                    expected=f"sheets of at most {MOST_CELLS:,} cells from the first to the last",
                    found=f"one of {reach.rows:,} rows and {reach.columns:,} columns",
                    remedy="Delete what stands far outside the table, and save it again. " + _FETCH_AGAIN,
                )
    _SOUND.add(checked)


class _Reach:
    """How far the cells of a sheet reach, told from its XML piece by piece."""

    def __init__(self) -> None:
        self.rows = 0
        self.columns = 0
        self.declares_entities = False
        self._rest = b""
        self._row = 0
        self._column = 0

    def read(self, piece: bytes) -> None:
        """Takes the next bytes of the part."""
        body = self._rest + piece
        end = body.rfind(b"<")
        # What is no tag within a long text needn't be kept.
        cut = end if end >= 0 and len(body) - end < _LONGEST_TAG else max(len(body) - _LONGEST_PLACE, 0)
        self.declares_entities = self.declares_entities or _ENTITIES.search(body) is not None
        places = _ANY_PLACE.findall(body)
        self.rows = max(self.rows, *map(_whole, {digits for _, digits in places}), 0)
        self.columns = max(self.columns, *map(_column, {letters for letters, _ in places}), 0)
        body, self._rest = body[:cut], body[cut:]
        if _UNPLACED.search(body) is None:
            self._go_to_last(body)
        else:
            self._count(body)

    def _go_to_last(self, body: bytes) -> None:
        """Stands where the last row and cell say that they are: all of them say it, as programs write them."""
        cells_from = 0
        row = _LAST_ROW.match(body)
        if row is not None:
            self._row, self._column, cells_from = _whole(row["digits"]), 0, row.end()
        cell = _LAST_CELL.match(body, cells_from)
        if cell is not None:
            self._column = _column(cell["letters"])

    def _count(self, body: bytes) -> None:
        """Takes one row or cell after the other: some don't say where they are, and follow the one before."""
        for found in _ROW_OR_CELL.finditer(body):
            place = _PLACE.search(found["attributes"])
            letters, digits = (place["letters"], place["digits"]) if place else (b"", b"")
            if found["tag"] == b"row":
                self._row = _whole(digits) if digits else self._row + 1
                self._column = 0
            else:
                self._column = _column(letters) if letters else self._column + 1
                self.rows = max(self.rows, _whole(digits) if digits else self._row)
                self.columns = max(self.columns, self._column)


def _whole(digits: bytes) -> int:
    """The number of a row; a longer one than any sheet has is far enough."""
    return int(digits[:_MOST_DIGITS])


def _column(letters: bytes) -> int:
    place = 0
    for letter in letters[:_MOST_LETTERS].upper():
        place = 26 * place + letter - ord("A") + 1
    return place


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
