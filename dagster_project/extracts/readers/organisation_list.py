"""What lists of organisations have in common: a code and a name a row, as CSV or in a ZIP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import text
from dagster_project.extracts.readers.delimited import Records
from dagster_project.extracts.readers.organisation_codes import code_of, is_sample_file
from dagster_project.extracts.readers.outcome import ReadOrganisations, SetAside, set_aside_frame
from dagster_project.extracts.readers.tables import csv_bytes
from dagster_project.extracts.rows import ORGANISATION_REFERENCE, concatenated, frame_of


def list_bytes(raw: bytes | Path, file_name: str) -> bytes:
    """The bytes of the list, out of its ZIP if it is in one; raises InputRejected for a workbook."""
    body = csv_bytes(raw, file_name)
    if body is None:
        raise InputRejected(
            file=file_name,
            expected="a CSV, as the publisher offers it",
            found="a workbook",
            remedy="Save its sheet as CSV, or download the publisher's file.",
        )
    return body


def name_of(cell: str) -> str:
    """An organisation's name; raises ValueError for a blank."""
    shown = text.folded(cell)
    if not shown:
        raise ValueError("the organisation's name")
    return shown


class OrganisationList:
    """One list: `records` and `codes` are those that have a code, the others are set aside."""

    def __init__(self, source: str, kind: str, everything: Records, *, code_key: str, name_key: str) -> None:
        self._source = source
        self._kind = kind
        self._everything = everything
        self._name_key = name_key
        codes = [code_of(cell) for cell in everything.columns[code_key]]
        self.codes = [code for code in codes if code]
        self.records = everything.kept([position for position, code in enumerate(codes) if code])
        self._set_aside = [
            SetAside(everything.lines[at], None, None, "no organisation code", everything.raw_lines[at])
            for at, code in enumerate(codes)
            if not code
        ]

    def read(
        self,
        raw: bytes | Path,
        extract_id: str,
        *,
        names: Sequence[str],
        regions: Sequence[str | None],
        icbs: Sequence[str | None],
        opened: Sequence[Any],
        closed: Sequence[Any],
        towns: Sequence[str | None],
        postcodes: Sequence[str | None],
    ) -> ReadOrganisations:
        """The file as read, from what its columns say of each of `records`."""
        count, file_name = len(self.codes), self._everything.file_name
        frame = frame_of(
            {
                "extract_id": [extract_id] * count,
                "source": [self._source] * count,
                "source_row": self.records.lines,
                "organisation_kind": [self._kind] * count,
                "organisation_code": self.codes,
                "organisation_name": names,
                "region_code": regions,
                "icb_code": icbs,
                "opened_on": opened,
                "closed_on": closed,
                "town": towns,
                "postcode": postcodes,
            },
            ORGANISATION_REFERENCE,
        )
        return ReadOrganisations(
            extract_id=extract_id,
            file_name=file_name,
            source=self._source,
            is_sample=is_sample_file(self.records, self._name_key),
            size=len(raw) if isinstance(raw, bytes) else raw.stat().st_size,
            records=len(self._everything),
            organisation_reference=concatenated([frame], ORGANISATION_REFERENCE),
            row_set_aside=set_aside_frame(extract_id, file_name, self._set_aside),
            notes=tuple(self._everything.notes),
        )
