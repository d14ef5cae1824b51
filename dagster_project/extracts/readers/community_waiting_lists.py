"""Community health services waiting lists: a workbook a month, a table of each band of waits by organisation.

What a table holds is told by its title. Names of sheets change from month to month and say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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
from dagster_project.extracts.readers.totals import refuse_wrong_sums
from dagster_project.extracts.source import CountedColumns, SourceRecord

NAME = "community_waiting_lists"
# Blank cells are usual: the provider returned nothing for that service, as the sheet itself says. It then is
# blank in every table (in all 143 providers of June 2025 and 144 of July): a blank in one alone is a hole.
MISSING_MARKS: Marks = {**USUAL_MARKS, "-": "zero"}

HEADER = ("Organisation Type", "Organisation Code", "Organisation Name")
TOTAL = "waiting_total"
OVER_52_WEEKS = "waiting_over_52_to_104"
OVER_104_WEEKS = "waiting_over_104"
# Titles such as "Total waiting list by service, June 2025", "Number waiting >52-104 weeks (365-728 days) ...",
# "Number waiting over 104 weeks ..." and, before 2025/26, "Number waiting >52 weeks ...".
_TOTAL_TITLE = re.compile(r"total waiting list\b", re.IGNORECASE)
_BAND_TITLE = re.compile(
    r"number (?:of (?:people|patients) )?waiting\s+(?P<over>over|more than|>=|>|\u2265)?\s*(?P<low>[0-9]+)"
    r"(?:\s*(?:weeks?\s*)?(?:-|to|[\u2010-\u2015])\s*(?P<high>[0-9]+)\s*weeks?\b"
    r"|(?P<plus>\s*\+)?\s*weeks?\b(?P<beyond>\s*(?:and over|and above|or more|or over|\+))?)",
    re.IGNORECASE,
)
Band = tuple[int, int | None]
_LONG = 52
_LONGEST = 104
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

    The providers of a service must add up to its regions and to its boards, and every table must have the same
    services and providers. (England's own row isn't a sum: it counts services whose parts are withheld.) National,
    region and ICB rows and providers that are no NHS trusts are set aside. Raises InputRejected
    naming file, sheet, row and column for what can't be read.
    """
    workbook = sheets.open_workbook(raw, file_name)
    tables = {sheet: sheets.sheet_rows(workbook, sheet, file_name) for sheet in workbook.sheet_names}
    cells = CountedCells(NAME, file_name, extract_id, missing_marks, blanks_are_usual=True)
    period, read, found = None, 0, list[TrustRows]()
    first: Records | None = None
    counted = _sheets_that_count(tables, file_name)
    for measure, sheet in counted.items():
        rows = tables[sheet]
        header_at = sheets.header_position(rows, HEADER) or 0
        month = _month(title_of(rows), file_name)
        if period not in (None, month):
            raise _rejected(
                f"{file_name} ({sheet})", f"the month {period}, as in the table of the total", month
            )
        period = month
        records = sheets.sheet_records(rows, header_at, f"{file_name} ({sheet})", columns=HEADER)
        _refuse_wrong_sums(records, missing_marks)
        first = first or records
        _refuse_other_parts(records, first)
        found.append(_add(cells, records, measure, period, sheet))
        read += len(records)
    if OVER_104_WEEKS not in counted:
        cells.notes.append("one table holds all waits over 52 weeks, as its title says: as before 2025/26")
    return cells.read(
        raw,
        records=read,
        is_sample=_is_sample(found, file_name),
        periods=[period] if period else [],
        unproven=[row for trusts in found for row in trusts.unproven],
    )


def title_of(rows: Sequence[sheets.Row]) -> str:
    """The title of a table of organisations; empty for a sheet that isn't one of the total or a band."""
    header_at = sheets.header_position(rows, HEADER)
    if header_at is None:
        return ""
    above = (text.folded(sheets.cell_text(cell)) for row in rows[:header_at] for cell in row)
    return next((cell for cell in above if _TOTAL_TITLE.search(cell) or band_of(cell)), "")


def band_of(title: str) -> Band | None:
    """The weeks from and to (None: no end) that a table's title says its people have waited."""
    match = _BAND_TITLE.search(title)
    if match is None or not (match["high"] or match["over"] or match["plus"] or match["beyond"]):
        return None
    return int(match["low"]), int(match["high"]) if match["high"] else None


def measure_of(title: str) -> str | None:
    """What a table with this title counts; None for the shorter waits and for what is no such table."""
    band = band_of(title)
    if band is None:
        return TOTAL if _TOTAL_TITLE.search(title) else None
    if band == (_LONGEST, None):
        return OVER_104_WEEKS
    return OVER_52_WEEKS if band in ((_LONG, _LONGEST), (_LONG, None)) else None


def is_workbook_of(tables: Iterable[Sequence[sheets.Row]]) -> bool:
    """Whether one of the sheets, by its header and title, is a table of the total or of a band."""
    return any(title_of(rows) for rows in tables)


def _sheets_that_count(tables: Mapping[str, Sequence[sheets.Row]], file_name: str) -> dict[str, str]:
    """The sheet of each measure; raises InputRejected unless they hold each wait over 52 weeks exactly once."""
    titles = {sheet: title for sheet, rows in tables.items() if (title := title_of(rows))}
    found: dict[str, list[str]] = {}
    for sheet, title in titles.items():
        measure = measure_of(title)
        if measure is not None:
            found.setdefault(measure, []).append(sheet)
    shown = "; ".join(f"{sheet}: {title}" for sheet, title in titles.items())[:300] or "no such title"
    for measure, wanted in ((TOTAL, "total waiting list"), (OVER_52_WEEKS, "waits over 52 weeks")):
        if len(found.get(measure, ())) != 1:
            raise _rejected(file_name, f"one table whose title says that it holds the {wanted}", shown)
    ends_at = band_of(titles[found[OVER_52_WEEKS][0]])
    expected = 1 if ends_at == (_LONG, _LONGEST) else 0
    if len(found.get(OVER_104_WEEKS, ())) != expected:
        raise _rejected(
            file_name,
            "one table of the waits over 104 weeks, as another ends there"
            if expected
            else "no table of the waits over 104 weeks, as another holds all over 52",
            shown,
        )
    order = (TOTAL, OVER_52_WEEKS, OVER_104_WEEKS)
    return {measure: found[measure][0] for measure in order if measure in found}


def _add(cells: CountedCells, records: Records, measure: str, period: str, sheet: str) -> TrustRows:
    """Takes the services of one sheet's trusts."""
    kinds = [text.folded(kind).casefold() for kind in records.columns["organisation_type"]]
    reasons = [_why_no_provider(kind) for kind in kinds]
    trusts = trust_rows(records, "organisation_code", cells.set_aside, reasons, name_key="organisation_name")
    names = parsed_names(trusts.records, "organisation_name")
    for key in _services(records):
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


def _services(records: Records) -> list[str]:
    """The columns of single services, which are counted; sums of them aren't."""
    return [
        key
        for key in list(records.header)[len(HEADER) :]
        if not key.startswith("column ") and not _SUMS.match(records.header[key])
    ]


def _of_kind(records: Records, kind: str) -> list[int]:
    kinds = records.columns["organisation_type"]
    return [at for at, cell in enumerate(kinds) if text.folded(cell).casefold() == kind]


def _refuse_wrong_sums(records: Records, marks: Marks) -> None:
    providers = _of_kind(records, _OF_A_PROVIDER)
    for kind in ("region", "icb"):
        refuse_wrong_sums(
            records,
            _services(records),
            totals=_of_kind(records, kind),
            parts=providers,
            marks=marks,
            what=f"the sum of the rows of organisation type {kind}",
        )


def _refuse_other_parts(records: Records, first: Records) -> None:
    """Raises InputRejected where a table hasn't the services and providers of the first."""
    for what, found, expected in (
        ("service", _services(records), _services(first)),
        ("provider", _codes_of_providers(records), _codes_of_providers(first)),
    ):
        for one in sorted(set(found) ^ set(expected)):
            lacking, having = (records, first) if one in expected else (first, records)
            raise _rejected(
                lacking.file_name,
                f"the {what} {having.header.get(one, one)}, which {having.file_name} has",
                "a table without it",
            )


def _codes_of_providers(records: Records) -> list[str]:
    codes = records.columns["organisation_code"]
    return [text.folded(codes[at]).upper() for at in _of_kind(records, _OF_A_PROVIDER)]


def _why_no_provider(kind: str) -> str | None:
    return None if kind == _OF_A_PROVIDER else _KINDS.get(kind, "not a row of a provider")


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


# A sheet per measure, told by its title, whose columns are services and sums of services.
_SERVICE = r"(?!organisation_|column |total|all_services|adult_services|cyp_services).*"
SOURCE = SourceRecord(
    name=NAME,
    kind="statistic",
    read=read_community_waiting_lists,
    is_sheet=lambda rows: bool(title_of(rows)),
    missing_marks=MISSING_MARKS,
    counts_in=("one column per service, such as (A) Audiology",),
    counted=CountedColumns(
        keys=dict.fromkeys((TOTAL, OVER_52_WEEKS, OVER_104_WEEKS), _SERVICE),
        measure_of_sheet=lambda rows: measure_of(title_of(rows)),
    ),
)
