"""The released tables as their Parquet files describe them: what each holds, its columns, types and keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb

from dagster_project.explanation.recomputation.release_tables import ReleaseTables
from dagster_project.releases.tables import POINTS_AT, RELEASED_TABLES
from dagster_project.sql_text import literal, quoted_name

# Columns that every table has and that tell nothing of a row.
STAMPS = ("quarter", "release_id", "is_sample")


@dataclass(frozen=True)
class Column:
    """`kind` is DuckDB's type, such as DECIMAL(18,2); the description, of dbt's YAML, says the unit."""

    name: str
    kind: str
    description: str


@dataclass(frozen=True)
class DescribedTable:
    """`key` tells rows apart, and is empty where none of the table's own columns do; `points_at` gives for a column
    the table and column in which each of its values stands.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    points_at: Mapping[str, tuple[str, str]]


@lru_cache(maxsize=8)
def described_tables(release: ReleaseTables) -> Mapping[str, DescribedTable]:
    """Every table of a release by its name, in the order in which they are released."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        return {
            table.name: _described(connection, release, table.name, table.key)
            for table in RELEASED_TABLES
            if release.has(table.name)
        }


def _described(
    connection: duckdb.DuckDBPyConnection, release: ReleaseTables, name: str, key: tuple[str, ...]
) -> DescribedTable:
    file = _file(release, name)
    kinds = connection.execute(f"describe select * from read_parquet({file})").fetchall()
    said = {
        bytes(entry).decode(): bytes(text).decode()
        for entry, text in connection.execute(
            f"select key, value from parquet_kv_metadata({file})"
        ).fetchall()
    }
    words = json.loads(said.get("columns") or "{}")
    columns = tuple(Column(row[0], row[1], words.get(row[0], "")) for row in kinds)
    names = [column.name for column in columns]
    return DescribedTable(
        name=name,
        description=said.get("description", ""),
        columns=columns,
        key=key if set(key) <= set(names) and _tells_apart(connection, file, key) else (),
        points_at={
            column: there
            for column, there in POINTS_AT.items()
            if column in names and there[0] != name and _holds(connection, release, file, column, there)
        },
    )


def _tells_apart(connection: duckdb.DuckDBPyConnection, file: str, key: tuple[str, ...]) -> bool:
    """Whether no part of the key is empty and no two rows share it."""
    columns = ", ".join(map(quoted_name, key))
    empty = " or ".join(f"{quoted_name(column)} is null" for column in key)
    found = connection.execute(
        f"select count(*) = count(distinct ({columns})) and not coalesce(bool_or({empty}), false) "
        f"from read_parquet({file})"
    ).fetchone()
    return found is not None and bool(found[0])


def _holds(
    connection: duckdb.DuckDBPyConnection,
    release: ReleaseTables,
    file: str,
    column: str,
    there: tuple[str, str],
) -> bool:
    """Whether each value of the column stands in the other table; an empty one points at nothing."""
    table, named = there
    if not release.has(table):
        return False
    found = connection.execute(
        f"select count(*) from read_parquet({file}) where {quoted_name(column)} is not null "
        f"and {quoted_name(column)} not in (select {quoted_name(named)} from read_parquet({_file(release, table)}))"
    ).fetchone()
    return found is not None and found[0] == 0


def _file(release: ReleaseTables, name: str) -> str:
    path: Path = release.folder / f"{name}.parquet"
    return literal(path)
