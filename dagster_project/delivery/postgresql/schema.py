"""What stands in the target's schema: the released tables, what says which releases they hold, keys, comments, rights.

Rows are the business of `delivery.py`. Names of columns and tables are released ones; the schema's is a plain word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import psycopg
import pyarrow as pa

from dagster_project.delivery.delivered import DeliveredTable
from dagster_project.errors import LeagueError, WrongUsage
from dagster_project.sql_text import literal, quoted_name

STAMPS = ("quarter", "release_id", "is_sample")
CURRENT, WITHDRAWN = "current_release", "withdrawn_release"
LEDGER, CONTENT = "league_delivery", "league_delivery_table"
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,40}")
_NOT_OURS = re.compile(r"pg_.*|public|information_schema")
# A setting of the session alone, for the printed grants.
_JOINED = "league.joined"
# PostgreSQL cuts longer names.
_LONGEST_NAME = 63
# Tables of ours that are no released ones: what each and its columns hold, and its key.
_OWN: Mapping[str, tuple[str, Mapping[str, tuple[str, str]], tuple[str, ...]]] = {
    CURRENT: (
        "The release of each quarter whose rows stand in the released tables",
        {
            "quarter": ("text not null", "NHS financial quarter, such as 2025-26-Q1 (April to June 2025)"),
            "release_id": ("text not null", "Content-derived id of the release"),
            "framework": ("text not null", "Rules of the year"),
            "is_sample": ("boolean not null", "Whether the release is made of fictional sample data"),
            "release_state": (
                "text not null",
                "Standing of the least settled file that the quarter rests on",
            ),
            "organisations": ("integer not null", "Number of organisations in its league tables"),
            "tables_loaded": ("text not null", "Its league tables, by name, with commas between them"),
        },
        ("quarter",),
    ),
    WITHDRAWN: (
        "Releases that were taken back: who has used one finds here why, and what is current instead",
        {
            "quarter": ("text not null", "NHS financial quarter of the release"),
            "release_id": ("text not null", "Content-derived id of the release that was taken back"),
            "withdrawn_at": ("timestamp not null", "When, in UTC"),
            "withdrawn_by": ("text", "By whom"),
            "reason": ("text", "Why"),
            "current_release_id": ("text", "The quarter's release now; empty where there is none"),
        },
        ("quarter", "release_id"),
    ),
    LEDGER: (
        "Every delivery of a quarter and every removal of one, in their order; rows are only ever added",
        {
            "delivery_number": ("bigint generated always as identity", "Number of the entry, from 1"),
            "quarter": ("text not null", "NHS financial quarter"),
            "release_id": ("text not null", "Release that was delivered or taken away"),
            "event": ("text not null", "delivered or withdrawn"),
            "replaces": ("text", "Release whose rows it replaced; empty where the quarter had none"),
            "delivered_at": ("timestamp with time zone not null default now()", "When it was done"),
            "delivered_by": ("text not null", "By whom, as they said"),
            "rows": ("bigint not null", "Number of rows that were delivered or taken away, of all tables"),
            "sha256": ("text", "Hash of the release's release.json, which names the hash of every file"),
            "is_sample": ("boolean not null", "Whether the release is made of fictional sample data"),
        },
        ("delivery_number",),
    ),
    CONTENT: (
        "Number of rows and hash of the content of each released table of a quarter, as delivered",
        {
            "quarter": ("text not null", "NHS financial quarter"),
            "table_name": ("text not null", "Released table"),
            "release_id": ("text not null", "Release that the rows are of"),
            "rows": ("bigint not null", "Number of rows"),
            "sha256": ("text not null", "Hash of the content, whatever the order of rows and columns"),
        },
        ("quarter", "table_name"),
    ),
}


@dataclass(frozen=True)
class Schema:
    """A schema of the target, and the one beside it in which rows are prepared."""

    name: str

    @classmethod
    def named(cls, name: str) -> Schema:
        """Raises WrongUsage for a name that would have to be quoted, or that PostgreSQL itself uses."""
        if not _SCHEMA.fullmatch(name) or _NOT_OURS.fullmatch(name):
            raise WrongUsage(
                f"--schema: expected a schema of our own, named by small letters, digits and _, not {name!r}."
            )
        return cls(name)

    @property
    def staging(self) -> Schema:
        """Where rows are loaded and checked before anybody sees them."""
        return Schema(f"{self.name}_staging")

    def table(self, name: str) -> str:
        """A table's name in a statement."""
        return f"{quoted_name(self.name)}.{quoted_name(name)}"


@dataclass(frozen=True)
class Found:
    """What a schema holds: columns and their types by table, names of constraints, comments by table and column (None
    for the table's own)."""

    columns: Mapping[str, Mapping[str, str]]
    constraints: Mapping[str, frozenset[str]]
    comments: Mapping[tuple[str, str | None], str]

    @property
    def is_ours(self) -> bool:
        """Whether a delivery has been here."""
        return LEDGER in self.columns


def look(connection: psycopg.Connection[Any], schema: Schema) -> Found:
    """What the schema holds now; nothing where there is none."""
    where = f"n.nspname = {literal(schema.name)} and c.relkind in ('r', 'p', 'v', 'm', 'f')"
    columns: dict[str, dict[str, str]] = {}
    comments: dict[tuple[str, str | None], str] = {}
    for table, said in connection.execute(
        "select c.relname::text, obj_description(c.oid, 'pg_class') from pg_class as c "
        f"join pg_namespace as n on c.relnamespace = n.oid where {where}"
    ):
        columns[table] = {}
        comments[table, None] = said or ""
    for table, column, kind, said in connection.execute(
        "select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), "
        "col_description(c.oid, a.attnum) from pg_attribute as a join pg_class as c on a.attrelid = c.oid "
        f"join pg_namespace as n on c.relnamespace = n.oid where {where} and a.attnum > 0 and not a.attisdropped "
        "order by c.relname, a.attnum"
    ):
        columns[table][column] = kind
        comments[table, column] = said or ""
    constraints: dict[str, set[str]] = {table: set() for table in columns}
    for table, name in connection.execute(
        "select c.relname::text, k.conname::text from pg_constraint as k join pg_class as c on k.conrelid = c.oid "
        f"join pg_namespace as n on c.relnamespace = n.oid where {where}"
    ):
        constraints[table].add(name)
    return Found(columns, {table: frozenset(names) for table, names in constraints.items()}, comments)


def make_schemas(connection: psycopg.Connection[Any], schema: Schema) -> None:
    """Makes the schema and the one beside it where an administrator hasn't."""
    there = {str(row[0]) for row in connection.execute("select nspname::text from pg_namespace")}
    for name in (schema.name, schema.staging.name):
        if name not in there:
            connection.execute(f"create schema {name}")


def refuse_foreign_tables(found: Found, schema: Schema, tables: Mapping[str, DeliveredTable]) -> None:
    """Raises WrongUsage where no delivery has been there and something of our names is, made by somebody else."""
    taken = sorted({*tables, *_OWN} & found.columns.keys())
    if taken and not found.is_ours:
        raise WrongUsage(
            f"Schema {schema.name} holds {', '.join(taken)}, which no delivery made: nothing was changed. Deliver into "
            "another schema (--schema NAME), or move those tables away."
        )


def refuse_changed_types(found: Found, schema: Schema, tables: Mapping[str, DeliveredTable]) -> None:
    """Raises WrongUsage where a column that is there has another type than the released one."""
    for table in tables.values():
        there = found.columns.get(table.name, {})
        for column, kind in kinds_of(table).items():
            if column in there and there[column] != kind:
                raise WrongUsage(
                    f"{schema.name}.{table.name}, column {column}: expected {kind}, as released; found "
                    f"{there[column]}. Nothing was changed, as readers rest on the type that is there. Deliver into "
                    "another schema (--schema NAME), move the readers there, then drop this one."
                )


def kinds_of(table: DeliveredTable) -> dict[str, str]:
    """PostgreSQL's type of each column, as PostgreSQL itself writes it."""
    return {field.name: _kind(table, field) for field in table.schema}


def _kind(table: DeliveredTable, field: pa.Field) -> str:
    kind = field.type
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    found = {
        pa.string(): "text",
        pa.bool_(): "boolean",
        pa.int32(): "integer",
        pa.int64(): "bigint",
        pa.date32(): "date",
    }.get(kind)
    if found is None:
        # Floating-point numbers among them: two engines wouldn't write the same text for one.
        raise LeagueError(
            f"{table.name}, column {field.name}: expected a text, whole number, decimal, day or yes-no, as releases "
            f"hold; found {kind}. Nothing was delivered: that is a fault of ours, please report it."
        )
    return found


def prepare(
    connection: psycopg.Connection[Any],
    schema: Schema,
    tables: Mapping[str, DeliveredTable],
    found: Found,
    *,
    notice: str,
    describe: bool,
) -> list[str]:
    """Makes what is missing in the schema, takes keys away that releases no longer keep; says what changed there.

    In one transaction, short, as some of it makes readers wait; rows aren't touched. With `describe` comments are
    brought up to date: not where only an older release than the newest there is delivered.
    """
    statements, changes = [], []
    for statement, change in _statements(schema, tables, found, notice=notice, describe=describe):
        statements.append(statement)
        changes += [change] if change else []
    with connection.transaction():
        # A statement that waits for a reader makes later readers wait behind it: not for long.
        connection.execute("set local lock_timeout = '5s'")
        for statement in statements:
            connection.execute(statement)
    return changes


def _statements(
    schema: Schema, tables: Mapping[str, DeliveredTable], found: Found, *, notice: str, describe: bool
) -> Iterator[tuple[str, str]]:
    """Statements in their order, each with what it changes for readers, if anything."""
    for name, (_, columns, key) in _OWN.items():
        if name not in found.columns:
            kinds = ", ".join(f"{quoted_name(column)} {kind}" for column, (kind, _) in columns.items())
            yield f"create table {schema.table(name)} ({kinds}, primary key ({_listed(key)}))", ""
    for table in _parents_first(tables):
        there = found.columns.get(table.name)
        keys = dict(_keys(schema, table, tables, found))
        if there is None:
            yield from _new_table(schema, table, keys)
            continue
        for column, kind in kinds_of(table).items():
            if column not in there:
                yield (
                    f"alter table {schema.table(table.name)} add column {quoted_name(column)} {kind}",
                    f"{table.name} has a new column, {column}.",
                )
        for name in sorted(found.constraints[table.name]):
            if _is_ours(table.name, name) and name not in keys:
                yield (
                    f"alter table {schema.table(table.name)} drop constraint if exists {quoted_name(name)} cascade",
                    f"{table.name} has no key {name} any more: a release doesn't keep it.",
                )
                if name.endswith("_pkey"):
                    # The key goes, but that its columns were never empty would stay.
                    for column in (column for column in there if column not in STAMPS):
                        yield (
                            f"alter table {schema.table(table.name)} "
                            f"alter column {quoted_name(column)} drop not null",
                            "",
                        )
    for (of, about), text in _comments(tables, notice).items():
        is_new = of not in found.columns or (about is not None and about not in found.columns[of])
        if is_new or (describe and text != found.comments.get((of, about))):
            what = f"table {schema.table(of)}"
            if about is not None:
                what = f"column {schema.table(of)}.{quoted_name(about)}"
            yield f"comment on {what} is {literal(text)}", ""


def _new_table(schema: Schema, table: DeliveredTable, keys: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    columns = ", ".join(
        f"{quoted_name(column)} {kind}{' not null' if column in STAMPS else ''}"
        for column, kind in kinds_of(table).items()
    )
    yield f"create table {schema.table(table.name)} ({columns})", ""
    for name, key in keys.items():
        yield f"alter table {schema.table(table.name)} add constraint {quoted_name(name)} {key}", ""
    # One organisation over the quarters, and what points at a row when that row is taken away.
    for column in sorted(table.points_at):
        name = _cut(f"{table.name}_{column}_idx")
        yield (
            f"create index {quoted_name(name)} on {schema.table(table.name)} ({_listed((column, 'quarter'))})",
            "",
        )
    if not table.key:
        name = _cut(f"{table.name}_quarter_idx")
        yield f"create index {quoted_name(name)} on {schema.table(table.name)} (quarter)", ""


def _keys(
    schema: Schema, table: DeliveredTable, tables: Mapping[str, DeliveredTable], found: Found
) -> Iterator[tuple[str, str]]:
    """Name and definition of each key; the quarter is part of all, as a table holds every quarter's rows."""
    if table.key:
        yield _cut(f"{table.name}_pkey"), f"primary key ({_listed(('quarter', *table.key))})"
    for column, (there, named) in table.points_at.items():
        is_new = there not in found.columns
        if tables[there].key != (named,) or not (is_new or f"{there}_pkey" in found.constraints[there]):
            continue
        yield (
            _cut(f"{table.name}_{column}_fkey"),
            f"foreign key ({_listed(('quarter', column))}) references "
            f"{schema.table(there)} ({_listed(('quarter', named))})",
        )


def _is_ours(table: str, constraint: str) -> bool:
    return constraint.startswith(f"{table}_"[:_LONGEST_NAME]) and constraint.endswith(("_pkey", "_fkey"))


def _comments(tables: Mapping[str, DeliveredTable], notice: str) -> dict[tuple[str, str | None], str]:
    said: dict[tuple[str, str | None], str] = {}
    for name, (description, columns, _) in _OWN.items():
        said[name, None] = f"{description}. {notice}"
        said |= {(name, column): text for column, (_, text) in columns.items()}
    for table in tables.values():
        said[table.name, None] = f"{table.description.rstrip('.')}. {notice}"
        said |= {(table.name, column): table.column_description(column) for column in table.schema.names}
    return said


def _parents_first(tables: Mapping[str, DeliveredTable]) -> list[DeliveredTable]:
    points_at = {table.name: {there for there, _ in table.points_at.values()} for table in tables.values()}
    return [tables[name] for name in TopologicalSorter(points_at).static_order()]


def filled_in_order(connection: psycopg.Connection[Any], schema: Schema) -> list[str]:
    """The tables that are there, each behind those that a key of it points at."""
    points_at: dict[str, set[str]] = {}
    for table, there in connection.execute(
        "select c.relname::text, parent.relname::text from pg_class as c "
        "join pg_namespace as n on c.relnamespace = n.oid "
        "left join pg_constraint as k on k.conrelid = c.oid and k.contype = 'f' "
        "left join pg_class as parent on k.confrelid = parent.oid "
        f"where n.nspname = {literal(schema.name)} and c.relkind in ('r', 'p')"
    ):
        points_at.setdefault(table, set()).update({there} if there and there != table else ())
    return list(TopologicalSorter(points_at).static_order())


def grants(schema: Schema, database: str | None) -> str:
    """SQL for an administrator, to be run once: roles that may no more than they must, and the schemas they act in."""
    owner, reader, login = (f"{schema.name}_{part}" for part in ("owner", "reader", "delivery"))
    into = f"database {quoted_name(database)}" if database else "the database"
    lines = [
        f"-- Once, by an administrator of {into}, connected to it. It may be run again.",
        "-- No password is in it: give one with \\password, or let the login come by certificate, peer or Kerberos.",
        *_role(owner, "nologin", "owns the tables; nobody logs in as it"),
        *_role(reader, "nologin", "reads them: grant it to people and tools"),
        *_role(login, "login", "delivers: acts as the owner, and may do nothing else"),
        f"grant {owner} to {login};",
        "-- Whoever isn't a superuser may give a schema to a role only as a member of it: for as long as this takes.",
        f"do $$ begin if not ({_may_act_as(owner)}) then grant {owner} to current_user; "
        f"perform set_config({literal(_JOINED)}, 'yes', false); end if; end $$;",
    ]
    for name in (schema.name, schema.staging.name):
        lines += [
            f"create schema if not exists {name} authorization {owner};",
        ]
    lines += [
        f"set role {owner};",
        *(f"revoke all on schema {name} from public;" for name in (schema.name, schema.staging.name)),
        f"grant usage on schema {schema.name} to {reader};",
        f"alter default privileges for role {owner} in schema {schema.name} grant select on tables to {reader};",
        f"grant select on all tables in schema {schema.name} to {reader};",
        "reset role;",
        f"do $$ begin if current_setting({literal(_JOINED)}, true) = 'yes' then "
        f"revoke {owner} from current_user; perform set_config({literal(_JOINED)}, '', false); end if; end $$;",
    ]
    if database:
        lines.append(f"grant connect on database {quoted_name(database)} to {login}, {reader};")
    return "\n".join(lines) + "\n"


def _may_act_as(role: str) -> str:
    """A condition: PostgreSQL 16 tells members apart that may act as a role, and those that may only grant it."""
    return " and ".join(
        f"pg_has_role(current_user, {literal(role)}, case when current_setting('server_version_num')::int < 160000 "
        f"then 'member' else {literal(right)} end)"
        for right in ("set", "usage")
    )


def _role(name: str, kind: str, what: str) -> Sequence[str]:
    return (
        f"-- {name} {what}.",
        f"do $$ begin if not exists (select from pg_roles where rolname = {literal(name)}) "
        f"then create role {name} {kind}; end if; end $$;",
    )


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(map(quoted_name, columns))


def _cut(name: str) -> str:
    return name[:_LONGEST_NAME]
