"""What the gates judge: the columns behind each subject of expectations/, and so behind `quality_result`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dagster_project.gates.earlier_quarters import VIEWS
from dagster_project.gates.suites import GATES
from dagster_project.lineage.column_lineage import ColumnOrigins, TableLineage
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
from dagster_project.lineage.seen_through import seen_through
from dagster_project.settings import EXPECTATIONS_DIR
from dagster_project.warehouse.landing import QUARTER_IN_SCOPE
from dagster_project.warehouse.quality import FOUND, QUALITY_COLUMNS

_SCOPE = "run.quarter_in_scope"
_STATED = "'as stated in expectations/'"


def quality_lineage(judged_frames: Mapping[str, TableLineage]) -> TableLineage:
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


def subjects(tables: Mapping[str, Sequence[str]], folder: Path = EXPECTATIONS_DIR) -> dict[str, TableLineage]:
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
