"""Scores a released quarter anew with other figures of one organisation; nothing of it is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import duckdb

from dagster_project.methodology.rule_check import sound_rules
from dagster_project.releases.publish import CurrentRelease
from dagster_project.scenarios.nowcast.build import NowcastPlan, scored
from dagster_project.scenarios.nowcast.figures import land_figures
from dagster_project.scenarios.what_if.changes import (
    OVERRIDE,
    Change,
    refuse_incomplete_pools,
    refuse_what_cannot_change,
)
from dagster_project.settings import DataFolder
from dagster_project.warehouse.dbt_project import project_with_rules

_NO_RELEASE = "what-if"
_FRESH_VALUE = """
    create table carried.fresh_value (
        metric_id varchar, organisation_code varchar, value decimal(18, 6), source varchar,
        known_difference varchar
    )"""

# Values print alike where the release knows an order: its exact scores. A step far below the last printed place
# keeps that order, and keeps who missed a standard that its value prints as from meeting it.
_EXACT_ORDER = """
    insert into statistics.computed_metric_value by name
    with
    changed as (
        select distinct metric_id from carried.fresh_value
    ),
    placed as (
        select
            figure.metric_id,
            figure.organisation_code,
            figure.value,
            figure.is_fresh,
            metric.better,
            dense_rank() over (
                partition by figure.metric_id, figure.unit, pool.pool, figure.value, figure.is_fresh
                order by metric_score.metric_score_exact
            ) - 1
            + case when metric_rule.standard = figure.value and not metric_score.standard_met then 1 else 0 end
                as step
        from carried.figure
        inner join changed on figure.metric_id = changed.metric_id
        inner join carried.metric_score
            on
                figure.metric_id = metric_score.metric_id
                and figure.organisation_code = metric_score.organisation_code
        inner join methodology.metric on figure.metric_id = metric.metric_id and metric.framework = $framework
        left join methodology.metric_rule
            on
                figure.metric_id = metric_rule.metric_id
                and figure.unit = metric_rule.unit
                and metric_rule.framework = $framework
        left join methodology.metric_pool as pool
            on
                figure.metric_id = pool.metric_id
                and figure.table_name = pool.table_name
                and pool.framework = $framework
        where figure.value is not null
    )
    select
        $quarter as quarter,
        $framework as framework,
        metric_id,
        'what-if' as source,
        organisation_code,
        cast(case when is_fresh then value when better = 'high' then value - step * $step else value + step * $step
        end as decimal(18, 12)) as rank_value,
        value as printed_value,
        1 as precedence,
        0 as tolerance
    from placed"""
_STEP = Decimal("0.000000001")


@contextmanager
def recomputed(
    release: CurrentRelease,
    organisation: str,
    changes: Sequence[Change],
    data: DataFolder,
    rules_dir: Path | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the quarter with the changes: `league.league_table` and `league.metric_score` as they would
    be, `carried.*` as they are. Raises WrongUsage or InputMissing where a change has nothing to work on.
    """
    plan = NowcastPlan(release.quarter, release.framework, _NO_RELEASE, release, statistics=None)

    def take_figures(plan: NowcastPlan, connection: duckdb.DuckDBPyConnection) -> None:
        refuse_what_cannot_change(connection, organisation, changes)
        connection.execute(_FRESH_VALUE)
        for change in changes:
            if change.figure.startswith("OF0"):
                connection.execute(
                    "insert into carried.fresh_value select metric_id, organisation_code, $value, 'what-if', null "
                    "from carried.metric_score where metric_id = $metric and organisation_code = $organisation "
                    "and value <> $value",
                    {"value": change.value, "metric": change.figure, "organisation": organisation},
                )
        land_figures(
            connection,
            quarter=str(plan.quarter),
            framework=plan.framework,
            other_framework=False,
            carried_from=release.release_id,
        )
        refuse_incomplete_pools(connection, changes)
        connection.execute(
            _EXACT_ORDER, {"quarter": str(plan.quarter), "framework": plan.framework, "step": _STEP}
        )
        for change in changes:
            if not change.figure.startswith("OF0"):
                _set_figure(connection, str(plan.quarter), organisation, change)

    with tempfile.TemporaryDirectory(prefix="league-rules-") as folder:
        project = project_with_rules(sound_rules(rules_dir), Path(folder)) if rules_dir else None
        with scored(plan, data, take_figures, project) as connection:
            yield connection


def _set_figure(
    connection: duckdb.DuckDBPyConnection, quarter: str, organisation: str, change: Change
) -> None:
    """Replaces a figure that isn't a value: an override flag, or the score of a score-only metric."""
    connection.execute(
        "delete from landing.extract_row where organisation_code = ? and figure = ?",
        [organisation, change.figure],
    )
    connection.execute(
        "insert into landing.extract_row by name select 'what-if' as extract_id, 'nof_data' as source, "
        "0 as source_row, $quarter as quarter, table_name, organisation_code, organisation_name, "
        "organisation_subtype, region, $figure as figure, $unit as unit, cast($value as varchar) as value_text, "
        "$value as value from carried.league_table where organisation_code = $organisation",
        {
            "quarter": quarter,
            "figure": change.figure,
            "unit": "flag" if change.figure == OVERRIDE else "score",
            "value": change.value,
            "organisation": organisation,
        },
    )
