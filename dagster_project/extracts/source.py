"""What a source is: one record, beside its reader, says all that is specific to it.

The record stands in `readers/<name>.py` as `SOURCE`. Addresses, links and licence stand in the catalogue, whose
`reader` names that module: adding a source touches these two files. Readers are imported when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from dagster_project.errors import LeagueError

if TYPE_CHECKING:
    from dagster_project.extracts.readers.delimited import Records
    from dagster_project.extracts.readers.outcome import ReadFile

# The framework's own files: what a quarter is scored from, and what is compared with.
FRAMEWORK_DATA = "nof_data"
FRAMEWORK_TABLES = "nof_league_table"

Rows = Sequence[Sequence[Any]]
# By landed column, the published columns that it is read from.
LandedColumns = Mapping[str, tuple[str, ...]]
# `source_column` of each row names the one that its count stands in.
_COUNTED_CELL = ("the column that landing.statistic_row.source_column names",)


@dataclass(frozen=True)
class CountedColumns:
    """How explain finds a statistic's counted cells again in the archived file, without its reader.

    `keys`: by measure, a pattern that the keys of its columns match whole. `records` reads a file that is text;
    None where files are always workbooks. `measure_of_sheet` says which measure a sheet's rows are of, where each
    has a sheet of its own.
    """

    keys: Mapping[str, str]
    records: Callable[[bytes, str], Records] | None = None
    measure_of_sheet: Callable[[Rows], str | None] | None = None


@dataclass(frozen=True)
class SourceRecord:
    """One source, by the name that the catalogue gives its reader.

    A text, or a sheet, is the source's where one of its first rows has half of one of `headers`, or `is_row` says
    so; a sheet also where `is_sheet` does, and `sheet` is looked at first. Half is enough, so that a file that lost
    a column is recognised and then rejected by its reader with the column's name. `missing_marks` say in lower case
    what a mark in a number's cell means here. `counted` is None for what explain can't re-add from here. `counts_in`
    says how the publisher heads the columns that a statistic's counts stand in.
    """

    name: str
    kind: Literal["framework", "statistic", "organisations"]
    read: Callable[..., ReadFile]
    headers: tuple[tuple[str, ...], ...] = ()
    is_row: Callable[[Sequence[str]], bool] | None = None
    is_sheet: Callable[[Rows], bool] | None = None
    sheet: str = ""
    missing_marks: Mapping[str, str] = field(default_factory=dict)
    counted: CountedColumns | None = None
    counts_in: tuple[str, ...] = ()
    landed: LandedColumns = field(default_factory=dict)

    @property
    def is_small(self) -> bool:
        """Whether its files are read as bytes: the framework's own; others as paths, as they needn't fit in memory."""
        return self.kind == "framework"

    @property
    def landed_columns(self) -> Mapping[str, LandedColumns]:
        """By landed table, the published columns that its columns are read from."""
        if self.kind == "statistic":
            return {
                "landing.statistic_row": {"value_text": _COUNTED_CELL, "value": _COUNTED_CELL, **self.landed}
            }
        return {"landing.extract_row": self.landed} if self.landed else {}


@cache
def source_record(name: str) -> SourceRecord:
    """The record of one source; raises LeagueError where the catalogue names a reader that there isn't."""
    try:
        record = import_module(f"{__package__}.readers.{name}").SOURCE
    except (ModuleNotFoundError, AttributeError) as error:
        raise _no_record(name, str(error)) from None
    if not isinstance(record, SourceRecord) or record.name != name:
        raise _no_record(name, repr(record)[:100])
    return record


@cache
def source_records() -> tuple[SourceRecord, ...]:
    """The records of all sources that are read, in the catalogue's order."""
    # The catalogue's checks bring pydantic along: not where only a name of the framework's is asked for.
    from dagster_project.catalogue.catalogue import reader_names

    return tuple(map(source_record, reader_names()))


def _no_record(name: str, found: str) -> LeagueError:
    return LeagueError(
        f"catalogue.yml: expected a module extracts/readers/{name}.py with the record SOURCE of that name; found "
        f"{found}. Add it, or mend `reader` of the source."
    )


def published_columns(table: str, column: str) -> dict[str, tuple[str, ...]]:
    """By source, the columns of its files that a landed column is read from; empty where none is.

    Then the column says where a row stands (file, sheet, line) or what a reader knows without a column.
    """
    return {
        source: columns[column] for source, columns in published_by_source(table).items() if column in columns
    }


def published_headings(table: str, column: str) -> dict[str, tuple[str, ...]]:
    """As `published_columns`, for a reader: the publisher's headings also where each row says which one it counts."""
    return {
        source: source_record(source).counts_in or columns if columns == _COUNTED_CELL else columns
        for source, columns in published_columns(table, column).items()
    }


def published_by_source(table: str) -> dict[str, LandedColumns]:
    """By source, the published columns of each column of a landed table; a test changes files cell by cell and
    sees that each landed column follows these and no others.
    """
    return {
        record.name: record.landed_columns[table]
        for record in source_records()
        if table in record.landed_columns
    }
