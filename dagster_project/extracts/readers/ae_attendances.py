"""A&E attendances by provider: one CSV a month, attendances of three types, unbooked and booked apart.

Also the provider sheet of the publisher's workbook saved as CSV: booked and unbooked together, the month outside the
table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
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
from dagster_project.extracts.readers.delimited import Records, column_key, require_columns
from dagster_project.extracts.readers.months import month_in, month_of_file_name
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.readers.tables import csv_bytes, header_within, table_records
from dagster_project.extracts.readers.totals import refuse_wrong_closing_totals, refuse_wrong_sums
from dagster_project.extracts.source import CountedColumns, SourceRecord

NAME = "ae_attendances"
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
# The provider sheet.
_SHEET_TOTALS = {
    "attendances": "Total attendances",
    "within": "Total Attendances < 4 hours",
    "over": "Total Attendances > 4 hours",
}
_ENGLAND = re.compile("england", re.IGNORECASE)
# Each total stands to the right of its three types, whose names are the same in every block.
_TYPES = ("type 1", "type 2", "type 3")
SHEET_COLUMNS = ("Code", "Region", "Name", *_SHEET_TOTALS.values(), "Total Emergency Admissions")
# What the columns are called here: the publisher's names say the type alone.
SHEET_CATEGORIES = {
    f"{kind}; booked or not": (f"A&E attendances {kind}, all", f"Attendances over 4hrs {kind}, all")
    for kind in _TYPES
}


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
    cells = CountedCells(NAME, file_name, extract_id, missing_marks, notes=records.notes)
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
    return replace(whole, saved_from_workbook=categories is SHEET_CATEGORIES)


def attendance_records(raw: bytes | Path, file_name: str) -> tuple[Records, Mapping[str, tuple[str, str]]]:
    """The records of the publisher's CSV or of its workbook's provider sheet saved as one, whose month becomes a
    column; and by category the columns of attendances and of those over four hours.
    """
    columns = (*COLUMNS, *SHEET_COLUMNS)
    if csv_bytes(raw, file_name) is None:
        # A workbook's sheet is found by half of its columns, which are those of one layout.
        columns = COLUMNS if _is_saved_csv(raw, file_name) else SHEET_COLUMNS
    records = table_records(raw, file_name, columns, any_header=True, sheet_called="provider")
    if not _is_provider_sheet(records):
        return records, _CATEGORIES
    month = _month_of(records)
    records.notes.append(f"the provider sheet of a workbook, of {month}: booked and unbooked together")
    sheet = _as_attendances(records)
    name = datetime.strptime(month, "%Y-%m").strftime("%B-%Y")
    return replace(
        sheet,
        header={**sheet.header, "period": "the month above the table or in the file's name"},
        columns={**sheet.columns, "period": [name] * len(sheet)},
    ), SHEET_CATEGORIES


def _is_saved_csv(raw: bytes | Path, file_name: str) -> bool:
    """Whether a sheet of the workbook has the columns of the publisher's CSV."""
    workbook = sheets.open_workbook(raw, file_name)
    return any(
        header_within(sheets.sheet_rows(workbook, sheet, file_name), COLUMNS) is not None
        for sheet in workbook.sheet_names
    )


def _is_provider_sheet(records: Records) -> bool:
    """Whether the header is this sheet's."""
    return all(column_key(name) in records.header for name in ("Code", "Name", *_SHEET_TOTALS.values()))


def _as_attendances(records: Records) -> Records:
    """The records with the keys of `SHEET_CATEGORIES`, `org_code` and `org_name`.

    Raises InputRejected where the types of a row don't add up to its totals, as they do in the publisher's.
    """
    keys = list(records.header)
    blocks: dict[str, list[str]] = {}
    for block, name in _SHEET_TOTALS.items():
        total = keys.index(column_key(name))
        if total < len(_TYPES):
            raise InputRejected(
                file=records.file_name,
                row=records.header_line,
                column=name,
                expected="three types of departments to the left of their total",
                found=f"it in column {total + 1}",
                remedy="Save the whole provider sheet of the publisher's workbook as CSV.",
            )
        blocks[block] = keys[total - len(_TYPES) : total + 1]
    _refuse_other_sums(records, blocks)
    _compare_with_england(records, [key for keys in blocks.values() for key in keys])
    columns = {"org_code": records.columns["code"], "org_name": records.columns["name"]}
    header = {"org_code": records.header["code"], "org_name": records.header["name"]}
    for at, names in enumerate(SHEET_CATEGORIES.values()):
        for block, name in zip(("attendances", "over"), names, strict=True):
            columns[column_key(name)] = records.columns[blocks[block][at]]
            header[column_key(name)] = name
    return replace(records, header=header, columns=columns)


def _month_of(records: Records) -> str:
    """The month, from the lines above the table or the file's name; raises InputRejected where neither says it."""
    try:
        return month_in(" ".join(cell for row in records.above for cell in row))
    except ValueError:
        pass
    try:
        return month_of_file_name(records.file_name)
    except ValueError as error:
        raise InputRejected(
            file=records.file_name,
            expected=f"{error}, above the table or in the file's name",
            found="neither: the table itself has no month",
            remedy="Name the file by its month, such as AE-October-2025.csv, or take the publisher's monthly CSV.",
        ) from None


def _compare_with_england(records: Records, keys: Sequence[str]) -> None:
    """England's row is the sum of all others; people who save the sheet often leave it out, which is noted."""
    england = [at for at, name in enumerate(records.columns["name"]) if _ENGLAND.fullmatch(text.folded(name))]
    others = sorted({*range(len(records))}.difference(england))
    refuse_wrong_sums(records, keys, totals=england, parts=others, marks={}, what="what the row England says")
    if not england:
        records.notes.append(
            "no row England: whether rows of providers are missing can't be told from the file"
        )


def _refuse_other_sums(records: Records, blocks: dict[str, list[str]]) -> None:
    """Each block's types make its total; attendances within and over four hours make all, type by type."""
    numbers = {
        key: [_count(cell) for cell in records.columns[key]] for keys in blocks.values() for key in keys
    }
    sums: list[tuple[Sequence[str], str]] = [(keys[:-1], keys[-1]) for keys in blocks.values()]
    sums += [
        ((within, over), both)
        for both, within, over in zip(blocks["attendances"], blocks["within"], blocks["over"], strict=True)
    ]
    for parts, whole in sums:
        for at in range(len(records)):
            counts = [numbers[key][at] for key in (*parts, whole)]
            known = [count for count in counts if count is not None]
            if len(known) == len(counts) and sum(known[:-1]) != known[-1]:
                records.reject(
                    at, whole, expected=f"{sum(known[:-1])}, what its parts in this line add up to"
                )


def _count(cell: str) -> Decimal | None:
    try:
        return text.number(cell)
    except ValueError:
        return None


SOURCE = SourceRecord(
    name=NAME,
    kind="statistic",
    read=read_ae_attendances,
    headers=(OWN_COLUMNS, SHEET_COLUMNS),
    missing_marks=MISSING_MARKS,
    counts_in=OWN_COLUMNS,
    counted=CountedColumns(
        keys={"attendances": r"a&e_attendances_.*", "over_4_hours": r"attendances_over_4hrs_.*"},
        records=lambda raw, file_name: attendance_records(raw, file_name)[0],
    ),
)
