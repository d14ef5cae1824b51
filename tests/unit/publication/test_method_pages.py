"""Method, glossary and assumptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from published_quarters import FIRST, SECOND, small_contents, write_release
from read_page import ReadPage, read_page, words

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, contents_of
from dagster_project.publication.pages import method


def rule(table: str, state: str, terms: str, framework: str = "2025-26") -> dict[str, Any]:
    return {
        "framework": framework,
        "rule_table": table,
        "rule_terms": terms,
        "state": state,
        "source": "the manual",
    }


PLAIN = rule(
    "metric_rule",
    "stated",
    "metric_id=OF0003; unit=percent; rule=plain; standard=; score_best=1; score_worst=4; score_if_met=; "
    "score_if_failed=; note=",
)


def quarter_with(folder: Path, quarter: str = FIRST, *rules: Mapping[str, Any], **score: Any) -> Contents:
    """One quarter with one trust that has one score, whose row has these columns."""
    whole = {"organisation_code": "ZA1", "table_name": "acute"}
    place = {"rank": 1, "organisations_in_table": 1, "average_metric_score": "1.75", "metric_count": 1}
    segments = {"unadjusted_segment": 1, "adjusted_segment": 1, "financial_override": False}
    tables = {
        "organisation": [whole | {"organisation_name": "Middle Trust"}],
        "league_table": [whole | place | segments],
        "metric": [{"metric_id": "OF0003", "metric_name": "Waits", "domain": "access", "better": "low"}],
        "metric_score": [whole | {"metric_id": "OF0003", "unit": "percent"} | score],
        "framework_rule": list(rules),
    }
    release = write_release(folder / quarter[-1].zfill(16), quarter, tables, framework=rules[0]["framework"])
    return contents_of([(release, False)], folder / "none.duckdb")


SCORE = {"value": "61.5", "score_basis": "computed", "rank_in_pool": 2, "pool_size": 5} | {
    "metric_score": "1.75",
    "metric_score_exact": "1.75",
}


def page_of(contents: Contents, path: str) -> ReadPage:
    return read_page(method.of_all(contents), path)


def test_the_example_shows_arithmetic_that_gives_the_released_score(tmp_path: Path) -> None:
    page = page_of(quarter_with(tmp_path, FIRST, PLAIN, **SCORE), addresses.METHOD)
    (shown,) = [words(one) for one in page.root.iter("p") if one.attrib.get("class") == "pages-sum"]
    assert shown == "1 + (4 − 1) × (2 − 1) ÷ (5 − 1) = 1.75"
    numbers = [Fraction(number) for number in re.findall(r"[0-9.]+", shown)]
    best, worst, _, rank, _, size, _, result = numbers
    assert best + (worst - best) * (rank - 1) / (size - 1) == result
    assert "Its value is 61.5 percent. That is place 2 of the 5" in page.text
    assert "That makes it 1st of 1. Its likely place isn't known." in page.text
    assert "No financial override touches it." in page.text


@pytest.mark.parametrize(
    "other",
    [
        {"metric_score_exact": "1.76"},
        {"rank_in_pool": 1, "metric_score_exact": "1"},
        {"rank_in_pool": None},
        {"score_basis": "resolved"},
        {"value": None},
        {"unit": "minutes"},
    ],
)
def test_a_score_that_the_arithmetic_does_not_give_is_no_example(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    contents = quarter_with(tmp_path, FIRST, PLAIN, **(SCORE | other))
    assert method.worked_example(contents.newest) is None
    assert "No score of the newest quarter is of the plain kind" in page_of(contents, addresses.METHOD).text


def test_the_method_says_where_segments_end_and_what_a_rank_cannot_tell(tmp_path: Path) -> None:
    page = page_of(small_contents(tmp_path), addresses.METHOD)
    assert "segment 1 at 2, segment 2 at 3, segment 3 at 4." in page.text
    assert "What a rank can't tell you" in page.text
    assert page.links["Quality of the newest quarter's data"] == f"../{SECOND}/quality.html"


def test_every_word_of_the_glossary_is_explained_once(tmp_path: Path) -> None:
    page = page_of(small_contents(tmp_path), addresses.GLOSSARY)
    terms = [words(term) for term in page.root.iter("dt")]
    meanings = [words(meaning) for meaning in page.root.iter("dd")]
    assert len(terms) == len(set(terms)) == len(meanings) > 20
    assert all(meanings)
    ids = [term.attrib["id"] for term in page.root.iter("dt")]
    assert len(ids) == len(set(ids))


def test_assumptions_are_the_rules_that_are_not_sure_with_their_state_and_source(tmp_path: Path) -> None:
    contents = quarter_with(
        tmp_path,
        FIRST,
        PLAIN,
        rule("framework_parameter", "assumption", "parameter=small_pool; value=20; note=A note"),
        rule("enters_at_dp", "unknown", "metric_id=OF0003; quarter=2025-26-Q1; enters_at_dp=2; note="),
        rule("enters_at_dp", "unknown", "metric_id=OF0003; quarter=2025-26-Q2; enters_at_dp=3; note="),
    )
    page = page_of(contents, addresses.ASSUMPTIONS)
    assert "Small pool: 20. A note. Assumption. Source: the manual." in page.text
    assert "Waits: In 2025-26-Q1 the score enters averages rounded to 2 decimal places. Unknown." in page.text
    assert "0 inferred, 1 assumed and 2 unknown rows" in page.text
    # Another quarter's, and one that is stated.
    assert "rounded to 3" not in page.text
    assert "evenly by rank" not in page.text


def test_rules_that_are_all_sure_or_made_up_or_missing_are_said_to_be_so(tmp_path: Path) -> None:
    sure = page_of(quarter_with(tmp_path / "sure", FIRST, PLAIN), addresses.ASSUMPTIONS)
    assert "None: every rule is stated by the publisher" in sure.text
    sample = rule(
        "framework",
        "assumption",
        "from_quarter=2025-26-Q1; to_quarter=2025-26-Q4; sample_only=true; "
        "segmentation_method=thresholds; note=",
    )
    made_up = page_of(quarter_with(tmp_path / "made-up", FIRST, sample), addresses.ASSUMPTIONS)
    assert "made up for the fictional sample: 1 of their 1 rows" in made_up.text
    missing = page_of(small_contents(tmp_path / "missing"), addresses.ASSUMPTIONS)
    assert "The release doesn't hold its rules" in missing.text


def test_the_average_of_an_example_is_the_released_one(tmp_path: Path) -> None:
    contents = quarter_with(tmp_path, FIRST, PLAIN, **SCORE)
    example = method.worked_example(contents.newest)
    assert example is not None
    assert (example.score["metric_score_exact"], example.place["average_metric_score"]) == (
        Decimal("1.75"),
        Decimal("1.75"),
    )
