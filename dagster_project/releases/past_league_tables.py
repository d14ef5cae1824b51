"""Keeps the league-table rows of every release that was ever current: `history.released_league_table`.

A run's rows come from dbt. Here come those that no run built: of approved and rolled-back releases, and of
releases that were replaced before there was a history, each from its folder.
"""

from __future__ import annotations

import duckdb

from dagster_project.releases.folder import release_path
from dagster_project.releases.journal import PUBLISHED, events_in
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder

_KEPT = "history.released_league_table"
_LEAGUE_TABLE = f"{WAREHOUSE_SCHEMA}.league_table"


def keep_league_tables(connection: duckdb.DuckDBPyConnection, data: DataFolder) -> None:
    """Adds the rows of each release in the journal that was current and has none, where its folder is there.

    The table gets the columns of `league.league_table` where the warehouse has none yet.
    """
    if not _columns(connection, _KEPT):
        if not _columns(connection, _LEAGUE_TABLE):
            return
        connection.execute("create schema if not exists history")
        connection.execute(f"create table {_KEPT} as select * from {_LEAGUE_TABLE} limit 0")
    kept = {row[0] for row in connection.execute(f"select distinct release_id from {_KEPT}").fetchall()}
    published = {
        (event.quarter, event.release_id) for event in events_in(connection) if event.event == PUBLISHED
    }
    for quarter, release_id in sorted(published):
        file = release_path(data, quarter, release_id) / "league_table.parquet"
        if release_id in kept or not file.is_file():
            continue
        rows = f"read_parquet('{str(file).replace(chr(39), chr(39) * 2)}')"
        both = ", ".join(
            f'"{column}"' for column in _columns(connection, _KEPT) if column in _columns(connection, rows)
        )
        connection.execute(f"insert into {_KEPT} ({both}) select {both} from {rows}")


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    try:
        return [str(row[0]) for row in connection.execute(f"describe select * from {table}").fetchall()]
    except duckdb.CatalogException:
        return []
