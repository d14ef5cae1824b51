"""What dbt's YAML says of the tables that readers use, written into the warehouse itself: comments and keys.

A reader of the file alone sees what a column holds. dbt's own `persist_docs` would write every comment again with
every table of every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from dagster_project.errors import LeagueError
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.sql_text import literal, quoted_name

# Every unit that dbt's YAML may say of a column (`meta: {unit: ...}`), and how its numbers are to be read.
UNITS: Mapping[str, str] = {
    "score": "metric scores: 1 best to 4 worst",
    "score points": "a difference of two scores; a change below zero is better",
    "segment": "1 best to 4, or 5 for the Recovery Support Programme",
    "segments": "a difference of two segments; a change below zero is better",
    "rank": "a place, 1 best; ties share the best one",
    "places": "a difference of two ranks; a change below zero is better",
    "organisations": "how many",
    "metrics": "how many",
    "quarters": "how many",
    "releases": "how many",
    "replicates": "how many",
    "rows": "how many",
    "bytes": "how many",
    "share": "0 to 1",
    "weight": "a part of a mean; only its proportion to others counts",
    "unit of the metric": "the unit that the table `metric` names for the row's metric",
    "unit of the figure": "what the row's figure is: a value, score, segment, rank or flag",
    "unit of the measure": "what the row's measure is in: scores, segments or ranks, or a difference of two",
    "unit of the caveat": "what the row's caveat counts",
    "interquartile ranges": "how many of the table's own interquartile range",
    "decimal places": "how many",
    "order": "a place in an order, 1 first",
    "line": "physical line of a file, 1 the header",
}
_DICTIONARY = "data_dictionary"
_UNIT_IN_WORDS = " (unit: {unit})"
_DICTIONARY_QUERY = f"""\
select
    columns.table_name,
    columns.column_name,
    columns.data_type,
    list_contains(coalesce(keys.constraint_column_names, []), columns.column_name) as is_key,
    columns.comment as description,
    nullif(regexp_extract(columns.comment, ' [(]unit: ([^()]*)[)]$', 1), '') as unit
from duckdb_columns() as columns
left join duckdb_constraints() as keys
    on
        columns.database_name = keys.database_name
        and columns.schema_name = keys.schema_name
        and columns.table_name = keys.table_name
        and keys.constraint_type = 'PRIMARY KEY'
where columns.schema_name = '{WAREHOUSE_SCHEMA}'
order by columns.table_name, columns.column_index"""


@dataclass(frozen=True)
class Described:
    """A table as dbt's YAML describes it, its columns with their units; `key` is its grain, empty where a part of it
    may be empty."""

    name: str
    description: str
    columns: Mapping[str, str]
    key: tuple[str, ...]


def describe(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> None:
    """Gives tables and views of the schema `league` their comments and tables their primary keys, where they lack them,
    and makes the view `data_dictionary` that lists both.

    What stands there already is left, so that a run in which nothing is new writes nothing. Raises LeagueError naming
    a table in which two rows have the same key.
    """
    there = _tables(connection)
    said, keys = comments(connection), primary_keys(connection)
    # An older warehouse has the view without its last column.
    if (_DICTIONARY, "unit") not in said:
        connection.execute(f"create schema if not exists {WAREHOUSE_SCHEMA}")
        connection.execute(f"create or replace view {WAREHOUSE_SCHEMA}.{_DICTIONARY} as {_DICTIONARY_QUERY}")
        there = {**there, _DICTIONARY: "view"}
        said = comments(connection)
    for table in described(manifest):
        kind = there.get(table.name)
        if kind is None:
            continue
        qualified = f"{WAREHOUSE_SCHEMA}.{quoted_name(table.name)}"
        if said.get((table.name, None)) != table.description:
            connection.execute(f"comment on {kind} {qualified} is {literal(table.description)}")
        for column, text in table.columns.items():
            if said.get((table.name, column), text) != text:
                connection.execute(f"comment on column {qualified}.{quoted_name(column)} is {literal(text)}")
        if kind == "table" and table.key and table.name not in keys:
            _add_key(connection, table)


def _add_key(connection: duckdb.DuckDBPyConnection, table: Described) -> None:
    columns = ", ".join(map(quoted_name, table.key))
    empty = " or ".join(f"{quoted_name(column)} is null" for column in table.key)
    qualified = f"{WAREHOUSE_SCHEMA}.{quoted_name(table.name)}"
    if connection.execute(f"select 1 from {qualified} where {empty} limit 1").fetchone():
        # A column that joined the grain is empty in rows of older releases until their quarters are run again.
        return
    try:
        connection.execute(f"alter table {qualified} add primary key ({columns})")
    except duckdb.ConstraintException as error:
        raise LeagueError(
            f"{WAREHOUSE_SCHEMA}.{table.name}: expected one row for each {', '.join(table.key)}, as its grain in "
            f"dbt's YAML says; DuckDB says: {error}. Nothing was published. Mend the model, or its grain."
        ) from error


def described(manifest: Mapping[str, Any]) -> Iterator[Described]:
    """Every table that dbt describes in the schema that readers use: its marts, and those that runs write."""
    never_empty = {
        (test["attached_node"], test["column_name"])
        for test in manifest["nodes"].values()
        if (test.get("test_metadata") or {}).get("name") == "not_null" and test.get("attached_node")
    }
    for node in (*manifest["nodes"].values(), *manifest["sources"].values()):
        is_table = node["resource_type"] in ("model", "source") and node["schema"] == WAREHOUSE_SCHEMA
        if not is_table or not node["columns"]:
            continue
        grain = tuple((node["config"].get("meta") or node.get("meta") or {}).get("grain") or ())
        is_key = all((node["unique_id"], column) in never_empty for column in grain)
        yield Described(
            name=str(node.get("alias") or node["name"]),
            description=one_line(node["description"]),
            columns={name: _in_words(column) for name, column in node["columns"].items()},
            key=grain if is_key else (),
        )


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Name -> `table` or `view`, of the schema that readers use."""
    rows = connection.execute(
        "select table_name, if(table_type = 'VIEW', 'view', 'table') from information_schema.tables "
        "where table_schema = ? and table_catalog = current_database()",
        [WAREHOUSE_SCHEMA],
    ).fetchall()
    return {str(name): str(kind) for name, kind in rows}


def comments(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str | None], str | None]:
    """(table, column) -> comment, None where there is none; column None is the table itself."""
    rows = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() where schema_name = $1 "
        "and database_name = current_database() union all "
        "select table_name, null, comment from duckdb_tables() where schema_name = $1 "
        "and database_name = current_database() union all "
        "select view_name, null, comment from duckdb_views() where schema_name = $1 "
        "and database_name = current_database()",
        [WAREHOUSE_SCHEMA],
    ).fetchall()
    return {(str(table), column): comment for table, column, comment in rows}


def primary_keys(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
    """The primary key of each table that readers use and that has one."""
    rows = connection.execute(
        "select table_name, constraint_column_names from duckdb_constraints() "
        "where schema_name = ? and constraint_type = 'PRIMARY KEY' and database_name = current_database()",
        [WAREHOUSE_SCHEMA],
    ).fetchall()
    return {str(table): tuple(columns) for table, columns in rows}


def unit_of(column: Mapping[str, Any]) -> str | None:
    """The unit of a column, as its entry of the manifest says it; None of what isn't a number."""
    unit = (column.get("meta") or {}).get("unit")
    return None if unit is None else str(unit)


def unit_in(comment: str) -> str | None:
    """The unit that a comment says, in the warehouse or in a file."""
    _before, found, rest = comment.rpartition(_UNIT_IN_WORDS.partition("{")[0])
    return rest.removesuffix(")") if found and rest.endswith(")") else None


def _in_words(column: Mapping[str, Any]) -> str:
    """What a column holds; its unit goes with the words, because a comment in a database has no other place for it."""
    unit = unit_of(column)
    return one_line(column["description"]) + ("" if unit is None else _UNIT_IN_WORDS.format(unit=unit))


def one_line(text: str) -> str:
    """Words without the line breaks of their YAML."""
    return " ".join(text.split())
