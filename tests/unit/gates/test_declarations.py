"""A suite that is misdeclared or can't be judged is our fault: neither a pass nor a failure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from dagster_project.errors import ExitCode
from dagster_project.gates.gate import run_gate
from dagster_project.gates.outcome import BrokenGateError, GateOutcome
from dagster_project.gates.suites import load_suites

SUITE = """
suite: names
purpose: Names are names, for the sake of a test.
subject: names
empty: fails
says_if_empty: There are no names; give some names.
expectations:
  - name: name_is_short
    type: expect_column_value_lengths_to_be_between
    arguments: {column: name, max_value: 3}
    severity: critical
    says: A name is too long; give it a shorter one.
    example: "{file_name}, row {source_row}: expected a short name, found {name}"
"""
NAMES = "select quarter, 'a.csv' as file_name, 7 as source_row, 'long name' as name from run.quarter_in_scope"


@pytest.fixture
def run_names(tmp_path: Path, run: duckdb.DuckDBPyConnection) -> Callable[..., GateOutcome]:
    """Runs the gate `extracts` with the one suite above, changed by `replace`, over `sql`."""

    def run_it(*replace: tuple[str, str], sql: str = NAMES) -> GateOutcome:
        suite = SUITE
        for old, new in replace:
            assert old in suite
            suite = suite.replace(old, new)
        folder = tmp_path / "extracts"
        folder.mkdir(exist_ok=True)
        (folder / "names.yml").write_text(suite, "utf-8")
        (folder / "names.sql").write_text(sql, "utf-8")
        return run_gate("extracts", run, expectations_dir=tmp_path)

    return run_it


def test_a_warning_never_blocks(run_names: Callable[..., GateOutcome]) -> None:
    outcome = run_names(("critical", "warning"))

    assert outcome.passed
    assert [r.expectation for r in outcome.warnings] == ["name_is_short"]
    assert "a.csv, row 7: expected a short name, found long name" in outcome.message()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "expect_column_value_lengths_to_be_between",
            "expect_column_value_lenghts_to_be_between",
            "Correct its spelling",
        ),
        ("max_value: 3", "max_valeu: 3", "doesn't take these arguments"),
        ("{column: name, max_value: 3}", "{max_value: 3}", "doesn't take these arguments"),
        ("severity: critical", "severity: critcal", "severity"),
        ("says: A name", "sagt: A name", "sagt"),
        ("suite: names", "suite: namen", "Give both one name"),
        ("subject: names", "subject: surnames", "surnames.sql"),
        ("empty: fails", "empty: perhaps", "empty"),
        ("empty: fails", "empty: fails\nempty: passes", "'empty' stands there twice"),
        ("{name}", "{name.__class__}", "plain column names"),
        ("{name}", "{surname}", "surname"),
        ("column: name,", "column: surname,", "surname"),
        ("name: name_is_short", "name: has_rows_to_judge", "choose another name"),
    ],
)
def test_a_misdeclared_suite_is_our_fault_and_neither_a_pass_nor_a_failure(
    old: str, new: str, words: str, run_names: Callable[..., GateOutcome]
) -> None:
    with pytest.raises(BrokenGateError, match=words.replace("(", r"\(")) as raised:
        run_names((old, new))

    assert raised.value.exit_code == ExitCode.OUR_FAULT


def test_a_suite_without_expectations_is_refused(run_names: Callable[..., GateOutcome]) -> None:
    start = SUITE.index("  - name")

    with pytest.raises(BrokenGateError, match="passes whatever comes"):
        run_names((SUITE[start:], "  []\n"))


def test_an_exception_inside_great_expectations_is_our_fault(run_names: Callable[..., GateOutcome]) -> None:
    with pytest.raises(BrokenGateError, match="Great Expectations raised") as raised:
        run_names(
            ("expect_column_value_lengths_to_be_between", "expect_column_sum_to_be_between"),
        )

    assert raised.value.exit_code == ExitCode.OUR_FAULT


def test_what_great_expectations_drops_is_noticed(
    run_names: Callable[..., GateOutcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    import great_expectations as gx

    class DropsEverything(gx.ExpectationSuite):
        def __init__(self, name: str, expectations: list[object]) -> None:
            super().__init__(name=name, expectations=expectations[:0])

    monkeypatch.setattr(gx, "ExpectationSuite", DropsEverything)

    with pytest.raises(BrokenGateError, match="expected judgements on name_is_short; found none"):
        run_names()


def test_an_expectation_about_all_rows_together_is_judged_quarter_by_quarter(
    run: duckdb.DuckDBPyConnection, run_names: Callable[..., GateOutcome]
) -> None:
    run.execute("insert into run.quarter_in_scope values ('2026-27-Q2', 'made up', 'r3', true, null)")
    unique = ("expect_column_value_lengths_to_be_between", "expect_column_values_to_be_unique")
    twice = NAMES + " union all " + NAMES + " where quarter = '2026-27-Q2'"

    outcome = run_names(unique, ("{column: name, max_value: 3}", "{column: name}"), sql=twice)

    success = {(r.quarter, r.success) for r in outcome.results if r.expectation == "name_is_short"}
    assert success == {("2026-27-Q1", True), ("2026-27-Q2", False)}
    (failure,) = outcome.failures
    assert failure.examples == ("a.csv, row 7: expected a short name, found long name",) * 2


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select 1 as one", "expected a column quarter"),
        ("select '1999-00-Q1' as quarter, 'x' as name", "found 1999-00-Q1"),
        ("select from nowhere", "SQL failed"),
    ],
)
def test_a_subject_that_cannot_be_made_is_our_fault(
    sql: str, words: str, run_names: Callable[..., GateOutcome]
) -> None:
    with pytest.raises(BrokenGateError, match=words):
        run_names(sql=sql)


def test_an_unknown_gate_and_a_gate_without_suites_are_our_fault(
    run: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(BrokenGateError, match="expected a gate of extracts, metrics, league_tables"):
        run_gate("extract", run, expectations_dir=tmp_path)
    with pytest.raises(BrokenGateError, match="found none"):
        load_suites(tmp_path, "extracts")


def test_control_characters_of_a_file_dont_reach_the_terminal(run_names: Callable[..., GateOutcome]) -> None:
    outcome = run_names(sql=NAMES.replace("'long name'", "chr(27) || '[31m red'"))

    assert "\x1b" not in outcome.message()
    assert "found \N{REPLACEMENT CHARACTER}[31m red" in outcome.message()
