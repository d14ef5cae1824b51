"""Every expectation of every gate is shown to go red, by one change to a run in which all gates pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml

from dagster_project.gates.outcome import ROWS_TO_JUDGE, GateOutcome
from dagster_project.gates.suites import GATES, load_suites
from dagster_project.settings import EXPECTATIONS_DIR

CHANGES = {
    gate: yaml.safe_load((Path(__file__).parent / "changes" / f"{gate}.yml").read_text("utf-8"))
    for gate in GATES
}

EMPTYING = {
    "extracts": {
        "files": "delete from landing.extract",
        "loaded_tables": "delete from landing.extract; delete from landing.extract_row",
        "organisations": "delete from landing.extract_row",
        "extract_rows": "delete from landing.extract_row",
        "summary_figures": "delete from landing.extract_row",
        "texts": "delete from landing.extract_row",
        "descriptions": "delete from landing.extract_row",
        "value_and_score": "delete from landing.extract_row where figure like 'OF0%' or figure like 'OF1%'",
    },
    "metrics": {
        "metric_values": "delete from metrics.metric_value",
        "loaded_tables": "delete from metrics.metric_value; delete from landing.extract_row; "
        "delete from methodology.expected_organisations",
        "metric_coverage": "delete from methodology.metric_applicability",
        "organisations": "delete from metrics.metric_value",
        "organisation_references": "delete from metrics.metric_value",
        "periods": "delete from landing.extract_row",
    },
    "league_tables": {
        "league_table": "delete from league.league_table",
        "organisations": "delete from league.league_table; delete from metrics.metric_value",
        "metric_scores": "delete from league.metric_score; delete from metrics.metric_value",
        "domain_scores": "delete from league.domain_score",
        "metric_rankings": "delete from league.metric_ranking",
        "reconciliation": "delete from league.reconciliation",
    },
}


@pytest.mark.parametrize(
    ("gate", "suite", "expectation"),
    [
        (gate, suite, expectation)
        for gate, suites in CHANGES.items()
        for suite, expectations in suites.items()
        for expectation in expectations
    ],
)
def test_an_expectation_goes_red_and_says_where(
    gate: str,
    suite: str,
    expectation: str,
    run: duckdb.DuckDBPyConnection,
    judged: Callable[..., GateOutcome],
) -> None:
    change = CHANGES[gate][suite][expectation]
    run.execute(change["sql"])

    outcome = judged(gate, run, suite, expectation)

    (result,) = [result for result in outcome.results if result.expectation == expectation]
    assert not result.success
    assert result.judged
    assert result.quarter == "2026-27-Q1"
    assert "unexpected" in result.observed
    assert result.says in outcome.message()
    for mention in change["mentions"]:
        assert mention in outcome.message()
    assert (result in outcome.failures) == (result.severity == "critical")
    assert outcome.passed == (not outcome.failures)


@pytest.mark.parametrize("gate", GATES)
def test_every_declared_expectation_has_a_change_that_makes_it_fail(gate: str) -> None:
    declared = {s.suite: {e.name for e in s.expectations} for s in load_suites(EXPECTATIONS_DIR, gate)}

    assert {suite: set(changes) for suite, changes in CHANGES[gate].items()} == declared


@pytest.mark.parametrize(
    ("gate", "suite", "sql"),
    [(gate, suite, sql) for gate, suites in EMPTYING.items() for suite, sql in suites.items()],
)
def test_a_subject_without_rows_fails_and_nothing_of_it_passes(
    gate: str, suite: str, sql: str, run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute(sql)

    outcome = judged(gate, run, suite)

    rows, *others = outcome.results
    assert (rows.expectation, rows.success, rows.observed) == (ROWS_TO_JUDGE, False, "0 rows")
    assert rows.says in outcome.message()
    assert others
    assert all(not other.success and other.observed == "not judged: no rows" for other in others)


@pytest.mark.parametrize("gate", GATES)
def test_every_suite_that_must_have_rows_is_shown_without_any(gate: str) -> None:
    declared = {suite.suite for suite in load_suites(EXPECTATIONS_DIR, gate) if suite.empty == "fails"}

    # The rows of `columns` are the columns of the contract: without a quarter there is no gate to run at all.
    assert set(EMPTYING[gate]) == declared - {"columns"}
