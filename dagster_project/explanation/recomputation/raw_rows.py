"""The publisher's rows of one quarter, read anew from the archived bytes, each with line and raw text.

What they mean as values and scores isn't here (recomputation).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from dagster_project.archive.archive import Archive
from dagster_project.errors import InputRejected
from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.extracts.readers import text
from dagster_project.extracts.readers.delimited import Records, column_key
from dagster_project.extracts.readers.nof_layout import (
    COLUMNS,
    MISSING_MARKS,
    filled_records,
    kind_of_body,
    number_or_none,
    quarter_text,
    rank_or_none,
    read_organisations,
)
from dagster_project.extracts.readers.spreadsheet_dates import period_or_none, rank_range
from dagster_project.extracts.readers.tables import table_records
from dagster_project.extracts.source import FRAMEWORK_DATA

_AVERAGE = "OF5002"
_SOURCES = tuple(COLUMNS)
Place = tuple[str, int]  # extract and row
Cell = Callable[[str], Decimal | int]


class RawRow(NamedTuple):
    """One published figure. `unit` is canonical, `value` the exact decimal of `value_text`, the rest as written."""

    extract_id: str
    source_row: int
    raw_line: str
    table_name: str
    organisation_code: str
    organisation_name: str | None
    organisation_subtype: str | None
    region: str | None
    figure: str
    unit: str | None
    value: Decimal
    value_text: str
    published_rank: int | None
    reporting_date: str | None


@dataclass(frozen=True)
class RawFile:
    """The rows of one file that belong to the quarter; `source` says data file or league table."""

    extract_id: str
    source: str
    rows: list[RawRow]


def read_raw_files(archive: Archive, extracts: Iterable[Mapping[str, Any]], quarter: str) -> list[RawFile]:
    """Reads each of the framework's own files among a release's `extract` rows, data files first.

    Raises InputMissing where the archive lacks a file, InputRejected where its bytes aren't those of its hash.
    """
    files = sorted(
        (extract for extract in extracts if extract["source"] in _SOURCES),
        key=lambda extract: (_SOURCES.index(extract["source"]), extract["file_name"]),
    )
    return [_read(archive, extract, quarter) for extract in files]


def _read(archive: Archive, extract: Mapping[str, Any], quarter: str) -> RawFile:
    extract_id, source = extract["extract_id"], extract["source"]
    records, _ = filled_records(
        table_records(archive.read(extract_id), extract["file_name"], COLUMNS[source])
    )
    wanted = [at for at, found in enumerate(_quarters(records)) if found == quarter]
    records = records.kept(wanted)
    figures = _data_figures if source == FRAMEWORK_DATA else _league_table_figures
    return RawFile(extract_id, source, list(figures(records, extract_id)) if wanted else [])


def _quarters(records: Records) -> list[str]:
    """Each record's quarter; the first files say it once, in the Reporting_date of their averages."""
    if "quarter" in records.header:
        return records.parsed("quarter", quarter_text)
    if "metric_id" not in records.header:
        return records.parsed("reporting_date", quarter_text)
    said = {
        date
        for figure, date in zip(records.columns["metric_id"], records.columns["reporting_date"], strict=True)
        if figure.strip().upper() == _AVERAGE
    }
    if len(said) != 1:
        raise InputRejected(
            file=records.file_name,
            column="Reporting_date",
            expected=f"one quarter in the {_AVERAGE} rows of a file without a column Quarter",
            found=", ".join(sorted(said)) or "none",
            remedy="The file isn't what the release read: check the archive with league verify.",
        )
    return [quarter_text(said.pop())] * len(records)


def _data_figures(records: Records, extract_id: str) -> Iterator[RawRow]:
    organisations = read_organisations(records)
    columns = zip(
        records.lines,
        records.raw_lines,
        organisations.codes,
        organisations.names,
        organisations.subtypes,
        organisations.regions,
        records.parsed("metric_id", lambda cell: text.folded(cell).upper()),
        records.parsed("units", text.unit),
        records.parsed("value", number_or_none),
        records.columns["value"],
        records.parsed("rank", rank_or_none),
        records.parsed("reporting_date", period_or_none),
        strict=True,
    )
    table = organisations.table_name
    for line, raw, code, name, subtype, region, figure, unit, value, shown, rank, date in columns:
        if value is not None:
            yield RawRow(
                extract_id,
                line,
                raw,
                table,
                code,
                name,
                subtype,
                region,
                figure,
                unit,
                value,
                shown,
                rank,
                date,
            )


def _league_table_figures(records: Records, extract_id: str) -> Iterator[RawRow]:
    """The figures that a league table's line holds; its Rank goes with the segment, whose rank it is."""
    organisations = read_organisations(records)
    for figure, column, unit, read in _league_table_columns(kind_of_body(records)):
        for at, shown in enumerate(records.columns[column_key(column)]):
            if text.missing_reason(shown, MISSING_MARKS) is not None:
                continue
            yield RawRow(
                extract_id=extract_id,
                source_row=records.lines[at],
                raw_line=records.raw_lines[at],
                table_name=organisations.table_name,
                organisation_code=organisations.codes[at],
                organisation_name=organisations.names[at],
                organisation_subtype=organisations.subtypes[at],
                region=organisations.regions[at],
                figure=figure,
                unit=unit,
                value=Decimal(read(shown)),
                value_text=shown,
                published_rank=rank_or_none(records.columns["rank"][at]) if figure == "OF5000" else None,
                reporting_date=None,
            )


def _league_table_columns(body: str) -> list[tuple[str, str, str | None, Cell]]:
    score, rank = "Likely_range_of_average_score", "Likely_range_of_rank"
    return [
        (_AVERAGE, "Average_score", "score", text.number),
        ("OF5000", "Segment", "segment", text.number),
        ("OF5004", f"{body}_in_financial_deficit", "flag", text.yes_no),
        (f"{_AVERAGE}.likely_low", score, "score", lambda cell: text.number(text.value_range(cell)[0])),
        (f"{_AVERAGE}.likely_high", score, "score", lambda cell: text.number(text.value_range(cell)[1])),
        ("OF5000.rank_likely_low", rank, None, lambda cell: text.rank(rank_range(cell)[0])),
        ("OF5000.rank_likely_high", rank, None, lambda cell: text.rank(rank_range(cell)[1])),
    ]


@dataclass
class PublishedFigures:
    """The publisher's rows of the quarter by organisation and figure, one each.

    `by_organisation` has those of data files only, which is where names, subtypes and regions come from.
    """

    rows: dict[tuple[Organisation, str], RawRow] = field(default_factory=dict)
    by_organisation: dict[Organisation, list[RawRow]] = field(default_factory=lambda: defaultdict(list))

    def of(self, organisation: Organisation, figure: str) -> RawRow | None:
        """The row of a figure; None where the publisher has none."""
        return self.rows.get((organisation, figure))


def published_figures(
    files: Iterable[RawFile], used: Mapping[tuple[Organisation, str], Place]
) -> PublishedFigures:
    """The rows of data files, and of league tables where no data file has the figure.

    `used` may be empty where no files overlap: it decides between files only.
    """
    figures = PublishedFigures()
    from_data: set[tuple[Organisation, str]] = set()
    for file in files:
        for row in file.rows:
            key = (row.table_name, row.organisation_code), row.figure
            if file.source == FRAMEWORK_DATA:
                from_data.add(key)
            elif key in from_data:
                continue
            if key not in figures.rows or used.get(key) == (row.extract_id, row.source_row):
                figures.rows[key] = row
    for key in from_data:
        figures.by_organisation[key[0]].append(figures.rows[key])
    return figures
