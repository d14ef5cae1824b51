"""docs/insight.md tells what the sample says: every query, every command, and every number of its story.

After a wanted change: `LEAGUE_UPDATE_SNAPSHOT=1 pytest tests/acceptance/test_insight_documented.py` writes the
results anew; the sentences are for people to mend.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from documented_queries import answer, documented_queries, sections, with_answers
from league_command import league

from dagster_project.settings import PROJECT_ROOT, DataFolder

DOCUMENT = PROJECT_ROOT / "docs" / "insight.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
QUERIES = documented_queries(TEXT)
COMMANDS = re.findall(r"^\$ league (what-if [^\n]*)\n((?:(?!\$|```)[^\n]*\n)+)", TEXT, re.MULTILINE)
STORY = sections(TEXT, 2)["The story"]
SENTENCES = re.findall(r"^(\d+)\. (.*(?:\n   .*)*)", STORY, re.MULTILINE)
EVIDENCE = {
    heading.partition(". ")[0]: text
    for heading, text in sections(sections(TEXT, 2)["The query behind each sentence"], 3).items()
}
# 18 and 0.27, but neither OF0106 nor the 26 of 2025-26-Q4
_NUMBER = re.compile(r"(?<![\w.])(?<!\d-)\d+(?:\.\d+)?(?!\w|-\d|\.\d)")


@pytest.fixture(scope="module")
def warehouse(six_quarters: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(six_quarters.warehouse), read_only=True) as connection:
        if os.environ.get("LEAGUE_UPDATE_SNAPSHOT"):
            DOCUMENT.write_text(with_answers(TEXT, lambda query: answer(connection, query)), encoding="utf-8")
        yield connection


@pytest.mark.parametrize("number", range(len(QUERIES)), ids=[query.heading for query in QUERIES])
def test_each_query_of_the_document_gives_the_table_shown_below_it(
    warehouse: duckdb.DuckDBPyConnection, number: int
) -> None:
    assert answer(warehouse, QUERIES[number].query) == QUERIES[number].shown


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_each_command_of_the_document_prints_the_lines_shown_in_that_order(
    six_quarters: DataFolder, command: str, shown: str
) -> None:
    printed = [line.rstrip() for line in league(*command.split(), data=six_quarters).out.splitlines()]
    at = 0
    for line in shown.rstrip().splitlines():
        start = line.removesuffix("...")
        found = [number for number, one in enumerate(printed[at:], at) if one.startswith(start)]
        assert found, f"not printed after line {at}: {line}"
        assert line.endswith("...") or printed[found[0]] == line
        at = found[0] + 1


@pytest.mark.parametrize(("number", "sentence"), SENTENCES, ids=[number for number, _ in SENTENCES])
def test_every_number_of_a_sentence_stands_in_the_result_behind_it(number: str, sentence: str) -> None:
    behind = EVIDENCE[number].split("```")
    results = "".join(part for part in behind if not part.startswith("sql\n"))
    assert not numbers(sentence) - numbers(results.replace(",", " "))


def test_the_story_has_its_parts_and_each_its_evidence() -> None:
    assert [number for number, _ in SENTENCES] == list(EVIDENCE) == [str(n + 1) for n in range(len(EVIDENCE))]
    assert len(SENTENCES) > 10
    assert len(COMMANDS) == 2
    assert all("```sql" in text or "$ league " in text for text in EVIDENCE.values())


def test_a_sentence_with_another_number_is_noticed() -> None:
    sentence = dict(SENTENCES)["1"]
    assert numbers(sentence.replace("2.13", "2.31")) - numbers(EVIDENCE["1"])


def test_the_document_says_that_its_organisations_are_fictional() -> None:
    before_the_story = TEXT.partition("## The story")[0]
    assert "organisations on this page are fictional" in before_the_story


def numbers(text: str) -> set[Decimal]:
    """The numbers of a text, without those in codes and quarters; a sign is told in words."""
    return {Decimal(found) for found in _NUMBER.findall(text)}
