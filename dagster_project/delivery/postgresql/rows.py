"""Rows on their way into the target: staged and checked, swapped, and read back with their number and hash."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv

from dagster_project.delivery.delivered import (
    NOTHING,
    DeliveredQuarter,
    DeliveredTable,
    content_hash,
    hash_query,
)
from dagster_project.delivery.postgresql.schema import Schema, filled_in_order, kinds_of, look
from dagster_project.delivery.report import Tell
from dagster_project.errors import LeagueError, WrongUsage
from dagster_project.sql_text import literal, quoted_name

Connection = psycopg.Connection[Any]
# Number of rows and hash of the content, by quarter and table.
Contents = Mapping[tuple[str, str], tuple[int, str]]
_ROWS_AT_A_TIME = 65_536
# The comment by which a table of the staging schema is known to be a delivery's.
_STAGED = "Rows on their way, of league deliver: removed when they are in place"
# Every text stands in quotes, so that an empty one isn't a missing one.
_AS_CSV = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")


def stage(
    connection: Connection,
    schema: Schema,
    tables: Mapping[str, DeliveredTable],
    quarters: Sequence[DeliveredQuarter],
    tell: Tell,
) -> Contents:
    """Loads the quarters' rows into tables that nobody reads, and checks them; their contents, as released.

    Raises InputRejected where a released file isn't as promised, LeagueError where what the database was given isn't
    what was read.
    """
    staging = schema.staging
    drop_staged(connection, schema)
    for table in tables.values():
        columns = ", ".join(f"{quoted_name(name)} {kind}" for name, kind in kinds_of(table).items())
        with connection.transaction():
            connection.execute(f"create unlogged table {staging.table(table.name)} ({columns})")
            connection.execute(f"comment on table {staging.table(table.name)} is {literal(_STAGED)}")
    promised: dict[tuple[str, str], tuple[int, str]] = {}
    for one in quarters:
        tell(f"{one.quarter}: loading {one.rows:,} rows of release {one.release_id}")
        for table in tables.values():
            rows = one.read(table)
            _copy(connection, staging, table, rows)
            promised[str(one.quarter), table.name] = (rows.num_rows, content_hash(rows))
    tell("checking what was loaded")
    _check(connection, staging, tables, quarters, promised)
    return promised


def drop_staged(connection: Connection, schema: Schema) -> None:
    """Removes what deliveries left in the staging schema, this one or one that was killed, and nothing else.

    Raises WrongUsage where somebody else's table is there.
    """
    comments = look(connection, schema.staging).comments
    tables = {table: said for (table, column), said in comments.items() if column is None}
    foreign = sorted(table for table, said in tables.items() if said != _STAGED)
    if foreign:
        raise WrongUsage(
            f"Schema {schema.staging.name} holds {', '.join(foreign)}, which no delivery made: nothing was changed. "
            "Move that away, or deliver into another schema: --schema NAME."
        )
    for table in tables:
        connection.execute(f"drop table if exists {schema.staging.table(table)}")


def tidy_up(connection: Connection, schema: Schema) -> None:
    """As `drop_staged`, where that can be done still: the next delivery does it otherwise."""
    if not connection.broken:
        with suppress(psycopg.Error, WrongUsage):
            drop_staged(connection, schema)


def swap(
    connection: Connection,
    schema: Schema,
    tables: Mapping[str, DeliveredTable],
    promised: Contents,
    gone: Iterable[str],
    there: Iterable[str],
) -> None:
    """Within a transaction: takes away the rows of the quarters `gone` and of those staged, then inserts these.

    `there` names the released tables of the target. Raises LeagueError where rows stay that were to be taken away, or
    the rows then in place aren't those that were loaded.
    """
    new = sorted({quarter for quarter, _ in promised})
    filled = [name for name in filled_in_order(connection, schema) if name in {*tables, *there}]
    # What is pointed at goes last and comes first.
    for name in reversed(filled):
        connection.execute(
            f"delete from {schema.table(name)} where quarter = any(%s)", [sorted({*new, *gone})]
        )
    why = "they can't be taken away: nothing was changed. See whether a trigger or a rule is on the table"
    refuse_left(connection, schema, filled, {*new, *gone}, why)
    if not new:
        return
    for name in filled:
        if name not in tables:
            continue
        columns = ", ".join(map(quoted_name, tables[name].schema.names))
        connection.execute(
            f"insert into {schema.table(name)} ({columns}) select {columns} from {schema.staging.table(name)}"
        )
    refuse_difference(
        promised,
        contents(connection, schema, tables, new),
        "the rows in place aren't those that were loaded: nothing was changed. See whether a trigger, a rule or row "
        "security is on the table",
    )


def contents(
    connection: Connection,
    schema: Schema,
    tables: Mapping[str, DeliveredTable],
    quarters: Iterable[str],
    columns_there: Mapping[str, Mapping[str, str]] | None = None,
) -> Contents:
    """Number of rows and hash of each table of each quarter, worked out by the server.

    With `columns_there` of the tables and columns that are there, as not all of the released ones may be.
    """
    wanted = sorted(quarters)
    found: dict[tuple[str, str], tuple[int, str]] = {}
    queries = []
    for table in tables.values() if wanted else ():
        there = table.schema.names
        if columns_there is not None:
            there = [name for name in there if name in columns_there.get(table.name, {})]
        if "quarter" in there:
            found |= {(quarter, table.name): (0, NOTHING) for quarter in wanted}
            among = ", ".join(map(literal, wanted))
            source = f"(select * from {schema.table(table.name)} where quarter in ({among}))"
            queries.append(f"select {literal(table.name)}, * from ({_hash_query(source, there)}) as hashed")
    # One by one: together they would hold more memory than the largest needs.
    for query in queries:
        for name, quarter, rows, hashed in connection.execute(query):
            found[quarter, name] = (int(rows), str(hashed))
    return found


def rows_left(
    connection: Connection, schema: Schema, tables: Iterable[str], quarters: Iterable[str]
) -> list[tuple[str, str]]:
    """The quarters that tables have a row of, each with the table's name."""
    wanted = sorted(quarters)
    return [
        (quarter, name)
        for name in (tables if wanted else ())
        for (quarter,) in connection.execute(
            f"select distinct quarter from {schema.table(name)} where quarter = any(%s)", [wanted]
        ).fetchall()
    ]


def refuse_left(
    connection: Connection, schema: Schema, tables: Iterable[str], quarters: Iterable[str], why: str
) -> None:
    """Raises LeagueError, naming the first table, where one has a row of the quarters; `why` ends the sentence."""
    for quarter, name in rows_left(connection, schema, tables, quarters):
        raise LeagueError(f"{name} of {quarter}: expected no row; found some; {why}.")


def refuse_difference(expected: Contents, found: Contents, why: str) -> None:
    """Raises LeagueError, naming the first table, where contents aren't those expected; `why` ends the sentence."""
    for (quarter, name), content in expected.items():
        there = found.get((quarter, name), (0, "none"))
        if there != content:
            raise LeagueError(
                f"{name} of {quarter}: expected {content[0]} rows with hash {content[1]}, as released; found "
                f"{there[0]} with hash {there[1]}; {why}."
            )


def _hash_query(source: str, columns: Iterable[str]) -> str:
    return hash_query(
        source,
        columns,
        by="quarter",
        sha256_of="encode(sha256(convert_to({}, 'UTF8')), 'hex')",
        in_bytes='{} collate "C"',
    )


def _copy(connection: Connection, staging: Schema, table: DeliveredTable, rows: pa.Table) -> None:
    columns = ", ".join(map(quoted_name, table.schema.names))
    into = f"copy {staging.table(table.name)} ({columns}) from stdin (format csv, null '')"
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for batch in rows.to_batches(_ROWS_AT_A_TIME):
            text = io.BytesIO()
            pyarrow.csv.write_csv(batch, text, _AS_CSV)
            copy.write(text.getvalue())


def _check(
    connection: Connection,
    staging: Schema,
    tables: Mapping[str, DeliveredTable],
    quarters: Sequence[DeliveredQuarter],
    promised: Contents,
) -> None:
    """Raises LeagueError unless the staged rows are, in number and content, those of the releases, with their stamps,
    and no two of a quarter share a key."""
    for one in quarters:
        for name in tables:
            rows = promised[str(one.quarter), name][0]
            if rows != one.rows_of(name):
                raise LeagueError(
                    f"{name} of {one.quarter}: expected {one.rows_of(name)} rows, as release.json says; found {rows} "
                    "in the file. Nothing was changed: please report it."
                )
    refuse_difference(
        promised,
        contents(connection, staging, tables, [str(one.quarter) for one in quarters]),
        "the database keeps other values than it was given. Nothing was changed: please report it",
    )
    stamps = " or ".join(
        f"(quarter = {literal(str(one.quarter))} and release_id = {literal(one.release_id)} "
        f"and is_sample = {one.current.is_sample})"
        for one in quarters
    )
    for table in tables.values():
        source = staging.table(table.name)
        checks = {
            "rows that another release stamped": f"select 1 from {source} where ({stamps}) is not true limit 1"
        }
        if table.key:
            key = ", ".join(map(quoted_name, ("quarter", *table.key)))
            checks[f"rows of a quarter that share {', '.join(table.key)}"] = (
                f"select 1 from {source} group by {key} having count(*) > 1 limit 1"
            )
        for what, query in checks.items():
            if connection.execute(query).fetchall():
                raise LeagueError(f"{table.name}: found {what}. Nothing was changed: please report it.")
