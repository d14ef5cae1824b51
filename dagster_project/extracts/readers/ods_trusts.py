"""NHS trusts as ODS lists them: `etr.csv`, one of its reports of 27 columns without a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from dagster_project.extracts.readers import text
from dagster_project.extracts.readers.delimited import read_records
from dagster_project.extracts.readers.organisation_codes import TRUST
from dagster_project.extracts.readers.organisation_list import OrganisationList, list_bytes, name_of
from dagster_project.extracts.readers.outcome import ReadOrganisations
from dagster_project.extracts.source import SourceRecord

NAME = "ods_trusts"
# The 27 columns of every ODS report of this family; the file itself names none of them.
_NAMES = {
    1: "Organisation code",
    2: "Name",
    3: "Region",
    4: "ICB",
    8: "Town",
    10: "Postcode",
    11: "Open date",
    12: "Close date",
}
_WIDTH = 27
COLUMNS = tuple(_NAMES.get(place, f"Column {place}") for place in range(1, _WIDTH + 1))
_CODE = re.compile(r"[A-Z0-9]{3,5}")
_REGION = re.compile(r"Y[0-9]{2}")
_DATE = re.compile(r"[0-9]{8}")


def is_trust_report(first_record: Sequence[str]) -> bool:
    """Whether a file that starts with this record is ODS's list of trusts, which has no header."""
    if len(first_record) != _WIDTH:
        return False
    code, region, opened = (text.folded(first_record[at]) for at in (0, 2, 10))
    return bool(_CODE.fullmatch(code) and _REGION.fullmatch(region) and _DATE.fullmatch(opened))


def read_ods_trusts(raw: bytes | Path, *, file_name: str, extract_id: str) -> ReadOrganisations:
    """Reads the list, also inside a ZIP; closed organisations stay, rows without a code are set aside.

    Raises InputRejected naming file, row and column for what can't be read.
    """
    everything = read_records(list_bytes(raw, file_name), file_name, names=COLUMNS)
    found = OrganisationList(NAME, TRUST, everything, code_key="organisation_code", name_key="name")
    records = found.records
    return found.read(
        raw,
        extract_id,
        names=records.parsed("name", name_of),
        regions=records.parsed("region", text.folded_or_none),
        icbs=records.parsed("icb", text.folded_or_none),
        opened=records.parsed("open_date", _date_or_none),
        closed=records.parsed("close_date", _date_or_none),
        towns=records.parsed("town", text.folded_or_none),
        postcodes=records.parsed("postcode", text.folded_or_none),
    )


def _date_or_none(cell: str) -> date | None:
    shown = text.folded(cell)
    if not shown:
        return None
    try:
        return datetime.strptime(shown, "%Y%m%d").date()
    except ValueError:
        raise ValueError("a date such as 20250401, or nothing") from None


SOURCE = SourceRecord(name=NAME, kind="organisations", read=read_ods_trusts, is_row=is_trust_report)
