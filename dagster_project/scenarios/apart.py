"""Scores a release again with other inputs, in a private warehouse that is never published.

Nowcast, its accuracy and what-if differ in the inputs only: which values stand in place of the release's. The
models are those that build releases, between them dbt/models/scenarios; no formula stands here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.extracts import rows
from dagster_project.extracts.load import LoadedExtracts
from dagster_project.likely_ranges.drawn import draw_likely_ranges
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import CurrentRelease
from dagster_project.runs import flow
from dagster_project.settings import DataFolder
from dagster_project.sql_text import literal
from dagster_project.warehouse.dbt_project import DbtProject, checkout_project
from dagster_project.warehouse.landing import QuarterInScope, land

RELEASED = "released"
OFFICIAL = "official"
CHANGED_FIGURE = "scenario_input.changed_figure"

# Where a data file's figures would come in: behind what statistics give.
_FIGURES_BEHIND = "statistics"
_INPUTS = flow.selected(*flow.folders(until=_FIGURES_BEHIND), "scenarios.inputs")
_SCORING = flow.selected(*flow.folders(after=_FIGURES_BEHIND, until="likely_ranges"))
_TABLES = flow.selected("league_tables.league_table", "league_tables.metric_score")
_COPIES = {
    "league_table": "select * from published.league.league_table where quarter = ?",
    "metric_score": """
        select metric_score.*, metric_ranking.rank_in_table
        from published.league.metric_score
        left join published.league.metric_ranking
            on
                metric_score.quarter = metric_ranking.quarter
                and metric_score.organisation_code = metric_ranking.organisation_code
                and metric_score.metric_id = metric_ranking.metric_id
        where metric_score.quarter = ?""",
}

Step = Callable[[duckdb.DuckDBPyConnection], None]


def _nothing(_: duckdb.DuckDBPyConnection) -> None:
    return None


@dataclass(frozen=True)
class Scenario:
    """What is scored apart: `release` as if it were of `quarter` and under `framework`, with other inputs.

    `land_inputs` runs when the release and the rules are there: it may fill CHANGED_FIGURE and OFFICIAL, and refuse.
    `check_figures` runs when `scenario.*` is, before scoring: it may refuse. `results` selects models behind scoring.
    """

    quarter: Quarter
    framework: str
    scenario_id: str
    state: str
    release: CurrentRelease
    statistics: LoadedExtracts | None = None
    land_inputs: Step = _nothing
    check_figures: Step = _nothing
    results: Sequence[str] = ()
    threads: int = 2


@contextmanager
def scored_apart(
    scenario: Scenario, data: DataFolder, project: DbtProject | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the scored scenario: `league.league_table` and `league.metric_score` as they would be,
    `released.*` as they are, `scenario.*` what was made of the inputs. All of it is gone afterwards.
    """
    project = project or checkout_project(data)
    with tempfile.TemporaryDirectory(prefix="league-apart-") as folder:
        warehouse = Path(folder) / data.warehouse.name
        project.build("seed", flow.SEEDS, warehouse, threads=scenario.threads)
        with duckdb.connect(str(warehouse)) as connection:
            land(connection, scenario.statistics or no_extracts(), [_in_scope(scenario)])
            connection.execute("delete from landing.extract_row")
            copy_release(connection, data, scenario.release.quarter, RELEASED)
            _make_empty_inputs(connection)
            scenario.land_inputs(connection)
        project.build("run", _INPUTS, warehouse, threads=scenario.threads)
        with duckdb.connect(str(warehouse)) as connection:
            scenario.check_figures(connection)
            connection.execute("insert into landing.extract_row by name from scenario.scenario_extract_row")
            connection.execute(
                "insert into statistics.computed_metric_value by name from scenario.scenario_exact_order"
            )
        announce("Scoring and ranking")
        project.build("run", _SCORING, warehouse, threads=scenario.threads)
        with duckdb.connect(str(warehouse)) as connection:
            draw_likely_ranges(connection)
        project.build("run", (*_TABLES, *scenario.results), warehouse, threads=scenario.threads)
        with duckdb.connect(str(warehouse)) as connection:
            yield connection


def copy_release(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, quarter: Quarter, schema: str
) -> None:
    """Copies a published quarter's `league_table` and `metric_score` (with `rank_in_table`) to `schema`."""
    path = literal(data.warehouse)
    connection.execute(f"create schema if not exists {schema}")
    connection.execute(f"attach {path} as published (read_only)")
    try:
        for table, query in _COPIES.items():
            connection.execute(f"create or replace table {schema}.{table} as {query}", [str(quarter)])
    finally:
        connection.execute("detach published")


def no_extracts() -> LoadedExtracts:
    """Frames without rows."""
    return LoadedExtracts(
        extract=rows.empty_frame(rows.EXTRACT),
        extract_row=rows.empty_frame(rows.EXTRACT_ROW),
        statistic_row=rows.empty_frame(rows.STATISTIC_ROW),
        organisation_reference=rows.empty_frame(rows.ORGANISATION_REFERENCE),
        row_set_aside=rows.empty_frame(rows.ROW_SET_ASIDE),
        revision=rows.empty_frame(rows.REVISION),
    )


def _make_empty_inputs(connection: duckdb.DuckDBPyConnection) -> None:
    """What a scenario may fill, and models read either way."""
    connection.execute(f"create schema {OFFICIAL}; create schema scenario_input")
    for table in _COPIES:
        connection.execute(f"create table {OFFICIAL}.{table} as from {RELEASED}.{table} limit 0")
    connection.execute(
        f"create table {CHANGED_FIGURE} (organisation_code varchar, figure varchar, value decimal(18, 6))"
    )


def _in_scope(scenario: Scenario) -> QuarterInScope:
    return QuarterInScope(
        quarter=scenario.quarter,
        framework=scenario.framework,
        release_id=scenario.scenario_id,
        is_sample=scenario.release.is_sample,
        release_state=scenario.state,
        previous_quarter=scenario.release.quarter,
        previous_release_id=scenario.release.release_id,
    )
