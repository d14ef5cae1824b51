"""Metadata of a materialised table, quarter by quarter: its columns, where they come from, and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import duckdb

from dagster_project.assets.dbt_translation import COLUMN_LINEAGE
from dagster_project.quarters import Quarter

Metadata = Mapping[str, dg.MetadataValue[Any]]
ROW_COUNT = "dagster/row_count"


def materialised(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    shared: Metadata,
    by_quarter: Mapping[Quarter, Metadata],
) -> dg.MaterializeResult[None]:
    """The result of an asset that has metadata of its own in each quarter of the run.

    A run over quarters with gaps has one partition: the asset is materialised in the other quarters here.
    """
    if len(by_quarter) == 1:
        # The same without being looked up, which takes Dagster longer than the rest.
        (own,) = by_quarter.values()
        return dg.MaterializeResult(asset_key=key, metadata={**shared, **own})
    tagged = context.partition_key if context.has_partition_key else None
    for quarter, own in by_quarter.items():
        # Of a range, Dagster has each of the quarters itself.
        if tagged in (None, str(quarter)):
            context.add_asset_metadata(own, key, str(quarter))
        else:
            context.log_event(
                dg.AssetMaterialization(key, partition=str(quarter), metadata={**shared, **own})
            )
    return dg.MaterializeResult(asset_key=key, metadata=shared)


def materialised_tables(
    context: dg.AssetExecutionContext,
    connection: duckdb.DuckDBPyConnection,
    quarters: Sequence[Quarter],
    keys: Sequence[dg.AssetKey],
    lineage: Mapping[dg.AssetKey, dg.TableColumnLineage],
) -> Iterator[dg.MaterializeResult[None]]:
    """One result per `<schema>/<table>` key: column schema as in the warehouse, lineage, and the rows of each quarter;
    of a table without quarters all of its rows.

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
        shared: dict[str, dg.MetadataValue[Any]] = {
            "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns[schema, table])),
        }
        if key in lineage:
            shared[COLUMN_LINEAGE] = dg.MetadataValue.column_lineage(lineage[key])
        by_quarter: dict[Quarter, Metadata] = {quarter: {} for quarter in quarters}
        if (schema, table) not in views:
            has_quarters = any(column.name == "quarter" for column in columns[schema, table])
            counts = _counts(connection, f'"{schema}"."{table}"', quarters, has_quarters=has_quarters)
            by_quarter = {
                quarter: {ROW_COUNT: dg.MetadataValue.int(count)} for quarter, count in counts.items()
            }
        yield materialised(context, key, shared, by_quarter)


def _counts(
    connection: duckdb.DuckDBPyConnection, table: str, quarters: Sequence[Quarter], *, has_quarters: bool
) -> dict[Quarter, int]:
    if has_quarters:
        counted = dict(connection.execute(f"select quarter, count(*) from {table} group by all").fetchall())
        return {quarter: counted.get(str(quarter), 0) for quarter in quarters}
    every = connection.execute(f"select count(*) from {table}").fetchone()
    return dict.fromkeys(quarters, every[0] if every else 0)
