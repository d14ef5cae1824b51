"""The counted cells beneath a value, read anew from the archived statistic at the rows that lineage names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Protocol

from dagster_project.archive.archive import Archive
from dagster_project.errors import InputMissing, InputRejected
from dagster_project.extracts.readers import sheets, text
from dagster_project.extracts.readers.cancer_provider_workbook import without_note
from dagster_project.extracts.readers.delimited import HEADER_WITHIN, column_key, header_of
from dagster_project.extracts.source import source_records

Place = tuple[str | None, int]  # sheet and row
_COLUMNS_SHOWN = 8


@dataclass(frozen=True)
class CountedCell:
    """One cell: where it stands, what it says, its number, and its row or the beginning of it."""

    extract_id: str
    sheet: str | None
    source_row: int
    column: str
    value_text: str
    value: Fraction
    record: Sequence[Any]

    @property
    def raw_line(self) -> str:
        """The row as text."""
        return ",".join(map(sheets.cell_text, self.record))


@dataclass(frozen=True)
class _Sheet:
    """A sheet or CSV: each column's key to its place and published name, and its rows by line.

    `measure` is the one that a sheet is of, where each measure has a sheet of its own.
    """

    columns: Mapping[str, tuple[int, str]]
    rows: Mapping[int, Sequence[Any]]
    measure: str | None = None


class CountedFile(Protocol):
    """An archived statistic that cells can be read of."""

    def cells(self, place: Place, measures: Iterable[str]) -> dict[str, list[CountedCell]]:
        """By measure, the cells of a row that hold it; raises InputRejected where the file has no such row."""


def no_such_row(file_name: str, line: int) -> InputRejected:
    """The error for a row that lineage names and the file hasn't."""
    return InputRejected(
        file=file_name,
        row=line,
        expected="a row, as the release's lineage says",
        found="none",
        remedy="Check release and archive with league verify.",
    )


class StatisticFile:
    """One archived statistic; sheets are read when a row of them is asked for."""

    def __init__(self, archive: Archive, extract: Mapping[str, Any]) -> None:
        self.extract_id = str(extract["extract_id"])
        self.source = str(extract["source"])
        self.file_name = str(extract["file_name"])
        # The statistics' readers bring pandas along: only where a value was counted from one.
        readable = {record.name: record for record in source_records() if record.counted is not None}
        record = readable.get(self.source)
        if record is None or record.counted is None:
            raise InputMissing(
                f"{self.file_name}: explain can't re-add the cells of {self.source} yet; it re-adds those of "
                f"{', '.join(sorted(readable))}. The rows that count are in the released table lineage."
            )
        self._counted = record.counted
        self._zeroes = frozenset(mark for mark, meaning in record.missing_marks.items() if meaning == "zero")
        self._raw = archive.read(self.extract_id)
        self._sheets: dict[str | None, _Sheet] = {}
        self._held: dict[tuple[str | None, str], list[tuple[int, str]]] = {}
        self._workbook: Any = None

    def cells(self, place: Place, measures: Iterable[str]) -> dict[str, list[CountedCell]]:
        """By measure, the cells of a row that hold it; raises InputRejected where the file has no such row."""
        sheet_name, line = place
        sheet = self._sheet(sheet_name)
        row = sheet.rows.get(line)
        if row is None:
            raise no_such_row(self.file_name, line)
        return {measure: list(self._cells_of(place, row, measure)) for measure in measures}

    def _cells_of(self, place: Place, row: Sequence[Any], measure: str) -> Iterator[CountedCell]:
        sheet_name, line = place
        record = row[:_COLUMNS_SHOWN] if sheet_name else row
        for at, name in self._holding(sheet_name, measure):
            shown = text.folded(sheets.cell_text(row[at]))
            value = _number(shown, self._zeroes)
            if value is not None:
                yield CountedCell(self.extract_id, sheet_name, line, name, shown, value, record)

    def _holding(self, sheet_name: str | None, measure: str) -> list[tuple[int, str]]:
        """The columns of a sheet that hold the measure: told once, as every row of the sheet asks."""
        if (sheet_name, measure) not in self._held:
            columns = self._sheet(sheet_name).columns
            self._held[sheet_name, measure] = [
                column for key, column in columns.items() if self._holds(sheet_name, key, measure)
            ]
        return self._held[sheet_name, measure]

    def _holds(self, sheet_name: str | None, key: str, measure: str) -> bool:
        if self._counted.measure_of_sheet is not None and self._sheet(sheet_name).measure != measure:
            return False
        pattern = self._counted.keys.get(measure)
        return pattern is not None and re.fullmatch(pattern, key) is not None

    def _sheet(self, name: str | None) -> _Sheet:
        if name not in self._sheets:
            self._sheets[name] = self._csv() if name is None else self._workbook_sheet(name)
        return self._sheets[name]

    def _csv(self) -> _Sheet:
        if self._counted.records is None:
            raise InputRejected(
                file=self.file_name,
                expected="a workbook, as all files of this source",
                found="a release whose lineage names no sheet",
                remedy="Check release and archive with league verify.",
            )
        records = self._counted.records(self._raw, self.file_name)
        cells = zip(*records.columns.values(), strict=True)
        return _Sheet(
            {key: (at, name) for at, (key, name) in enumerate(records.header.items())},
            {line: list(row) for line, row in zip(records.lines, cells, strict=True)},
        )

    def _workbook_sheet(self, name: str) -> _Sheet:
        if self._workbook is None:
            self._workbook = sheets.open_workbook(self._raw, self.file_name)
        rows = sheets.sheet_rows(self._workbook, name, self.file_name)
        # The header is the first row with a column that only a header has.
        known = ("organisation_code", "org_code", "ods_code", "area")
        at = next(
            (
                position
                for position, row in enumerate(rows[:HEADER_WITHIN])
                if any(column_key(without_note(sheets.cell_text(cell))) in known for cell in row)
            ),
            0,
        )
        names = [without_note(sheets.cell_text(cell)) for cell in rows[at]]
        header = header_of(names, self.file_name, any_header=True)
        of_sheet = self._counted.measure_of_sheet
        return _Sheet(
            {key: (place, shown) for place, (key, shown) in enumerate(header.items())},
            dict(enumerate(rows, 1)),
            None if of_sheet is None else of_sheet(rows),
        )


@cache
def _number(shown: str, zeroes: frozenset[str]) -> Fraction | None:
    """The count; a mark that means zero in this source is 0, any other is no count. Small counts come often."""
    if shown.casefold() in zeroes:
        return Fraction(0)
    try:
        return Fraction(text.number(shown))
    except ValueError:
        return None
