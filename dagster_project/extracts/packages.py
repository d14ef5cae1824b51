"""What a ZIP archive or a workbook holds: told by its members, and by its sheets' headers and titles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

from dagster_project.catalogue.catalogue import source_named
from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import (
    ambulance_systems,
    cancer_provider_workbook,
    cancer_waiting_times,
    community_waiting_lists,
    sheets,
    zip_members,
)
from dagster_project.extracts.readers.delimited import HEADER_WITHIN, first_records
from dagster_project.extracts.source_columns import nearest_source, source_of_any

_WORKBOOK = "xl/workbook.xml"
_HEAD_BYTES = 65_536
Rows = Sequence[Sequence[Any]]


def source_of_package(path: Path, file_name: str) -> tuple[str | None, str, str | None]:
    """The source (None for a package to pass over), why, and the source that one passed over seems to be of.

    Raises InputRejected for one that is cut off or damaged, or that is a bomb or plays tricks.
    """
    with zip_members.opened(path, file_name) as archive:
        is_workbook = _WORKBOOK in archive.namelist()
        members = zip_members.csv_members(archive)
        if not is_workbook and not members:
            named = (source_named(PurePath(name).name) for name in archive.namelist())
            seems = next((source for source in named if source is not None), None)
            return None, "a ZIP archive that holds no CSV: no reader takes it", seems
        if is_workbook:
            sheets.check_workbook(archive, file_name)
        else:
            zip_members.check_contents(archive, file_name)
        seems = None
        for member in () if is_workbook else members:
            head = next(zip_members.chunks(archive, member, file_name), b"")[:_HEAD_BYTES]
            begins = [rows for _, rows in first_records(head)]
            source = next((found for rows in begins if (found := source_of_any(rows))), None)
            if source is not None:
                return source, "recognised by the columns of its CSV", None
            seems = seems or next((near for rows in begins if (near := nearest_source(rows))), None)
    if not is_workbook:
        return None, "a ZIP archive: no reader takes what it holds", seems
    return _source_of_workbook(path, file_name)


def _source_of_workbook(path: Path, file_name: str) -> tuple[str | None, str, str | None]:
    try:
        workbook = sheets.loaded_workbook(path, file_name)
    except InputRejected as error:
        return None, f"a workbook that can't be read: {error.found}", None
    seems = None
    # The sheet that is known by name first: the others needn't be opened then.
    known = ambulance_systems.SHEET.casefold()
    for sheet in sorted(workbook.sheet_names, key=lambda name: name.casefold() != known):
        rows = sheets.sheet_rows(workbook, sheet, file_name)
        for source, is_of in _KINDS.items():
            if is_of(rows):
                return source, f"recognised by its sheet {sheet}", None
        first = [[sheets.cell_text(cell) for cell in row] for row in rows[:HEADER_WITHIN]]
        by_columns = source_of_any(first)
        if by_columns is not None:
            return by_columns, f"recognised by the columns of its sheet {sheet}", None
        seems = seems or nearest_source(first)
    return None, "a workbook: no reader takes it", seems


def _has(header: Sequence[str]) -> Callable[[Rows], bool]:
    return lambda rows: sheets.header_position(rows, header) is not None


_KINDS: dict[str, Callable[[Rows], bool]] = {
    ambulance_systems.SOURCE: _has(ambulance_systems.HEADER),
    community_waiting_lists.SOURCE: lambda rows: bool(community_waiting_lists.title_of(rows)),
    cancer_waiting_times.SOURCE: lambda rows: (
        _has(cancer_waiting_times.HEADER)(rows) or cancer_provider_workbook.is_standard(rows)
    ),
}
