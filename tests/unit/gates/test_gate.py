"""How a gate behaves as a whole: what it returns, what it refuses and what it never lets pass in silence."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from dagster_project.errors import ExitCode
from dagster_project.gates.outcome import ROWS_TO_JUDGE, BrokenGateError, GateOutcome
from dagster_project.gates.suites import GATES


@pytest.mark.parametrize("gate", GATES)
def test_the_hand_made_run_passes_and_only_the_missing_ambulance_table_is_worth_a_look(
    gate: str, run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    outcome = judged(gate, run)

    assert outcome.passed, outcome.message()
    assert outcome.error() is None
    assert [r.expectation for r in outcome.warnings] == (
        ["every_table_is_loaded"] if gate == "metrics" else []
    )


def test_metrics_pass_before_the_first_release_when_there_are_no_released_tables(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute("drop schema league cascade")

    outcome = judged("metrics", run)

    assert outcome.passed
    jumps = [r for r in outcome.results if r.suite == "quarterly_jumps"]
    assert [(r.success, r.judged, r.observed) for r in jumps] == [(True, False, "not judged: no rows")]


def test_results_name_the_quarter_and_only_the_spoilt_quarter_fails(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute("insert into run.quarter_in_scope values ('2026-27-Q2', 'made up', 'r3', true, null)")
    run.execute("create table q2 as select * replace ('2026-27-Q2' as quarter) from landing.extract_row")
    run.execute("insert into landing.extract_row select * from q2")
    run.execute("update landing.extract_row set value = 9 where quarter = '2026-27-Q2' and figure = 'OF1003'")

    outcome = judged("extracts", run)

    assert [r.quarter for r in outcome.results] == sorted(r.quarter for r in outcome.results)
    assert {(r.quarter, r.expectation) for r in outcome.failures} == {
        ("2026-27-Q2", "score_is_between_1_and_4")
    }
    assert "Gate extracts, 2026-27-Q1: passed" in outcome.message()


def test_the_first_five_rows_are_named_and_the_others_counted(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute(
        "update landing.extract_row set region = null where source = 'nof_data' and table_name = 'acute'"
    )

    outcome = judged("extracts", run, "extract_rows")

    (failure,) = outcome.failures
    assert (len(failure.examples), failure.unexpected) == (5, 34)
    assert failure.examples[0].startswith("acute-data.csv, row 2, column Region")
    assert "... and 29 more" in outcome.message()


def test_a_quarter_before_in_the_same_run_is_read_from_the_run_and_not_from_its_old_release(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute("insert into run.quarter_in_scope values ('2025-26-Q4', 'made up', 'r1', true, null)")
    run.execute(
        "insert into metrics.metric_value "
        "select * replace ('2025-26-Q4' as quarter) from metrics.metric_value"
    )
    run.execute(
        "update league.metric_score set value = 99 where quarter = '2025-26-Q4' and metric_id = 'OF0003'"
    )

    outcome = judged("metrics", run, "quarterly_jumps")

    assert all(r.success for r in outcome.results)


def test_only_the_release_that_the_run_names_as_the_one_before_is_compared_with(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute("update run.quarter_in_scope set previous_release_id = null")
    run.execute("delete from metrics.metric_value where organisation_code = 'Z1B'")

    outcome = judged("metrics", run)

    vanished = [r for r in outcome.results if r.expectation == "organisation_has_not_vanished"]
    assert [(r.success, r.observed) for r in vanished] == [(True, "0 judged, none unexpected")]


@pytest.mark.parametrize("gate", GATES)
def test_a_quarter_is_judged_alike_whether_it_runs_alone_or_with_another(
    gate: str, run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    alone = judged(gate, run)
    run.execute("insert into run.quarter_in_scope values ('2026-27-Q2', 'made up', 'r3', true, 'r2')")
    run.execute(
        "insert into landing.extract select * replace ('x' as extract_id, 'later.csv' as file_name) "
        "from landing.extract where extract_id = 'acute'"
    )
    run.execute(
        "insert into landing.extract_row select * replace ('2026-27-Q2' as quarter, 'x' as extract_id) "
        "from landing.extract_row where extract_id = 'acute'"
    )
    run.execute(
        "insert into metrics.metric_value select * replace ('2026-27-Q2' as quarter) "
        "from metrics.metric_value where table_name = 'acute'"
    )

    both = judged(gate, run)

    assert tuple(r for r in both.results if r.quarter == "2026-27-Q1") == alone.results


def test_a_merged_organisation_may_go_once_its_merger_has_taken_effect(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    for gone in ("Z9Z", "Z8Z"):
        columns = f"'{gone}' as organisation_code"
        for table in ("league_table", "metric_score"):
            run.execute(
                f"insert into league.{table} select * replace ({columns}) from league.{table} "
                "where organisation_code = 'Z1A' and quarter = '2025-26-Q4'"
            )

    outcome = judged("metrics", run, "organisations")

    # Z9Z merged on 30 June 2026, inside the quarter; Z8Z a day later.
    (failure,) = outcome.failures
    assert failure.unexpected == 1
    assert "organisation Z8Z" in failure.examples[0]


def test_columns_that_are_missing_stop_the_gate_and_leave_the_rest_not_judged(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute("alter table landing.extract_row drop column region")

    outcome = judged("extracts", run)

    judged_suites = {r.suite for r in outcome.results if r.judged}
    assert judged_suites == {"columns"}
    assert "landing.extract_row, column region: expected text, found no such column" in outcome.message()
    assert all(not r.success for r in outcome.results if not r.judged)


def test_only_a_different_figure_ends_with_exit_code_6(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute("update league.reconciliation set outcome = 'different' where organisation_code = 'Z1B'")
    different = judged("league_tables", run)
    run.execute(
        "update league.league_table set rank = 3 where organisation_code = 'Z1B' and quarter = '2026-27-Q1'"
    )
    also_red = judged("league_tables", run)

    error, worse = different.error(), also_red.error()

    assert error is not None
    assert error.exit_code == ExitCode.RECONCILIATION_DIFFERENT
    assert str(error) == different.message()
    assert worse is not None
    assert worse.exit_code == ExitCode.SUITE_FAILED


def test_a_reconciliation_without_rows_ends_with_exit_code_5(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute("delete from league.reconciliation")

    outcome = judged("league_tables", run)

    error = outcome.error()
    assert error is not None
    assert error.exit_code == ExitCode.SUITE_FAILED
    assert {r.expectation for r in outcome.failures} == {ROWS_TO_JUDGE, "no_figure_is_different"}


def test_an_outcome_that_is_misspelt_is_no_pass(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute("update league.reconciliation set outcome = 'diferent' where organisation_code = 'Z1B'")

    assert not judged("league_tables", run, "reconciliation").passed


def test_two_runs_over_the_same_rows_give_the_same_results_and_words(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute("update landing.extract_row set value = 9 where figure = 'OF1003'")

    first, second = judged("extracts", run), judged("extracts", run)

    assert first == second
    assert first.message() == second.message()
    assert list(first.quality_rows()[0]) == [
        "quarter",
        "gate",
        "suite",
        "expectation",
        "subject",
        "success",
        "observed",
        "severity",
    ]


def test_a_run_without_quarters_is_our_fault(
    run: duckdb.DuckDBPyConnection, judged: Callable[..., GateOutcome]
) -> None:
    run.execute("delete from run.quarter_in_scope")

    with pytest.raises(BrokenGateError, match="expected a quarter"):
        judged("extracts", run)
