"""Reads a released quarter's reconciliation: counts by kind of figure, and every figure that isn't equal."""

from __future__ import annotations

from typing import Any

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder

# OF0005 and OF0010 are values of metrics: figures of one kind share their first three characters.
_KIND = """case
    when figure like 'OF0%.rank' then 'metric rank'
    when figure like 'OF0%' then 'metric value'
    when figure like 'OF1%.rank' then 'metric rank (beside the score)'
    when figure like 'OF1%' then 'metric score'
    when figure like 'OF40%.rank' then 'domain rank'
    when figure like 'OF40%' then 'domain score'
    when figure like 'OF41%' then 'domain segment'
    when figure = 'OF5000' then 'adjusted segment'
    when figure = 'OF5000.rank' then 'league table rank'
    when figure = 'OF5002' then 'average metric score'
    when figure = 'OF5002.rank' then 'rank ignoring segment'
    when figure = 'OF5003' then 'unadjusted segment'
    when figure = 'OF5004' then 'financial override'
    when figure = 'OF5005' then 'final segment'
    when figure = 'OF5007' then 'Recovery Support Programme flag'
    when figure like '%likely%' then 'likely range'
    else figure
end"""


def reconciliation_of(data: DataFolder, quarter: Quarter) -> dict[str, Any]:
    """Counts by table, kind and outcome, and the figures that are neither equal nor inputs, with reasons.

    Raises InputMissing where the quarter isn't released.
    """
    releases = {release.quarter: release for release in current_release(data)}
    if quarter not in releases:
        there = ", ".join(str(known) for known in sorted(releases)) or "none"
        raise InputMissing(f"{quarter} isn't released, so there is nothing to reconcile. Released: {there}.")
    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        counts = connection.execute(
            f"select table_name, {_KIND} as kind, outcome, count(*) from {WAREHOUSE_SCHEMA}.reconciliation "
            "where quarter = ? group by all order by table_name, min(figure), outcome",
            [str(quarter)],
        ).fetchall()
        listed = connection.execute(
            f"select table_name, organisation_code, figure, computed, published, outcome, reason "
            f"from {WAREHOUSE_SCHEMA}.reconciliation where quarter = ? "
            "and outcome not in ('equal', 'not_computable') order by outcome, organisation_code, figure",
            [str(quarter)],
        ).fetchall()
        bases = connection.execute(
            f"select score_basis, count(*) from {WAREHOUSE_SCHEMA}.metric_score where quarter = ? "
            "group by score_basis order by score_basis",
            [str(quarter)],
        ).fetchall()
    return {
        "quarter": str(quarter),
        "release_id": releases[quarter].release_id,
        "is_sample": releases[quarter].is_sample,
        "counts": [
            {"table": table, "figure": kind, "outcome": outcome, "figures": figures}
            for table, kind, outcome, figures in counts
        ],
        "score_bases": dict(bases),
        "not_equal": [
            {
                "table": table,
                "organisation_code": code,
                "figure": figure,
                "computed": None if computed is None else str(computed),
                "published": None if published is None else str(published),
                "outcome": outcome,
                "reason": reason,
            }
            for table, code, figure, computed, published, outcome, reason in listed
        ],
    }
