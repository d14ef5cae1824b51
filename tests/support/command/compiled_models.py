"""The project's own compiled SQL on an in-memory database: one small table of figures in, scores out.

dbt compiles the models once; an example then only runs their SQL, in the order of their dependencies.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from dagster_project.extracts import rows
from dagster_project.extracts.rows import EXTRACT_ROW
from dagster_project.settings import DBT_PROJECT_DIR, WAREHOUSE_NAME
from dagster_project.warehouse.dbt_project import SHARED, DbtProject

FRAMEWORK = "2025-26"
RESULTS = (
    "metric_score_exact",
    "domain_average",
    "average_metric_score",
    "unadjusted_segment",
    "final_segment",
    "league_rank",
)
_TRUST_TYPES = {
    "acute": "Acute trust",
    "non_acute": "Non-acute hospital trust",
    "ambulance": "Ambulance trust",
}


class PublishedFigure(NamedTuple):
    """One row of a data file: `figure` is the publisher's id, `unit` the canonical one."""

    table: str
    code: str
    figure: str
    value: Decimal
    unit: str = "percent"
    rank: int | None = None


def as_csv(figures: Iterable[PublishedFigure], quarter: str) -> str:
    """The figures as a data file in the publisher's layout (the columns that scoring needs)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("Quarter", "Trust_type", "Trust_code", "Metric_ID", "Units", "Value", "Rank"))
    year, number = quarter[:4], quarter[-1]
    for figure in figures:
        rank = "" if figure.rank is None else f"{figure.rank}.0"
        kind = _TRUST_TYPES[figure.table]
        named = (f"Q{number} {year}/{quarter[5:7]}", kind, figure.code, figure.figure)
        writer.writerow((*named, figure.unit, figure.value, rank))
    return text.getvalue()


class CompiledModels:
    """Models, compiled with all that they read, and the rules, in memory. `folder` is dbt's to write into."""

    def __init__(self, folder: Path, results: Sequence[str] = RESULTS, *, threads: int = 1) -> None:
        project = DbtProject(DBT_PROJECT_DIR, folder / "parsed", SHARED)
        warehouse = folder / f"{WAREHOUSE_NAME}.duckdb"
        project.build("seed", ["resource_type:seed"], warehouse, threads=1)
        wanted = [f"+{name}" for name in results]
        built = project.build("compile", wanted, warehouse, threads=1)
        nodes = project.manifest["nodes"]
        models = [nodes[name] for name in built if name.startswith("model.")]
        compiled = {path.stem: path for path in folder.glob("**/compiled/**/*.sql")}
        self._models = [
            (_kind(node), _relation(node), compiled[node["name"]].read_text("utf-8"))
            for node in _in_order(models)
        ]
        self._connection = duckdb.connect(config={"threads": threads})
        self._connection.execute(f"attach ':memory:' as {WAREHOUSE_NAME}; use {WAREHOUSE_NAME}")
        self._copy_seeds(warehouse)
        for schema in {"landing", "run", *(node["schema"] for node in models)}:
            self._connection.execute(f"create schema if not exists {schema}")
        for name, schema in vars(rows).items():
            if isinstance(schema, pa.Schema):  # nothing landed, but for what an example brings
                self._land(name.lower(), schema.empty_table())

    def run(self, figures: Sequence[PublishedFigure], quarter: str) -> CompiledModels:
        """Scores the figures of one quarter; the tables then hold the results until the next run."""
        return self.score(_extract_rows(figures, quarter), quarter)

    def score(self, extract_row: pa.Table, quarter: str) -> CompiledModels:
        """As `run`, from rows as they are landed (EXTRACT_ROW)."""
        self._land("extract_row", extract_row)
        self._connection.execute(
            "create or replace table run.quarter_in_scope as "
            f"select '{quarter}' as quarter, '{FRAMEWORK}' as framework, 'r1' as release_id, true as is_sample"
        )
        for kind, relation, sql in self._models:
            self._connection.execute(f"create or replace {kind} {relation} as {sql}")
        return self

    def select(self, model: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Columns of a scoring model, or of a mart named with its schema."""
        relation = model if "." in model else f"scoring.{model}"
        return self._connection.execute(f"select {columns} from {relation} where {where}").fetchall()

    def _land(self, name: str, table: pa.Table) -> None:
        self._connection.register("landed", table)
        self._connection.execute(f"create or replace table landing.{name} as from landed")
        self._connection.unregister("landed")

    def _copy_seeds(self, warehouse: Path) -> None:
        self._connection.execute(f"attach '{warehouse}' as seeded (read_only)")
        seeds = self._connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'seeded'"
        ).fetchall()
        for schema, table in seeds:
            self._connection.execute(f"create schema if not exists {schema}")
            self._connection.execute(f"create table {schema}.{table} as from seeded.{schema}.{table}")
        self._connection.execute("detach seeded")


def _kind(node: dict[str, Any]) -> str:
    """As dbt builds it; a mart, which dbt adds to, is a table here."""
    return "view" if node["config"]["materialized"] == "view" else "table"


def _relation(node: dict[str, Any]) -> str:
    return f"{node['schema']}.{node['alias']}"


def _in_order(models: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each model after those that it reads."""
    waiting = {model["unique_id"]: model for model in models}
    ordered: list[dict[str, Any]] = []
    while waiting:
        ready = [name for name in waiting if not waiting.keys() & set(waiting[name]["depends_on"]["nodes"])]
        ordered += [waiting.pop(name) for name in sorted(ready)]
    return ordered


def _extract_rows(figures: Sequence[PublishedFigure], quarter: str) -> pa.Table:
    known: dict[str, list[Any]] = {
        "extract_id": ["e" * 64] * len(figures),
        "source": ["nof_data"] * len(figures),
        "source_row": list(range(2, len(figures) + 2)),
        "quarter": [quarter] * len(figures),
        "table_name": [figure.table for figure in figures],
        "organisation_code": [figure.code for figure in figures],
        "organisation_name": [figure.code for figure in figures],
        "figure": [figure.figure for figure in figures],
        "unit": [figure.unit for figure in figures],
        "value": [figure.value for figure in figures],
        "published_rank": [figure.rank for figure in figures],
    }
    nothing: list[None] = [None] * len(figures)
    columns = {field.name: pa.array(known.get(field.name, nothing), field.type) for field in EXTRACT_ROW}
    return pa.table(columns, schema=EXTRACT_ROW)
