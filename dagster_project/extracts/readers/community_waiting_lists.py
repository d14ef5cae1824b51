"""Community health services waiting lists: a workbook a month, tables 4 to 4h by organisation and service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import sheets, text
from dagster_project.extracts.readers.counted_cells import (
    USUAL_MARKS,
    CountedCells,
    Marks,
    TrustRows,
    parsed_names,
    trust_rows,
)
from dagster_project.extracts.readers.delimited import Records
from dagster_project.extracts.readers.months import month_in, month_of_file_name
from dagster_project.extracts.readers.outcome import ReadStatistic

SOURCE = "community_waiting_lists"
# Blank cells are usual: the provider returned nothing for that service, as the sheet itself says.
MISSING_MARKS: Marks = {**USUAL_MARKS, "-": "zero"}

HEADER = ("Organisation Type", "Organisation Code", "Organisation Name")
TOTAL_TABLE = "Table 4"
# Each sheet's measure, and words of its title that say so. Before 2025/26, 4g was the last: all over 52 weeks.
_TABLES = {
    TOTAL_TABLE: ("waiting_total", re.compile(r"total waiting list", re.IGNORECASE)),
    "Table 4g": ("waiting_over_52_to_104", re.compile(r"\b52\b", re.IGNORECASE)),
    "Table 4h": ("waiting_over_104", re.compile(r"\b104\b", re.IGNORECASE)),
}
_NOT_YET_THERE = "Table 4h"
_OF_A_PROVIDER = "provider"
_KINDS = {
    "national": "the national row",
    "region": "a region row",
    "icb": "an integrated care board row",
}
_SUMS = re.compile(r"(total|all services|adult services|cyp services)\b", re.IGNORECASE)


def read_community_waiting_lists(
    raw: bytes | Path, *, file_name: str, extract_id: str, missing_marks: Marks = MISSING_MARKS
) -> ReadStatistic:
    """Reads the tables of the total and of the two longest waits: a counted cell per trust and service.

    National, region and ICB rows and providers that are no NHS trusts are set aside. Raises InputRejected
    naming file, sheet, row and column for what can't be read.
    """
    workbook = sheets.open_workbook(raw, file_name)
    names = {text.folded(name).casefold(): name for name in workbook.sheet_names}
    cells = CountedCells(SOURCE, file_name, extract_id, missing_marks, blanks_are_usual=True)
    period, read, found = None, 0, list[TrustRows]()
    for table, (measure, words) in _TABLES.items():
        sheet = names.get(table.casefold())
        if sheet is None and table == _NOT_YET_THERE:
            cells.notes.append(
                f"no {table}: waits over 104 weeks are taken to be in Table 4g, as before 2025/26"
            )
            continue
        if sheet is None:
            raise _rejected(file_name, f"a sheet {table}", f"the sheets {', '.join(workbook.sheet_names)}")
        rows = sheets.sheet_rows(workbook, sheet, file_name)
        header_at = sheets.header_position(rows, HEADER)
        if header_at is None:
            raise _rejected(f"{file_name} ({sheet})", f"a header with {', '.join(HEADER)}", "none")
        title = _title(rows, header_at)
        if words.search(title) is None:
            raise _rejected(f"{file_name} ({sheet})", f"a title with {words.pattern}", repr(title[:120]))
        month = _month(title, file_name)
        if period not in (None, month):
            raise _rejected(f"{file_name} ({sheet})", f"the month {period}, as in {TOTAL_TABLE}", month)
        period = month
        records = sheets.sheet_records(rows, header_at, f"{file_name} ({sheet})")
        found.append(_add(cells, records, measure, period, sheet))
        read += len(records)
    return cells.read(
        raw,
        records=read,
        is_sample=_is_sample(found, file_name),
        periods=[period] if period else [],
        unproven=[row for trusts in found for row in trusts.unproven],
    )


def _add(cells: CountedCells, records: Records, measure: str, period: str, sheet: str) -> TrustRows:
    """Takes the services of one sheet's trusts."""
    kinds = [text.folded(kind).casefold() for kind in records.columns["organisation_type"]]
    reasons = [_why_no_provider(kind) for kind in kinds]
    trusts = trust_rows(records, "organisation_code", cells.set_aside, reasons, name_key="organisation_name")
    names = parsed_names(trusts.records, "organisation_name")
    for key in list(records.header)[len(HEADER) :]:
        if key.startswith("column ") or _SUMS.match(records.header[key]):
            continue
        cells.add(
            trusts.records,
            key,
            measure,
            codes=trusts.codes,
            names=names,
            periods=[period] * len(trusts.codes),
            categories=records.header[key],
            sheet=sheet,
        )
    return trusts


def _is_sample(found: Sequence[TrustRows], file_name: str) -> bool:
    """Whether all sheets' trusts are invented; InputRejected where only some are."""
    kinds = {trusts.is_sample for trusts in found if trusts.codes}
    if len(kinds) > 1:
        raise _rejected(file_name, "invented organisations in all tables or in none", "them in some")
    return True in kinds


def _why_no_provider(kind: str) -> str | None:
    return None if kind == _OF_A_PROVIDER else _KINDS.get(kind, "not a row of a provider")


def _title(rows: Sequence[sheets.Row], header_at: int) -> str:
    """The first words above the header."""
    cells = (text.folded(sheets.cell_text(cell)) for row in rows[:header_at] for cell in row)
    return next((cell for cell in cells if cell), "")


def _month(title: str, file_name: str) -> str:
    try:
        return month_in(title)
    except ValueError:
        pass
    try:
        return month_of_file_name(file_name)
    except ValueError as error:
        raise _rejected(
            file_name, f"{error}, in a table's title or the file's name", repr(title[:120])
        ) from None


def _rejected(file: str, expected: str, found: str) -> InputRejected:
    return InputRejected(
        file=file,
        expected=expected,
        found=found,
        remedy="Download the file again from the publisher's page; if its tables have changed, tell us.",
    )
