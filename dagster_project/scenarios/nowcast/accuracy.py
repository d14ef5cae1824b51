"""How far the nowcast of a released quarter would have been from the official result."""

from __future__ import annotations

from typing import Any

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.scenarios.nowcast.build import (
    NowcastPlan,
    built_as_if_unreleased,
    last_release_before,
    metrics_of,
)
from dagster_project.settings import DataFolder

HOW = (
    "As if the quarter weren't published. The official values of the metrics that have a statistic stand for "
    "fresh ones, at the published precision; everything else is carried from the release before. Averages "
    "are compared at two places, segments as adjusted by the financial override, ranks within the table. "
    "`last_release` is the same measure of the last release left as it was."
)
_PLANNED = "planned"
_COMPARED = """
    with
    paired as (
        select
            official.table_name,
            abs(forecast.average_metric_score - official.average_metric_score) as average_off,
            forecast.adjusted_segment = official.adjusted_segment as is_same_segment,
            abs(forecast.rank - official.rank) as rank_off
        from official.league_table as official
        inner join {forecast} as forecast
            on
                official.table_name = forecast.table_name
                and official.organisation_code = forecast.organisation_code
    )
    select
        table_name,
        count(*),
        cast(cast(sum(average_off) as double) / count(*) as decimal(18, 4)),
        cast(count(*) filter (is_same_segment) * 100.0 / count(*) as decimal(18, 1)),
        cast(quantile_cont(cast(rank_off as double), 0.5) as decimal(18, 1)),
        cast(quantile_cont(cast(rank_off as double), 0.9) as decimal(18, 1)),
        max(rank_off)
    from paired
    group by table_name
    order by table_name"""
_MEASURES = (
    "organisations",
    "mean_absolute_difference_of_average",
    "same_segment_percent",
    "rank_difference_median",
    "rank_difference_90th_percentile",
    "rank_difference_largest",
)


def accuracy_of(quarter: Quarter, data: DataFolder) -> dict[str, Any]:
    """The distance per table of the nowcast, and of the last release as it was, from a released quarter.

    Nothing is written. Raises InputMissing where the quarter, or every one before it, isn't released.
    """
    released = {release.quarter: release for release in current_release(data)}
    if quarter not in released:
        listed = ", ".join(map(str, sorted(released))) or "nothing"
        raise InputMissing(
            f"{quarter} isn't released, so there is nothing to compare with. Released: {listed}."
        )
    official = released[quarter]
    last = last_release_before(data, quarter, is_sample=official.is_sample)
    plan = NowcastPlan(quarter, official.framework, _PLANNED, last)
    with built_as_if_unreleased(plan, data) as connection:
        nowcast = distances(connection, "league.league_table")
        unchanged = distances(connection, "released.league_table")
        return {
            "quarter": str(quarter),
            "is_sample": official.is_sample,
            "official_release_id": official.release_id,
            "carried_from": {
                "quarter": str(last.quarter),
                "release_id": last.release_id,
                "framework": last.framework,
                "age_quarters": plan.age,
            },
            "framework": official.framework,
            "how": HOW,
            "tables": [
                {"table_name": table, "nowcast": measures, "last_release": unchanged[table]}
                for table, measures in nowcast.items()
            ],
            "only_in_official": _alone(connection, "official", "league"),
            "only_in_nowcast": _alone(connection, "league", "official"),
            "metrics": metrics_of(connection, plan.age),
        }


def distances(connection: duckdb.DuckDBPyConnection, forecast: str) -> dict[str, dict[str, Any]]:
    """By table name, how far the league tables of `forecast` lie from those of `official.league_table`."""
    found = connection.execute(_COMPARED.format(forecast=forecast)).fetchall()
    return {
        table: {
            measure: value if isinstance(value, int) else str(value)
            for measure, value in zip(_MEASURES, measures, strict=True)
        }
        for table, *measures in found
    }


def _alone(connection: duckdb.DuckDBPyConnection, one: str, other: str) -> list[str]:
    """Organisations, as `table code`, in one league table and not in the other."""
    found = connection.execute(
        f"select table_name || ' ' || organisation_code as place from {one}.league_table except "
        f"select table_name || ' ' || organisation_code from {other}.league_table order by place"
    )
    return [str(row[0]) for row in found.fetchall()]
