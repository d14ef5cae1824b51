"""One delivery into a PostgreSQL schema: what is to be done there, in which order, and what is said of it after.

The swap deletes a quarter's rows and inserts the staged ones. Readers are never made to wait by it, and see all of the
old rows or all of the new ones, in every table, by PostgreSQL's own versions of rows. Partitions by quarter would be
exchanged faster, but to detach one within a transaction locks the table against every reader, behind whichever of them
is slowest. Several quarters are swapped together: what compares quarters then never meets a release that is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

import psycopg

from dagster_project.delivery.delivered import (
    NOTHING,
    DeliveredQuarter,
    DeliveredTable,
    Offer,
    Wanted,
    Withdrawal,
    content_hash,
)
from dagster_project.delivery.postgresql.connection import UNCHANGED, Address, ServerGone
from dagster_project.delivery.postgresql.rows import (
    Connection,
    Contents,
    contents,
    refuse_difference,
    refuse_left,
    rows_left,
    stage,
    swap,
    tidy_up,
)
from dagster_project.delivery.postgresql.schema import (
    CONTENT,
    CURRENT,
    LEDGER,
    STAMPS,
    WITHDRAWN,
    Found,
    Schema,
    grants,
    look,
    make_schemas,
    prepare,
    refuse_changed_types,
    refuse_foreign_tables,
)
from dagster_project.delivery.report import QuarterReport, Report, Tell
from dagster_project.errors import LeagueError, MachineFault, WrongUsage
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.sql_text import literal, quoted_name

_PAUSE_SECONDS = 2.0
_OTHER_DELIVERY = "15min"
_OLDEST_SERVER = 120_000
_NOT_READ_BACK = "The new release is in place, but wasn't read back."
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class PostgreSQL:
    """A schema of a database, as a target."""

    _address: Address
    schema: Schema

    @classmethod
    def at(cls, address: str, *, schema: str | None = None) -> PostgreSQL:
        """The target at a URL; raises WrongUsage where that or the schema's name isn't one."""
        return cls(Address.read(address), Schema.named(schema or WAREHOUSE_SCHEMA))

    @property
    def address(self) -> str:
        """The URL without a password, and the schema."""
        return f"{self._address} (schema {self.schema.name})"

    @property
    def says_password(self) -> bool:
        """Whether the URL itself holds a password, which whoever lists this machine's processes can read."""
        return self._address.has_password

    def grants(self) -> str:
        """SQL for an administrator that makes the roles and schemas; nothing is asked of the server."""
        return grants(self.schema, self._address.parameters.get("dbname"))

    def deliver(self, wanted: Wanted, *, by: str, dry_run: bool, take_over: bool, tell: Tell) -> Report:
        """See `target.Delivery`. A server that goes away is asked once more, from the start: what it had committed by
        then is found there and kept.
        """
        report, done = _twice(
            lambda: self._deliver(wanted, by=by, dry_run=dry_run, take_over=take_over, tell=tell),
            tell,
            UNCHANGED,
        )
        if done is not None:
            tell("reading back what is in place")
            _twice(lambda: self._read_back(done), tell, _NOT_READ_BACK)
        return report

    def _deliver(
        self, wanted: Wanted, *, by: str, dry_run: bool, take_over: bool, tell: Tell
    ) -> tuple[Report, _Done | None]:
        """The report, and what was committed and is still to be read back, if anything."""
        with self._address.connected() as connection:
            _require_server(connection, tell)
            _act_as_owner(connection, self.schema)
            if not dry_run:
                _wait_for_others(connection, self.schema, tell)
            offer = wanted.offer()
            found = look(connection, self.schema)
            refuse_foreign_tables(found, self.schema, offer.tables)
            state = _State.read(connection, self.schema, found)
            state.refuse(offer, self.address, take_over=take_over)
            refuse_changed_types(found, self.schema, offer.tables)
            plan = _plan(connection, self.schema, offer, state, found, tell)
            if dry_run or not plan.is_work:
                return self._report(offer, plan, dry_run=dry_run), None
            changes, promised = self._bring(connection, offer, plan, state, found, by=by, tell=tell)
            tables = {*state.tables(found), *(offer.tables if plan.new else ())}
        return self._report(offer, plan, changes=changes), _Done(offer, plan, promised, sorted(tables))

    def _bring(
        self,
        connection: Connection,
        offer: Offer,
        plan: _Plan,
        state: _State,
        found: Found,
        *,
        by: str,
        tell: Tell,
    ) -> tuple[list[str], Contents]:
        """Stages, prepares and swaps; what changed of the target's tables, and what was put in place."""
        tables = offer.tables if plan.new else {}
        newest = max((str(one.quarter) for one in plan.new), default="")
        make_schemas(connection, self.schema)
        try:
            promised = stage(connection, self.schema, tables, plan.new, tell) if plan.new else {}
            changes = prepare(
                connection,
                self.schema,
                tables,
                found,
                notice=offer.notice,
                describe=newest >= max(state.current, default=""),
            )
            tell("swapping what is in place, in one transaction")
            with connection.transaction():
                swap(connection, self.schema, tables, promised, plan.gone, state.tables(found))
                _write_down(connection, self.schema, offer, plan, promised, state, by)
        finally:
            tidy_up(connection, self.schema)
        for name in tables:
            # What is done is done: what can't be analysed now, autovacuum analyses later.
            with suppress(psycopg.Error):
                connection.execute(f"analyze {self.schema.table(name)}")
        return changes, promised

    def _read_back(self, done: _Done) -> None:
        """Reads what is in place, by a connection of its own that may only read; raises LeagueError where it isn't what
        was released, or rows are left of what was taken away."""
        offer, plan, promised = done.offer, done.plan, done.promised
        quarters = [str(one.quarter) for one in plan.new]
        with self._address.connected(read_only=True, stands=_NOT_READ_BACK) as connection:
            _act_as_owner(connection, self.schema)
            self._compare(connection, offer, plan, promised, quarters, done.tables)

    def _compare(
        self,
        connection: Connection,
        offer: Offer,
        plan: _Plan,
        promised: Contents,
        quarters: Sequence[str],
        tables: Sequence[str],
    ) -> None:
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            current = _current(connection, self.schema)
            wanted = {str(one.quarter): one.release_id for one in plan.new} | dict.fromkeys(plan.gone)
            if any(current.get(quarter) != release_id for quarter, release_id in wanted.items()):
                raise LeagueError(
                    f"{self.address}: another delivery has changed since what is current there. Deliver again."
                )
            refuse_difference(
                promised,
                contents(connection, self.schema, offer.tables, quarters),
                "somebody has changed it since, or row security hides rows. Deliver again",
            )
            refuse_left(
                connection, self.schema, tables, plan.gone, "somebody has added them since. Deliver again"
            )

    def _report(
        self, offer: Offer, plan: _Plan, *, changes: Sequence[str] = (), dry_run: bool = False
    ) -> Report:
        new = {str(one.quarter) for one in plan.new}
        quarters = [
            QuarterReport(
                quarter=str(one.quarter),
                outcome="delivered" if str(one.quarter) in new else "kept",
                release_id=one.release_id,
                replaces=plan.replaces.get(str(one.quarter)) if str(one.quarter) in new else None,
                rows=one.rows,
                tables=len(offer.tables),
                sha256=one.release_sha256,
            )
            for one in offer.quarters
        ]
        quarters += [
            QuarterReport(quarter, "withdrawn", release_id, None, 0, 0, None)
            for quarter, release_id in plan.gone.items()
        ]
        return Report(
            target=self.address,
            is_sample=offer.is_sample,
            notice=offer.notice,
            quarters=tuple(sorted(quarters, key=lambda one: one.quarter)),
            changes=tuple(changes),
            dry_run=dry_run,
        )


@dataclass(frozen=True)
class _State:
    """What the target says of itself: the current release of each quarter, the content that each of its tables was
    delivered with, the rows that say what was withdrawn, and of which kinds deliveries were."""

    current: Mapping[str, str]
    delivered: Contents
    withdrawn: frozenset[tuple[Any, ...]]
    kinds: frozenset[bool]

    @classmethod
    def read(cls, connection: Connection, schema: Schema, found: Found) -> _State:
        """What the tables say; nothing where no delivery has been."""
        if not found.is_ours:
            return cls({}, {}, frozenset(), frozenset())
        columns = ", ".join(map(quoted_name, _WITHDRAWN_COLUMNS))
        rows = connection.execute(f"select quarter, table_name, rows, sha256 from {schema.table(CONTENT)}")
        delivered = {(row[0], row[1]): (int(row[2]), str(row[3])) for row in rows}
        return cls(
            current=_current(connection, schema),
            delivered=delivered,
            withdrawn=frozenset(
                connection.execute(f"select {columns} from {schema.table(WITHDRAWN)}").fetchall()
            ),
            kinds=frozenset(
                row[0] for row in connection.execute(f"select distinct is_sample from {schema.table(LEDGER)}")
            ),
        )

    def tables(self, found: Found) -> list[str]:
        """The released tables that are there, also those of which the delivery's own table says nothing."""
        known = {*(table.name for table in RELEASED_TABLES), *(name for _, name in self.delivered)}
        return sorted(name for name in known if found.is_ours and STAMPS[0] in found.columns.get(name, ()))

    def refuse(self, offer: Offer, address: str, *, take_over: bool) -> None:
        """Raises WrongUsage where the other kind of figures is there, or a release that this data folder never had."""
        if self.kinds - {offer.is_sample}:
            holds, offered = ("official", "fictional") if offer.is_sample else ("fictional", "official")
            raise WrongUsage(
                f"{address} holds {holds} figures; found {offered} ones to deliver. A schema is official or fictional, "
                "never both; nothing was changed. Deliver into another schema: --schema NAME."
            )
        for quarter in (*(one.quarter for one in offer.quarters), *offer.gone):
            there = self.current.get(str(quarter))
            if there is not None and there not in offer.published.get(quarter, ()) and not take_over:
                raise WrongUsage(
                    f"{address} holds release {there} of {quarter}, which was never current in this data folder: "
                    "another one delivers there, this one is an old copy, or a run released it just now. Nothing was "
                    "changed: deliver again, or, to deliver from here from now on, with --take-over."
                )


@dataclass(frozen=True)
class _Plan:
    """What is to be done: quarters to bring, quarters to take away with the release that is there, and whether the
    rows that say what was withdrawn are to be written anew. `replaces` is what is there of each quarter."""

    new: tuple[DeliveredQuarter, ...]
    gone: Mapping[str, str]
    replaces: Mapping[str, str]
    withdrawn_differ: bool

    @property
    def is_work(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.new or self.gone or self.withdrawn_differ)


@dataclass(frozen=True)
class _Done:
    """What a delivery has committed: to be read back, in the released tables that are there."""

    offer: Offer
    plan: _Plan
    promised: Contents
    tables: Sequence[str]


_WITHDRAWN_COLUMNS = ("quarter", "release_id", "withdrawn_at", "withdrawn_by", "reason", "current_release_id")


def _plan(
    connection: Connection, schema: Schema, offer: Offer, state: _State, found: Found, tell: Tell
) -> _Plan:
    """A quarter is kept where its release is there and each table, read through, has the content of the release's."""
    same = [
        str(one.quarter) for one in offer.quarters if state.current.get(str(one.quarter)) == one.release_id
    ]
    if same:
        tell(f"looking through the rows of {len(same)} quarters that are there")
    there = contents(connection, schema, offer.tables, same, found.columns)
    # What the delivery's own table says isn't asked: whoever can change the rows can change that as well.
    damaged = {
        str(one.quarter)
        for one in offer.quarters
        if str(one.quarter) in same
        and any(
            there.get((str(one.quarter), name), (0, NOTHING)) != _released(one, table)
            for name, table in offer.tables.items()
        )
    }
    others = [name for name in state.tables(found) if name not in offer.tables]
    damaged |= {quarter for quarter, _ in rows_left(connection, schema, others, same)}
    for quarter in sorted(damaged):
        tell(f"{quarter}: the rows there aren't those that were delivered: once more")
    wanted = {*(str(one.quarter) for one in offer.quarters), *map(str, offer.gone)}
    return _Plan(
        new=tuple(
            one for one in offer.quarters if str(one.quarter) not in same or str(one.quarter) in damaged
        ),
        gone={str(one): state.current[str(one)] for one in offer.gone if str(one) in state.current},
        replaces=state.current,
        withdrawn_differ={_withdrawn_row(one) for one in offer.withdrawn}
        != {row for row in state.withdrawn if row[0] in wanted},
    )


def _released(one: DeliveredQuarter, table: DeliveredTable) -> tuple[int, str]:
    """Number of rows and hash of the content of a table of a release."""
    if not one.rows_of(table.name):
        return 0, NOTHING
    rows = one.read(table)
    return rows.num_rows, content_hash(rows)


def _write_down(
    connection: Connection,
    schema: Schema,
    offer: Offer,
    plan: _Plan,
    promised: Contents,
    state: _State,
    by: str,
) -> None:
    """Brings the tables up to date that say which releases are there, and since when."""
    gone = [*(str(one.quarter) for one in plan.new), *plan.gone]
    for table in (CURRENT, CONTENT):
        connection.execute(f"delete from {schema.table(table)} where quarter = any(%s)", [gone])
    for one in plan.new:
        now = one.current
        _insert(
            connection,
            schema.table(CURRENT),
            quarter=str(now.quarter),
            release_id=now.release_id,
            framework=now.framework,
            is_sample=now.is_sample,
            release_state=now.release_state,
            organisations=now.organisations,
            tables_loaded=",".join(now.tables_loaded),
        )
    for (quarter, table), (rows, hashed) in promised.items():
        release_id = next(one.release_id for one in plan.new if str(one.quarter) == quarter)
        content = {"table_name": table, "release_id": release_id, "rows": rows, "sha256": hashed}
        _insert(connection, schema.table(CONTENT), quarter=quarter, **content)
    for entry in _entries(plan, state):
        said_by = by.replace("\x00", "") or "nobody named"
        _insert(connection, schema.table(LEDGER), delivered_by=said_by, is_sample=offer.is_sample, **entry)
    if plan.withdrawn_differ:
        quarters = [*(str(one.quarter) for one in offer.quarters), *map(str, offer.gone)]
        connection.execute(f"delete from {schema.table(WITHDRAWN)} where quarter = any(%s)", [quarters])
        for each in offer.withdrawn:
            row = dict(zip(_WITHDRAWN_COLUMNS, _withdrawn_row(each), strict=True))
            _insert(connection, schema.table(WITHDRAWN), **row)


def _entries(plan: _Plan, state: _State) -> Iterator[dict[str, Any]]:
    """What the ledger says of each quarter that was brought or taken away."""
    for one in plan.new:
        yield {
            "quarter": str(one.quarter),
            "release_id": one.release_id,
            "event": "delivered",
            "replaces": state.current.get(str(one.quarter)),
            "rows": one.rows,
            "sha256": one.release_sha256,
        }
    for quarter, release_id in plan.gone.items():
        rows = sum(rows for (of, _), (rows, _) in state.delivered.items() if of == quarter)
        yield {"quarter": quarter, "release_id": release_id, "event": "withdrawn", "rows": rows}


def _insert(connection: Connection, table: str, **values: Any) -> None:
    columns, marks = ", ".join(map(quoted_name, values)), ", ".join("%s" for _ in values)
    connection.execute(f"insert into {table} ({columns}) values ({marks})", list(values.values()))


def _withdrawn_row(one: Withdrawal) -> tuple[Any, ...]:
    return (str(one.quarter), one.release_id, one.at, one.by, one.reason, one.current_release_id)


def _current(connection: Connection, schema: Schema) -> dict[str, str]:
    rows = connection.execute(f"select quarter, release_id from {schema.table(CURRENT)}").fetchall()
    return {row[0]: row[1] for row in rows}


def _require_server(connection: Connection, tell: Tell) -> None:
    """Raises WrongUsage for a database that can't keep every text, or a server that is too old."""
    row = connection.execute(
        "select getdatabaseencoding(), current_setting('server_version_num')::int, current_setting('server_version'), "
        "coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false), "
        "coalesce(host(inet_server_addr()) in ('127.0.0.1', '::1'), true)"
    ).fetchone()
    assert row is not None
    encoding, number, version, is_encrypted, is_here = row
    if encoding != "UTF8":
        raise WrongUsage(
            f"The database's encoding is {encoding}: expected UTF8, which keeps every name. An administrator makes "
            "another: create database NAME encoding 'UTF8' template template0."
        )
    if number < _OLDEST_SERVER:
        raise WrongUsage(f"The server is PostgreSQL {version}: expected 12 or a later one.")
    if not (is_encrypted or is_here):
        tell("the connection isn't encrypted: add sslmode=verify-full and sslrootcert=FILE to the address")


def _twice(step: Callable[[], _Result], tell: Tell, stands: str) -> _Result:
    """What a step gives, which is done once more where the server goes away. Raises MachineFault where it goes away
    again; the message says what `stands`."""
    try:
        return step()
    except ServerGone as gone:
        tell(f"{gone}. Once more, from the start")
    time.sleep(_PAUSE_SECONDS)
    try:
        return step()
    except ServerGone as gone:
        raise MachineFault(f"{gone}, twice. {stands} See the server's log, then deliver again.") from None


def _act_as_owner(connection: Connection, schema: Schema) -> None:
    """What is made belongs to the schema's owner, whoever logs in: rights then hold for it too."""
    row = connection.execute(
        "select pg_get_userbyid(nspowner)::text, pg_has_role(session_user, nspowner, 'member') "
        f"from pg_namespace where nspname = {literal(schema.name)}"
    ).fetchone()
    if row is not None and row[1]:
        connection.execute(f"set role {quoted_name(row[0])}")


def _wait_for_others(connection: Connection, schema: Schema, tell: Tell) -> None:
    """One delivery at a time into a schema: the lock goes with the connection. Raises Locked after 15 minutes."""
    digest = sha256(f"league deliver {schema.name}".encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    row = connection.execute(f"select pg_try_advisory_lock({key})").fetchone()
    if row is not None and not row[0]:
        tell("another delivery is at work there: waiting for it")
        connection.execute(f"set lock_timeout = '{_OTHER_DELIVERY}'")
        connection.execute(f"select pg_advisory_lock({key})")
        connection.execute("reset lock_timeout")
        connection.execute("set lock_timeout = '30s'")
