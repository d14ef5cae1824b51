"""The commit: a candidate that passed every gate takes the published warehouse's place by one rename."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from dagster_project.data_kind import require_kind
from dagster_project.durable import UNFINISHED, flush, make_folder, remove, seal_file
from dagster_project.errors import LeagueError
from dagster_project.interruption import to_the_end
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import Candidate, wal_of
from dagster_project.releases.fewer import accepted_in_words, fewer_than_current, refuse_fewer
from dagster_project.releases.folder import RELEASE_FILE, release_path
from dagster_project.releases.journal import (
    PUBLISHED,
    add_event,
    events_in,
    keep_journal,
    now,
    person,
    refuse_withdrawn,
)
from dagster_project.releases.ledger import load_ledger
from dagster_project.releases.reload import keep_league_tables
from dagster_project.releases.tombstone import mend_tombstones, record_withdrawn
from dagster_project.releases.writer_lock import require_writer_lock
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.sql_text import literal

CURRENT_LINK = "current"
_TABLE = f"{WAREHOUSE_SCHEMA}.current_release"
_COLUMNS = "quarter, release_id, framework, is_sample, release_state, organisations, tables_loaded"
# From the least settled: a release is as settled as its least settled table.
_RELEASE_STATES = ("provisional", "revised", "final")


@dataclass(frozen=True)
class CurrentRelease:
    """One row of `league.current_release`: the release of a quarter that readers are meant to use.

    `organisations` counts the rows of its league table; `tables_loaded` are table names such as `acute`.
    """

    quarter: Quarter
    release_id: str
    framework: str
    is_sample: bool
    release_state: str
    organisations: int
    tables_loaded: tuple[str, ...]


def publish(
    candidate: Candidate,
    data: DataFolder,
    quarters: Sequence[Quarter],
    *,
    how: str = "run",
    by: str | None = None,
    reason: str | None = None,
    accept_fewer: str | None = None,
) -> list[CurrentRelease]:
    """Makes the candidate the published warehouse; returns the releases that are current now. Needs the lock.

    `quarters` are those whose rows in the candidate become current; their release folders must exist. The
    journal says so of each release that wasn't current before: `how` (journal.HOW), by whom and why. Raises
    LeagueError if a connection is open, a WAL lies beside either file, or a release is missing, and SuiteFailed
    if one holds less than what it replaces and `accept_fewer` doesn't say why.
    """
    require_writer_lock(data)
    with candidate.connect() as connection:
        make_current(
            connection,
            data,
            quarters,
            how=how,
            by=person(by),
            reason=reason,
            at=now(),
            accept_fewer=accept_fewer,
        )
    return commit(candidate, data)


def commit(candidate: Candidate, data: DataFolder) -> list[CurrentRelease]:
    """Puts the candidate in the published warehouse's place; returns what is current now.

    What is kept across releases is brought up to date in it: withdrawn releases, history and ledger.
    Until the rename, every failure leaves readers on what was published before; after it the links are
    mended and the candidate is gone. Raises LeagueError as `publish` does.
    """
    require_writer_lock(data)
    with candidate.connect() as connection:
        keep_state_of_releases(connection)
        keep_league_tables(connection, data)
        load_ledger(connection, data)
    candidate.close()
    seal_file(candidate.warehouse)
    make_folder(data.warehouse.parent)
    refuse_foreign_wal(data)
    with to_the_end():
        candidate.warehouse.replace(data.warehouse)
        flush(data.warehouse.parent)
        candidate.discard()
        return mend_current_links(data)


def keep_state_of_releases(connection: duckdb.DuckDBPyConnection) -> None:
    """Brings the tables that say which releases are current and which are withdrawn up to date; makes them first."""
    _keep_current_release(connection)
    record_withdrawn(connection)


def refuse_foreign_wal(data: DataFolder) -> None:
    """Raises LeagueError if a write-ahead log lies beside the published warehouse.

    DuckDB would replay it over whatever file takes the published name.
    """
    wal = wal_of(data.warehouse)
    if wal.exists():
        raise LeagueError(
            f"{wal}: expected nothing beside the published warehouse, which is read-only; found a "
            "write-ahead log, so another program opened the warehouse for writing. Close that program; if "
            "the file stays, move it away. Then run again; what was published before is still in place."
        )


def current_release(data: DataFolder) -> list[CurrentRelease]:
    """The current release of every quarter, first to last; empty before the first run is published."""
    if not data.warehouse.exists():
        return []
    path = literal(data.warehouse)
    try:
        # Attached, because connect() gives a process that still reads from before a swap the old file again.
        # One thread: a handful of rows, and each further thread costs more to start than it saves.
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.execute(f"attach {path} as published (read_only)")
            rows = connection.execute(
                f"select {_COLUMNS} from published.{_TABLE} order by quarter"
            ).fetchall()
    except duckdb.Error as error:
        raise LeagueError(
            f"{data.warehouse}: expected a published warehouse with the table {_TABLE}; DuckDB says: "
            f"{error}. If a program has it open for writing, close it; if {wal_of(data.warehouse).name} lies "
            "beside it, move that away; if the file isn't ours, move it away and run again."
        ) from error
    return [_from_row(row) for row in rows]


def mend_current_links(data: DataFolder) -> list[CurrentRelease]:
    """Points each `releases/<quarter>/current` at what the published warehouse says; returns that.

    To be called at each start, under the lock: a run may have died between commit and links. A link
    whose quarter has no current release, or whose release folder is gone, is removed. The tombstones of
    withdrawn releases are mended with them.
    """
    require_writer_lock(data)
    mend_tombstones(data)
    current = current_release(data)
    targets = {
        release.quarter: release.release_id
        for release in current
        if release_path(data, release.quarter, release.release_id).is_dir()
    }
    if data.releases.is_dir():
        for folder in data.releases.iterdir():
            link = folder / CURRENT_LINK
            if link.is_symlink() and folder.name not in map(str, targets):
                remove(link)
    for quarter, release_id in targets.items():
        _point(data, quarter, release_id)
    return current


def make_current(
    connection: duckdb.DuckDBPyConnection,
    data: DataFolder,
    quarters: Sequence[Quarter],
    *,
    how: str,
    by: str,
    at: datetime,
    reason: str | None = None,
    accept_fewer: str | None = None,
) -> None:
    """Writes into the candidate's `current_release` and journal what its league table holds of the quarters.

    Raises WrongUsage for a release that was withdrawn, unless an approval brings it back, and for one of the kind
    that the folder doesn't hold; SuiteFailed for one that holds less than the one it replaces, unless `accept_fewer`
    says why. Who rolls back names an earlier release and a reason: that it may hold less is the point, and the
    journal has both.
    """
    _keep_current_release(connection)
    keep_journal(connection, data)
    fewer = {} if how == "roll_back" else _fewer(connection, data, quarters, accept_fewer)
    before = dict(connection.execute(f"select quarter, release_id from {_TABLE}").fetchall())
    for quarter in quarters:
        release = describe_release(connection, quarter)
        require_kind(data, release.is_sample, write=True)
        released = release_path(data, quarter, release.release_id) / RELEASE_FILE
        if not released.is_file():
            raise LeagueError(
                f"{released}: expected the release to be written before it is published; it isn't there. "
                "Nothing was published; run again."
            )
        if how != "approval":
            refuse_withdrawn(events_in(connection), quarter, release.release_id)
        if before.get(str(quarter)) != release.release_id:
            said = [text for text in (reason, fewer.get(quarter)) if text]
            add_event(
                connection,
                quarter,
                release.release_id,
                PUBLISHED,
                at=at,
                by=by,
                how=how,
                reason="; ".join(said) or None,
            )
        connection.execute(
            f"insert or replace into {_TABLE} values (?, ?, ?, ?, ?, ?, ?)",
            [
                str(quarter),
                release.release_id,
                release.framework,
                release.is_sample,
                release.release_state,
                release.organisations,
                ",".join(release.tables_loaded),
            ],
        )


def _fewer(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, quarters: Sequence[Quarter], accepted: str | None
) -> dict[Quarter, str]:
    """For the journal: what each quarter's release may lack, and why."""
    found = fewer_than_current(connection, data, quarters)
    refuse_fewer(found, accepted)
    return {
        fewer.quarter: accepted_in_words(fewer, accepted)
        for fewer in found
        if accepted is not None and fewer.refused
    }


def _keep_current_release(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"create schema if not exists {WAREHOUSE_SCHEMA}")
    connection.execute(
        f"create table if not exists {_TABLE} (quarter varchar primary key, release_id varchar not null, "
        "framework varchar not null, is_sample boolean not null, release_state varchar not null, "
        "organisations integer not null, tables_loaded varchar not null)"
    )


def describe_release(connection: duckdb.DuckDBPyConnection, quarter: Quarter) -> CurrentRelease:
    """What the quarter's league table says of itself; raises LeagueError unless it is of one release."""
    rows = connection.execute(
        "select release_id, framework, is_sample, list_sort(list(distinct release_state)), count(*), "
        "list_sort(list(distinct table_name)) "
        f"from {WAREHOUSE_SCHEMA}.league_table where quarter = ? group by all",
        [str(quarter)],
    ).fetchall()
    if len(rows) != 1:
        raise LeagueError(
            f"{WAREHOUSE_SCHEMA}.league_table: expected the rows of {quarter} to be of one release, "
            f"framework and kind of data; found {len(rows)}: {sorted(row[:3] for row in rows)}. "
            "Nothing was published; mend the model."
        )
    release_id, framework, is_sample, states, organisations, tables = rows[0]
    unknown = set(states) - set(_RELEASE_STATES)
    if unknown:
        raise LeagueError(
            f"{WAREHOUSE_SCHEMA}.league_table, column release_state: expected {', '.join(_RELEASE_STATES)}; "
            f"found {', '.join(sorted(map(str, unknown)))}. Nothing was published; mend the model."
        )
    state = min(states, key=_RELEASE_STATES.index)
    return CurrentRelease(quarter, release_id, framework, is_sample, state, organisations, tuple(tables))


def _from_row(row: tuple[str, str, str, bool, str, int, str]) -> CurrentRelease:
    quarter, release_id, framework, is_sample, state, organisations, tables = row
    return CurrentRelease(
        Quarter.from_canonical(quarter),
        release_id,
        framework,
        is_sample,
        state,
        organisations,
        tuple(tables.split(",")),
    )


def _point(data: DataFolder, quarter: Quarter, release_id: str) -> None:
    """Sets one link by a rename, so that it is never missing; relative, so that the data folder can move."""
    link = data.releases / str(quarter) / CURRENT_LINK
    if link.is_symlink() and link.readlink() == Path(release_id):
        return
    if link.exists() and not link.is_symlink():
        raise LeagueError(
            f"{link}: expected a link to release {release_id}, which is published; found a file or folder. "
            "Move it away: the next start sets the link."
        )
    fresh = link.with_name(UNFINISHED + CURRENT_LINK)
    remove(fresh)
    fresh.symlink_to(release_id, target_is_directory=True)
    fresh.replace(link)
    flush(link.parent)
