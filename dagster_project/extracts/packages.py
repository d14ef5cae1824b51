"""What a ZIP archive or a workbook holds: told by its members, its sheets and their headers."""

from __future__ import annotations

from pathlib import Path

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import (
    ambulance_systems,
    cancer_waiting_times,
    community_waiting_lists,
    ods_organisations,
    rtt_waiting_times,
    sheets,
    zip_members,
)
from dagster_project.extracts.readers.delimited import first_record
from dagster_project.extracts.readers.text import folded
from dagster_project.extracts.source_columns import source_of

_WORKBOOK = "xl/workbook.xml"
# Sources whose reader takes a CSV out of a ZIP.
_ZIPPED = frozenset({rtt_waiting_times.SOURCE, ods_organisations.TRUSTS, ods_organisations.ICBS})
_CANCER_WORDS = ("cwt", "cancer", "provider extract")


def source_of_package(path: Path, file_name: str) -> tuple[str | None, str]:
    """The source (None for a package to pass over) and why.

    Raises InputRejected for one that is cut off or damaged, or that is a bomb or plays tricks.
    """
    with zip_members.opened(path, file_name) as archive:
        is_workbook = _WORKBOOK in archive.namelist()
        members = zip_members.csv_members(archive)
        if not is_workbook and not members:
            return None, "a ZIP archive that holds no CSV: no reader takes it"
        zip_members.check_contents(archive, file_name)
        if is_workbook:
            zip_members.check_all(archive, file_name)
        for member in () if is_workbook else members:
            head = next(zip_members.chunks(archive, member, file_name), b"")
            source = source_of(first_record(head, ","))
            if source in _ZIPPED:
                return source, "recognised by the columns of its CSV"
    if not is_workbook:
        return None, "a ZIP archive: no reader takes what it holds"
    return _source_of_workbook(path, file_name)


def _source_of_workbook(path: Path, file_name: str) -> tuple[str | None, str]:
    try:
        workbook = sheets.loaded_workbook(path, file_name)
    except InputRejected as error:
        return None, f"a workbook that can't be read: {error.found}"
    names = {folded(name).casefold(): name for name in workbook.sheet_names}

    def has(sheet: str, header: tuple[str, ...]) -> bool:
        return sheets.header_position(sheets.sheet_rows(workbook, sheet, file_name), header) is not None

    raw = names.get(ambulance_systems.SHEET.casefold())
    if raw is not None and has(raw, ambulance_systems.HEADER):
        return ambulance_systems.SOURCE, "recognised by the header of its sheet Raw"
    total = names.get(community_waiting_lists.TOTAL_TABLE.casefold())
    if total is not None and has(total, community_waiting_lists.HEADER):
        return community_waiting_lists.SOURCE, "recognised by the header of its Table 4"
    likely = [name for key, name in names.items() if len(names) == 1 or any(w in key for w in _CANCER_WORDS)]
    if any(has(sheet, cancer_waiting_times.HEADER) for sheet in likely):
        return cancer_waiting_times.SOURCE, "recognised by the header of its sheet"
    return None, "a workbook: no reader takes it"
