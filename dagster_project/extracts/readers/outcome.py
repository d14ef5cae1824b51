"""What a reader hands on: the rows of one file, the rows set aside, and what to know about the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagster_project.errors import LeagueError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SetAside:
    """One figure of a file that was left out, and why; `organisation_code` and `figure` are None where blank."""

    source_row: int
    organisation_code: str | None
    figure: str | None
    reason: str
    raw_line: str


@dataclass(frozen=True)
class ReadExtract:
    """One file read. `records` counts its data records; frames follow `extracts/rows.py`."""

    extract_id: str
    file_name: str
    source: str
    table_name: str
    quarters: tuple[str, ...]
    is_sample: bool
    size: int
    records: int
    extract_row: pd.DataFrame
    row_set_aside: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ReadStatistic:
    """One file of a statistic read. `periods` are its months (`2025-06`), in time; `records` its data rows.

    `row_unproven` has, as they would be set aside, the records in `statistic_row` of organisations that are
    trusts only if something else says so.
    """

    extract_id: str
    file_name: str
    source: str
    periods: tuple[str, ...]
    quarters: tuple[str, ...]
    is_sample: bool
    size: int
    records: int
    statistic_row: pd.DataFrame
    row_set_aside: pd.DataFrame
    row_unproven: pd.DataFrame
    notes: tuple[str, ...]
    table_name: None = None
    # Whether the file itself says that its figures are final; a name may say so too.
    says_final: bool = False
    # Whether a person saved it from a workbook: the publisher's own file of the month stands over it.
    saved_from_workbook: bool = False


@dataclass(frozen=True)
class ReadOrganisations:
    """One reference file of organisations read."""

    extract_id: str
    file_name: str
    source: str
    is_sample: bool
    size: int
    records: int
    organisation_reference: pd.DataFrame
    row_set_aside: pd.DataFrame
    notes: tuple[str, ...]
    quarters: tuple[str, ...] = ()
    table_name: None = None


ReadFile = ReadExtract | ReadStatistic | ReadOrganisations


def set_aside_frame(extract_id: str, file_name: str, rows: Sequence[SetAside]) -> pd.DataFrame:
    """The rows as a frame of the contract."""
    # Whoever reads a file without making frames of it does without pandas: half a second.
    from dagster_project.extracts.rows import ROW_SET_ASIDE, empty_frame, frame_of

    if not rows:
        return empty_frame(ROW_SET_ASIDE)
    return frame_of(
        {
            "extract_id": [extract_id] * len(rows),
            "file_name": [file_name] * len(rows),
            "source_row": [row.source_row for row in rows],
            "organisation_code": [row.organisation_code for row in rows],
            "figure": [row.figure for row in rows],
            "reason": [row.reason for row in rows],
            "raw_line": [row.raw_line for row in rows],
        },
        ROW_SET_ASIDE,
    )


def assert_nothing_lost(file_name: str, figures: int, rows: int, set_aside: int) -> None:
    """Raises LeagueError (our fault) unless every figure of the file became a row or was set aside."""
    if figures != rows + set_aside:
        raise LeagueError(
            f"{file_name}: of {figures} figures, {rows} became rows and {set_aside} were set aside. "
            "This is a fault of the reader: please report it."
        )
