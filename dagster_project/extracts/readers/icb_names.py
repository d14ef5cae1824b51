"""Integrated care boards: the names and codes that the Office for National Statistics lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dagster_project.extracts.readers import text
from dagster_project.extracts.readers.delimited import Records, first_records, read_records
from dagster_project.extracts.readers.organisation_codes import ICB
from dagster_project.extracts.readers.organisation_list import OrganisationList, list_bytes, name_of
from dagster_project.extracts.readers.outcome import ReadOrganisations
from dagster_project.extracts.source import SourceRecord

NAME = "icb_names"
# The columns are called by the year in which they were valid: ICB24CDH is the ODS code, ICB24CD the ONS one.
_CODE = re.compile(r"icb[0-9]{2}cdh")
_BOARD = re.compile(r"icb[0-9]{2}nm")
_HEAD_BYTES = 65_536


def is_icb_list(names: Sequence[str]) -> bool:
    """Whether these column names are those of the ICBs' names and codes."""
    keys = [text.folded(name).casefold() for name in names]
    return any(map(_CODE.fullmatch, keys)) and any(map(_BOARD.fullmatch, keys))


def read_icb_names(raw: bytes | Path, *, file_name: str, extract_id: str) -> ReadOrganisations:
    """Reads the list, also inside a ZIP; rows without a code are set aside.

    Raises InputRejected naming file, row and column for what can't be read.
    """
    body = list_bytes(raw, file_name)
    begins = first_records(body[:_HEAD_BYTES])
    header = next((row for _, rows in begins for row in rows if is_icb_list(row)), ())
    everything = read_records(body, file_name, columns=header)
    name_key = _key(everything, _BOARD)
    found = OrganisationList(NAME, ICB, everything, code_key=_key(everything, _CODE), name_key=name_key)
    nothing = [None] * len(found.records)
    return found.read(
        raw,
        extract_id,
        names=found.records.parsed(name_key, name_of),
        regions=nothing,
        icbs=found.codes,
        opened=nothing,
        closed=nothing,
        towns=nothing,
        postcodes=nothing,
    )


def _key(records: Records, pattern: re.Pattern[str]) -> str:
    return next(key for key in records.header if pattern.fullmatch(key))


SOURCE = SourceRecord(name=NAME, kind="organisations", read=read_icb_names, is_row=is_icb_list)
