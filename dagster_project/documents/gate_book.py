"""What every gate expects, in words: each suite's expectations with severity and what a failure means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_project.documents.markdown import code, heading, page, table
from dagster_project.documents.sources import DocumentSources
from dagster_project.gates.suites import GATES, Expectation, Suite, load_suites

_STANDS_BEFORE = {
    "extracts": "After reading, before anything is built: is what was read possible and complete?",
    "metrics": "After the metric values, before scoring: may these values be scored?",
    "league_tables": "After scoring, before release: do scores, segments and ranks follow from each other?",
}
_INTRO = """\
Each gate is a blocking check: a `critical` expectation that doesn't hold ends the run with exit code 5 (6 for the suite
`reconciliation`) and nothing is released. A `warning` is shown and never blocks. A name in code is a column of the rows
that are judged; the SQL file beside the suite in `expectations/` makes them."""
_ROWS_SHOWN = 60


def gate_book(sources: DocumentSources) -> str:
    """The document as Markdown: every expectation of every suite exactly once."""
    return page(
        heading(1, "Gates"),
        _INTRO,
        *(block for gate in GATES for block in _gate(sources, gate)),
        *_reference(sources),
    )


def _gate(sources: DocumentSources, gate: str) -> list[str]:
    suites = load_suites(sources.expectations_dir, gate)
    expected = sum(len(suite.expectations) for suite in suites)
    return [
        heading(2, f"Gate {gate}"),
        f"{_STANDS_BEFORE[gate]} {len(suites)} suites, {expected} expectations.",
        *(block for suite in suites for block in _suite(gate, suite)),
    ]


def _suite(gate: str, suite: Suite) -> list[str]:
    empty = "fails" if suite.empty == "fails" else "passes"
    stops = " A failure here stops the gate: nothing else is judged." if suite.stops_the_gate else ""
    return [
        heading(3, f"{gate}: {suite.suite}"),
        f"{suite.purpose}{stops} Without rows it {empty}: {suite.says_if_empty}",
        table(
            ("expectation", "holds when", "severity", "if it doesn't"),
            ((code(e.name), holds_when(e), e.severity, e.says) for e in suite.expectations),
        ),
    ]


def holds_when(expectation: Expectation) -> str:
    """The condition in words; a type that has none is given with its arguments."""
    kind, arguments = expectation.type, expectation.arguments
    column = code(str(arguments.get("column", "")))
    pair = code(str(arguments.get("column_A", ""))), code(str(arguments.get("column_B", "")))
    said = {
        "expect_column_values_to_not_be_null": f"{column} is there",
        "expect_column_values_to_be_null": f"{column} is empty",
        "expect_column_values_to_be_in_set": f"{column} is {_one_of(arguments.get('value_set'))}",
        "expect_column_values_to_not_be_in_set": f"{column} is not {_one_of(arguments.get('value_set'))}",
        "expect_column_values_to_be_between": f"{column} is {_between(arguments)}",
        "expect_column_values_to_match_regex": f"{column} matches {code(str(arguments.get('regex')))}",
        "expect_column_values_to_not_match_regex": f"{column} doesn't match {code(str(arguments.get('regex')))}",
        "expect_column_pair_values_to_be_equal": f"{pair[0]} equals {pair[1]}",
        "expect_column_pair_values_a_to_be_greater_than_b": (
            f"{pair[0]} is {'at least' if arguments.get('or_equal') else 'greater than'} {pair[1]}"
        ),
    }.get(kind)
    if said is None:
        given = ", ".join(f"{name} {value}" for name, value in arguments.items())
        said = f"{kind.replace('_', ' ')}: {given}"
    return said + _ignoring(arguments)


def _ignoring(arguments: Mapping[str, object]) -> str:
    return {
        "either_value_is_missing": ", where both are there",
        "both_values_are_missing": ", or both are empty",
    }.get(str(arguments.get("ignore_row_if")), "")


def _one_of(values: Any) -> str:
    shown = [str(value).lower() if isinstance(value, bool) else str(value) for value in values or ()]
    return shown[0] if len(shown) == 1 else "one of " + ", ".join(shown)


def _between(arguments: Mapping[str, object]) -> str:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if low == high:
        return str(low)
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"from {low} to {high}"


def _reference(sources: DocumentSources) -> list[str]:
    """The small tables beside the rules, by which rows are judged: what is plausible, how a code looks."""
    blocks = [heading(2, "Reference tables"), "Rows of `dbt/seeds/reference/` that expectations judge by."]
    for name, rows in sources.reference_rows().items():
        blocks.append(heading(3, sources.seed_description(name)))
        if len(rows) > _ROWS_SHOWN:
            blocks.append(f"Table {code(name)}, {len(rows)} rows.")
        elif rows:
            cells = (
                [code(value) if column == "pattern" else value for column, value in row.items()]
                for row in rows
            )
            blocks += [f"Table {code(name)}.", table([c.replace("_", " ") for c in rows[0]], cells)]
    return blocks
