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
from documented_queries import answer, documented_queries, numbers, sections, with_answers
from league_command import league

from dagster_project.reading.board_page import queries_for
from dagster_project.settings import PROJECT_ROOT, DataFolder

DOCUMENT = PROJECT_ROOT / "docs" / "insight.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
QUERIES = documented_queries(TEXT)
COMMANDS = re.findall(r"^\$ league (what-if [^\n]*)\n((?:(?!\$|```)[^\n]*\n)+)", TEXT, re.MULTILINE)
STORY = sections(TEXT, 2)["The story"]
SENTENCES = re.findall(r"^(\d+)\. (.*(?:\n   .*)*)", STORY, re.MULTILINE)


@pytest.fixture(scope="module")
def warehouse(six_quarters: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(six_quarters.warehouse), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def document(warehouse: duckdb.DuckDBPyConnection) -> str:
    """The document as it stands, or with its results written anew."""
    if not os.environ.get("LEAGUE_UPDATE_SNAPSHOT"):
        return TEXT
    text = with_answers(TEXT, lambda query: answer(warehouse, query))
    DOCUMENT.write_text(text, encoding="utf-8")
    return text


@pytest.mark.parametrize("number", range(len(QUERIES)), ids=[query.heading for query in QUERIES])
def test_each_query_of_the_document_gives_the_table_shown_below_it(
    warehouse: duckdb.DuckDBPyConnection, document: str, number: int
) -> None:
    documented = documented_queries(document)[number]
    assert answer(warehouse, documented.query) == documented.shown


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
def test_every_number_of_a_sentence_stands_in_the_result_behind_it(
    document: str, number: str, sentence: str
) -> None:
    assert not numbers(sentence) - numbers_behind(document, number)


def test_each_query_of_the_story_is_the_one_that_the_command_asks() -> None:
    """`league story` tells of any organisation what the document tells of one."""
    documented = {
        heading.partition(". ")[2]: [query.query for query in documented_queries(f"### {heading}\n{below}")]
        for heading, below in sections(sections(TEXT, 2)["The query behind each sentence"], 3).items()
    }
    assert documented.pop("What if") == []
    assert queries_for("Z33", "2025-26-Q4") == documented


def test_the_story_has_its_parts_and_each_its_evidence() -> None:
    behind = evidence(TEXT)
    assert [number for number, _ in SENTENCES] == list(behind) == [str(n + 1) for n in range(len(behind))]
    assert len(SENTENCES) > 10
    assert len(COMMANDS) == 2
    assert all("```sql" in text or "$ league " in text for text in behind.values())


def test_a_sentence_with_another_number_is_noticed() -> None:
    sentence = f"{dict(SENTENCES)['1']} In 2025-26-Q4 it would rank 987."
    assert numbers(sentence) - numbers_behind(TEXT, "1") == {Decimal(987)}


def test_the_document_says_that_its_organisations_are_fictional() -> None:
    before_the_story = TEXT.partition("## The story")[0]
    assert "organisations on this page are fictional" in before_the_story


def evidence(text: str) -> dict[str, str]:
    """What stands below the heading of each sentence, by its number."""
    behind = sections(sections(text, 2)["The query behind each sentence"], 3)
    return {heading.partition(". ")[0]: found for heading, found in behind.items()}


def numbers_behind(text: str, number: str) -> set[Decimal]:
    """The numbers in the results behind a sentence: not those of the queries."""
    parts = evidence(text)[number].split("```")
    return numbers("".join(part for part in parts if not part.startswith("sql\n")).replace(",", " "))
