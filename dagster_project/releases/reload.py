"""Brings a release's tables back into a warehouse from its folder: for roll-back, restore and verification."""

from __future__ import annotations

from pathlib import Path

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import read_release_file
from dagster_project.releases.tables import EARLIER_RELEASE, RELEASED_TABLES
from dagster_project.settings import WAREHOUSE_SCHEMA

_KEPT_SCHEMAS = ("methodology", "reference", "history")
_KEPT_TABLES = tuple(
    (WAREHOUSE_SCHEMA, table)
    for table in ("current_release", "release_event", "withdrawn_release", "reconciliation_ledger")
)


def reload_release(connection: duckdb.DuckDBPyConnection, quarter: Quarter, folder: Path) -> None:
    """Replaces the quarter's rows of every released table in the schema `league` by those of the folder.

    A table that the warehouse lacks is made with the Parquet file's columns; a column that the release
    lacks stays empty, and one that the warehouse lacks is left out, as a release may be older or newer
    than the warehouse. A released table that is a view there follows its own sources and is left alone, and
    so is one that compares releases: what a release was compared with may not be what is current.
    Raises InputMissing where a file that `release.json` names is gone.
    """
    connection.execute(f"create schema if not exists {WAREHOUSE_SCHEMA}")
    views = _views(connection)
    for table in RELEASED_TABLES:
        file = folder / f"{table.name}.parquet"
        if table.name in views or EARLIER_RELEASE in table.key:
            continue
        if not file.is_file():
            if _is_promised(folder, file.name):
                raise InputMissing(
                    f"{file}: expected the released table that release.json names; it is gone. "
                    "Restore the release folder from a backup."
                )
            delete_quarter(connection, table.name, quarter)
            continue
        _replace(connection, table.name, quarter, file)


def delete_quarter(connection: duckdb.DuckDBPyConnection, table: str, quarter: Quarter) -> None:
    """Removes the quarter's rows of a released table; nothing where there is no such table."""
    if _columns(connection, table):
        connection.execute(f'delete from {WAREHOUSE_SCHEMA}."{table}" where quarter = ?', [str(quarter)])


def forget_quarter(connection: duckdb.DuckDBPyConnection, quarter: Quarter) -> None:
    """Removes the quarter's rows from every table that runs fill, so that no step of it is left to be read.

    What is kept across releases (the journal, the ledger, the history) and the rules stay as they are.
    """
    tables = connection.execute(
        "select distinct table_schema, table_name from information_schema.columns "
        "inner join information_schema.tables using (table_catalog, table_schema, table_name) "
        "where column_name = 'quarter' and table_type = 'BASE TABLE' and table_catalog = current_database() "
        "order by all"
    ).fetchall()
    for schema, table in tables:
        if schema not in _KEPT_SCHEMAS and (schema, table) not in _KEPT_TABLES:
            connection.execute(f'delete from "{schema}"."{table}" where quarter = ?', [str(quarter)])


def _replace(connection: duckdb.DuckDBPyConnection, table: str, quarter: Quarter, file: Path) -> None:
    rows = f"read_parquet('{str(file).replace(chr(39), chr(39) * 2)}')"
    name = f'{WAREHOUSE_SCHEMA}."{table}"'
    kept = _columns(connection, table)
    if not kept:
        connection.execute(f"create table {name} as select * from {rows}")
        return
    connection.execute(f"delete from {name} where quarter = ?", [str(quarter)])
    released = [row[0] for row in connection.execute(f"describe select * from {rows}").fetchall()]
    both = ", ".join(f'"{column}"' for column in kept if column in released)
    connection.execute(f"insert into {name} ({both}) select {both} from {rows}")


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [
        str(row[0])
        for row in connection.execute(
            "select column_name from information_schema.columns where table_schema = ? and table_name = ? "
            "and table_catalog = current_database() order by ordinal_position",
            [WAREHOUSE_SCHEMA, table],
        ).fetchall()
    ]


def _views(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {
        str(row[0])
        for row in connection.execute(
            "select view_name from duckdb_views() where schema_name = ? and database_name = current_database()",
            [WAREHOUSE_SCHEMA],
        ).fetchall()
    }


def _is_promised(folder: Path, name: str) -> bool:
    return name in read_release_file(folder)["files"]
