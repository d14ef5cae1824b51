"""Builds a nowcast in a private warehouse that is never published, by the models that build releases."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.extracts import rows
from dagster_project.extracts.load import LoadedExtracts
from dagster_project.likely_ranges.drawn import draw_likely_ranges
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import CurrentRelease
from dagster_project.runs import flow
from dagster_project.runs.left_out import unread_of
from dagster_project.scenarios.nowcast import figures
from dagster_project.scenarios.nowcast.last_release import age_in_quarters, copy_release
from dagster_project.settings import DataFolder
from dagster_project.warehouse.dbt_project import DbtProject, checkout_project
from dagster_project.warehouse.landing import QuarterInScope, land

STATE = "nowcast"
# Where a data file's figures would come in: behind what statistics give.
_FIGURES_BEHIND = "statistics"
_STATISTICS = flow.selected(*flow.folders(until=_FIGURES_BEHIND))
_SCORING = flow.selected(*flow.folders(after=_FIGURES_BEHIND, until="likely_ranges"))
_TABLES = flow.selected("league_tables.league_table", "league_tables.metric_score")


@dataclass(frozen=True)
class NowcastPlan:
    """What a nowcast is made of; without statistics it takes the official values of the same quarter."""

    quarter: Quarter
    framework: str
    nowcast_id: str
    last: CurrentRelease
    statistics: LoadedExtracts | None
    threads: int = 2

    @property
    def age(self) -> int:
        """The quarters between the last release and this one."""
        return age_in_quarters(self.last.quarter, self.quarter)


@contextmanager
def built(plan: NowcastPlan, data: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the built nowcast: `league.league_table`, `league.metric_score`, `carried.*` and, where
    the plan has no statistics, `official.*`. All of it is gone afterwards.

    Raises InputMissing where statistics are at hand but none gives a metric's value.
    """
    with scored(plan, data, _take_figures) as connection:
        figures.show_ages(connection, age=plan.age, carried_from=plan.last.release_id)
        yield connection


@contextmanager
def scored(
    plan: NowcastPlan,
    data: DataFolder,
    take_figures: Callable[[NowcastPlan, duckdb.DuckDBPyConnection], None],
    project: DbtProject | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Scores the figures that `take_figures` lands, by the same models as releases, in a warehouse that is gone
    afterwards. It finds the plan's last release in `carried.*` and what statistics give in `statistics.*`.
    """
    project = project or checkout_project(data)
    with tempfile.TemporaryDirectory(prefix="league-apart-") as folder:
        warehouse = Path(folder) / data.warehouse.name
        with duckdb.connect(str(warehouse)) as connection:
            land(connection, plan.statistics or no_extracts(), [_in_scope(plan)])
            connection.execute("delete from landing.extract_row")
            copy_release(connection, data, plan.last.quarter, figures.CARRIED)
            if plan.statistics is None:
                copy_release(connection, data, plan.quarter, figures.OFFICIAL)
        project.build("seed", flow.SEEDS, warehouse, threads=plan.threads)
        project.build("run", _STATISTICS, warehouse, threads=plan.threads)
        with duckdb.connect(str(warehouse)) as connection:
            take_figures(plan, connection)
        announce("Scoring and ranking")
        project.build("run", _SCORING, warehouse, threads=plan.threads)
        with duckdb.connect(str(warehouse)) as connection:
            draw_likely_ranges(connection)
        project.build("run", _TABLES, warehouse, threads=plan.threads)
        with duckdb.connect(str(warehouse)) as connection:
            yield connection


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


def _take_figures(plan: NowcastPlan, connection: duckdb.DuckDBPyConnection) -> None:
    announce("Computing what the statistics give")
    if plan.statistics is None:
        figures.take_fresh_values_from_release(connection, plan.framework)
    elif not figures.take_fresh_values_from_statistics(connection, str(plan.quarter)):
        months = ", ".join(
            sorted({f"{r.source} {r.period}" for r in plan.statistics.statistic_row.itertuples()})
        )
        raise InputMissing(
            f"The statistics at hand for {plan.quarter} give no metric's value: there is {months}"
            f"{figures.what_is_missing(connection)}. Some "
            "metrics need all three months of the quarter, others its last (dbt/seeds/methodology/"
            "metric_statistic.csv says which). Add the missing months."
            + unread_of(plan.quarter, plan.statistics)
        )
    figures.land_figures(
        connection,
        quarter=str(plan.quarter),
        framework=plan.framework,
        other_framework=plan.framework != plan.last.framework,
        carried_from=plan.last.release_id,
    )


def _in_scope(plan: NowcastPlan) -> QuarterInScope:
    return QuarterInScope(
        quarter=plan.quarter,
        framework=plan.framework,
        release_id=plan.nowcast_id,
        is_sample=plan.last.is_sample,
        release_state=STATE,
        previous_quarter=plan.last.quarter,
        previous_release_id=plan.last.release_id,
    )
