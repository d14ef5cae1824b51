"""What a nowcast stands on: the last release before its quarter, read from the published warehouse."""

from __future__ import annotations

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import CurrentRelease, current_release
from dagster_project.settings import DataFolder

# League tables, metric scores with their ranks, and organisations of one quarter; the published ranks and
# scores of wholly carried metrics give the same exact scores again.
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


def last_release_before(data: DataFolder, quarter: Quarter, *, is_sample: bool | None) -> CurrentRelease:
    """The newest current release of an earlier quarter; `is_sample` None takes either kind.

    Raises InputMissing, listing what is released, where there is none.
    """
    releases = [item for item in current_release(data) if is_sample in (None, item.is_sample)]
    earlier = [item for item in releases if item.quarter < quarter]
    if not earlier:
        listed = ", ".join(str(item.quarter) for item in releases) or "nothing"
        raise InputMissing(
            f"A nowcast of {quarter} carries figures from an earlier release; there is none of that kind. "
            f"Released: {listed}. Release an earlier quarter first with `league run`."
        )
    return max(earlier, key=lambda item: item.quarter)


def trusts_in(data: DataFolder, quarter: Quarter) -> frozenset[str]:
    """The codes of the trusts in the current release of a quarter."""
    path = str(data.warehouse).replace("'", "''")
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{path}' as published (read_only)")
        rows = connection.execute(
            "select distinct organisation_code from published.league.league_table "
            "where quarter = ? and table_name <> 'icb'",
            [str(quarter)],
        ).fetchall()
    return frozenset(str(code) for (code,) in rows)


def age_in_quarters(last: Quarter, quarter: Quarter) -> int:
    """How many quarters after `last` a quarter lies."""
    return (quarter.start_year - last.start_year) * 4 + quarter.number - last.number


def copy_release(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, quarter: Quarter, schema: str
) -> None:
    """Copies a published quarter's `league_table` and `metric_score` (with `rank_in_table`) to `schema`."""
    path = str(data.warehouse).replace("'", "''")
    connection.execute(f"create schema {schema}")
    connection.execute(f"attach '{path}' as published (read_only)")
    try:
        for table, query in _COPIES.items():
            connection.execute(f"create table {schema}.{table} as {query}", [str(quarter)])
    finally:
        connection.execute("detach published")
