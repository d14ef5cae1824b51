"""Derives the column lineage from dbt's compiled SQL, and of what the gates judge: `quality_result`.

What is kept of it, and when it is derived anew, is `of_project`'s; one query's columns are `query_columns`'.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.errors import LeagueError
from dagster_project.gates.earlier_quarters import VIEWS
from dagster_project.gates.suites import GATES
from dagster_project.likely_ranges.drawn import SCHEMA, TABLES
from dagster_project.lineage.column_lineage import (
    ColumnLineage,
    ColumnOrigins,
    TableLineage,
    seen_through,
    table_name,
)
from dagster_project.lineage.drawn_columns import drawn_lineage
from dagster_project.lineage.influence import (
    AGGREGATION,
    COUNTED,
    IDENTITY,
    ROWS,
    Column,
    Origins,
    add,
    through,
)
from dagster_project.lineage.query_columns import MAIN, query_columns
from dagster_project.settings import EXPECTATIONS_DIR
from dagster_project.warehouse.dbt_project import EPHEMERAL
from dagster_project.warehouse.landing import LANDED, QUARTER_IN_SCOPE
from dagster_project.warehouse.quality import FOUND, QUALITY_COLUMNS, QUALITY_TABLE

if TYPE_CHECKING:
    from dagster_project.warehouse.dbt_project import DbtProject

_SCOPE = "run.quarter_in_scope"
_STATED = "'as stated in expectations/'"


def derived(project: DbtProject) -> ColumnLineage:
    """The column lineage, made anew from dbt's compiled SQL."""
    manifest = project.manifest
    sources = _sources(manifest, project.project_dir)
    known = dict(sources)
    tables: dict[str, TableLineage] = {}
    ephemeral: dict[str, TableLineage] = {}
    compiled = project.compiled_models()
    for unique_id in _in_order({name: manifest["nodes"][name] for name in compiled}):
        node = manifest["nodes"][unique_id]
        name = table_name(node)
        found = seen_through(query_columns(compiled[unique_id], known, name=name), ephemeral)
        if node["config"]["materialized"] == "ephemeral":
            ephemeral[f"{MAIN}.{EPHEMERAL}{node['alias']}"] = found
            known[f"{MAIN}.{EPHEMERAL}{node['alias']}"] = list(found.columns)
        else:
            tables[name] = found
            known[name] = list(found.columns)
    tables |= drawn_lineage(known)
    judged = _subjects(known)
    tables[QUALITY_TABLE] = _quality_lineage(judged)
    # What is drawn and what gates make is a source to dbt, whose models read it, but no source of anything.
    ends = {name: columns for name, columns in sources.items() if name not in tables}
    return ColumnLineage(tables, ends, judged)


def _sources(manifest: Mapping[str, Any], project_dir: Path) -> dict[str, list[str]]:
    """The columns of seeds, by their CSV header, and of what a run puts in before dbt."""
    found = {f"landing.{name}": list(schema.names) for name, schema in LANDED.items()}
    found |= {f"{SCHEMA}.{name}": list(schema.names) for name, schema in TABLES.items()}
    found["run.quarter_in_scope"] = list(QUARTER_IN_SCOPE)
    for node in manifest["nodes"].values():
        if node["resource_type"] == "seed":
            with (project_dir / node["original_file_path"]).open(encoding="utf-8", newline="") as file:
                found[table_name(node)] = next(csv.reader(file))
    for node in manifest["sources"].values():
        if table_name(node) not in found:
            found[table_name(node)] = _declared(node)
    return found


def _declared(source: Mapping[str, Any]) -> list[str]:
    if not source["columns"]:
        raise LeagueError(
            f"{source['original_file_path']}: expected the columns of {table_name(source)}, as no reader lands "
            "it; found none. List them there, so that what is made of them can be told."
        )
    return list(source["columns"])


def _in_order(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Each model after those that it reads."""
    waiting, ordered = dict(nodes), []
    while waiting:
        ready = [name for name in waiting if not waiting.keys() & set(waiting[name]["depends_on"]["nodes"])]
        ordered += sorted(ready)
        for name in ready:
            del waiting[name]
    return ordered


def _quality_lineage(judged_frames: Mapping[str, TableLineage]) -> TableLineage:
    """Where the columns of `quality_result` come from: found in what the gates judge, or stated in the suites."""
    judged: Origins = {}
    rows: Origins = {Column(_SCOPE, ROWS): frozenset({COUNTED})}
    for subject in judged_frames.values():
        add(rows, subject.rows)
        for column in subject.columns.values():
            add(judged, through(AGGREGATION, column.origins))
    columns: dict[str, ColumnOrigins] = {}
    for name in QUALITY_COLUMNS:
        if name in QUARTER_IN_SCOPE:
            columns[name] = ColumnOrigins({Column(_SCOPE, name): frozenset({IDENTITY})})
        elif name in FOUND:
            columns[name] = ColumnOrigins(dict(judged))
        else:
            columns[name] = ColumnOrigins(constants={_STATED})
    return TableLineage(columns, rows)


def _subjects(
    tables: Mapping[str, Sequence[str]], folder: Path = EXPECTATIONS_DIR
) -> dict[str, TableLineage]:
    """By `<gate>/<subject>`, the columns of the frame that a suite judges, as columns of the warehouse.

    The views of earlier quarters, which live only while a gate does, are seen through.
    """
    known = dict(tables)
    views: dict[str, TableLineage] = {}
    for view, sql in VIEWS.items():
        name = f"{MAIN}.{view}"
        views[name] = seen_through(query_columns(sql, known, name=name), views)
        known[name] = list(views[name].columns)
    return {
        f"{gate}/{file.stem}": seen_through(
            query_columns(file.read_text("utf-8"), known, name=f"{gate}/{file.name}"), views
        )
        for gate in GATES
        for file in sorted((folder / gate).glob("*.sql"))
    }
