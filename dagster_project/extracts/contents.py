"""What a file that was fetched covers: read from it where its reader can, else from its link or its first rows."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from dagster_project.extracts.archived_files import READERS
from dagster_project.extracts.catalogue import Source
from dagster_project.extracts.discover import Found
from dagster_project.extracts.link_period import Period, period_named
from dagster_project.extracts.readers import nof_data, nof_league_table

_HEAD_BYTES = 20_000
# The other readers take a path, since their files may be large.
_TAKES_BYTES = frozenset({nof_data.SOURCE, nof_league_table.SOURCE})


@dataclass(frozen=True)
class Contents:
    """Table (None where a source has none), canonical quarters in time, and whether figures are fictional."""

    table_name: str | None
    quarters: tuple[str, ...]
    is_sample: bool


def contents_of(source: Source, path: Path, file_name: str, extract_id: str, found: Found) -> Contents:
    """Raises InputRejected where the source's reader can't take the file."""
    reader = READERS.get(source.reader or "")
    if reader is not None:
        raw = path.read_bytes() if source.reader in _TAKES_BYTES else path
        read = reader(raw, file_name=file_name, extract_id=extract_id)
        return Contents(read.table_name, read.quarters, read.is_sample)
    period = found.period if source.span == "undated" else found.period or _period_inside(path)
    quarters = () if period is None else tuple(map(str, period.quarters()))
    return Contents(None, quarters, is_sample=False)


def _period_inside(path: Path) -> Period | None:
    """The months named by the members of an archive, or by the first rows of a text."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.casefold().endswith(".csv")]
        return period_named(" ".join(names))
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return None if b"\0" in head else period_named(head.decode("cp1252", errors="replace"))
