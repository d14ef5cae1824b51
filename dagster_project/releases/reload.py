"""Brings a release's tables back into a warehouse from its folder: as a quarter's own, and as a part of the history."""

from __future__ import annotations

from pathlib import Path

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import read_release_file, release_path
from dagster_project.releases.journal import PUBLISHED, events_in
from dagster_project.releases.tables import EARLIER_RELEASE, RELEASED_TABLES
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.sql_text import literal

_HISTORY = "released_league_table"
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


def keep_league_tables(connection: duckdb.DuckDBPyConnection, data: DataFolder) -> None:
    """Adds to `history.released_league_table` the rows of each release that was ever current and has none there.

    A run's rows come from dbt. Here come those that no run built: of approved and rolled-back releases, and of
    releases that were replaced before there was a history, each where its folder is there. The table gets the
    columns of `league.league_table` where the warehouse has none yet.
    """
    if not _columns(connection, _HISTORY, "history"):
        if not _columns(connection, "league_table"):
            return
        connection.execute("create schema if not exists history")
        connection.execute(
            f"create table history.{_HISTORY} as select * from {WAREHOUSE_SCHEMA}.league_table limit 0"
        )
    kept = {
        row[0] for row in connection.execute(f"select distinct release_id from history.{_HISTORY}").fetchall()
    }
    published = {
        (event.quarter, event.release_id) for event in events_in(connection) if event.event == PUBLISHED
    }
    for quarter, release_id in sorted(published):
        file = release_path(data, quarter, release_id) / "league_table.parquet"
        if release_id not in kept and file.is_file():
            _insert(connection, _HISTORY, file, schema="history")


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
    if not _columns(connection, table):
        connection.execute(f'create table {WAREHOUSE_SCHEMA}."{table}" as select * from {_rows_of(file)}')
        return
    delete_quarter(connection, table, quarter)
    _insert(connection, table, file)


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, file: Path, schema: str = WAREHOUSE_SCHEMA
) -> None:
    """Adds the file's rows, with the columns that table and file both have."""
    released = [row[0] for row in connection.execute(f"describe select * from {_rows_of(file)}").fetchall()]
    both = ", ".join(f'"{column}"' for column in _columns(connection, table, schema) if column in released)
    connection.execute(f'insert into {schema}."{table}" ({both}) select {both} from {_rows_of(file)}')


def _rows_of(file: Path) -> str:
    return f"read_parquet({literal(file)})"


def _columns(connection: duckdb.DuckDBPyConnection, table: str, schema: str = WAREHOUSE_SCHEMA) -> list[str]:
    """The columns of a table or view of the warehouse, in their order; none where there is no such."""
    return [
        str(row[0])
        for row in connection.execute(
            "select column_name from information_schema.columns where table_schema = ? and table_name = ? "
            "and table_catalog = current_database() order by ordinal_position",
            [schema, table],
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
