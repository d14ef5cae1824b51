"""A&E attendances by provider: one CSV a month, attendances of three types, unbooked and booked apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from dagster_project.extracts.readers import ae_provider_sheet, sheets
from dagster_project.extracts.readers.counted_cells import (
    USUAL_MARKS,
    CountedCells,
    Marks,
    parsed_names,
    trust_rows,
)
from dagster_project.extracts.readers.delimited import Records, column_key, require_columns
from dagster_project.extracts.readers.months import month_in
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.readers.tables import csv_bytes, header_within, table_records
from dagster_project.extracts.readers.totals import refuse_wrong_closing_totals

SOURCE = "ae_attendances"
# The CSV writes zeroes as 0, also for a type of department that a trust hasn't got: a blank cell is a hole.
# `-` has not been seen in it.
MISSING_MARKS: Marks = {**USUAL_MARKS, "-": "missing"}

# Each type's columns for attendances and for those over four hours; booked ones are not in the unbooked.
_CATEGORIES = {
    "type 1; unbooked": ("A&E attendances Type 1", "Attendances over 4hrs Type 1"),
    "type 2; unbooked": ("A&E attendances Type 2", "Attendances over 4hrs Type 2"),
    "type 3; unbooked": (
        "A&E attendances Other A&E Department",
        "Attendances over 4hrs Other Department",
    ),
    "type 1; booked": (
        "A&E attendances Booked Appointments Type 1",
        "Attendances over 4hrs Booked Appointments Type 1",
    ),
    "type 2; booked": (
        "A&E attendances Booked Appointments Type 2",
        "Attendances over 4hrs Booked Appointments Type 2",
    ),
    "type 3; booked": (
        "A&E attendances Booked Appointments Other Department",
        "Attendances over 4hrs Booked Appointments Other Department",
    ),
}
_MEASURES = ("attendances", "over_4_hours")
OWN_COLUMNS = tuple(name for pair in _CATEGORIES.values() for name in pair)


COLUMNS = ("Period", "Org Code", "Parent Org", "Org name", *OWN_COLUMNS)


def read_ae_attendances(
    raw: bytes | Path, *, file_name: str, extract_id: str, missing_marks: Marks = MISSING_MARKS
) -> ReadStatistic:
    """Reads one month's table: 12 counted cells for each trust, or six where it has booked and unbooked together.

    The row TOTAL, which closes the file, must be the sum of all rows in each of these columns; it and
    providers that are no NHS trusts are set aside. Columns beyond those needed may be
    blank or anything else. Raises InputRejected naming file, row and column for what can't be read.
    """
    records, categories = attendance_records(raw, file_name)
    if categories is _CATEGORIES:
        require_columns(records, ["Period", "Org Code", "Org name", *OWN_COLUMNS])
        keys = [*map(column_key, OWN_COLUMNS)]
        refuse_wrong_closing_totals(records, keys, ("period", "org_code", "org_name"), missing_marks)
    cells = CountedCells(SOURCE, file_name, extract_id, missing_marks, notes=records.notes)
    trusts = trust_rows(records, "org_code", cells.set_aside, name_key="org_name")
    periods = trusts.records.parsed("period", month_in)
    names = parsed_names(trusts.records, "org_name")
    for category, columns in categories.items():
        for measure, column in zip(_MEASURES, columns, strict=True):
            cells.add(
                trusts.records,
                column_key(column),
                measure,
                codes=trusts.codes,
                names=names,
                periods=periods,
                categories=category,
                sheet=records.sheet,
            )
    whole = cells.read(
        raw, records=len(records), is_sample=trusts.is_sample, periods=periods, unproven=trusts.unproven
    )
    return replace(whole, saved_from_workbook=categories is ae_provider_sheet.CATEGORIES)


def attendance_records(raw: bytes | Path, file_name: str) -> tuple[Records, Mapping[str, tuple[str, str]]]:
    """The records of the publisher's CSV or of its workbook's provider sheet saved as one, whose month becomes a
    column; and by category the columns of attendances and of those over four hours.
    """
    columns = (*COLUMNS, *ae_provider_sheet.COLUMNS)
    if csv_bytes(raw, file_name) is None:
        # A workbook's sheet is found by half of its columns, which are those of one layout.
        columns = COLUMNS if _is_saved_csv(raw, file_name) else ae_provider_sheet.COLUMNS
    records = table_records(raw, file_name, columns, any_header=True, sheet_called="provider")
    if not ae_provider_sheet.is_provider_sheet(records):
        return records, _CATEGORIES
    month = ae_provider_sheet.month_of(records)
    records.notes.append(f"the provider sheet of a workbook, of {month}: booked and unbooked together")
    sheet = ae_provider_sheet.as_attendances(records)
    name = datetime.strptime(month, "%Y-%m").strftime("%B-%Y")
    return replace(
        sheet,
        header={**sheet.header, "period": "the month above the table or in the file's name"},
        columns={**sheet.columns, "period": [name] * len(sheet)},
    ), ae_provider_sheet.CATEGORIES


def _is_saved_csv(raw: bytes | Path, file_name: str) -> bool:
    """Whether a sheet of the workbook has the columns of the publisher's CSV."""
    workbook = sheets.open_workbook(raw, file_name)
    return any(
        header_within(sheets.sheet_rows(workbook, sheet, file_name), COLUMNS) is not None
        for sheet in workbook.sheet_names
    )
