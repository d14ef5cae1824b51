"""Organisations as ODS lists them: `etr.csv` (trusts, without a header) and the names and codes of ICBs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import text
from dagster_project.extracts.readers.delimited import Records, first_records, read_records
from dagster_project.extracts.readers.organisation_codes import ICB, TRUST, code_of, is_sample_file
from dagster_project.extracts.readers.outcome import ReadOrganisations, set_aside_frame
from dagster_project.extracts.readers.set_aside import SetAside
from dagster_project.extracts.readers.tables import csv_bytes
from dagster_project.extracts.rows import ORGANISATION_REFERENCE, concatenated, frame_of

TRUSTS = "ods_trusts"
ICBS = "icb_names"

# The 27 columns of every ODS report of this family; the file itself names none of them.
_NAMES = {1: "Organisation code", 2: "Name", 3: "Region", 4: "ICB", 11: "Open date", 12: "Close date"}
_WIDTH = 27
_HEAD_BYTES = 65_536
COLUMNS = tuple(_NAMES.get(place, f"Column {place}") for place in range(1, _WIDTH + 1))
_CODE = re.compile(r"[A-Z0-9]{3,5}")
_REGION = re.compile(r"Y[0-9]{2}")
_DATE = re.compile(r"[0-9]{8}")
# The columns are called by the year in which they were valid: ICB24CDH is the ODS code, ICB24CD the ONS one.
_ICB_CODE = re.compile(r"icb[0-9]{2}cdh")
_ICB_NAME = re.compile(r"icb[0-9]{2}nm")


def is_trust_report(first_record: Sequence[str]) -> bool:
    """Whether a file that starts with this record is ODS's list of trusts, which has no header."""
    if len(first_record) != _WIDTH:
        return False
    code, region, opened = (text.folded(first_record[at]) for at in (0, 2, 10))
    return bool(_CODE.fullmatch(code) and _REGION.fullmatch(region) and _DATE.fullmatch(opened))


def is_icb_list(names: Sequence[str]) -> bool:
    """Whether these column names are those of the ICBs' names and codes."""
    keys = [text.folded(name).casefold() for name in names]
    return any(map(_ICB_CODE.fullmatch, keys)) and any(map(_ICB_NAME.fullmatch, keys))


def read_ods_organisations(raw: bytes | Path, *, file_name: str, extract_id: str) -> ReadOrganisations:
    """Reads either file, also inside a ZIP; closed organisations stay, rows without a code are set aside.

    Raises InputRejected naming file, row and column for what can't be read.
    """
    body = csv_bytes(raw, file_name)
    if body is None:
        raise InputRejected(
            file=file_name,
            expected="a CSV, as the publisher offers it",
            found="a workbook",
            remedy="Save its sheet as CSV, or download the publisher's file.",
        )
    begins = first_records(body[:_HEAD_BYTES])
    trusts = any(is_trust_report(row) for _, rows in begins for row in rows)
    header = next((row for _, rows in begins for row in rows if is_icb_list(row)), ())
    everything = read_records(body, file_name, names=COLUMNS if trusts else None, columns=header)
    code_key = "organisation_code" if trusts else _key(everything, _ICB_CODE)
    codes = [code_of(cell) for cell in everything.columns[code_key]]
    kept = [position for position, code in enumerate(codes) if code]
    set_aside = [
        SetAside(everything.lines[at], None, None, "no organisation code", everything.raw_lines[at])
        for at, code in enumerate(codes)
        if not code
    ]
    records = everything.kept(kept)
    codes = [codes[at] for at in kept]
    frame = _trusts(records, codes, extract_id) if trusts else _icbs(records, codes, extract_id)
    return ReadOrganisations(
        extract_id=extract_id,
        file_name=file_name,
        source=TRUSTS if trusts else ICBS,
        is_sample=is_sample_file(records, "name" if trusts else _key(records, _ICB_NAME)),
        size=len(raw) if isinstance(raw, bytes) else raw.stat().st_size,
        records=len(everything),
        organisation_reference=concatenated([frame], ORGANISATION_REFERENCE),
        row_set_aside=set_aside_frame(extract_id, file_name, set_aside),
        notes=tuple(everything.notes),
    )


def _key(records: Records, pattern: re.Pattern[str]) -> str:
    return next(key for key in records.header if pattern.fullmatch(key))


def _trusts(records: Records, codes: list[str], extract_id: str) -> pd.DataFrame:
    return _frame(
        records,
        codes,
        extract_id,
        kind=TRUST,
        names=records.parsed("name", _name),
        regions=records.parsed("region", text.folded_or_none),
        icbs=records.parsed("icb", text.folded_or_none),
        opened=records.parsed("open_date", _date_or_none),
        closed=records.parsed("close_date", _date_or_none),
    )


def _icbs(records: Records, codes: list[str], extract_id: str) -> pd.DataFrame:
    nothing = [None] * len(records)
    return _frame(
        records,
        codes,
        extract_id,
        kind=ICB,
        names=records.parsed(_key(records, _ICB_NAME), _name),
        regions=nothing,
        icbs=codes,
        opened=nothing,
        closed=nothing,
    )


def _frame(
    records: Records,
    codes: list[str],
    extract_id: str,
    *,
    kind: str,
    names: Sequence[str],
    regions: Sequence[str | None],
    icbs: Sequence[str | None],
    opened: Sequence[Any],
    closed: Sequence[Any],
) -> pd.DataFrame:
    return frame_of(
        {
            "extract_id": [extract_id] * len(codes),
            "source": [TRUSTS if kind == TRUST else ICBS] * len(codes),
            "source_row": records.lines,
            "organisation_kind": [kind] * len(codes),
            "organisation_code": codes,
            "organisation_name": names,
            "region_code": regions,
            "icb_code": icbs,
            "opened_on": opened,
            "closed_on": closed,
        },
        ORGANISATION_REFERENCE,
    )


def _name(cell: str) -> str:
    shown = text.folded(cell)
    if not shown:
        raise ValueError("the organisation's name")
    return shown


def _date_or_none(cell: str) -> date | None:
    shown = text.folded(cell)
    if not shown:
        return None
    try:
        return datetime.strptime(shown, "%Y%m%d").date()
    except ValueError:
        raise ValueError("a date such as 20250401, or nothing") from None
