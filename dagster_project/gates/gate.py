"""Runs a gate: every suite of its folder over the run's connection, a result per expectation and quarter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from dagster_project.gates.earlier_quarters import view_earlier_quarters
from dagster_project.gates.frames import build_frame, example, quarters_in_scope
from dagster_project.gates.judging import Judge, Judgement
from dagster_project.gates.outcome import ROWS_TO_JUDGE, BrokenGateError, ExpectationResult, GateOutcome
from dagster_project.gates.suites import GATES, Expectation, Suite, load_suites, subject_file

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES_SHOWN = 5

_PREPARATIONS: dict[str, Callable[[duckdb.DuckDBPyConnection], None]] = {"metrics": view_earlier_quarters}


def run_gate(gate: str, connection: duckdb.DuckDBPyConnection, *, expectations_dir: Path) -> GateOutcome:
    """Judges the quarters of run.quarter_in_scope; nothing but temporary views is written to the connection.

    Raises BrokenGateError (exit code 1) when the gate itself is at fault: a misdeclared suite, SQL that fails
    or an exception in Great Expectations. What it finds wrong in the data is in the outcome, never raised.
    """
    if gate not in GATES:
        raise BrokenGateError(f"expected a gate of {', '.join(GATES)}; found {gate!r}.")
    suites = load_suites(expectations_dir, gate)
    quarters = quarters_in_scope(connection)
    _prepare(gate, connection)
    judge = Judge()
    results: list[ExpectationResult] = []
    stopped_by: str | None = None
    for suite in suites:
        if stopped_by is not None:
            results += _not_judged(gate, suite, quarters, f"not judged: suite {stopped_by} failed")
            continue
        frame = build_frame(connection, subject_file(expectations_dir, gate, suite), quarters)
        mine = _run_suite(gate, suite, frame, quarters, judge)
        results += mine
        if suite.stops_the_gate and not all(result.success for result in mine):
            stopped_by = suite.suite
    return GateOutcome(gate, tuple(sorted(results, key=lambda result: result.quarter)))


def _prepare(gate: str, connection: duckdb.DuckDBPyConnection) -> None:
    if gate in _PREPARATIONS:
        try:
            _PREPARATIONS[gate](connection)
        except duckdb.Error as error:
            raise BrokenGateError(
                f"gate {gate}: its views of the quarters before can't be made: {error}"
            ) from error


def _run_suite(
    gate: str, suite: Suite, frame: pd.DataFrame, quarters: list[str], judge: Judge
) -> list[ExpectationResult]:
    judgements = judge.judge(suite, frame, quarters)
    rows = {quarter: int((frame["quarter"] == quarter).sum()) for quarter in quarters}
    results = []
    for quarter in quarters:
        if suite.empty == "fails":
            results.append(_rows_to_judge(gate, suite, quarter, rows[quarter]))
        if rows[quarter]:
            results += [
                _result(gate, suite, expectation, quarter, judgements[quarter, expectation.name], frame)
                for expectation in suite.expectations
            ]
        else:
            results += _not_judged(
                gate, suite, [quarter], "not judged: no rows", success=suite.empty == "passes"
            )
    return results


def _rows_to_judge(gate: str, suite: Suite, quarter: str, rows: int) -> ExpectationResult:
    """An empty frame passes nearly every expectation, so that it isn't empty is a result of its own."""
    return ExpectationResult(
        quarter=quarter,
        gate=gate,
        suite=suite.suite,
        expectation=ROWS_TO_JUDGE,
        expectation_type="expect_table_row_count_to_be_between",
        subject=suite.subject,
        success=rows > 0,
        severity="critical",
        observed=f"{rows} rows",
        says=suite.says_if_empty,
    )


def _result(
    gate: str, suite: Suite, expectation: Expectation, quarter: str, judgement: Judgement, frame: pd.DataFrame
) -> ExpectationResult:
    shown = judgement.rows[:EXAMPLES_SHOWN]
    return ExpectationResult(
        quarter=quarter,
        gate=gate,
        suite=suite.suite,
        expectation=expectation.name,
        expectation_type=expectation.type,
        subject=suite.subject,
        success=judgement.success,
        severity=expectation.severity,
        observed=judgement.observed,
        says=expectation.says,
        examples=tuple(example(frame, row, expectation.example) for row in shown),
        unexpected=judgement.unexpected,
        column=_column_of(expectation),
    )


def _not_judged(
    gate: str, suite: Suite, quarters: list[str], observed: str, success: bool = False
) -> list[ExpectationResult]:
    return [
        ExpectationResult(
            quarter=quarter,
            gate=gate,
            suite=suite.suite,
            expectation=expectation.name,
            expectation_type=expectation.type,
            subject=suite.subject,
            success=success,
            severity=expectation.severity,
            observed=observed,
            says=suite.says_if_empty if success else expectation.says,
            judged=False,
            column=_column_of(expectation),
        )
        for quarter in quarters
        for expectation in suite.expectations
    ]


def _column_of(expectation: Expectation) -> str | None:
    column = expectation.arguments.get("column")
    return column if isinstance(column, str) else None
