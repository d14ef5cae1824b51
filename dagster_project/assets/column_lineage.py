"""Column lineage as Dagster shows it: for each column of an asset, the columns of the assets it is made from."""

from __future__ import annotations

import dagster as dg

from dagster_project.extracts.source import published_by_source
from dagster_project.lineage.column_lineage import ColumnLineage
from dagster_project.lineage.influence import ROWS


def column_lineage_by_asset(lineage: ColumnLineage) -> dict[dg.AssetKey, dg.TableColumnLineage]:
    """One step of lineage per asset `<schema>/<table>`; a constant depends on no column."""
    return {
        dg.AssetKey(name.split(".")): dg.TableColumnLineage(
            {
                column: [
                    dg.TableColumnDep(dg.AssetKey(origin.table.split(".")), origin.name)
                    for origin in sorted(found.origins)
                    if origin.name != ROWS
                ]
                for column, found in table.columns.items()
            }
        )
        for name, table in lineage.tables.items()
    }


def landed_column_lineage(tables: list[str]) -> dict[dg.AssetKey, dg.TableColumnLineage]:
    """The figures as landed, column by column from the publisher's columns of each table's files."""
    by_source = published_by_source("landing.extract_row")
    published: dict[str, dict[str, None]] = {}
    for columns in by_source.values():
        for column, names in columns.items():
            published.setdefault(column, {}).update(dict.fromkeys(names))
    read = {
        column: [
            dg.TableColumnDep(dg.AssetKey(["extracts", table]), name) for table in tables for name in names
        ]
        for column, names in published.items()
    }
    return {dg.AssetKey(["landing", "extract_row"]): dg.TableColumnLineage(read)}
