"""Metadata of a materialised table: its columns, where they come from, and how many rows it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import duckdb

from dagster_project.assets.dbt_translation import COLUMN_LINEAGE


def materialised_tables(
    connection: duckdb.DuckDBPyConnection,
    keys: Sequence[dg.AssetKey],
    lineage: Mapping[dg.AssetKey, dg.TableColumnLineage],
) -> Iterator[dg.MaterializeResult[None]]:
    """One result per `<schema>/<table>` key: column schema and row count as in the warehouse, and the lineage.

    A view's rows aren't counted, as in dagster-dbt: it would be worked out for that alone, two million draws for one.
    """
    columns: dict[tuple[str, str], list[dg.TableColumn]] = {}
    for schema, table, column, data_type in connection.execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns "
        "order by table_schema, table_name, ordinal_position"
    ).fetchall():
        columns.setdefault((schema, table), []).append(dg.TableColumn(column, data_type.lower()))
    views = set(connection.execute("select schema_name, view_name from duckdb_views()").fetchall())
    for key in keys:
        schema, table = key.path
        metadata: dict[str, dg.MetadataValue[Any]] = {
            "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns[schema, table])),
        }
        if (schema, table) not in views:
            count = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
            metadata["dagster/row_count"] = dg.MetadataValue.int(count[0] if count else 0)
        if key in lineage:
            metadata[COLUMN_LINEAGE] = dg.MetadataValue.column_lineage(lineage[key])
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)
