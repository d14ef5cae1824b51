"""Whether a warehouse already holds a dbt project's seeds, row for row, so that a run needn't load them again.

A warehouse keeps a note of the project whose seeds it was given last, and of what each of their tables held then.
The note counts only if the project is still the same and every table still holds it: rules that somebody changed
in the warehouse, or that a run of other rules left, are loaded anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.warehouse.dbt_project import DbtProject

SEEDS = "resource_type:seed"
_NOTE = "run.rules_in_place"


def put_rules(project: DbtProject, warehouse: Path, *, threads: int) -> list[str]:
    """Makes the warehouse hold the project's seeds, loading them only where it doesn't; returns dbt's unique ids.

    Raises LeagueError as `DbtProject.build` does.
    """
    tables = _seed_tables(project.manifest)
    fingerprint = project.fingerprint_of_seeds()
    with duckdb.connect(str(warehouse)) as connection:
        if _are_in_place(connection, fingerprint, tables):
            return sorted(tables)
        connection.execute(f"drop table if exists {_NOTE}")
    built = project.build("seed", [SEEDS], warehouse, threads=threads)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists run")
        connection.execute(f"create or replace table {_NOTE} (project varchar, tables varchar)")
        held = {name: _held(connection, name) for name in tables.values()}
        connection.execute(f"insert into {_NOTE} values (?, ?)", [fingerprint, json.dumps(held)])
    return built


def _are_in_place(connection: duckdb.DuckDBPyConnection, fingerprint: str, tables: Mapping[str, str]) -> bool:
    try:
        noted = connection.execute(f"select project, tables from {_NOTE}").fetchall()
        if len(noted) != 1 or noted[0][0] != fingerprint:
            return False
        return bool(json.loads(noted[0][1]) == {name: _held(connection, name) for name in tables.values()})
    except (duckdb.Error, ValueError):
        return False


def _held(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """How many rows a table holds, and the sum of their hashes with column names and types."""
    rows = connection.execute(f"select count(*), sum(hash(seed)::hugeint) from {table} as seed").fetchone()
    columns = connection.execute(f"describe {table}").fetchall()
    return [str(rows), str([column[:2] for column in columns])]


def _seed_tables(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The table of each seed, quoted, by dbt's unique id."""
    return {
        unique_id: f'"{node["schema"]}"."{node.get("alias") or node["name"]}"'
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "seed"
    }
