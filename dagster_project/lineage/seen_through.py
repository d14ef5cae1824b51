"""Queries that live only within others (ephemeral models, a gate's views): their readers are told what is behind."""

from __future__ import annotations

from collections.abc import Mapping

from dagster_project.lineage.column_lineage import ColumnOrigins, TableLineage
from dagster_project.lineage.influence import DIRECT, ROWS, Origins, add, through


def seen_through(found: TableLineage, views: Mapping[str, TableLineage]) -> TableLineage:
    """The same columns, with the origins of a view's columns where they came from the view.

    `views` have been seen through themselves. What a view's column can be as a constant, its readers' can be too.
    """
    return TableLineage(
        {name: _column(column, views) for name, column in found.columns.items()},
        _origins(found.rows, views),
        {column: texts for column, texts in found.held.items() if column.table not in views},
    )


def _column(column: ColumnOrigins, views: Mapping[str, TableLineage]) -> ColumnOrigins:
    constants = set(column.constants)
    for origin, influences in column.origins.items():
        if origin.table in views and origin.name != ROWS and any(one.kind == DIRECT for one in influences):
            constants |= views[origin.table].columns[origin.name].constants
    return ColumnOrigins(_origins(column.origins, views), constants)


def _origins(origins: Origins, views: Mapping[str, TableLineage]) -> Origins:
    seen: Origins = {}
    for column, influences in origins.items():
        if column.table not in views:
            add(seen, {column: influences})
            continue
        view = views[column.table]
        behind = view.rows if column.name == ROWS else view.columns[column.name].origins
        for influence in influences:
            add(seen, through(influence, behind))
    return seen
