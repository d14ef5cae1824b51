"""A&E attendances by provider: one CSV a month, attendances of three types, unbooked and booked apart."""

from __future__ import annotations

from pathlib import Path

from dagster_project.extracts.readers.counted_cells import (
    USUAL_MARKS,
    CountedCells,
    Marks,
    parsed_names,
    trust_rows,
)
from dagster_project.extracts.readers.delimited import column_key, read_records, require_columns
from dagster_project.extracts.readers.months import month_in
from dagster_project.extracts.readers.outcome import ReadStatistic

SOURCE = "ae_attendances"
# The CSV writes zeroes as 0; `-` has not been seen in it.
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


def read_ae_attendances(
    raw: bytes | Path, *, file_name: str, extract_id: str, missing_marks: Marks = MISSING_MARKS
) -> ReadStatistic:
    """Reads one month's CSV: 12 counted cells for each trust.

    The total row and providers that are no NHS trusts are set aside. Columns beyond those needed may be
    blank or anything else. Raises InputRejected naming file, row and column for what can't be read.
    """
    body = raw if isinstance(raw, bytes) else raw.read_bytes()
    records = read_records(body, file_name, any_header=True)
    require_columns(records, ["Period", "Org Code", "Org name", *OWN_COLUMNS])
    cells = CountedCells(SOURCE, file_name, extract_id, missing_marks, notes=records.notes)
    trusts = trust_rows(records, "org_code", cells.set_aside, name_key="org_name")
    periods = trusts.records.parsed("period", month_in)
    names = parsed_names(trusts.records, "org_name")
    for category, columns in _CATEGORIES.items():
        for measure, column in zip(_MEASURES, columns, strict=True):
            cells.add(
                trusts.records,
                column_key(column),
                measure,
                codes=trusts.codes,
                names=names,
                periods=periods,
                categories=category,
            )
    return cells.read(
        body, records=len(records), is_sample=trusts.is_sample, periods=periods, unproven=trusts.unproven
    )
