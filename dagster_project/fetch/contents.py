"""What a file that was fetched covers: read from it where its reader can, else from its link or its first rows."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.catalogue.catalogue import Source
from dagster_project.catalogue.link_period import Period, period_named
from dagster_project.extracts.archived_files import READERS
from dagster_project.extracts.readers import nof_data, nof_league_table
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.fetch.discover import Found

_HEAD_BYTES = 20_000
# The other readers take a path, since their files may be large.
_TAKES_BYTES = frozenset({nof_data.SOURCE, nof_league_table.SOURCE})


@dataclass(frozen=True)
class Contents:
    """Table (None where a source has none), canonical quarters in time, and whether figures are fictional.

    `months` (`2025-06`, in time) are those of its rows, where its reader counts in months.
    """

    table_name: str | None
    quarters: tuple[str, ...]
    is_sample: bool
    months: tuple[str, ...] = ()

    def contradicts(self, said: Period | None) -> str:
        """Empty, or how what the rows are about differs from the months that the link says."""
        if said is None or not self.quarters:
            return ""
        if self.months and said.first is not None:
            whole = said.months()
            if set(self.months) == set(whole):
                return ""
            return f"the link says {_from_to(whole)}, its rows are of {_from_to(self.months)}"
        last = str(said.quarters()[-1])
        if last == self.quarters[-1]:
            return ""
        return f"the link says {last}, its rows are of {', '.join(self.quarters)}"


def contents_of(source: Source, path: Path, file_name: str, extract_id: str, found: Found) -> Contents:
    """Raises InputRejected where the source's reader can't take the file."""
    reader = READERS.get(source.reader or "")
    if reader is not None:
        raw = path.read_bytes() if source.reader in _TAKES_BYTES else path
        read = reader(raw, file_name=file_name, extract_id=extract_id)
        months = read.periods if isinstance(read, ReadStatistic) else ()
        return Contents(read.table_name, read.quarters, read.is_sample, months)
    period = found.period if source.span == "undated" else found.period or _period_inside(path)
    quarters = () if period is None else tuple(map(str, period.quarters()))
    return Contents(None, quarters, is_sample=False)


def _from_to(months: Sequence[str]) -> str:
    """First and last, and how many where some between them are missing."""
    first, last = months[0], months[-1]
    if first == last:
        return first
    years = int(last[:4]) - int(first[:4])
    whole = years * 12 + int(last[5:]) - int(first[5:]) + 1
    return f"{first} to {last}" + (f" ({len(months)} of {whole} months)" if len(months) < whole else "")


def _period_inside(path: Path) -> Period | None:
    """The months named by the members of an archive, or by the first rows of a text."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.casefold().endswith(".csv")]
        return period_named(" ".join(names))
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return None if b"\0" in head else period_named(head.decode("cp1252", errors="replace"))
