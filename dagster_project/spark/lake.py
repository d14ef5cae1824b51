"""The lake: released rows in partitions written once, readers' views of what is current, and the one step that commits.

`<database>_lake` holds a table for each released one, partitioned by quarter and release id, and the journal: a small
table for each state of it, never changed. A view says which of these is the journal now. Readers' views in `<database>`
join the rows with what that journal says is current, so that pointing it at another state is the commit: a reader sees
the old state or the new one, of all quarters and tables.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pyarrow as pa

from dagster_project.errors import CommitUnknown, LeagueError, Locked, WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import release_id_of
from dagster_project.releases.journal import (
    PUBLISHED,
    WITHDRAWN,
    ReleaseEvent,
    current_after,
    last_events,
    now,
    person,
)
from dagster_project.releases.publish import CurrentRelease
from dagster_project.releases.tables import EARLIER_RELEASE, RELEASED_TABLES, ReleasedTable
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.spark.session import is_local, rows_on_spark, spark_folder, spark_session, table_format

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

DATABASE_VARIABLE = "LEAGUE_SPARK_DATABASE"
PARTITIONS = ("quarter", "release_id")
_JOURNAL = "journal"
# Who reads the journal of a state at the moment of a commit goes on reading it.
_STATES_KEPT = 10
_DATABASE = re.compile(r"([a-z][a-z0-9_]*\.)?[a-z][a-z0-9_]*")
_EVENT = pa.schema(
    [
        ("event_number", pa.int32()),
        ("quarter", pa.string()),
        ("release_id", pa.string()),
        ("event", pa.string()),
        ("happened_at", pa.timestamp("us")),
        ("done_by", pa.string()),
        ("reason", pa.string()),
        ("how", pa.string()),
        ("framework", pa.string()),
        ("is_sample", pa.bool_()),
        ("release_state", pa.string()),
        ("organisations", pa.int32()),
        ("tables_loaded", pa.string()),
        ("is_current", pa.bool_()),
        ("previous_release_id", pa.string()),
    ]
)
_EVENT_COLUMNS = ("event_number", "quarter", "release_id", "event", "happened_at", "done_by", "reason", "how")
_CURRENT_COLUMNS = (
    *("quarter", "release_id", "framework", "is_sample", "release_state", "organisations", "tables_loaded"),
)


@dataclass(frozen=True)
class Entry:
    """A row of the journal: the event, the release it is about, and the id of what that read as the quarter before.

    States from before ids of earlier releases were kept have none.
    """

    event: ReleaseEvent
    release: CurrentRelease
    previous_release_id: str | None


def database_name() -> str:
    """The readers' database: LEAGUE_SPARK_DATABASE (`name` or `catalogue.name`), else `league`."""
    name = os.environ.get(DATABASE_VARIABLE, "").strip() or WAREHOUSE_SCHEMA
    if not _DATABASE.fullmatch(name):
        raise WrongUsage(
            f"{DATABASE_VARIABLE} is {name!r}: expected a database's name of lower-case letters, digits and '_', such "
            "as league, with its catalogue before it where that isn't the session's."
        )
    return name


class Lake:
    """The lake of a session. Only whoever holds the writer lock of the data folder calls what writes."""

    def __init__(
        self,
        session: SparkSession,
        database: str | None = None,
        *,
        tables: Sequence[ReleasedTable] = RELEASED_TABLES,
    ) -> None:
        self._session = session
        self._tables = tables
        self.database = database or database_name()
        self.rows = f"{self.database}_lake"
        self._format = table_format()

    def refuse_moved(self, data: DataFolder) -> None:
        """Raises WrongUsage where a local catalogue has the lake outside of the data folder: that was moved or copied,
        and what is written would go to where it lay.
        """
        if not is_local():
            return
        folder = spark_folder(data).resolve()
        for row in self._session.sql("show databases").collect():
            if row[0] not in (self.database, self.rows):
                continue
            said = {line[0]: line[1] for line in self._session.sql(f"describe database {row[0]}").collect()}
            place = Path(url2pathname(urlsplit(said["Location"]).path))
            if not place.resolve().is_relative_to(folder):
                raise WrongUsage(
                    f"{folder}: expected the tables of the database {row[0]} in it; its catalogue has them in {place}. "
                    "The data folder was moved or copied, and a catalogue knows tables by their place. Remove "
                    f"{folder} and run the quarters again with --target spark: the lake is built anew, with the same "
                    "ids. Or move the data folder back."
                )

    @property
    def exists(self) -> bool:
        """Whether anything was ever prepared for it."""
        return bool(self._session.catalog.tableExists(f"{self.rows}.{_JOURNAL}"))

    def journal(self) -> list[Entry]:
        """Every event, in order; none before the first commit."""
        if not self.exists:
            return []
        found = self._session.table(f"{self.rows}.{_JOURNAL}").toArrow().to_pylist()
        return [_entry(row) for row in sorted(found, key=lambda row: row["event_number"])]

    def current(self) -> list[CurrentRelease]:
        """The current release of every quarter, first to last."""
        return [entry.release for entry in _current(self.journal())]

    def readable(self, table: str) -> bool:
        """Whether readers have such a table."""
        return bool(self._session.catalog.tableExists(f"{self.database}.{table}"))

    def prepare(self) -> None:
        """Makes databases, journal and the view of what is current, where they aren't there."""
        for database in (self.database, self.rows):
            self._session.sql(f"create database if not exists {database}")
        if not self.exists:
            self._session.sql(f"create view {self.rows}.{_JOURNAL} as {self._select(self._write_state([]))}")
        columns = ", ".join(_CURRENT_COLUMNS)
        views = {
            "current_release": f"select {columns} from {self.rows}.{_JOURNAL} where is_current",
            "release_event": f"select {', '.join(_EVENT_COLUMNS)} from {self.rows}.{_JOURNAL}",
        }
        for name, query in views.items():
            if not self.readable(name):
                self._session.sql(f"create view {self.database}.{name} as {query}")

    def write(
        self,
        releases: Mapping[Quarter, tuple[str, str | None]],
        frames: Mapping[str, DataFrame],
        *,
        threads: int,
    ) -> dict[str, int]:
        """Writes the rows of releases (id, and id of the quarter before, by quarter), invisible until they are current.

        `frames` are the candidate's tables by name. A release that the journal knows was written whole: it is compared,
        never rewritten. Returns the rows of each table. Raises LeagueError where a release holds something else than
        now, or a table's columns have another type than before.
        """
        self.prepare()
        known = {entry.release.release_id for entry in self.journal()}
        fresh = {quarter: ids for quarter, ids in releases.items() if ids[0] not in known}
        again = {quarter: ids for quarter, ids in releases.items() if ids[0] in known}
        stamped = {table.name: _of_releases(frames[table.name], table, releases) for table in self._tables}
        if again:
            self._refuse_difference(again, stamped)
        for table in self._tables:
            self._follow(table.name, frames[table.name])
        if fresh:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda name: self._insert(name, stamped[name], fresh), stamped))
        written = self._sums(self._held(), releases)
        return {
            name: sum(rows for (table, _), (rows, _) in written.items() if table == name) for name in stamped
        }

    def publish(
        self,
        releases: Sequence[CurrentRelease],
        *,
        how: str = "run",
        by: str | None = None,
        reasons: Mapping[Quarter, str] | None = None,
        previous: Mapping[Quarter, str | None] | None = None,
    ) -> list[CurrentRelease]:
        """The commit: makes written releases current in one step, all or none; returns what is current then.

        `previous` is the id that each read as the quarter before. Raises WrongUsage for one that was withdrawn or is
        of the other kind, official or fictional.
        """
        entries = self.journal()
        events = [entry.event for entry in entries]
        current = {entry.release.quarter: entry.release.release_id for entry in _current(entries)}
        at = now()
        for release in releases:
            _refuse_withdrawn(events, release)
            _refuse_other_kind(entries, release, self.database)
            if current.get(release.quarter) != release.release_id:
                entries = _with(
                    entries,
                    release,
                    PUBLISHED,
                    at,
                    by,
                    (reasons or {}).get(release.quarter),
                    how,
                    previous=(previous or {}).get(release.quarter),
                )
        return self._commit(entries)

    def withdraw(
        self, release_id: str, *, reason: str, roll_back_to: str | None = None, by: str | None = None
    ) -> dict[str, Any]:
        """Takes a release back, in one step with the earlier one that is current instead, if there is one.

        Ids may be their starts. Its rows stay. Raises WrongUsage where there is no such release, it is withdrawn
        already, no reason is given or the other was never current.
        """
        reason = " ".join(reason.split())
        if not reason:
            raise WrongUsage("Say why with --reason: whoever has used the release will read it.")
        entries = self.journal()
        release_id = _whole_id(entries, release_id, "RELEASE")
        roll_back_to = roll_back_to and _whole_id(entries, roll_back_to, "--roll-back-to")
        last = last_events(entry.event for entry in entries)
        release = _known(entries, last, release_id, self.database)
        was_current = release in [entry.release for entry in _current(entries)]
        at = now()
        if roll_back_to is not None:
            earlier = _earlier(entries, last, release, roll_back_to, was_current=was_current)
        entries = _with(entries, release, WITHDRAWN, at, by, reason, None)
        if roll_back_to is not None:
            entries = _with(entries, earlier, PUBLISHED, at, by, reason, "roll_back")
        instead = {item.quarter: item.release_id for item in self._commit(entries)}
        return {
            "quarter": str(release.quarter),
            "release_id": release_id,
            "was": "current" if was_current else "replaced",
            "reason": reason,
            "by": person(by),
            "current_release_id": instead.get(release.quarter),
            "built_on_it": _built_on(entries, release),
            "exit_code": 0,
        }

    def _commit(self, entries: Sequence[Entry]) -> list[CurrentRelease]:
        before = self._state()
        if list(entries) == self.journal():
            return [entry.release for entry in _current(entries)]
        state = self._write_state(entries)
        if self._state() != before:
            self._session.sql(f"drop table {self.rows}.{state}")
            raise Locked(
                f"{self.rows}.{_JOURNAL}: expected the journal as it was when this run read it; another one has "
                "committed meanwhile. Nothing was published; run again."
            )
        self._point_at(state)
        # What was committed is so, whatever becomes of what it replaced.
        with suppress(Exception):
            self._forget_states(state)
        return [entry.release for entry in _current(entries)]

    def _point_at(self, state: str) -> None:
        """Makes a state the journal; raises CommitUnknown where the answer got lost and nobody can be asked.

        `create or replace` would take the view away first; `alter` changes it in the catalogue at once.
        """
        try:
            self._session.sql(f"alter view {self.rows}.{_JOURNAL} as {self._select(state)}")
        except Exception as error:
            try:
                done = self._state() == state
            except Exception:
                raise CommitUnknown(
                    f"{self.rows}.{_JOURNAL}: Spark was lost while it was told what is current, so that it isn't known "
                    f"whether that is so now. Look at {self.database}.release_event, or do the same again: what is "
                    "current already stays as it is."
                ) from error
            if not done:
                raise

    def _select(self, state: str) -> str:
        return f"select {', '.join(_EVENT.names)} from {self.rows}.{state}"

    def _state(self) -> str:
        """The table that the journal's view points at."""
        described = self._session.sql(f"describe table extended {self.rows}.{_JOURNAL}").collect()
        text = next(str(row["data_type"]) for row in described if row["col_name"] == "View Text")
        return text.rsplit(".", 1)[-1].strip()

    def _write_state(self, entries: Sequence[Entry]) -> str:
        """Writes a journal as a table of its own; returns its name, which sorts by the number of events."""
        current = {id(entry) for entry in _current(entries)}
        rows = [_row(entry, is_current=id(entry) in current) for entry in entries]
        name = f"{_JOURNAL}_{len(rows):06}_{secrets.token_hex(4)}"
        frame = rows_on_spark(self._session, pa.Table.from_pylist(rows, _EVENT))
        frame.coalesce(1).write.format(self._format).saveAsTable(f"{self.rows}.{name}")
        return name

    def _forget_states(self, current: str) -> None:
        listed = self._session.sql(f"show tables in {self.rows} like '{_JOURNAL}_*'").collect()
        states = sorted(str(row["tableName"]) for row in listed)
        for name in states[:-_STATES_KEPT]:
            if name != current:
                self._session.sql(f"drop table {self.rows}.{name}")

    def _follow(self, name: str, frame: DataFrame) -> None:
        """Makes a table and its readers' view, or brings both to columns that were added since."""
        table, found = f"{self.rows}.{name}", {field.name: field.dataType for field in frame.schema.fields}
        plain = [column for column in found if column not in PARTITIONS]
        exists = self._session.catalog.tableExists(table)
        if not exists:
            columns = ", ".join(
                f"`{column}` {found[column].simpleString()}" for column in (*plain, *PARTITIONS)
            )
            self._session.sql(
                f"create table {table} ({columns}) using {self._format} partitioned by ({', '.join(PARTITIONS)})"
            )
        else:
            there = {field.name: field.dataType for field in self._session.table(table).schema.fields}
            for column, kind in found.items():
                if column in there and there[column] != kind:
                    raise LeagueError(
                        f"{table}, column {column}: expected {there[column].simpleString()}, as it was released; found "
                        f"{kind.simpleString()}. Nothing was published; mend the model."
                    )
            added = [column for column in plain if column not in there]
            if added:
                columns = ", ".join(f"`{column}` {found[column].simpleString()}" for column in added)
                self._session.sql(f"alter table {table} add columns ({columns})")
            elif self.readable(name):
                return
        verb = "alter" if self.readable(name) else "create"
        chosen = ", ".join(f"released.`{column}`" for column in found)
        self._session.sql(
            f"{verb} view {self.database}.{name} as select {chosen} from {table} as released "
            f"left semi join {self.database}.current_release as current on released.quarter = current.quarter "
            "and released.release_id = current.release_id"
        )

    def _insert(
        self, name: str, frame: DataFrame, releases: Mapping[Quarter, tuple[str, str | None]]
    ) -> None:
        from pyspark.sql.functions import col, lit

        table = f"{self.rows}.{name}"
        ids = [release_id for release_id, _ in releases.values()]
        rows = frame.where(col("release_id").isin(ids)).hint("rebalance", "quarter")
        # In the table's order of columns; one that the table alone has is of an older contract and stays empty.
        ordered = [
            col(field.name)
            if field.name in frame.columns
            else lit(None).cast(field.dataType).alias(field.name)
            for field in self._session.table(table).schema.fields
        ]
        rows.select(*ordered).write.mode("overwrite").insertInto(table)

    def _refuse_difference(
        self, again: Mapping[Quarter, tuple[str, str | None]], stamped: Mapping[str, DataFrame]
    ) -> None:
        """Raises LeagueError naming the first table in which a release isn't what it was."""
        held = self._held()
        were, are = (self._sums(frames, again) for frames in (held, {name: stamped[name] for name in held}))
        for key in sorted({*were, *are}):
            if were.get(key) != are.get(key):
                name, release_id = key
                raise LeagueError(
                    f"{self.rows}.{name}, release {release_id}: expected what the same inputs gave before; found other "
                    "rows. A release is never rewritten, and nothing was published. If nobody changed the lake, that "
                    "is a fault of ours: please report it."
                )

    def _held(self) -> dict[str, DataFrame]:
        """The lake's tables that are there."""
        listed = self._session.sql(f"show tables in {self.rows}").collect()
        there = {str(row["tableName"]) for row in listed}
        return {
            table.name: self._session.table(f"{self.rows}.{table.name}")
            for table in self._tables
            if table.name in there
        }

    def _sums(
        self, frames: Mapping[str, DataFrame], releases: Mapping[Quarter, tuple[str, str | None]]
    ) -> dict[tuple[str, str], tuple[int, int]]:
        """Rows and a sum of their hashes, by table and release, in one question to Spark."""
        from pyspark.sql.functions import col, count, lit, struct, to_json, xxhash64
        from pyspark.sql.functions import sum as total

        ids = [release_id for release_id, _ in releases.values()]
        asked = None
        for name, frame in frames.items():
            # As text with its empty cells: a hash passes over them, and one would be like its neighbour.
            row = to_json(struct(*sorted(frame.columns)), {"ignoreNullFields": "false"})
            part = (
                frame.where(col("release_id").isin(ids))
                .groupBy("release_id")
                .agg(count("*").alias("rows"), total(xxhash64(row).cast("decimal(38, 0)")).alias("hashes"))
                .select(lit(name).alias("name"), "release_id", "rows", "hashes")
            )
            asked = part if asked is None else asked.unionAll(part)
        found = [] if asked is None else asked.toArrow().to_pylist()
        return {(row["name"], row["release_id"]): (row["rows"], int(row["hashes"])) for row in found}


def _of_releases(
    frame: DataFrame, table: ReleasedTable, releases: Mapping[Quarter, tuple[str, str | None]]
) -> DataFrame:
    """The candidate's rows that belong to the releases (as `releases/tables.py` exports them)."""
    from pyspark.sql.functions import col, lit

    belongs = lit(False)
    for quarter, (_, previous) in releases.items():
        mine = col("quarter") == str(quarter)
        if EARLIER_RELEASE in table.key:
            mine = mine & (col(EARLIER_RELEASE) == (previous or ""))
        belongs = belongs | mine
    return frame.where(belongs)


def withdraw_from_lake(
    data: DataFolder, release_id: str, *, reason: str, roll_back_to: str | None = None, by: str | None = None
) -> dict[str, Any]:
    """`Lake.withdraw` in a session of its own, under the data folder's lock.

    Release folders and DuckDB's warehouse of the data folder are as they were.
    """
    release_id_of(release_id, "RELEASE", start_will_do=True)
    if roll_back_to is not None:
        release_id_of(roll_back_to, "--roll-back-to", start_will_do=True)
    data = DataFolder(data.root.resolve())
    with writer_lock(data, "withdraw"), spark_session(data) as session:
        lake = Lake(session)
        lake.refuse_moved(data)
        return lake.withdraw(release_id, reason=reason, roll_back_to=roll_back_to, by=by)


def _current(entries: Sequence[Entry]) -> list[Entry]:
    """The entries that made a release current, by quarter."""
    current = {event.number for event in current_after(entry.event for entry in entries).values()}
    return sorted(
        (entry for entry in entries if entry.event.number in current), key=lambda entry: entry.event.quarter
    )


def _whole_id(entries: Sequence[Entry], typed: str, what: str) -> str:
    """The id in the journal that is meant by its start; what is the start of none is given back as it is."""
    start = release_id_of(typed, what, start_will_do=True)
    found = {
        entry.release.release_id: entry.release.quarter
        for entry in entries
        if entry.release.release_id.startswith(start)
    }
    if len(found) > 1:
        listed = ", ".join(f"{release_id} of {quarter}" for release_id, quarter in sorted(found.items()))
        raise WrongUsage(
            f"{what}: {start!r} is the start of {len(found)} releases, write more of it: {listed}"
        )
    return next(iter(found), start)


def _built_on(entries: Sequence[Entry], withdrawn: CurrentRelease) -> list[dict[str, str]]:
    """Current releases of later quarters that read the release, or one that did, as the quarter before."""
    reached, found = {withdrawn.release_id}, []
    for entry in _current(entries):
        release = entry.release
        if release.quarter > withdrawn.quarter and entry.previous_release_id in reached:
            reached.add(release.release_id)
            found.append({"quarter": str(release.quarter), "release_id": release.release_id})
    return found


def _previous_of(entries: Sequence[Entry], release: CurrentRelease) -> str | None:
    """What the journal says of a release that it has: the id of the quarter before that it read."""
    return next(
        (
            entry.previous_release_id
            for entry in reversed(entries)
            if entry.release.release_id == release.release_id
        ),
        None,
    )


def _with(
    entries: Sequence[Entry],
    release: CurrentRelease,
    event: str,
    at: datetime,
    by: str | None,
    reason: str | None,
    how: str | None,
    *,
    previous: str | None = None,
) -> list[Entry]:
    latest = entries[-1].event if entries else None
    moment = at if latest is None else max(at, latest.at)
    number = (latest.number if latest is not None else 0) + 1
    added = ReleaseEvent(number, release.quarter, release.release_id, event, moment, person(by), reason, how)
    return [*entries, Entry(added, release, previous or _previous_of(entries, release))]


def _row(entry: Entry, *, is_current: bool) -> dict[str, Any]:
    event, release = entry.event, entry.release
    return {
        "event_number": event.number,
        "quarter": str(event.quarter),
        "release_id": event.release_id,
        "event": event.event,
        "happened_at": event.at,
        "done_by": event.by,
        "reason": event.reason,
        "how": event.how,
        "framework": release.framework,
        "is_sample": release.is_sample,
        "release_state": release.release_state,
        "organisations": release.organisations,
        "tables_loaded": ",".join(release.tables_loaded),
        "is_current": is_current,
        "previous_release_id": entry.previous_release_id,
    }


def _entry(row: Mapping[str, Any]) -> Entry:
    quarter = Quarter.from_canonical(row["quarter"])
    event = ReleaseEvent(
        row["event_number"],
        quarter,
        *(row[name] for name in ("release_id", "event", "happened_at", "done_by", "reason", "how")),
    )
    release = CurrentRelease(
        quarter,
        row["release_id"],
        row["framework"],
        row["is_sample"],
        row["release_state"],
        row["organisations"],
        tuple(row["tables_loaded"].split(",")),
    )
    return Entry(event, release, row.get("previous_release_id"))


def _refuse_withdrawn(events: Sequence[ReleaseEvent], release: CurrentRelease) -> None:
    last = last_events(events).get((release.quarter, release.release_id))
    if last is not None and last.event == WITHDRAWN:
        raise WrongUsage(
            f"Release {release.release_id} of {release.quarter} was withdrawn from the lake by {last.by} on "
            f"{last.at:%-d %B %Y}: {last.reason}. The same inputs give the same release, so a run doesn't make it "
            "current again; change what was wrong with it."
        )


def _refuse_other_kind(entries: Sequence[Entry], release: CurrentRelease, database: str) -> None:
    if any(entry.release.is_sample != release.is_sample for entry in entries):
        held, wanted = ("official", "fictional") if release.is_sample else ("fictional", "official")
        raise WrongUsage(
            f"The database {database} holds {held} releases, and {release.release_id} of {release.quarter} is "
            f"{wanted}: name another database in {DATABASE_VARIABLE}."
        )


def _known(
    entries: Sequence[Entry], last: Mapping[tuple[Quarter, str], ReleaseEvent], release_id: str, database: str
) -> CurrentRelease:
    found = [entry.release for entry in entries if entry.release.release_id == release_id]
    if not found:
        known = ", ".join(
            f"{item.release.release_id} of {item.release.quarter}" for item in _current(entries)
        )
        raise WrongUsage(
            f"Release {release_id} isn't in the database {database}. Current: {known or 'none'}."
        )
    event = last[found[0].quarter, release_id]
    if event.event == WITHDRAWN:
        raise WrongUsage(
            f"Release {release_id} of {event.quarter} was withdrawn by {event.by} on {event.at:%-d %B %Y} already: "
            f"{event.reason}"
        )
    return replace(found[-1])


def _earlier(
    entries: Sequence[Entry],
    last: Mapping[tuple[Quarter, str], ReleaseEvent],
    withdrawn: CurrentRelease,
    wanted: str,
    *,
    was_current: bool,
) -> CurrentRelease:
    if not was_current:
        raise WrongUsage(
            f"Release {withdrawn.release_id} of {withdrawn.quarter} isn't current, so there is nothing to roll back: "
            "leave out --roll-back-to."
        )
    there = {
        entry.release.release_id: entry.release
        for entry in entries
        if entry.release.quarter == withdrawn.quarter
        and entry.release.release_id != withdrawn.release_id
        and last[entry.release.quarter, entry.release.release_id].event != WITHDRAWN
    }
    if wanted not in there:
        raise WrongUsage(
            f"{wanted} isn't an earlier release of {withdrawn.quarter} to roll back to: expected one that was current "
            f"and isn't withdrawn: {', '.join(sorted(there)) or 'there is none'}."
        )
    return there[wanted]
