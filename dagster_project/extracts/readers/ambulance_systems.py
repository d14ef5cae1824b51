"""Ambulance Systems Indicators (AmbSYS): a row per month and area, as the workbook's sheet Raw or as a CSV."""

from __future__ import annotations

import re
from pathlib import Path

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import sheets, text
from dagster_project.extracts.readers.counted_cells import (
    USUAL_MARKS,
    CountedCells,
    Marks,
    parsed_names,
    trust_rows,
)
from dagster_project.extracts.readers.delimited import (
    HEADER_WITHIN,
    Records,
    column_key,
    read_records,
    require_columns,
)
from dagster_project.extracts.readers.months import month, month_of_financial_year
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.readers.tables import csv_bytes, csv_records
from dagster_project.extracts.readers.totals import refuse_wrong_sums
from dagster_project.extracts.source import CountedColumns, SourceRecord

NAME = "ambulance_systems"
SHEET = "Raw"
# A zero is written 0; `-` in the workbook and `.` in the CSV stand for what a trust didn't return.
MISSING_MARKS: Marks = {**USUAL_MARKS, "-": "missing"}

# The publisher's codes: Category 2 incidents, and the total of their response times in seconds.
_MEASURES = {"category_2_incidents": "A10", "category_2_total_seconds": "A30"}
OWN_COLUMNS = ("A7", "A8", "A9", "A10", "A11", "A12", "A24", "A30", "A33", "A36")
HEADER = ("Year", "Month", *_MEASURES.values())
COLUMNS = (*HEADER, *OWN_COLUMNS)
_ENGLAND = frozenset({"ENG", "ENGLAND"})
_REGION = re.compile(r"Y[0-9]{2}|")
# How the workbook and the CSV call the columns that say whose row it is.
_CODE_AND_NAME = (("area", "trust"), ("org_code", "org_name"))


def read_ambulance_systems(
    raw: bytes | Path, *, file_name: str, extract_id: str, missing_marks: Marks = MISSING_MARKS
) -> ReadStatistic:
    """Reads all months of a time series: two counted cells per trust and month.

    England's row must be the sum of its trusts in every month (in all 97 of the series until August 2025 it is);
    it and region rows are set aside. Raises InputRejected naming file, row and column for what can't
    be read.
    """
    records, sheet = _records(raw, file_name)
    require_columns(records, HEADER)
    code_key, name_key = _code_and_name(records)
    _refuse_wrong_england(records, code_key, missing_marks)
    cells = CountedCells(NAME, file_name, extract_id, missing_marks, notes=records.notes)
    trusts = trust_rows(records, code_key, cells.set_aside, name_key=name_key)
    periods = _periods(trusts.records)
    names = parsed_names(trusts.records, name_key)
    for measure, code in _MEASURES.items():
        cells.add(
            trusts.records,
            column_key(code),
            measure,
            codes=trusts.codes,
            names=names,
            periods=periods,
            categories=None,
            sheet=sheet,
        )
    return cells.read(
        raw, records=len(records), is_sample=trusts.is_sample, periods=periods, unproven=trusts.unproven
    )


def _records(raw: bytes | Path, file_name: str) -> tuple[Records, str | None]:
    """The records of the workbook's sheet with its name, or of the CSV."""
    body = csv_bytes(raw, file_name)
    if body is not None:
        return read_records(body, file_name, columns=COLUMNS, any_header=True), None
    workbook = sheets.open_workbook(raw, file_name)
    names = workbook.sheet_names
    for sheet in sorted(names, key=lambda name: text.folded(name).casefold() != SHEET.casefold()):
        rows = sheets.sheet_rows(workbook, sheet, file_name)
        header_at = sheets.header_position(rows, HEADER)
        if header_at is not None:
            wanted = {*map(column_key, HEADER), *(key for pair in _CODE_AND_NAME for key in pair)}
            return sheets.sheet_records(
                rows, header_at, file_name, wanted.__contains__, columns=HEADER
            ), sheet
    raise InputRejected(
        file=file_name,
        expected=f"a sheet with the columns {', '.join(HEADER)}, below banner rows",
        found=f"none in the first {HEADER_WITHIN} rows of {', '.join(names)}",
        remedy="Download the file again from the publisher's page.",
    )


def _refuse_wrong_england(records: Records, code_key: str, marks: Marks) -> None:
    """Regions and England are sums over the other rows of their month: all rows but those of trusts."""
    areas = records.parsed(code_key, lambda cell: text.folded(cell).upper())
    months = list(zip(*_year_and_month(records), strict=True))
    totals: dict[tuple[str, str], list[int]] = {}
    parts: dict[tuple[str, str], list[int]] = {}
    for at, area in enumerate(areas):
        if area in _ENGLAND:
            totals.setdefault(months[at], []).append(at)
        elif _REGION.fullmatch(area) is None:
            parts.setdefault(months[at], []).append(at)
    for month_there, at_total in totals.items():
        refuse_wrong_sums(
            records,
            [*map(column_key, _MEASURES.values())],
            totals=at_total,
            parts=parts.get(month_there, []),
            marks=marks,
            what=f"England in {' '.join(map(text.folded, month_there))}",
        )


def _code_and_name(records: Records) -> tuple[str, str]:
    for pair in _CODE_AND_NAME:
        if set(pair) <= set(records.header):
            return pair
    require_columns(records, ["Org Code", "Org Name"])
    return _CODE_AND_NAME[1]


def _periods(records: Records) -> list[str]:
    """The workbook has `2025-26` and `JUNE`, the CSV the calendar's 2025 and 6."""
    joined = [f"{year}\n{name}" for year, name in zip(*_year_and_month(records), strict=True)]
    dated = Records(
        records.file_name,
        {"month": records.header["month"]},
        {"month": joined},
        records.lines,
        records.raw_lines,
    )
    return dated.parsed("month", _period)


def _year_and_month(records: Records) -> tuple[list[str], list[str]]:
    return records.columns["year"], records.columns["month"]


def _period(year_and_month: str) -> str:
    year, _, name = year_and_month.partition("\n")
    if year.strip().isdecimal() and name.strip().isdecimal():
        return month(int(year), int(name))
    return month_of_financial_year(year, name)


SOURCE = SourceRecord(
    name=NAME,
    kind="statistic",
    read=read_ambulance_systems,
    headers=(OWN_COLUMNS,),
    is_sheet=lambda rows: sheets.header_position(rows, HEADER) is not None,
    sheet=SHEET,
    missing_marks=MISSING_MARKS,
    counts_in=tuple(_MEASURES.values()),
    counted=CountedColumns(
        keys={measure: code.casefold() for measure, code in _MEASURES.items()},
        records=lambda raw, file_name: csv_records(raw, file_name, columns=COLUMNS),
    ),
)
