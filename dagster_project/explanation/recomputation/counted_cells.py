"""The counted cells beneath a value, read anew from the archived statistic at the rows that lineage names.

Adding them up isn't here (counted_values).
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

from dagster_project.archive.archive import Archive
from dagster_project.errors import InputMissing, InputRejected, LeagueError
from dagster_project.extracts.readers import sheets, text, zip_members
from dagster_project.extracts.readers.cancer_provider_workbook import without_note
from dagster_project.extracts.readers.delimited import HEADER_WITHIN, column_key, header_of
from dagster_project.extracts.source import CountedColumns, source_record, source_records
from dagster_project.files import sha256_of_file

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

    def total(self, places: Iterable[Place], measure: str) -> Fraction:
        """What the cells of these rows that hold the measure add up to, without a cell being made of each."""


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
        self._counted, marks = _how_counted(self.source, self.file_name)
        self._zeroes = frozenset(mark for mark, meaning in marks.items() if meaning == "zero")
        self._raw = archive.read(self.extract_id)
        self._sheets: dict[str | None, _Sheet] = {}
        self._held: dict[tuple[str | None, str], list[tuple[int, str]]] = {}
        self._workbook: Any = None

    def cells(self, place: Place, measures: Iterable[str]) -> dict[str, list[CountedCell]]:
        """By measure, the cells of a row that hold it; raises InputRejected where the file has no such row."""
        row = self._row(place)
        return {measure: list(self._cells_of(place, row, measure)) for measure in measures}

    def total(self, places: Iterable[Place], measure: str) -> Fraction:
        """What the cells of these rows that hold the measure add up to; raises InputRejected as `cells` does."""
        numbers = (
            _number_of(row[at], self._zeroes)
            for place in places
            for row in (self._row(place),)
            for at, _ in self._holding(place[0], measure)
        )
        return exact_sum(number for number in numbers if number is not None)

    def _row(self, place: Place) -> Sequence[Any]:
        row = self._sheet(place[0]).rows.get(place[1])
        if row is None:
            raise no_such_row(self.file_name, place[1])
        return row

    def _cells_of(self, place: Place, row: Sequence[Any], measure: str) -> Iterator[CountedCell]:
        sheet_name, line = place
        record = row[:_COLUMNS_SHOWN] if sheet_name else row
        for at, name in self._holding(sheet_name, measure):
            shown = text.folded(sheets.cell_text(row[at]))
            value = _number(shown, self._zeroes)
            if value is not None:
                yield CountedCell(self.extract_id, sheet_name, line, name, shown, value, record)

    def _holding(self, sheet_name: str | None, measure: str) -> list[tuple[int, str]]:
        """The columns of a sheet that hold the measure: found once, as every row of the sheet needs them."""
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
            # Checked again: a hash proves that these are the bytes of the name, not that this program ever read them.
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


def _how_counted(source: str, file_name: str) -> tuple[CountedColumns, Mapping[str, str]]:
    """How a source's cells are found, and what marks mean in it; raises InputMissing for one that has none.

    Only its own reader is imported.
    """
    try:
        record = source_record(source)
    except LeagueError:
        record = None
    if record is None or record.counted is None:
        readable = sorted(one.name for one in source_records() if one.counted is not None)
        raise InputMissing(
            f"{file_name}: explain can't re-add the cells of {source} yet; it re-adds those of "
            f"{', '.join(readable)}. The rows that count are in the released table lineage."
        )
    return record.counted, record.missing_marks


@cache
def _number(shown: str, zeroes: frozenset[str]) -> Fraction | None:
    """The count; a mark that means zero in this source is 0, any other is no count. Small counts come often."""
    if shown.casefold() in zeroes:
        return Fraction(0)
    try:
        return Fraction(text.number(shown))
    except ValueError:
        return None


@lru_cache(maxsize=None, typed=True)
def _number_of(cell: Any, zeroes: frozenset[str]) -> Fraction | None:
    """As `_number`, of a cell as it was read."""
    return _number(text.folded(sheets.cell_text(cell)), zeroes)


def exact_sum(values: Iterable[Fraction]) -> Fraction:
    """The exact sum."""
    whole, rest = 0, Fraction(0)
    for value in values:
        # Counts are whole numbers, which Python adds up in a tenth of the time that fractions take.
        if value.denominator == 1:
            whole += value.numerator
        else:
            rest += value
    return whole + rest


_RTT = "rtt_waiting_times"
# This one's files are large. Weekly bands: eighteen up to 18 weeks, 52 from 52 to 104 weeks, and one beyond.
_RTT_COLUMNS = {
    "incomplete_total": r"total_all",
    "incomplete_within_18_weeks": r"gt_(0\d|1[0-7])_to_\d+_weeks_sum_1",
    "incomplete_over_52_weeks": r"gt_(5[2-9]|[6-9]\d|10[0-3])_to_\d+_weeks_sum_1|gt_104_weeks_sum_1",
}
# All incomplete pathways, and the sum of all treatment functions.
_RTT_COUNTED = {"rtt_part_type": "PART_2", "treatment_function_code": "C_999"}


class RttFile:
    """One archived RTT extract, a CSV or a ZIP of one: read once, as a stream; only rows that count are kept."""

    def __init__(self, archive: Archive, extract: Mapping[str, Any]) -> None:
        self.extract_id = str(extract["extract_id"])
        self.file_name = str(extract["file_name"])
        self._archive = archive
        self._held: dict[str, list[int]] = {}

    def cells(self, place: Place, measures: Iterable[str]) -> dict[str, list[CountedCell]]:
        """By measure, what a row's bands add up to, as one cell whose text is the sum.

        A row with a band that isn't a count lacks that measure, as one added up without it would be too small.
        Raises InputRejected where the file has no such row of all pathways and functions.
        """
        row = self._row(place)
        return {measure: list(self._sum(place, row, measure)) for measure in measures}

    def total(self, places: Iterable[Place], measure: str) -> Fraction:
        """What the rows' sums of the measure add up to; raises InputRejected as `cells` does."""
        held = self._holding(measure)
        return exact_sum(value for place in places for value in _all_counts(self._row(place), held))

    def _row(self, place: Place) -> list[str]:
        row = self._rows.get(place[1])
        if row is None:
            raise no_such_row(self.file_name, place[1])
        return row

    def _sum(self, place: Place, row: list[str], measure: str) -> Iterator[CountedCell]:
        held = self._holding(measure)
        values = _all_counts(row, held)
        if not values:
            return
        names = [self._header[at] for at in held]
        yield CountedCell(
            extract_id=self.extract_id,
            sheet=place[0],
            source_row=place[1],
            column=names[0] if len(names) == 1 else f"{names[0]} to {names[-1]} ({len(names)} columns)",
            value_text=" + ".join(text.folded(row[at]) for at in held),
            value=exact_sum(values),
            record=row,
        )

    def _holding(self, measure: str) -> list[int]:
        """Where the columns of the measure stand: found once, as every row needs them."""
        if measure not in self._held:
            pattern = _RTT_COLUMNS.get(measure)
            self._held[measure] = [
                at for at, key in enumerate(self._keys) if pattern and re.fullmatch(pattern, key)
            ]
        return self._held[measure]

    @property
    def _header(self) -> list[str]:
        return self._read[0]

    @property
    def _rows(self) -> Mapping[int, list[str]]:
        return self._read[1]

    @cached_property
    def _keys(self) -> list[str]:
        return [column_key(name) for name in self._header]

    @cached_property
    def _read(self) -> tuple[list[str], dict[int, list[str]]]:
        """The header, and by first physical line the rows of all incomplete pathways and functions."""
        with self._lines() as lines:
            records = records_with(lines, _RTT_COUNTED["treatment_function_code"])
            header, keys = _rtt_header(records)
            wanted = [(keys.index(key), value) for key, value in _RTT_COUNTED.items()]
            rows = {
                line: row
                for line, row in records
                if len(row) == len(keys) and all(row[at].strip().upper() == value for at, value in wanted)
            }
        return header, rows

    @contextmanager
    def _lines(self) -> Iterator[Iterable[str]]:
        """The text of the CSV; the archive reports bytes that are gone or damaged."""
        path = self._archive.path_of(self.extract_id)
        if not path.is_file() or sha256_of_file(path) != self.extract_id:
            self._archive.read(self.extract_id)
        with self._opened(path) as raw:
            # Names may be in another encoding; none of what is counted is.
            yield io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")

    @contextmanager
    def _opened(self, path: Path) -> Iterator[Any]:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as file:
                yield file
            return
        with zip_members.opened(path, self.file_name) as package:
            zip_members.check_contents(package, self.file_name)
            with package.open(zip_members.only_csv(package, self.file_name)) as member:
                yield member


def _all_counts(row: Sequence[str], held: Sequence[int]) -> list[Fraction]:
    """The counts in these columns; none where one of them isn't a count."""
    counts = [_number(text.folded(row[at]), frozenset()) for at in held]
    return [] if None in counts else [count for count in counts if count is not None]


def _rtt_header(records: Iterator[tuple[int, list[str]]]) -> tuple[list[str], list[str]]:
    """The header's names and keys: the first record that has the columns by which rows are chosen."""
    for _, names in records:
        keys = [column_key(name) for name in names]
        if set(_RTT_COUNTED) <= set(keys):
            return names, keys
    return [], []


def records_with(lines: Iterable[str], code: str) -> Iterator[tuple[int, list[str]]]:
    """The first records and every one that holds the code, with its first physical line, from 1.

    Of a whole month's file one line in twenty-four does; only those are parsed, which takes a quarter of the time.
    """
    begun: list[str] = []
    first = quotes = 0
    for number, line in enumerate(lines, 1):
        held = line.count('"')
        if not begun:
            if number > HEADER_WITHIN and not held % 2 and code not in line and code.lower() not in line:
                continue
            first = number
        begun.append(line)
        quotes += held
        # A line end within quotes is part of a name.
        if quotes % 2 == 0:
            yield first, next(csv.reader(begun, strict=True))
            begun, quotes = [], 0
    if begun:
        yield first, next(csv.reader(begun, strict=True))


def open_counted_file(archive: Archive, extract: Mapping[str, Any]) -> CountedFile:
    """The archived statistic of a row of the released table `extract`; InputMissing for one that isn't readable."""
    return RttFile(archive, extract) if extract["source"] == _RTT else StatisticFile(archive, extract)
