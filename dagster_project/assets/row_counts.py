"""Metadata of a materialised table: its columns and how many rows it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg
import duckdb


def materialised_tables(
    connection: duckdb.DuckDBPyConnection, keys: Sequence[dg.AssetKey]
) -> Iterator[dg.MaterializeResult[None]]:
    """One result per `<schema>/<table>` key, with column schema and row count read from the warehouse."""
    columns: dict[tuple[str, str], list[dg.TableColumn]] = {}
    for schema, table, column, data_type in connection.execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns "
        "order by table_schema, table_name, ordinal_position"
    ).fetchall():
        columns.setdefault((schema, table), []).append(dg.TableColumn(column, data_type.lower()))
    for key in keys:
        schema, table = key.path
        count = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "dagster/row_count": dg.MetadataValue.int(count[0] if count else 0),
                "dagster/column_schema": dg.MetadataValue.table_schema(
                    dg.TableSchema(columns[schema, table])
                ),
            },
        )
