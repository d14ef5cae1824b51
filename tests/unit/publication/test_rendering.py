"""Figures in pages: what stands in the page, and where it leads."""

from __future__ import annotations

from decimal import Decimal

import pytest
from published_quarters import HOSTILE, SECOND
from published_truth import shows

from dagster_project.publication.rendering import cell, figures, ranges

ROW = {
    "quarter": SECOND,
    "table_name": "acute",
    "organisation_code": "ZA1",
    "organisation_name": HOSTILE,
    "rank": 3,
    "average_metric_score": Decimal("2.10"),
    "financial_override": False,
    "final_segment": None,
    "rank_likely_low": 2,
    "rank_likely_high": 11,
    "segment_likely_low": 2,
    "segment_likely_high": 2,
    "average_likely_low": None,
    "average_likely_high": None,
}
PAGE = f"{SECOND}/organisations/ZA1.html"


def test_a_figure_names_its_cell_and_leads_to_its_derivation() -> None:
    assert str(figures(PAGE)("league_table", ROW, "rank", "3rd")) == (
        '<a class="figure" href="../derivations/ZA1.html#OF5000.rank">'
        '<data value="3" data-cell="league_table|acute|ZA1|rank">3rd</data></a>'
    )


def test_a_cell_names_its_quarter_on_pages_of_others() -> None:
    assert f'data-cell="{SECOND}/league_table|' in cell("organisations/ZA1.html", "league_table", ROW, "rank")
    assert f'data-cell="{SECOND}/' not in cell(PAGE, "league_table", ROW, "rank")


def test_a_missing_figure_is_words_and_no_link() -> None:
    assert str(figures(PAGE)("league_table", ROW, "final_segment", "not known")) == "not known"
    assert str(figures(PAGE)("league_table", ROW, "final_segment")) == ""


def test_a_hostile_text_is_only_text() -> None:
    shown = str(figures(PAGE)("league_table", ROW, "organisation_name"))
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "\u202e" not in shown.partition(">")[2]


def test_a_range_has_two_cells_or_one_where_its_ends_are_the_same() -> None:
    between = ranges(PAGE)
    both = str(between("league_table", ROW, "rank_likely_low", "rank_likely_high"))
    assert both.startswith("from <a ")
    assert [text in both for text in (">2nd<", "> to <a", ">11th<")] == [True, True, True]
    same = str(between("league_table", ROW, "segment_likely_low", "segment_likely_high", str))
    assert same.count("<data") == 1
    assert not between("league_table", ROW, "average_likely_low", "average_likely_high")


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        (Decimal("2.125"), "2.13", True),
        (Decimal("2.125"), "2.12", False),
        (Decimal("2.125"), "2.125", True),
        (88, "88th", True),
        (88, "89th", False),
        (Decimal("0.195100"), "20%", True),
        (Decimal("0.195100"), "19.5 %", True),
        (Decimal("0.195100"), "19%", False),
        (Decimal("0.195100"), "20", False),
        (Decimal("-6"), "down 6 places", True),
        (Decimal("-6"), "+6", False),
        (Decimal("-6"), "\u22126", True),
        (10000, "10,000", True),
        (3, "3 of 4", False),
        (3, "third", False),
        (0, "none", True),
        (True, "flagged", True),
        (True, "1", False),
        ("Q1 2025/26", "2025/26", True),
        ("Q1 2025/26", "2024/25", False),
        (Decimal("6.34"), "6.34 out of 10", True),
    ],
)
def test_the_gate_knows_what_shows_a_value(value: object, text: str, expected: bool) -> None:
    assert shows(value, text) is expected
