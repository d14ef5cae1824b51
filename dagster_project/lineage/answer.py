"""Answers where a released column comes from: one step back, and all the way to sources and the publisher's files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dagster_project.catalogue.catalogue import CATALOGUE, load_catalogue
from dagster_project.extracts.source import published_headings
from dagster_project.lineage.column_lineage import ColumnLineage, End, table_name
from dagster_project.lineage.influence import DIRECT, IDENTITY, ROWS, Column, Influence

if TYPE_CHECKING:
    from dagster_project.warehouse.dbt_project import DbtProject


def lineage_answer(text: str, project: DbtProject) -> dict[str, Any]:
    """What `league lineage TABLE[.COLUMN]` answers, as plain JSON values.

    Raises WrongUsage for a table or column that there isn't, with the nearest names.
    """
    from dagster_project.lineage.of_project import lineage_of

    lineage = lineage_of(project)
    table, column = lineage.named(text)
    columns = [column] if column is not None else list(_columns_of(lineage, table))
    described = _descriptions(project, table)
    return {
        "table": table,
        "columns": [_column(lineage, Column(table, name), described.get(name)) for name in columns],
        "rows": _rows(lineage, table),
        "files": _files(),
    }


def _files() -> dict[str, dict[str, str]]:
    """What a person calls each source's files, who publishes them, and where."""
    return {
        source.reader: {
            "title": source.title,
            "publisher": source.publisher,
            "page": source.index_pages[0].address,
        }
        for source in load_catalogue(CATALOGUE).sources.values()
        if source.reader is not None
    }


def _columns_of(lineage: ColumnLineage, table: str) -> Iterable[str]:
    return lineage.tables[table].columns if table in lineage.tables else lineage.sources[table]


def _column(lineage: ColumnLineage, column: Column, description: str | None) -> dict[str, Any]:
    trace = lineage.trace(column)
    return {
        "column": column.name,
        "description": description,
        "steps": _steps(lineage, column),
        "sources": [
            {
                "table": source.table,
                "column": source.name,
                **_words(end.influences),
                "path": [str(passed) for passed in end.path],
                "published_as": _published_as(lineage, source, end),
            }
            for source, end in sorted(trace.ends.items())
        ],
        "constants": sorted(trace.constants),
    }


def _published_as(lineage: ColumnLineage, source: Column, end: End) -> dict[str, list[str]]:
    """The publisher's columns by source, of those sources whose rows the way from here takes."""
    reader = lineage.tables.get(end.path[-2].table) if len(end.path) > 1 else None
    taken = reader.held.get(Column(source.table, "source")) if reader is not None else None
    return {
        name: list(columns)
        for name, columns in published_headings(source.table, source.name).items()
        if taken is None or name in taken
    }


def _steps(lineage: ColumnLineage, column: Column) -> list[dict[str, Any]]:
    """What the column is made from, model by model, as long as it is only passed on from one to the next."""
    steps: list[dict[str, Any]] = []
    here: Column | None = column
    while here is not None and here.table in lineage.tables:
        origins = lineage.tables[here.table].columns[here.name].origins
        steps.append(
            {
                "column": str(here),
                "made_from": [
                    {"column": str(origin), **_words(influences)}
                    for origin, influences in sorted(origins.items())
                ],
            }
        )
        only = next(iter(origins.items())) if len(origins) == 1 else None
        here = only[0] if only is not None and only[1] == {IDENTITY} else None
    return steps


def _rows(lineage: ColumnLineage, table: str) -> list[dict[str, Any]]:
    """What decides which rows the table has, one step back."""
    if table not in lineage.tables:
        return []
    return [
        {"table": origin.table, "column": origin.name, **_words(influences)}
        for origin, influences in sorted(lineage.tables[table].rows.items())
        if origin.name != ROWS
    ]


def _words(influences: Iterable[Influence]) -> dict[str, Any]:
    found = list(influences)
    return {
        "direct": any(influence.kind == DIRECT for influence in found),
        "how": sorted({influence.subtype.lower() for influence in found}),
    }


def _descriptions(project: DbtProject, table: str) -> dict[str, str]:
    for node in (*project.manifest["nodes"].values(), *project.manifest["sources"].values()):
        if node["resource_type"] in ("model", "seed", "source") and table_name(node) == table:
            return {name: column["description"] for name, column in node["columns"].items()}
    return {}
