"""The journal of releases: what was held, published and withdrawn, when, by whom and why.

It is the table `league.release_event` of the warehouse, so that an event and what it made current are committed
by the same rename. Events are only ever added. Times are UTC, without a zone, and never go back.
"""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from dagster_project.errors import LeagueError, WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.sql_text import literal

EVENT_TABLE = f"{WAREHOUSE_SCHEMA}.release_event"
PERSON_VARIABLE = "LEAGUE_PERSON"
HELD, PUBLISHED, WITHDRAWN = "held", "published", "withdrawn"
HOW = ("run", "approval", "roll_back", "rebuild", "restore", "before_journal")
_BEFORE = (
    "no journal was kept then; the time is that of the release's folder, or of the warehouse without one"
)
_CURRENT = "current_release"
_NEW_TABLE = (
    f"create table {EVENT_TABLE} (event_number integer primary key, quarter varchar not null, "
    "release_id varchar not null, event varchar not null, happened_at timestamp not null, done_by varchar, "
    "reason varchar, how varchar)"
)
_COLUMNS = "event_number, quarter, release_id, event, happened_at, done_by, reason, how"


@dataclass(frozen=True)
class ReleaseEvent:
    """One row of the journal; `how` says what made a release current and is None of other events.

    `at` is UTC without a zone; `by` is None only where nobody knows, before there was a journal.
    """

    number: int
    quarter: Quarter
    release_id: str
    event: str
    at: datetime
    by: str | None
    reason: str | None
    how: str | None


def person(name: str | None = None) -> str:
    """Who acts: the name given, else LEAGUE_PERSON, else the operating system's user. Nothing proves it."""
    given = (name or os.environ.get(PERSON_VARIABLE) or "").strip()
    if given:
        return given
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def keep_journal(connection: duckdb.DuckDBPyConnection, data: DataFolder) -> None:
    """Makes the journal where a warehouse has none, with what is current there as its first events."""
    if _has_table(connection, "release_event"):
        return
    connection.execute(f"create schema if not exists {WAREHOUSE_SCHEMA}")
    connection.execute(_NEW_TABLE)
    if not _has_table(connection, _CURRENT):
        return
    current = connection.execute(f"select quarter, release_id from {WAREHOUSE_SCHEMA}.{_CURRENT}")
    written = sorted((_written_at(data, *row), *row) for row in current.fetchall())
    for number, (at, quarter, release_id) in enumerate(written, start=1):
        _insert(connection, [number, quarter, release_id, PUBLISHED, at, None, _BEFORE, "before_journal"])


def put_events(connection: duckdb.DuckDBPyConnection, events: Iterable[ReleaseEvent]) -> None:
    """Makes a journal of these events in a database that has none."""
    connection.execute(f"create schema if not exists {WAREHOUSE_SCHEMA}")
    connection.execute(_NEW_TABLE)
    for one in events:
        values = [
            one.number,
            str(one.quarter),
            one.release_id,
            one.event,
            one.at,
            one.by,
            one.reason,
            one.how,
        ]
        _insert(connection, values)


def add_event(
    connection: duckdb.DuckDBPyConnection,
    quarter: Quarter,
    release_id: str,
    event: str,
    *,
    at: datetime,
    by: str,
    reason: str | None = None,
    how: str | None = None,
) -> None:
    """Adds one event; a moment before the last event's becomes that moment, as clocks may be set back."""
    last = connection.execute(
        f"select coalesce(max(event_number), 0), max(happened_at) from {EVENT_TABLE}"
    ).fetchone()
    assert last is not None
    number, latest = last
    moment = at if latest is None else max(at, latest)
    _insert(connection, [number + 1, str(quarter), release_id, event, moment, by, reason, how])


def now() -> datetime:
    """This moment in UTC, without a zone, as the journal keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def events_in(connection: duckdb.DuckDBPyConnection, table: str = EVENT_TABLE) -> list[ReleaseEvent]:
    """All events of a warehouse that has a journal, in their order."""
    rows = connection.execute(f"select {_COLUMNS} from {table} order by event_number").fetchall()
    return [ReleaseEvent(row[0], Quarter.from_canonical(row[1]), *row[2:]) for row in rows]


def read_events(data: DataFolder) -> list[ReleaseEvent]:
    """All events of the published warehouse; of one without a journal, what it would begin with."""
    with duckdb.connect(":memory:") as connection:
        copy_journal(connection, data)
        return events_in(connection)


def published_state(data: DataFolder) -> str:
    """What is current, in a word: it changes with every release, approval, roll-back and withdrawal."""
    events = [
        f"{event.number} {event.quarter} {event.release_id} {event.event}"
        for event in read_events(data)
        if event.event != HELD
    ]
    return hashlib.sha256("\n".join(events).encode()).hexdigest()[:16]


def copy_journal(connection: duckdb.DuckDBPyConnection, data: DataFolder) -> None:
    """Makes the published journal in another database; of a warehouse without one, what it would begin with."""
    connection.execute(f"create schema if not exists {WAREHOUSE_SCHEMA}")
    if not data.warehouse.exists():
        keep_journal(connection, data)
        return
    path = literal(data.warehouse)
    try:
        # Attached, because connect() gives a process that still reads from before a swap the old file again.
        connection.execute(f"attach {path} as published_journal (read_only)")
        name = "release_event" if _has_table(connection, "release_event", "published_journal") else _CURRENT
        table = f"{WAREHOUSE_SCHEMA}.{name}"
        connection.execute(f"create table {table} as select * from published_journal.{table}")
        connection.execute("detach published_journal")
    except duckdb.Error as error:
        raise LeagueError(
            f"{data.warehouse}: expected a published warehouse with the table {EVENT_TABLE}; DuckDB says: "
            f"{error}. If a program has it open for writing, close it; if the file isn't ours, move it away."
        ) from error
    keep_journal(connection, data)


def current_after(events: Iterable[ReleaseEvent], day: date | None = None) -> dict[Quarter, ReleaseEvent]:
    """Quarter -> the event that made its release current, at the end of `day` (UTC) or after all of them."""
    current: dict[Quarter, ReleaseEvent] = {}
    for event in events:
        if day is not None and event.at.date() > day:
            break
        if event.event == PUBLISHED:
            current[event.quarter] = event
        elif event.event == WITHDRAWN and _is_of(current.get(event.quarter), event):
            del current[event.quarter]
    return current


def last_events(events: Iterable[ReleaseEvent]) -> dict[tuple[Quarter, str], ReleaseEvent]:
    """Each release's latest event: held, published (perhaps replaced since) or withdrawn."""
    return {(event.quarter, event.release_id): event for event in events}


def refuse_withdrawn(events: Iterable[ReleaseEvent], quarter: Quarter, release_id: str) -> None:
    """Raises WrongUsage where a release was withdrawn and not approved since."""
    last = last_events(events).get((quarter, release_id))
    if last is not None and last.event == WITHDRAWN:
        raise WrongUsage(
            f"Release {release_id} of {quarter} was withdrawn by {last.by} on {last.at:%-d %B %Y}: {last.reason}. "
            "The same inputs give the same release, so it isn't made current again by a run. If it should be: "
            f"`league approve {release_id}`, by another person than built it."
        )


def _is_of(earlier: ReleaseEvent | None, event: ReleaseEvent) -> bool:
    return earlier is not None and earlier.release_id == event.release_id


def _insert(connection: duckdb.DuckDBPyConnection, values: list[object]) -> None:
    connection.execute(f"insert into {EVENT_TABLE} ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)", values)


def _has_table(connection: duckdb.DuckDBPyConnection, table: str, catalogue: str | None = None) -> bool:
    # Names of ours, in the text: for a parameter DuckDB imports pandas, a third of what `league status` takes.
    where = f"'{catalogue}'" if catalogue is not None else "current_database()"
    found = connection.execute(
        f"select 1 from information_schema.tables where table_schema = '{WAREHOUSE_SCHEMA}' "
        f"and table_name = '{table}' and table_catalog = {where}"
    ).fetchone()
    return found is not None


def _written_at(data: DataFolder, quarter: str, release_id: str) -> datetime:
    """When the release's folder was sealed; of a release without one, when the warehouse was."""
    released: Path = data.releases / quarter / release_id / "release.json"
    seconds = (released if released.exists() else data.warehouse).stat().st_mtime
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
