"""Reads a released quarter's reconciliation: counts by kind of figure, and every figure that isn't equal."""

from __future__ import annotations

import csv
from typing import Any

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.settings import DBT_PROJECT_DIR, WAREHOUSE_SCHEMA, DataFolder

FIGURE_KINDS = DBT_PROJECT_DIR / "seeds" / "reference" / "figure_kind.csv"
# Metric scores that come out equal, by how each was found: `published` ones rest on the published score itself.
_EQUAL_SCORES = f"""
    select metric_score.score_basis, count(*)
    from {WAREHOUSE_SCHEMA}.metric_score
    inner join {WAREHOUSE_SCHEMA}.reconciliation
        on metric_score.quarter = reconciliation.quarter
        and metric_score.organisation_code = reconciliation.organisation_code
        and 'OF1' || substr(metric_score.metric_id, 4) = reconciliation.figure
    where metric_score.quarter = ? and reconciliation.outcome = 'equal'
    group by metric_score.score_basis
    order by metric_score.score_basis"""


def reconciliation_of(data: DataFolder, quarter: Quarter) -> dict[str, Any]:
    """Counts by table, kind and outcome; why figures can't be computed; on what the equal metric scores rest; and the
    figures that are neither equal nor inputs, with reasons.

    Raises InputMissing where the quarter isn't released.
    """
    releases = {release.quarter: release for release in current_release(data)}
    if quarter not in releases:
        there = ", ".join(str(known) for known in sorted(releases)) or "none"
        raise InputMissing(f"{quarter} isn't released, so there is nothing to reconcile. Released: {there}.")
    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        counts = connection.execute(
            f"select table_name, {figure_kind_sql()} as kind, outcome, count(*) from {WAREHOUSE_SCHEMA}.reconciliation "
            "where quarter = ? group by all order by table_name, min(figure), outcome",
            [str(quarter)],
        ).fetchall()
        listed = connection.execute(
            f"select table_name, organisation_code, figure, computed, published, outcome, reason "
            f"from {WAREHOUSE_SCHEMA}.reconciliation where quarter = ? "
            "and outcome not in ('equal', 'not_computable') order by outcome, organisation_code, figure",
            [str(quarter)],
        ).fetchall()
        reasons = connection.execute(
            f"select table_name, {figure_kind_sql()} as kind, reason, count(*) as figures "
            f"from {WAREHOUSE_SCHEMA}.reconciliation where quarter = ? and outcome = 'not_computable' "
            "group by all order by figures desc, table_name, kind, reason",
            [str(quarter)],
        ).fetchall()
        equal_scores = connection.execute(_EQUAL_SCORES, [str(quarter)]).fetchall()
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
        "not_computable": [
            {"table": table, "figure": kind, "reason": reason, "figures": figures}
            for table, kind, reason, figures in reasons
        ],
        "score_bases": dict(bases),
        "equal_scores": dict(equal_scores),
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


def figure_kind_sql(figure: str = "figure") -> str:
    """A `case` over the column `figure`: the first pattern of the seed that fits, else the id itself."""
    with FIGURE_KINDS.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["precedence"]))
    fits = " ".join(
        f"when {figure} like '{row['figure_pattern']}' then '{row['figure_kind']}'" for row in rows
    )
    return f"case {fits} else {figure} end"
