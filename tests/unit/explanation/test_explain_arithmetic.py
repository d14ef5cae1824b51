"""Sums and numbers are written so that they can be redone on paper, and cut-points are what they say."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dagster_project.explanation.recomputation.exact import decimal, equals, fixed, half_up, shown
from dagster_project.explanation.recomputation.judged import judge
from dagster_project.explanation.recomputation.rules import Rule
from dagster_project.explanation.recomputation.standings import national_quartiles, segment_of, thresholds
from dagster_project.explanation.story.ranking_words import grid_sum


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(4), "4"),
        (Fraction(5, 2), "2.5"),
        (Fraction(1, 3), "0.333333333333"),
        (Fraction(2, 3), "0.666666666667"),
        (Fraction(-191, 100), "-1.91"),
        (Fraction(0), "0"),
        (Fraction(100), "100"),
    ],
)
def test_a_number_is_written_to_twelve_places_without_idle_zeroes(value: Fraction, text: str) -> None:
    assert decimal(value) == text


def test_a_number_that_goes_on_says_so() -> None:
    assert equals(Fraction(1, 3)) == "0.333333333333..."
    assert equals(Fraction(1, 4)) == "0.25"


def test_a_score_has_two_places_and_its_middle_rounds_up() -> None:
    assert fixed(Fraction(1)) == "1.00"
    assert fixed(Fraction("3.925")) == "3.93"
    assert half_up(Fraction("1.005")) == Fraction("1.01")
    assert half_up(Fraction("-1.005")) == Fraction("-1.01")


def test_nothing_and_yes_and_no_are_words() -> None:
    assert [shown(None), shown(True), shown(False), shown(3)] == ["none", "yes", "no", "3"]


def test_a_rank_becomes_a_score_in_one_sum() -> None:
    score = 2 + Fraction(2 * 58, 101)
    shown_sum = grid_sum(Fraction(2), Fraction(4), 59, 102, score)
    assert shown_sum == "2 + (4 - 2) x (59 - 1) / (102 - 1) = 3.148514851485..."
    assert grid_sum(Fraction(1), Fraction(4), 1, 1, Fraction(1)) == "the only one that is ranked scores 1"


def boundary(**terms: str) -> Rule:
    return Rule(terms, "stated", None)


def test_a_quartile_lies_between_its_two_neighbours() -> None:
    scores = {("acute", code): Fraction(score) for code, score in zip("DBCA", (4, 2, 3, 1), strict=True)}
    (cut,) = national_quartiles([boundary(segment="1", quantile="0.25")], scores)
    assert cut.value == Fraction(7, 4), "place 0.25 x 3 = 0.75 between 1 and 2"
    assert cut.quantile is not None
    assert (cut.quantile.below, cut.quantile.above) == ((("acute", "A"), 1), (("acute", "B"), 2))


def test_a_score_on_a_cut_point_is_within_its_segment() -> None:
    cuts = thresholds(
        [boundary(segment=str(n), threshold=end) for n, end in ((1, "2.1"), (2, "2.4"), (3, "2.7"))]
    )
    assert [segment_of(Fraction(score), cuts) for score in ("2.1", "2.1000001", "2.7", "2.8")] == [1, 2, 3, 4]


def test_a_cell_that_differs_and_a_row_that_is_missing_are_told() -> None:
    equal, other = judge("league_table", {"rank": 1, "region": None}, {"rank": 1, "region": "London"})
    assert (equal.agrees, other.agrees) == (True, False)
    assert other.words == "league_table.region: recomputed none, the release says London"
    (missing,) = judge("metric_score", {"rank": 1}, None)
    assert not missing.agrees
    (unfounded,) = judge("metric_score", None, {"rank": 1})
    assert unfounded.words == "metric_score.row: recomputed no such row, the release says a row"
    assert judge("metric_score", None, None) == []


def test_the_twelfth_place_of_a_released_score_is_not_a_difference_but_the_tenth_is() -> None:
    from decimal import Decimal

    exact = Fraction(1, 3)
    (same,) = judge("t", {"score": exact}, {"score": Decimal("0.333333333334")})
    (off,) = judge("t", {"score": exact}, {"score": Decimal("0.333333333433")})
    assert (same.agrees, off.agrees) == (True, False)
