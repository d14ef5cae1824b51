"""A league table of a release, whole or filtered, and an organisation's place in every released quarter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.explanation.recomputation.release_tables import ReleaseTables, find_release
from dagster_project.notices import notice_of
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder
from dagster_project.typed_names import (
    Known,
    begins_with,
    find_organisation,
    find_table,
    fits_words,
    is_said_by,
)

PLACE = (
    "rank",
    "organisations_in_table",
    "organisation_code",
    "organisation_name",
    "organisation_subtype",
    "region",
    "adjusted_segment",
    "unadjusted_segment",
    "financial_override",
    "average_metric_score",
    "average_likely_low",
    "average_likely_high",
    "segment_likely_low",
    "segment_likely_high",
    "rank_likely_low",
    "rank_likely_high",
    "metric_count",
)
_OF_A_QUARTER = ("quarter", "release_id", "table_name")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Only:
    """Which rows of a league table are asked for: words of a region or subtype, an adjusted segment."""

    region: str | None = None
    subtype: str | None = None
    segment: int | None = None

    def __bool__(self) -> bool:
        return any(one is not None for one in (self.region, self.subtype, self.segment))

    def of(self, rows: Sequence[Row]) -> list[Row]:
        """Raises WrongUsage, naming what there is, where a region, subtype or segment has no row at all."""
        kept = _kept(rows, "region", self.region)
        found = [row for row in _kept(rows, "organisation_subtype", self.subtype) if row in kept]
        if self.segment is None:
            return found
        there = sorted({row["adjusted_segment"] for row in rows})
        if self.segment not in there:
            raise WrongUsage(f"No organisation is in segment {self.segment}: there are {_listed(there)}.")
        return [row for row in found if row["adjusted_segment"] == self.segment]


def show(data: DataFolder, what: str, quarter: Quarter | None, only: Only) -> dict[str, Any]:
    """A league table, or the places of an organisation, whichever `what` names; plain JSON values under `rows`.

    A table is of the quarter, without it of the newest released one; an organisation's places are those of all
    released quarters, or of the one. Raises InputMissing where nothing such is released, WrongUsage for a name or
    a filter that fits nothing.
    """
    table = find_table(what)
    if table is not None:
        return _table(find_release(data, quarter or _newest(data, table)), table, only)
    if only:
        raise WrongUsage(
            "--region, --subtype and --segment choose rows of a league table, not of an organisation."
        )
    return _places(data, what, quarter)


def _table(release: ReleaseTables, table: str, only: Only) -> dict[str, Any]:
    rows = release.rows("league_table", table_name=table)
    if not rows:
        there = sorted({row["table_name"] for row in release.rows("league_table")})
        raise InputMissing(
            f"{release.quarter} was released without the table {table}; it has {_listed(there)}."
        )
    rows.sort(key=lambda row: (row["rank"], row["organisation_code"]))
    return {
        "quarter": str(release.quarter),
        "release_id": release.release_id,
        "is_sample": bool(release.release_file["is_sample"]),
        "table_name": table,
        "organisations_in_table": len(rows),
        "columns": list(PLACE),
        "rows": [_plain(row, PLACE) for row in only.of(rows)],
        "notice": release.release_file["notice"],
    }


def _places(data: DataFolder, typed: str, quarter: Quarter | None) -> dict[str, Any]:
    wanted = [one.quarter for one in current_release(data)] if quarter is None else [quarter]
    if not wanted:
        _newest(data)
    releases = [find_release(data, one) for one in wanted]
    known = {
        row["organisation_code"]: Known(
            row["organisation_code"], row["organisation_name"] or "", row["table_name"]
        )
        for release in releases
        for row in release.rows("organisation")
    }
    of = "any released quarter" if quarter is None else str(quarter)
    found = find_organisation(typed, list(known.values()), of)
    rows = [row for release in releases for row in release.rows("league_table", organisation_code=found.code)]
    if not rows:
        raise InputMissing(
            f"{found} has no place in {of}: no score of it enters an average. `league explain {found.code} "
            f"{wanted[-1]}` tells what there is."
        )
    is_sample = any(release.release_file["is_sample"] for release in releases)
    columns = (*_OF_A_QUARTER, *PLACE)
    return {
        "organisation_code": found.code,
        "organisation_name": found.name,
        "is_sample": is_sample,
        "columns": list(columns),
        "rows": [_plain(row, columns) for row in rows],
        "notice": notice_of(is_sample=is_sample),
    }


def _newest(data: DataFolder, table: str | None = None) -> Quarter:
    """The newest released quarter; that has the table, if any has."""
    released = current_release(data)
    if not released:
        raise InputMissing("Nothing is released yet: `league run` makes the first release.")
    having = [one.quarter for one in released if table in one.tables_loaded]
    return (having or [one.quarter for one in released])[-1]


def _kept(rows: Sequence[Row], column: str, typed: str | None) -> list[Row]:
    if typed is None:
        return list(rows)
    there = sorted({row[column] for row in rows if row[column]})
    meant = next(
        (found for fits in (is_said_by, begins_with, fits_words) if (found := _fitting(fits, typed, there))),
        [],
    )
    if not meant:
        what = column.removeprefix("organisation_")
        raise WrongUsage(f"No {what} fits {typed!r}: there are {_listed(there)}.")
    return [row for row in rows if row[column] in meant]


def _fitting(fits: Callable[[str, str], bool], typed: str, there: Sequence[str]) -> list[str]:
    return [one for one in there if fits(typed, one)]


def _plain(row: Row, columns: Sequence[str]) -> dict[str, Any]:
    """Decimals as text; None where an older release lacks the column."""
    found = {column: row.get(column) for column in columns}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in found.items()}


def _listed(found: Iterable[object]) -> str:
    return ", ".join(map(str, found)) or "none"
