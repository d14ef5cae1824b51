"""`league what-if`: the same models with other figures of one organisation, and no release touched."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from league_command import Ended, league

from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.scenarios.what_if.ask import recomputed
from dagster_project.scenarios.what_if.changes import Change
from dagster_project.settings import DataFolder

QUARTER = Quarter.from_canonical("2025-26-Q1")
_TABLES = ("league_table", "metric_score")
_STAMPS = ("release_id", "release_state", "value_source", "period", "score_basis", "score_basis_reason")
_NOT_FIGURES = (*_STAMPS, "admissible_score_low", "admissible_score_high", "rank_in_table")

pytestmark = pytest.mark.xdist_group("what-if")


def rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    found = connection.execute(f"select * from {table} order by all")
    names = [column[0] for column in found.description or ()]
    return [
        {name: value for name, value in zip(names, row, strict=True) if name not in _NOT_FIGURES}
        for row in found.fetchall()
    ]


def recompute(
    data: DataFolder, organisation: str, *changes: Change, quarter: Quarter = QUARTER
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]]]:
    """The tables as released and as they would be."""
    release = next(item for item in current_release(data) if item.quarter == quarter)
    with recomputed(release, organisation, changes, data) as connection:
        return (
            {table: rows(connection, f"released.{table}") for table in _TABLES},
            {table: rows(connection, f"league.{table}") for table in _TABLES},
        )


@pytest.fixture(scope="module")
def ask(six_quarters: DataFolder) -> Callable[[str], list[tuple[Any, ...]]]:
    """Answers a query on the published warehouse."""

    def answer(query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(six_quarters.warehouse), read_only=True) as connection:
            return connection.execute(query).fetchall()

    return answer


@pytest.fixture(scope="module")
def tied(ask: Callable[[str], list[tuple[Any, ...]]]) -> tuple[str, Decimal]:
    """An organisation below the standard of OF0013, and a better value that several others print alike."""
    ((organisation,),) = ask(
        "select organisation_code from league.metric_score where quarter = '2025-26-Q1' and metric_id = 'OF0013' "
        "and not standard_met order by metric_score_exact desc, organisation_code limit 1"
    )
    ((value,),) = ask(
        "select value from league.metric_score where quarter = '2025-26-Q1' and metric_id = 'OF0013' "
        "and not standard_met group by value having count(*) > 1 and count(distinct rank_in_pool) > 1 "
        "order by value desc limit 1"
    )
    return organisation, value


def test_the_value_that_is_there_changes_nothing_to_the_last_digit(
    six_quarters: DataFolder, ask: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    values = ask(
        "select organisation_code, metric_id, value from league.metric_score where quarter = '2025-26-Q1' "
        "and value is not null and organisation_code = (select min(organisation_code) from league.league_table_acute "
        "where quarter = '2025-26-Q1') order by metric_id"
    )
    changes = [Change(metric, value) for _, metric, value in values]
    assert len(changes) > 10
    before, after = recompute(six_quarters, values[0][0], *changes)
    assert after == before


def test_others_keep_their_order_and_move_by_one_place_where_they_are_overtaken(
    six_quarters: DataFolder, tied: tuple[str, Decimal]
) -> None:
    organisation, value = tied
    before, after = recompute(six_quarters, organisation, Change("OF0013", value))
    pools = [
        {
            row["organisation_code"]: row
            for row in tables["metric_score"]
            if row["metric_id"] == "OF0013" and not row["standard_met"]
        }
        for tables in (before, after)
    ]
    was, now = pools
    assert was.keys() == now.keys()
    own_place = now[organisation]["rank_in_pool"]
    assert own_place == min(row["rank_in_pool"] for row in was.values() if row["value"] == value)
    for code, row in was.items():
        if code != organisation:
            overtaken = (
                row["rank_in_pool"] >= own_place and row["rank_in_pool"] < was[organisation]["rank_in_pool"]
            )
            # who has the best of the tied values shares the place
            shares = row["rank_in_pool"] == own_place
            expected = row["rank_in_pool"] + (1 if overtaken and not shares else 0)
            assert now[code]["rank_in_pool"] == expected, code
    untouched = [
        [row for row in tables["metric_score"] if row["metric_id"] != "OF0013"] for tables in (before, after)
    ]
    assert untouched[0] == untouched[1]


def test_a_better_value_never_worsens_the_own_place(
    six_quarters: DataFolder, tied: tuple[str, Decimal]
) -> None:
    organisation, value = tied
    before, after = recompute(six_quarters, organisation, Change("OF0013", value))

    def place(tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
        return next(row for row in tables["league_table"] if row["organisation_code"] == organisation)

    assert place(after)["average_metric_score_exact"] < place(before)["average_metric_score_exact"]
    assert place(after)["adjusted_segment"] <= place(before)["adjusted_segment"]
    assert place(after)["rank"] <= place(before)["rank"]


@pytest.mark.parametrize("table", ["acute", "non_acute"])
def test_the_smallest_step_reaches_the_better_segment_where_the_cut_points_are_thresholds(
    six_quarters: DataFolder, ask: Callable[[str], list[tuple[Any, ...]]], table: str
) -> None:
    # of those that one metric can move, the one that is farthest from the better segment
    ((organisation, metric, value, segment, needed),) = ask(
        "select step.organisation_code, metric_id, value_needed, distance.better_segment, average_needed "
        "from league.metric_step as step "
        "inner join league.segment_distance as distance using (quarter, organisation_code) "
        f"where quarter = '2026-27-Q1' and step.table_name = '{table}' and step_rank = 1 "
        "and threshold_basis = 'threshold' order by improvement_needed desc, organisation_code limit 1"
    )
    quarter = Quarter.from_canonical("2026-27-Q1")
    before, after = recompute(six_quarters, organisation, Change(metric, value), quarter=quarter)
    was, now = (
        next(row for row in tables["league_table"] if row["organisation_code"] == organisation)
        for tables in (before, after)
    )
    assert was["average_metric_score_exact"] > needed >= now["average_metric_score_exact"]
    assert now["unadjusted_segment"] == segment < was["unadjusted_segment"]


@pytest.fixture(scope="module")
def without_override(
    six_quarters: DataFolder, ask: Callable[[str], list[tuple[Any, ...]]]
) -> tuple[str, Ended, list[tuple[Any, ...]]]:
    ((organisation,),) = ask(
        "select organisation_code from league.league_table_acute where quarter = '2025-26-Q1' "
        "and financial_override and unadjusted_segment = 1 order by rank, organisation_code limit 1"
    )
    released = ask("select * from league.league_table order by quarter, organisation_code")
    return (
        organisation,
        league("what-if", organisation, "2025-26-Q1", "OF5004=0", "--json", data=six_quarters),
        released,
    )


def test_without_the_override_the_segment_is_its_own(
    without_override: tuple[str, Ended, list[tuple[Any, ...]]],
) -> None:
    organisation, ended, _ = without_override
    assert ended.code == 0, ended.err
    answer = ended.answer
    assert (answer["before"]["adjusted_segment"], answer["after"]["adjusted_segment"]) == (3, 1)
    assert answer["after"]["rank"] < answer["before"]["rank"]
    assert answer["after"]["average_metric_score_exact"] == answer["before"]["average_metric_score_exact"]
    assert {other["rank"] - other["rank_before"] for other in answer["others"]} == {1}
    assert organisation not in {other["organisation_code"] for other in answer["others"]}
    assert "Fictional" in answer["notice"]


def test_no_release_is_touched(
    without_override: tuple[str, Ended, list[tuple[Any, ...]]],
    ask: Callable[[str], list[tuple[Any, ...]]],
) -> None:
    assert ask("select * from league.league_table order by quarter, organisation_code") == without_override[2]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("NOBODY", "2025-26-Q1", "OF0013=80"), 2, "'NOBODY' isn't an organisation of 2025-26-Q1"),
        (("Z05", "2031-32-Q1", "OF0013=80"), 3, "isn't released.*2025-26-Q1"),
        (("Z05", "2025-26-Q1", "OF0013"), 2, "expected METRIC=VALUE"),
    ],
)
def test_what_cannot_be_asked_says_what_can(
    six_quarters: DataFolder, arguments: tuple[str, ...], code: int, says: str
) -> None:
    import re

    ended = league("what-if", *arguments, data=six_quarters)
    assert ended.code == code
    assert re.search(says, ended.err.replace("\n", " "))
