"""Brings the marts of an older warehouse to the columns of today's contract before a run builds in them.

dbt can't do it itself here: it adds a column and deletes the quarters in scope in one transaction, which DuckDB
refuses. And a column added at the end would stand elsewhere than in a new warehouse, so that the same release
would have other bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from dagster_project.sql_text import quoted_name
from dagster_project.warehouse.descriptions import described, primary_keys

_UNFINISHED = "unfinished_mart"


def follow_contracts(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> list[str]:
    """Rebuilds each incremental mart whose columns, their types or key differ from its contract; returns their names.

    Rows stay; a new column is empty in them, one that the contract no longer has is gone, and one of another type is
    cast to the contract's.
    """
    rebuilt = []
    keys = primary_keys(connection)
    grains = {table.name: table.key for table in described(manifest)}
    for schema, name, contract in _marts(manifest):
        found = _columns(connection, schema, name)
        # DuckDB takes no key back: a table with that of an older grain is made anew without one.
        has_older_key = name in keys and keys[name] != grains.get(name)
        if not found or (list(found.items()) == list(contract.items()) and not has_older_key):
            continue
        chosen = ", ".join(
            f"cast({quoted_name(column) if column in found else 'null'} as {kind}) as {quoted_name(column)}"
            for column, kind in contract.items()
        )
        # Another run may go on from what a killed one left: the mart is there at every moment.
        connection.execute("begin")
        try:
            connection.execute(
                f"create or replace table {quoted_name(schema)}.{_UNFINISHED} as "
                f"select {chosen} from {quoted_name(schema)}.{quoted_name(name)}"
            )
            connection.execute(f"drop table {quoted_name(schema)}.{quoted_name(name)}")
            connection.execute(
                f"alter table {quoted_name(schema)}.{_UNFINISHED} rename to {quoted_name(name)}"
            )
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
        rebuilt.append(name)
    return rebuilt


def _marts(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    for node in manifest["nodes"].values():
        config = node["config"]
        if config.get("materialized") == "incremental" and config.get("contract", {}).get("enforced"):
            columns = {
                str(name): str(duckdb.sqltype(column["data_type"]))
                for name, column in node["columns"].items()
            }
            yield node["schema"], node.get("alias") or node["name"], columns


def _columns(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> dict[str, str]:
    rows = connection.execute(
        "select column_name, data_type from information_schema.columns "
        "where table_schema = ? and table_name = ? order by ordinal_position",
        [schema, name],
    ).fetchall()
    return {str(column): str(kind) for column, kind in rows}
