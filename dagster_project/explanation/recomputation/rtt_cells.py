"""The counts of an RTT extract, read anew: a large CSV streams by, and the rows that can count are kept."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.explanation.recomputation.counted_cells import CountedCell, Place, no_such_row
from dagster_project.extracts.readers import text, zip_members
from dagster_project.extracts.readers.delimited import HEADER_WITHIN, column_key
from dagster_project.files import sha256_of_file

SOURCE = "rtt_waiting_times"
# Weekly bands: eighteen up to 18 weeks, 52 from 52 to 104 weeks, and one beyond.
_COLUMNS = {
    "incomplete_total": r"total_all",
    "incomplete_within_18_weeks": r"gt_(0\d|1[0-7])_to_\d+_weeks_sum_1",
    "incomplete_over_52_weeks": r"gt_(5[2-9]|[6-9]\d|10[0-3])_to_\d+_weeks_sum_1|gt_104_weeks_sum_1",
}
# All incomplete pathways, and the sum of all treatment functions.
_COUNTED = {"rtt_part_type": "PART_2", "treatment_function_code": "C_999"}


class RttFile:
    """One archived RTT extract, a CSV or a ZIP of one; read once, when a row of it is asked for."""

    def __init__(self, archive: Archive, extract: Mapping[str, Any]) -> None:
        self.extract_id = str(extract["extract_id"])
        self.file_name = str(extract["file_name"])
        self._archive = archive

    def cells(self, place: Place, measures: Iterable[str]) -> dict[str, list[CountedCell]]:
        """By measure, what a row's bands add up to, as one cell whose text is the sum.

        A row with a band that isn't a count lacks that measure, as one added up without it would be too small.
        Raises InputRejected where the file has no such row of all pathways and functions.
        """
        row = self._rows.get(place[1])
        if row is None:
            raise no_such_row(self.file_name, place[1])
        return {measure: list(self._sum(place, row, measure)) for measure in measures}

    def _sum(self, place: Place, row: list[str], measure: str) -> Iterator[CountedCell]:
        pattern = _COLUMNS.get(measure)
        held = [at for at, key in enumerate(self._keys) if pattern and re.fullmatch(pattern, key)]
        shown = [text.folded(row[at]) for at in held]
        try:
            values = [Fraction(text.number(cell)) for cell in shown]
        except ValueError:
            return
        if not values:
            return
        names = [self._header[at] for at in held]
        yield CountedCell(
            extract_id=self.extract_id,
            sheet=place[0],
            source_row=place[1],
            column=names[0] if len(names) == 1 else f"{names[0]} to {names[-1]} ({len(names)} columns)",
            value_text=" + ".join(shown),
            value=sum(values, Fraction(0)),
            record=row,
        )

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
            records = records_with(lines, _COUNTED["treatment_function_code"])
            header, keys = _header(records)
            wanted = [(keys.index(key), value) for key, value in _COUNTED.items()]
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


def _header(records: Iterator[tuple[int, list[str]]]) -> tuple[list[str], list[str]]:
    """The header's names and keys: the first record that has the columns told apart by."""
    for _, names in records:
        keys = [column_key(name) for name in names]
        if set(_COUNTED) <= set(keys):
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
