"""Referral to treatment (RTT) full extract: a large CSV a month, in a ZIP, through DuckDB in bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import sheets, text, zip_members
from dagster_project.extracts.readers.counted_cells import (
    USUAL_MARKS,
    CountedCells,
    Marks,
    TrustRows,
    parsed_names,
    trust_rows,
)
from dagster_project.extracts.readers.delimited import Records, column_key
from dagster_project.extracts.readers.large_csv import LargeCsv, examined
from dagster_project.extracts.readers.months import month_in
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.readers.totals import wrong_sum
from dagster_project.extracts.source import SourceRecord
from dagster_project.sql_text import literal

NAME = "rtt_waiting_times"
# A zero is written 0. Bands are blank in Part 3 only, which isn't read.
MISSING_MARKS: Marks = {**USUAL_MARKS, "-": "missing"}

OWN_COLUMNS = (
    "Period",
    "Provider Org Code",
    "Provider Org Name",
    "Commissioner Org Code",
    "RTT Part Type",
    "Treatment Function Code",
    "Total All",
)
# Part 2 is every incomplete pathway (2A is a part of it), C_999 the total of its treatment functions.
_PART = "PART_2"
_ALL_FUNCTIONS = "C_999"
_BANDS_WITHIN_18 = tuple(f"Gt {week:02d} To {week + 1:02d} Weeks SUM 1" for week in range(18))
_BANDS_OVER_52 = (*(f"Gt {week} To {week + 1} Weeks SUM 1" for week in range(52, 104)), "Gt 104 Weeks SUM 1")
_BANDS = (
    *_BANDS_WITHIN_18,
    *(f"Gt {week} To {week + 1} Weeks SUM 1" for week in range(18, 52)),
    *_BANDS_OVER_52,
)
_MEASURES = {
    "incomplete_total": ("Total All",),
    "incomplete_within_18_weeks": _BANDS_WITHIN_18,
    "incomplete_over_52_weeks": _BANDS_OVER_52,
}
_ALL_BANDS = "all_bands"
_MEMORY = "256MB"


@dataclass(frozen=True)
class _Extract:
    """The CSV on disk, and the member of the ZIP that it was (None for a CSV as downloaded)."""

    csv: LargeCsv
    member: str | None


def read_rtt_waiting_times(
    raw: bytes | Path, *, file_name: str, extract_id: str, missing_marks: Marks = MISSING_MARKS
) -> ReadStatistic:
    """Reads all incomplete pathways: three counts for each trust and commissioner.

    The 18 and the 53 weekly bands of a row are added up; a row with a band that isn't a count lacks that
    measure. The bands of a row must add up to its `Total All`, and the treatment functions of a provider and
    commissioner to their `C_999`, as they do in every row of the extract of January 2026. Providers that are no
    NHS trusts are set aside. A ZIP's member and the work of DuckDB go to a
    temporary folder, so that memory stays bounded. Raises InputRejected naming file, row and column.
    """
    cells = CountedCells(NAME, file_name, extract_id, missing_marks)
    with (
        tempfile.TemporaryDirectory(prefix="league-rtt-") as folder,
        _extract(raw, file_name, folder) as found,
    ):
        cells.notes.extend(found.csv.notes)
        _refuse_missing_functions(found.csv, folder)
        records, count = _records(found.csv, folder, missing_marks), found.csv.records
    _refuse_wrong_totals(records)
    trusts = trust_rows(records, "provider_org_code", cells.set_aside, name_key="provider_org_name")
    periods = records.parsed("period", month_in)
    for measure in _MEASURES:
        _add(cells, trusts, measure, [periods[at] for at in trusts.positions], found.member)
    return cells.read(
        raw, records=count, is_sample=trusts.is_sample, periods=periods, unproven=trusts.unproven
    )


@contextmanager
def _extract(raw: bytes | Path, file_name: str, folder: str) -> Iterator[_Extract]:
    """The CSV as a file: itself, the bytes written out, or the ZIP's only CSV unpacked under a name of ours."""
    required = [*OWN_COLUMNS, *_BANDS]
    unpacked = Path(folder) / "extract.csv"
    if sheets.is_package(raw):
        with zip_members.opened(raw, file_name) as archive:
            zip_members.check_contents(archive, file_name)
            member = zip_members.only_csv(archive, file_name)
            with unpacked.open("xb") as file:
                for piece in zip_members.chunks(archive, member, file_name):
                    file.write(piece)
        name = Path(member.filename).name
        yield _Extract(examined(unpacked, f"{file_name} ({name})", required, unpacked.parent), name)
    elif isinstance(raw, bytes):
        unpacked.write_bytes(raw)
        yield _Extract(examined(unpacked, file_name, required, unpacked.parent), None)
    else:
        yield _Extract(examined(raw, file_name, required, unpacked.parent), None)


def _refuse_other_order(csv: LargeCsv) -> None:
    """The weekly bands stand in the order of the weeks in every extract: headers that were exchanged don't."""
    places = list(csv.names)
    at = [places.index(column_key(band)) for band in _BANDS]
    for before, after, band in zip(at, at[1:], _BANDS[1:], strict=False):
        if after < before:
            raise InputRejected(
                file=csv.shown,
                row=csv.header_line,
                column=band,
                expected="the weekly bands in the order of the weeks",
                found=f"it in column {after + 1}, before the band of the week before",
                remedy="Headers or columns were exchanged. Download the file again from the publisher's page.",
            )


def _records(csv: LargeCsv, folder: str, marks: Marks) -> Records:
    """The rows of Part 2 and C_999, with a column per measure.

    A measure is the exact sum as text or, where a band isn't a number, that band's text.
    """
    _refuse_other_order(csv)
    names = {column_key(name): csv.quoted(name) for name in OWN_COLUMNS}
    bands = ", ".join(csv.quoted(band) for band in _BANDS)
    summed = {**_MEASURES, _ALL_BANDS: _BANDS}
    sums = ", ".join(f"{_sum(csv, columns)} as {measure}" for measure, columns in summed.items())
    zeroes = ", ".join(literal(mark) for mark, meaning in marks.items() if meaning == "zero") or "null"
    with _connection(folder) as connection:
        connection.execute(
            f"create macro counted(cell) as case when lower(trim(cell)) in ({zeroes}) then 0 "
            "else try_cast(trim(cell) as decimal(18, 6)) end"
        )
        # Rows are numbered in the file's order, before any is left out.
        with csv.errors():
            frame = connection.execute(
                f"""
                select record, {", ".join(f"{column} as {key}" for key, column in names.items())}, {sums}
                from (
                    select row_number() over () as record, {", ".join(names.values())}, {bands}
                    from {csv.scan()}
                )
                where upper(trim({names["rtt_part_type"]})) = '{_PART}'
                    and upper(trim({names["treatment_function_code"]})) = '{_ALL_FUNCTIONS}'
                """
            ).df()
    if frame.empty:
        raise InputRejected(
            file=csv.shown,
            expected=f"rows of {_PART} with the treatment function {_ALL_FUNCTIONS}, all incomplete pathways",
            found=f"none among {csv.records:,} records",
            remedy="Take the publisher's full extract; if it calls them otherwise now, tell us.",
        )
    return _as_records(csv, frame, list(names))


def _connection(folder: str) -> duckdb.DuckDBPyConnection:
    # Numbering rows in the file's order goes one by one: a second thread would only wait, and hold memory.
    connection = duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": folder, "threads": 1})
    connection.execute("set enable_progress_bar = false")
    return connection


def _refuse_missing_functions(csv: LargeCsv, folder: str) -> None:
    """Raises InputRejected where a provider's treatment functions aren't those that its `C_999` adds up.

    A copy that holds the rows of `C_999` alone has nothing to compare with.
    """
    part, provider, commissioner, function, total = (
        csv.quoted(name)
        for name in (
            "RTT Part Type",
            "Provider Org Code",
            "Commissioner Org Code",
            "Treatment Function Code",
            "Total All",
        )
    )
    is_total = f"upper(trim({function})) = '{_ALL_FUNCTIONS}'"
    with _connection(folder) as connection, csv.errors():
        wrong = connection.execute(
            f"""
            select max(record), any_value(provider), any_value(commissioner), max(total) filter (is_total),
                sum(total) filter (not is_total), count(*) filter (not is_total)
            from (
                select row_number() over () as record, upper(trim({part})) as part,
                    upper(trim({provider})) as provider, upper(trim({commissioner})) as commissioner,
                    {is_total} as is_total, {total} as shown, try_cast(trim({total}) as decimal(18, 6)) as total
                from {csv.scan()}
            )
            group by part, provider, commissioner
            having count(*) filter (not is_total) > 0
                and (
                    count(*) filter (is_total) = 0
                    or max(total) filter (is_total) < sum(total) filter (not is_total)
                    or (
                        max(total) filter (is_total) > coalesce(sum(total) filter (not is_total), 0)
                        and count(*) filter (not is_total and total is null) = 0
                    )
                )
            order by max(record)
            limit 1
            """
        ).fetchone()
    if wrong is None:
        return
    record, provider_code, commissioner_code, expected, added, rows = wrong
    row, whose = csv.lines_of([record])[0], f"{provider_code} and commissioner {commissioner_code}"
    if expected is None:
        raise InputRejected(
            file=csv.shown,
            row=row,
            column="Treatment Function Code",
            expected=f"a row {_ALL_FUNCTIONS}, the total of the treatment functions of {whose}",
            found=f"none after {rows} rows",
            remedy="The file is cut off, or rows were taken out. Download it again from the publisher's page.",
        )
    raise wrong_sum(
        csv.shown,
        row,
        "Total All",
        total=expected,
        added=added or Decimal(0),
        what=f"{_ALL_FUNCTIONS} of {whose}",
        rows=rows,
    )


def _refuse_wrong_totals(records: Records) -> None:
    """Raises InputRejected for a row whose bands, all of them counts, don't add up to its total."""
    pairs = zip(records.columns["total_all"], records.columns[_ALL_BANDS], strict=True)
    for at, (shown, bands) in enumerate(pairs):
        try:
            total, added = text.number(shown), text.number(bands)
        except ValueError:
            continue
        if total != added:
            raise wrong_sum(
                records.file_name,
                records.lines[at],
                records.header["total_all"],
                total=total,
                added=added,
                what="Total All of that row",
                rows=len(_BANDS),
            )


def _sum(csv: LargeCsv, bands: Sequence[str]) -> str:
    """SQL for the sum of the bands as text, or for the first one that isn't a number, as published."""
    quoted = [csv.quoted(band) for band in bands]
    if len(quoted) == 1:
        return quoted[0]
    added = " + ".join(f"counted({column})" for column in quoted)
    unread = " ".join(f"when counted({column}) is null then coalesce({column}, '')" for column in quoted)
    return f"case {unread} else regexp_replace(cast({added} as varchar), '\\.?0+$', '') end"


def _as_records(csv: LargeCsv, frame: pd.DataFrame, keys: Sequence[str]) -> Records:
    columns = {key: frame[key].fillna("").tolist() for key in (*keys, *_MEASURES, _ALL_BANDS)}
    shown = ("provider_org_code", "provider_org_name", "commissioner_org_code", "rtt_part_type", *_MEASURES)
    return Records(
        file_name=csv.shown,
        header={key: csv.names[key] for key in keys}
        | {measure: _column(bands) for measure, bands in _MEASURES.items()},
        columns=columns,
        lines=csv.lines_of(frame["record"].tolist()),
        raw_lines=[",".join(cells) for cells in zip(*(columns[key] for key in shown), strict=True)],
    )


def _add(
    cells: CountedCells, trusts: TrustRows, measure: str, periods: list[str], member: str | None
) -> None:
    cells.add(
        trusts.records,
        measure,
        measure,
        codes=trusts.codes,
        names=parsed_names(trusts.records, "provider_org_name"),
        periods=periods,
        categories=[code.strip() for code in trusts.records.columns["commissioner_org_code"]],
        sheet=member,
    )


def _column(bands: Sequence[str]) -> str:
    """Where a measure stands: its column, or the first and the last that are added up."""
    return bands[0] if len(bands) == 1 else f"{bands[0]} to {bands[-1]}, added up"


# Explain re-adds its bands by an engine of its own (explanation/recomputation/rtt_cells.py).
SOURCE = SourceRecord(
    name=NAME,
    kind="statistic",
    read=read_rtt_waiting_times,
    headers=(OWN_COLUMNS,),
    missing_marks=MISSING_MARKS,
    counts_in=(f"{_BANDS[0]} and so on, one column per week of waiting",),
)
