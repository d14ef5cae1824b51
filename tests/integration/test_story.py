"""`league story`: a page for any organisation, each number of which stands in a query's result below it."""

from __future__ import annotations

import duckdb
import pytest
from documented_queries import answer, documented_queries, numbers, sections
from league_command import league

from dagster_project.errors import ExitCode
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q4"


@pytest.mark.parametrize("organisation", ["Z33", "holomere", "ZEB"])
def test_every_number_of_a_sentence_stands_in_the_results_of_its_queries(
    six_quarters: DataFolder, organisation: str
) -> None:
    ended = league("story", organisation, QUARTER, data=six_quarters)
    assert ended.code == ExitCode.DONE, ended.err
    parts = sections(ended.out, 2)
    told = dict(
        line.split(". ", 1)
        for line in parts["The story"].replace("\n   ", " ").replace("\n    ", " ").splitlines()
        if line[:1].isdigit()
    )
    behind = {
        heading.partition(". ")[0]: below
        for heading, below in sections(parts["The query behind each sentence"], 3).items()
    }
    assert told.keys() == behind.keys()
    assert len(told) > 10
    for number, sentence in told.items():
        results = "".join(text for text in behind[number].split("```") if not text.startswith("sql\n"))
        assert numbers(sentence.replace("+", " ")) <= numbers(results.replace("-", " ")), sentence


def test_every_query_of_the_page_gives_the_table_below_it(six_quarters: DataFolder) -> None:
    page = league("story", "Z33", QUARTER, data=six_quarters).out
    asked = documented_queries(page)
    assert len(asked) > 10
    with duckdb.connect(str(six_quarters.warehouse), read_only=True) as connection:
        for one in asked:
            assert answer(connection, one.query) == one.shown, one.heading


def test_the_page_names_the_command_that_tries_its_smallest_step(six_quarters: DataFolder) -> None:
    told = league("story", "Z33", QUARTER, "--json", data=six_quarters).answer
    (steps,) = [
        part["queries"][0]["rows"] for part in told["story"] if part["heading"] == "The smallest steps"
    ]
    needed = float(steps[0]["value_needed"])
    assert told["what_if"] == f"league what-if Z33 {QUARTER} {steps[0]['metric_id']}={needed:g}"


def test_a_story_of_nobody_is_refused(small_release: DataFolder) -> None:
    unknown = league("story", "QQQQQQ", "2025-26-Q1", data=small_release)
    assert (unknown.code, "isn't an organisation" in unknown.err) == (ExitCode.WRONG_USAGE, True)
    assert league("story", "ZUR", "2030-31-Q1", data=small_release).code == ExitCode.INPUT_MISSING
