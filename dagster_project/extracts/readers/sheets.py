"""A workbook's sheets as records of text with their physical rows, under the limits of `zip_members`."""

from __future__ import annotations

import re
import string
import zipfile
from collections.abc import Callable, Iterable, Sequence
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
# A letter to begin with is looked for faster than a space.
_ANY_PLACE = re.compile(rb"r(?<=\sr)\s*=\s*[\"']([A-Za-z]*[0-9]+)")
_PLACE = re.compile(rb"(?:^|\s)r\s*=\s*[\"'](?P<letters>[A-Za-z]*)(?P<digits>[0-9]*)")
# Every row and cell, those that say where they stand in the usual way as far as the quote behind their place.
_SAYS_WHERE = re.compile(
    rb'<(?:c(?: r="[A-Z]+[0-9]+"|[\s/>])|row(?: r="[0-9]+"|[\s/>])|[A-Za-z0-9_.-]+:(?:row|c)[\s/>])'
)
_LETTERS, _DIGITS = string.ascii_letters.encode(), string.digits.encode()
_ZIP = b"PK\x03\x04"
_FETCH_AGAIN = "Download the file again from the publisher's page."
Row = Sequence[Any]
# Digests of the workbooks that this process has read through.
_CHECKED: set[bytes] = set()


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
    entities. The same bytes are read once: a folder's files are recognised first and opened later.
    """
    zip_members.check_contents(archive, file_name, most_bytes=most_bytes)
    content = zip_members.digest(archive)
    if content in _CHECKED:
        return
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
    _CHECKED.add(content)


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
        body, self._rest = body[:cut], body[cut:]
        self.declares_entities = self.declares_entities or _ENTITIES.search(body + self._rest) is not None
        self._take_places(body + self._rest)
        if not self._says_where(body):
            self._count(body)

    def _take_places(self, body: bytes) -> None:
        """The furthest of all places that are named, whatever tag names them."""
        places = b" ".join(_ANY_PLACE.findall(body))
        rows = set(places.translate(None, _LETTERS).split())
        columns = set(places.translate(None, _DIGITS).split())
        self.rows = max(self.rows, *map(_whole, rows), 0)
        self.columns = max(self.columns, *map(_column, columns), 0)

    def _says_where(self, body: bytes) -> bool:
        """Whether each row and cell says where it stands, so that none need be counted."""
        found = _SAYS_WHERE.findall(body)
        if b"".join(found).count(b'"') != 2 * len(found):
            return False
        row = next((tag for tag in reversed(found) if tag.startswith(b"<row")), None)
        if row is not None:
            self._row = _whole(row[8:-1])
        if found:
            last = found[-1]
            self._column = 0 if last.startswith(b"<row") else _column(last[6:-1].rstrip(_DIGITS))
        return True

    def _count(self, body: bytes) -> None:
        """Rows and cells one by one, as those that don't say where they stand follow the one before."""
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
    full = [rows[at] for at in filled]
    return Records(
        file_name=file_name,
        header={key: name for key, (_, name) in kept.items()},
        columns={key: _texts(row[place] for row in full) for key, (place, _) in kept.items()},
        lines=[at + 1 for at in filled],
        raw_lines=[",".join(_texts(row[:_WORDS_KEPT])) for row in full],
        header_line=header_at + 1,
        above=tuple(tuple(map(cell_text, row)) for row in rows[:header_at]),
        sheet=sheet,
    )


def _texts(cells: Iterable[Any]) -> list[str]:
    # Most cells are texts; a sheet has hundreds of thousands.
    return [cell if type(cell) is str else cell_text(cell) for cell in cells]


def cell_text(cell: Any) -> str:
    """What a cell says: whole numbers without a point, dates as 2025-06-01, nothing for an empty cell."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)
