"""A nowcast as a scenario: the last release, with what statistics give in place of its values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.extracts.load import LoadedExtracts
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import CurrentRelease, current_release
from dagster_project.runs import flow
from dagster_project.runs.left_out import unread_of
from dagster_project.scenarios.apart import OFFICIAL, Scenario, copy_release, scored_apart
from dagster_project.settings import DataFolder
from dagster_project.sql_text import literal

STATE = "nowcast"
_RESULTS = flow.selected("scenarios.nowcast")
_MISSING = """
    select metric_id || ': ' || missing_reason || ' (' || count(*) || ' organisations)'
    from scenario.scenario_incomplete_value
    group by metric_id, missing_reason
    order by count(*) desc, metric_id, missing_reason
    limit 5"""


@dataclass(frozen=True)
class NowcastPlan:
    """What a nowcast is made of; without statistics nothing is fresh."""

    quarter: Quarter
    framework: str
    nowcast_id: str
    last: CurrentRelease
    statistics: LoadedExtracts | None = None

    @property
    def age(self) -> int:
        """The quarters between the last release and this one."""
        last, quarter = self.last.quarter, self.quarter
        return (quarter.start_year - last.start_year) * 4 + quarter.number - last.number


@contextmanager
def built(plan: NowcastPlan, data: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the built nowcast, as `scored_apart` gives it; `league.*` says how old each value is.

    Raises InputMissing where statistics are at hand but none gives a metric's value.
    """

    def refuse_nothing_fresh(connection: duckdb.DuckDBPyConnection) -> None:
        if plan.statistics is not None and not _has_fresh_values(connection):
            raise InputMissing(_nothing_fresh(connection, plan.quarter, plan.statistics))

    announce("Computing what the statistics give")
    with scored_apart(
        Scenario(
            *(plan.quarter, plan.framework, plan.nowcast_id, STATE, plan.last),
            statistics=plan.statistics,
            check_figures=refuse_nothing_fresh,
            results=_RESULTS,
        ),
        data,
    ) as connection:
        _show_ages(connection)
        yield connection


@contextmanager
def built_as_if_unreleased(plan: NowcastPlan, data: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """As `built`, of a released quarter: its official values stand for fresh ones where a metric has a statistic.

    `official.*` holds the quarter's release.
    """
    with scored_apart(
        Scenario(
            *(plan.quarter, plan.framework, plan.nowcast_id, STATE, plan.last),
            land_inputs=lambda connection: copy_release(connection, data, plan.quarter, OFFICIAL),
            results=_RESULTS,
        ),
        data,
    ) as connection:
        _show_ages(connection)
        yield connection


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
    path = literal(data.warehouse)
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach {path} as published (read_only)")
        rows = connection.execute(
            "select distinct organisation_code from published.league.league_table "
            "where quarter = ? and table_name <> 'icb'",
            [str(quarter)],
        ).fetchall()
    return frozenset(str(code) for (code,) in rows)


def metrics_of(connection: duckdb.DuckDBPyConnection, age: int) -> list[dict[str, object]]:
    """For every metric: `fresh`, `carried` or `partly fresh`, with counts, source and known difference.

    `incomplete` says whose counts the statistic lacks, all or some, and what is missing.
    """
    incomplete: dict[str, list[dict[str, object]]] = {}
    for metric_id, reason, organisations in connection.execute(
        "select metric_id, missing_reason, organisation_codes from scenario.nowcast_incomplete_metric "
        "order by metric_id, organisations desc, missing_reason"
    ).fetchall():
        incomplete.setdefault(metric_id, []).append({"reason": reason, "organisations": organisations})
    listed = []
    for row in connection.execute(
        "select metric_id, metric_name, organisations_fresh, organisations_carried, source, known_difference, "
        "is_held_back, organisations_incomplete from scenario.nowcast_metric order by metric_id"
    ).fetchall():
        metric_id, name, fresh, carried, source, difference, is_held_back, lacking = row
        listed.append(
            {
                "metric_id": metric_id,
                "metric_name": name,
                "state": "carried" if not fresh else "partly fresh" if carried else "fresh",
                "organisations_fresh": int(fresh),
                "organisations_carried": int(carried),
                "organisations_incomplete": int(lacking),
                "incomplete": incomplete.get(metric_id, []),
                "source": source,
                "known_difference": difference,
                "carried_value_age_quarters": age if carried else None,
                "held_back": "the pool isn't wholly loaded, so fresh values give no score"
                if is_held_back
                else None,
            }
        )
    return listed


def _show_ages(connection: duckdb.DuckDBPyConnection) -> None:
    """Puts the nowcast's own tables, which say how old each value is, in place of those that scoring built."""
    for table in ("metric_score", "league_table"):
        connection.execute(f"create or replace table league.{table} as from scenario.nowcast_{table}")


def _has_fresh_values(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute("select 1 from scenario.scenario_fresh_value limit 1").fetchone()
    return found is not None


def _nothing_fresh(
    connection: duckdb.DuckDBPyConnection, quarter: Quarter, statistics: LoadedExtracts
) -> str:
    """With the commonest reasons why counts at hand give no value."""
    months = ", ".join(
        sorted({f"{row.source} {row.period}" for row in statistics.statistic_row.itertuples()})
    )
    missing = "".join(f"; {row[0]}" for row in connection.execute(_MISSING).fetchall())
    return (
        f"The statistics at hand for {quarter} give no metric's value: there is {months}{missing}. Some "
        "metrics need all three months of the quarter, others its last (dbt/seeds/methodology/"
        "metric_statistic.csv says which). Add the missing months." + unread_of(quarter, statistics)
    )
