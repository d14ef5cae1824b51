"""The reconciliation ledger: every difference from the publisher ever seen, by releases and by failed runs.

A run writes `ledger/<quarter>/<release id>.parquet` as soon as the gate of the league tables has judged, whether
it passed or closed. The same id has the same differences, so a file is written once. Each commit brings the
files into `league.reconciliation_ledger`, where rows are only ever added.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from dagster_project.durable import UNFINISHED, make_folder, put_in_place, remove, seal_file
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE
from dagster_project.releases.journal import PUBLISHED, events_in, now
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.sql_text import literal

LEDGER_TABLE = f"{WAREHOUSE_SCHEMA}.reconciliation_ledger"
_COLUMNS = (
    "quarter, release_id, is_sample, table_name, organisation_code, figure, computed, published, difference, "
    "tolerance, outcome, reason"
)
# A figure that can't be computed by the rules is a difference all the same where a value came out that differs.
_DIFFERS = "(outcome in ('within_tolerance', 'admissible', 'different') or difference <> 0)"


def keep_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the table of the ledger where a warehouse has none."""
    connection.execute(f"create schema if not exists {WAREHOUSE_SCHEMA}")
    connection.execute(
        f"create table if not exists {LEDGER_TABLE} (quarter varchar, release_id varchar, is_sample boolean, "
        "table_name varchar, organisation_code varchar, figure varchar, computed decimal(18, 6), "
        "published decimal(18, 6), difference decimal(18, 6), tolerance decimal(18, 6), outcome varchar, "
        "reason varchar, first_seen_at timestamp, was_released boolean)"
    )


def write_ledger(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, releases: Iterable[tuple[Quarter, str]]
) -> None:
    """Writes what the candidate's reconciliation holds of each (quarter, release id), unless it is there."""
    for quarter, release_id in releases:
        file = ledger_file(data, quarter, release_id)
        if file.exists():
            continue
        make_folder(file.parent)
        unfinished = file.with_name(UNFINISHED + file.name)
        remove(unfinished)
        rows = f"(select * from {WAREHOUSE_SCHEMA}.reconciliation where quarter = '{quarter}')"
        connection.execute(f"copy ({_differences(rows, now())}) to {literal(unfinished)} (format parquet)")
        seal_file(unfinished)
        put_in_place(unfinished, file)


def load_ledger(connection: duckdb.DuckDBPyConnection, data: DataFolder) -> None:
    """Adds to the table what files and release folders have that it lacks, and says again what was released.

    Releases made before there was a ledger have their differences in their own folders. The warehouse must
    have a journal.
    """
    keep_ledger(connection)
    found = connection.execute(f"select distinct release_id from {LEDGER_TABLE}").fetchall()
    known = {str(row[0]) for row in found}
    for file in sorted(data.ledger.glob("*/*.parquet")):
        if file.stem not in known and not file.name.startswith(UNFINISHED):
            _add(connection, f"select {_COLUMNS}, first_seen_at from read_parquet({literal(file)})")
            known.add(file.stem)
    for release in sorted(data.releases.glob(f"*/*/{RELEASE_FILE}")):
        rows = release.with_name("reconciliation.parquet")
        if release.parent.is_symlink() or release.parent.name in known or not rows.is_file():
            continue
        written = datetime.fromtimestamp(release.stat().st_mtime, UTC).replace(tzinfo=None)
        _add(connection, _differences(f"read_parquet({literal(rows)})", written))
    released = [event.release_id for event in events_in(connection) if event.event == PUBLISHED]
    connection.execute(
        f"update {LEDGER_TABLE} set was_released = list_contains($released, release_id) "
        "where was_released is distinct from list_contains($released, release_id)",
        {"released": released},
    )


def ledger_file(data: DataFolder, quarter: Quarter, release_id: str) -> Path:
    """Where the differences of a release stand, whether or not it was ever published."""
    return data.ledger / str(quarter) / f"{release_id}.parquet"


def _add(connection: duckdb.DuckDBPyConnection, differences: str) -> None:
    connection.execute(
        f"insert into {LEDGER_TABLE} ({_COLUMNS}, first_seen_at, was_released) "
        f"select *, false from ({differences})"
    )


def _differences(rows: str, seen: datetime) -> str:
    """The query of the differences among the rows of a reconciliation."""
    return (
        f"select {_COLUMNS}, timestamp '{seen.isoformat(sep=' ')}' as first_seen_at from {rows} "
        f"where {_DIFFERS} order by organisation_code, figure"
    )
