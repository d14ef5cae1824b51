"""Column lineage as Dagster shows it: for each column of an asset, the columns of the assets it is made from."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import dagster as dg

from dagster_project.extracts.source import published_by_source
from dagster_project.lineage.column_lineage import ColumnLineage
from dagster_project.lineage.influence import ROWS, Column

SOURCES = "sources"


def column_lineage_by_asset(
    lineage: ColumnLineage, steps: Collection[dg.AssetKey]
) -> dict[dg.AssetKey, dg.TableColumnLineage]:
    """From asset to asset `<schema>/<table>`, through `steps`, which aren't assets; a constant depends on no column."""

    def assets(origins: Collection[Column]) -> Iterator[Column]:
        for origin in origins:
            if origin.name == ROWS:
                continue
            if dg.AssetKey(origin.table.split(".")) in steps:
                yield from assets(lineage.tables[origin.table].columns[origin.name].origins)
            else:
                yield origin

    return {
        dg.AssetKey(name.split(".")): dg.TableColumnLineage(
            {
                column: [
                    dg.TableColumnDep(dg.AssetKey(origin.table.split(".")), origin.name)
                    for origin in sorted(set(assets(found.origins)))
                ]
                for column, found in table.columns.items()
            }
        )
        for name, table in lineage.tables.items()
    }


def landed_column_lineage(tables: Collection[str]) -> dict[dg.AssetKey, dg.TableColumnLineage]:
    """Of each landed table, column by column the publishers' columns, by source, that it is read from."""
    return {
        dg.AssetKey(["landing", table]): dg.TableColumnLineage(_from_sources(f"landing.{table}"))
        for table in tables
        if published_by_source(f"landing.{table}")
    }


def _from_sources(table: str) -> dict[str, list[dg.TableColumnDep]]:
    found: dict[str, list[dg.TableColumnDep]] = {}
    for source, columns in published_by_source(table).items():
        for column, names in columns.items():
            found.setdefault(column, []).extend(
                dg.TableColumnDep(dg.AssetKey([SOURCES, source]), name) for name in names
            )
    return found
