"""The cancer provider workbook: a sheet per standard, a row per provider over all routes and cancers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import sheets, text
from dagster_project.extracts.readers.delimited import HEADER_WITHIN, Records, column_key, loose_key
from dagster_project.extracts.readers.months import month_in, month_of_date
from dagster_project.extracts.readers.totals import refuse_wrong_sums

CODE, PROVIDER, ROUTE, CANCER, TOTAL = (
    "ODS CODE",
    "ACCOUNTABLE PROVIDER",
    "REFERRAL ROUTE",
    "CANCER TYPE",
    "TOTAL",
)
# By measure, the column of those within the standard, which only the sheets of that standard have.
WITHIN = {"fds_28_day": "WITHIN 28 DAYS", "treated_62_day": "WITHIN 62 DAYS"}
ALL_ROUTES = "all routes"
ALL_CANCERS = "all cancers"
ENGLAND = "all english providers"
# Headers carry the numbers of notes: ODS CODE (1), CANCER TYPE (3).
_NOTE = re.compile(r"\s*\([0-9]+\)\s*$")
_BASIS = re.compile(r"basis: *provider", re.IGNORECASE)
_FINAL = re.compile(r"status: *final\b", re.IGNORECASE)
_FIRST_ROWS = 12


@dataclass(frozen=True)
class StandardSheet:
    """One standard's sheet: its records over all routes and cancers, and those of other splits."""

    measure: str
    sheet: str
    month: str
    records: Records
    positions: list[int]
    others: list[int]


def is_standard(rows: Sequence[sheets.Row]) -> bool:
    """Whether a sheet is one of a standard that is read, told by its columns."""
    return _standard_of(rows) is not None


def standard_sheets(raw: bytes | Path, file_name: str) -> tuple[list[StandardSheet], bool]:
    """The sheet of each standard over all routes and cancers, and whether the workbook says that it is final.

    Raises InputRejected, naming what is missing, unless there is exactly one for each standard, by provider and
    of one month.
    """
    workbook = sheets.open_workbook(raw, file_name)
    tables = {sheet: sheets.sheet_rows(workbook, sheet, file_name) for sheet in workbook.sheet_names}
    found: dict[str, StandardSheet] = {}
    for sheet, rows in tables.items():
        one = _read_sheet(sheet, rows, file_name)
        if one is None:
            continue
        if one.measure in found:
            raise _rejected(
                file_name,
                f"one sheet with {WITHIN[one.measure]} over all routes and cancers",
                f"{found[one.measure].sheet} and {sheet}",
            )
        found[one.measure] = one
    for measure, column in WITHIN.items():
        if measure not in found:
            raise _rejected(
                file_name,
                f"a sheet with {column} and rows of all routes and cancers",
                f"none among {', '.join(tables)}",
            )
    months = {one.month for one in found.values()}
    if len(months) != 1:
        raise _rejected(file_name, "sheets of one month", " and ".join(sorted(months)))
    return list(found.values()), _is_final(tables)


def without_note(name: str) -> str:
    """A column's name without the number of its note."""
    return _NOTE.sub("", text.folded(name))


def _standard_of(rows: Sequence[sheets.Row]) -> tuple[str, int] | None:
    """The measure, and where the header stands."""
    for position, row in enumerate(rows[:HEADER_WITHIN]):
        keys = {loose_key(without_note(sheets.cell_text(cell))) for cell in row}
        if not {loose_key(name) for name in (CODE, PROVIDER, ROUTE, TOTAL)} <= keys:
            continue
        for measure, column in WITHIN.items():
            if loose_key(column) in keys:
                return measure, position
    return None


def _read_sheet(sheet: str, rows: Sequence[sheets.Row], file_name: str) -> StandardSheet | None:
    """The sheet if it has rows of all routes and cancers; other splits of the same pathways have none."""
    standard = _standard_of(rows)
    if standard is None:
        return None
    measure, header_at = standard
    shown = f"{file_name} ({sheet})"
    names = [without_note(sheets.cell_text(cell)) for cell in rows[header_at]]
    by_cancer = any(loose_key(name) == loose_key(CANCER) for name in names)
    # A sheet by cancer type or treatment says it in a column that this one hasn't.
    if not by_cancer and any(
        name.casefold().startswith(("suspected", "treatment modality")) for name in names
    ):
        return None
    columns = (CODE, PROVIDER, ROUTE, *((CANCER,) if by_cancer else ()), TOTAL, WITHIN[measure])
    records = sheets.sheet_records(
        [*rows[:header_at], names, *rows[header_at + 1 :]], header_at, shown, columns=columns, sheet=sheet
    )
    wanted = [
        at
        for at in range(len(records))
        if text.folded(records.columns["referral_route"][at]).casefold() == ALL_ROUTES
        and (not by_cancer or text.folded(records.columns["cancer_type"][at]).casefold() == ALL_CANCERS)
    ]
    if not wanted:
        return None
    above = [text.folded(cell) for row in records.above for cell in row if text.folded(cell)]
    if not any(map(_BASIS.match, above)):
        raise _rejected(shown, "a line above the table that says BASIS: PROVIDER BASED", "none")
    _refuse_other_total(records.kept(wanted), columns[-2:])
    chosen = set(wanted)
    return StandardSheet(
        measure=measure,
        sheet=sheet,
        month=_month(above, shown),
        records=records,
        positions=wanted,
        others=[at for at in range(len(records)) if at not in chosen],
    )


def _refuse_other_total(records: Records, counted: Sequence[str]) -> None:
    """The row of all English providers is the sum of the others, in every month seen: one that isn't, or that is
    missing, means that rows are.
    """
    names = [text.folded(cell).casefold() for cell in records.columns[column_key(PROVIDER)]]
    totals = [at for at, name in enumerate(names) if name == ENGLAND]
    if len(totals) != 1:
        raise _rejected(records.file_name, "one row ALL ENGLISH PROVIDERS of all routes", f"{len(totals)}")
    refuse_wrong_sums(
        records,
        [column_key(column) for column in counted],
        totals=totals,
        parts=[at for at in range(len(records)) if at not in totals],
        marks={},
        what="what the row ALL ENGLISH PROVIDERS says",
    )


def _month(above: Sequence[str], shown: str) -> str:
    months = set()
    for cell in above[:_FIRST_ROWS]:
        for read in (month_of_date, month_in):
            try:
                months.add(read(cell))
            except ValueError:
                continue
    if len(months) != 1:
        raise _rejected(
            shown, "one month such as Jul-25 above the table", " and ".join(sorted(months)) or "none"
        )
    return months.pop()


def _is_final(tables: Mapping[str, Sequence[sheets.Row]]) -> bool:
    return any(
        _FINAL.search(cell)
        for rows in tables.values()
        for row in rows[:_FIRST_ROWS]
        for cell in row
        if isinstance(cell, str)
    )


def _rejected(file: str, expected: str, found: str) -> InputRejected:
    return InputRejected(
        file=file,
        expected=expected,
        found=found,
        remedy="Download the workbook again from the publisher's page; if its sheets have changed, tell us.",
    )
