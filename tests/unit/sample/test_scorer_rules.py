"""The scorer's rules for metrics, each on a handful of hand-worked values."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.explanation.recomputation.exact import (
    competition_ranks,
    half_up,
    linear_percentile,
)
from dagster_project.explanation.recomputation.measured import Measured
from dagster_project.explanation.recomputation.metric_scores import MetricScore, band_score, ranked_score
from dagster_project.explanation.recomputation.pool import Pool
from dagster_project.explanation.recomputation.rules import Rule
from dagster_project.quarters import Quarter
from dagster_project.sample.scored_quarter import load_framework, places_in_table, score_quarter

FRAMEWORK = load_framework(Quarter(2025, 1))
# metrics of one pool of one table, by which side is better
LOW, HIGH = FRAMEWORK.metrics["OF0003"], FRAMEWORK.metrics["OF0023"]


def rule(
    name: str, standard: str = "", best: str = "1", worst: str = "4", met: str = "", failed: str = ""
) -> Rule:
    terms = {
        "rule": name,
        "standard": standard,
        "score_best": best,
        "score_worst": worst,
        "score_if_met": met,
        "score_if_failed": failed,
    }
    return Rule(terms, "stated", None)


PLAIN = rule("plain")
STANDARD = rule("standard", "80", best="2", met="1")
FLOOR = rule("floor", "70", worst="3", failed="4")


def fractions(*values: str | int) -> list[Fraction]:
    return [Fraction(value) for value in values]


def measured(
    organisation: str,
    metric_id: str,
    unit: str,
    value: str | None = None,
    table: str = "acute",
    score: int | None = None,
) -> Measured:
    metric = FRAMEWORK.metrics.get(metric_id) or Rule({"metric_id": metric_id}, "stated", None)
    return Measured(
        (table, organisation),
        metric,
        unit,
        value=None if value is None else Fraction(value),
        published_score=None if score is None else Fraction(score),
    )


def pool_scores(of_rule: Rule, values: list[Fraction], *, better: str) -> list[Fraction]:
    """The scores of one pool whose values are exact and all there."""
    metric = LOW if better == "low" else HIGH
    one_rule = Rule({**of_rule.terms, "metric_id": metric["metric_id"]}, of_rule.state, of_rule.source)
    members = [Measured(("acute", f"ZA{at}"), metric, "percent", value) for at, value in enumerate(values)]
    pool = Pool(FRAMEWORK, one_rule, "acute", members, FRAMEWORK.tables)
    scores = [ranked_score(pool, pool.members[one.organisation]) for one in members]
    return [score.exact for score in scores if score is not None]


def scored(*values: Measured) -> tuple[MetricScore, ...]:
    return score_quarter(FRAMEWORK, values).metric_scores


def scores_of(*values: Measured) -> dict[tuple[str, str], Fraction]:
    return {(each.measured.organisation[1], each.measured.metric_id): each.exact for each in scored(*values)}


def in_band(metric_id: str, unit: str, value: Fraction) -> MetricScore | None:
    one = measured("ZA1", metric_id, unit, str(value))
    return band_score(one, FRAMEWORK.metric_rules[metric_id, unit], FRAMEWORK.bands[metric_id, unit])


def test_a_plain_rule_spreads_four_values_evenly_from_1_to_4() -> None:
    assert pool_scores(PLAIN, fractions(5, 2, 9, 7), better="low") == fractions(2, 1, 4, 3)


def test_ties_share_the_best_score_of_their_block() -> None:
    # ranks 1, 2, 2, 4 of 4: steps 0, 1, 1, 3 of 3
    assert pool_scores(PLAIN, fractions("0.5", "0.7", "0.7", "0.9"), better="low") == fractions(1, 2, 2, 4)


def test_values_that_only_print_alike_do_not_tie() -> None:
    assert pool_scores(PLAIN, fractions("0.701", "0.702"), better="high") == fractions(4, 1)


def test_a_trust_alone_in_its_pool_has_the_best_score() -> None:
    assert pool_scores(PLAIN, fractions(99), better="low") == fractions(1)
    assert pool_scores(STANDARD, fractions(85, 60), better="high") == fractions(1, 2)


def test_who_meets_the_standard_exactly_scores_1_and_leaves_the_pool() -> None:
    values = fractions("80.00", "79.99", "75", "60", "91")
    assert pool_scores(STANDARD, values, better="high") == fractions(1, 2, 3, 4, 1)


def test_a_standard_of_which_low_is_better_is_met_from_below() -> None:
    from_below = rule("standard", "1", best="2", met="1")
    assert pool_scores(from_below, fractions("1.00", "0.3", "1.01", "2"), better="low") == fractions(
        1, 1, 2, 4
    )


def test_who_fails_the_floor_scores_4_and_the_rest_share_1_to_3() -> None:
    values = fractions("69.99", "70", "80", "90")
    assert pool_scores(FLOOR, values, better="high") == fractions(4, 3, 2, 1)


@pytest.mark.parametrize(
    ("value", "score"),
    [("0", 1), ("3", 1), ("-0.01", 2), ("-0.99", 2), ("-1", 3), ("-1.99", 3), ("-2", 4), ("-17", 4)],
)
def test_a_planned_deficit_is_banded_with_minus_1_and_minus_2_on_the_worse_side(
    value: str, score: int
) -> None:
    found = in_band("OF0079", "percent", Fraction(value))
    assert found is not None
    assert found.exact == score


@pytest.mark.parametrize(
    ("value", "score"), [("0", 1), ("-0.5", 2), ("-0.51", 3), ("-1", 3), ("-1.01", 4), ("0.2", 1)]
)
def test_a_variance_to_plan_is_banded_with_its_bounds_on_the_better_side(value: str, score: int) -> None:
    found = in_band("OF0081", "percent", Fraction(value))
    assert found is not None
    assert found.exact == score


def test_a_value_that_no_band_holds_is_an_error() -> None:
    assert in_band("OF0048", "count", Fraction(-1)) is None
    with pytest.raises(ValueError, match="no band holds -1"):
        scored(measured("ZA1", "OF0048", "count", "-1"))


def test_counts_and_rates_of_infections_are_one_metric_with_two_rules() -> None:
    scores = scores_of(
        measured("ZA1", "OF0048", "rate", "1"),
        measured("ZA2", "OF0048", "rate", "1.5"),
        measured("ZA3", "OF0048", "rate", "2"),
        measured("ZA4", "OF0048", "count", "0"),
        measured("ZA5", "OF0048", "count", "2"),
        measured("ZA6", "OF0048", "count", "7"),
    )
    assert [scores[f"ZA{number}", "OF0048"] for number in range(1, 7)] == [1, 2, 4, 1, 3, 4]


def test_counts_and_rates_are_ranked_by_their_score_together() -> None:
    scores = scored(
        measured("ZA1", "OF0048", "rate", "1"),
        measured("ZA2", "OF0048", "rate", "1.5"),
        measured("ZA3", "OF0048", "count", "0"),
        measured("ZA4", "OF0048", "count", "2"),
    )
    places = places_in_table(scores)
    # scores 1, 2, 1, 3
    assert [places[f"ZA{number}", "OF0048"].rank for number in range(1, 5)] == [1, 3, 1, 4]


@pytest.mark.parametrize(
    ("planned", "variance", "combined"),
    [("0", "0", 1), ("0", "-2", 3), ("-0.5", "-0.7", 3), ("-5", "0", 2), ("-5", "-0.2", 3), ("-5", "-9", 4)],
)
def test_combined_finance_is_looked_up_from_both_finance_scores(
    planned: str, variance: str, combined: int
) -> None:
    scores = scores_of(
        measured("ZA1", "OF0079", "percent", planned), measured("ZA1", "OF0081", "percent", variance)
    )
    assert scores["ZA1", "OF0080"] == combined


def test_combined_finance_needs_both_scores() -> None:
    assert ("ZA1", "OF0080") not in scores_of(measured("ZA1", "OF0079", "percent", "0"))


def test_a_pool_can_join_tables_and_another_can_keep_them_apart() -> None:
    scores = scores_of(
        measured("ZA1", "OF0082", "percent", "4"),
        measured("ZB1", "OF0082", "percent", "5", table="non_acute"),
        measured("ZA1", "OF0084", "out of 10", "6.1"),
        measured("ZB1", "OF0084", "out of 10", "7.1", table="non_acute"),
    )
    assert [scores["ZA1", "OF0082"], scores["ZB1", "OF0082"]] == [1, 4]
    assert [scores["ZA1", "OF0084"], scores["ZB1", "OF0084"]] == [1, 1]


def test_a_score_only_metric_keeps_its_published_score_and_has_no_rank() -> None:
    (found,) = scored(measured("ZA1", "OF0046", "band", score=3))
    assert found.exact == 3
    assert places_in_table([found]) == {}


def test_the_rank_within_the_table_counts_those_that_meet_the_standard() -> None:
    values = enumerate(("70", "85", "82", "85"))
    places = places_in_table(scored(*(measured(f"ZA{i}", "OF0010", "percent", value) for i, value in values)))
    assert [places[f"ZA{i}", "OF0010"].rank for i in range(4)] == [4, 1, 3, 1]
    # ordered 70, 82, 85, 85: places 0.75, 1.5 and 2.25
    place = places["ZA0", "OF0010"]
    assert [place.lower_quartile, place.median, place.upper_quartile] == fractions(79, "83.5", 85)


@pytest.mark.parametrize(
    ("measurement", "message"),
    [
        (measured("ZA1", "OF9999", "percent", "1"), "no rule for OF9999 in percent"),
        (measured("ZA1", "OF0082", "percent", "1", table="icb"), "no pool for OF0082 in icb"),
        (measured("ZA1", "OF0082", "percent"), "OF0082 of ZA1 has no value"),
        (measured("ZA1", "OF0046", "band"), "OF0046 of ZA1 has no published score"),
        (measured("ZA1", "OF0080", "score", "1"), "derived"),
    ],
)
def test_a_measurement_that_cannot_be_scored_is_named(measurement: Measured, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scored(measurement)


def test_rounding_takes_a_half_away_from_zero() -> None:
    assert half_up(Fraction("3.925"), 2) == Fraction("3.93")
    assert half_up(Fraction("1.005"), 2) == Fraction("1.01")
    assert half_up(Fraction("-0.125"), 2) == Fraction("-0.13")
    assert half_up(Fraction(1, 3), 2) == Fraction("0.33")


def test_competition_ranks_skip_after_a_tie_and_take_either_direction() -> None:
    assert competition_ranks(fractions(3, 1, 3, 8), better="low") == [2, 1, 2, 4]
    assert competition_ranks(fractions(3, 1, 3, 8), better="high") == [2, 4, 2, 1]
    assert competition_ranks([], better="low") == []
    with pytest.raises(ValueError, match="better"):
        competition_ranks(fractions(1), better="none")


def test_percentiles_are_linear_and_inclusive() -> None:
    values = fractions(4, 1, 3, 2)
    assert linear_percentile(values, Fraction(1, 4)) == Fraction("1.75")
    assert linear_percentile(values, Fraction(1)) == 4
    assert linear_percentile(fractions(7), Fraction(1, 4)) == 7
    with pytest.raises(ValueError, match="at least one"):
        linear_percentile([], Fraction(1, 2))


VALUES = st.lists(st.fractions(min_value=0, max_value=100, max_denominator=1000), min_size=1, max_size=40)


@given(
    values=VALUES, of_rule=st.sampled_from([PLAIN, STANDARD, FLOOR]), better=st.sampled_from(["low", "high"])
)
def test_a_strictly_better_value_never_gets_a_worse_score_and_scores_lie_in_1_to_4(
    values: list[Fraction], of_rule: Rule, better: str
) -> None:
    scores = pool_scores(of_rule, values, better=better)
    assert all(1 <= score <= 4 for score in scores)
    best_first = sorted(zip(values, scores, strict=True), reverse=better == "high")
    in_order = [score for _, score in best_first]
    for (value, score), (next_value, next_score) in pairwise(best_first):
        assert score == next_score if value == next_value else score <= next_score
    assert in_order[0] == min(scores)


@given(values=VALUES)
def test_without_ties_a_plain_rule_reaches_both_ends(values: list[Fraction]) -> None:
    distinct = list(dict.fromkeys(values))
    scores = pool_scores(PLAIN, distinct, better="low")
    assert min(scores) == 1
    assert max(scores) == (4 if len(distinct) > 1 else 1)


@given(value=st.fractions(min_value=-50, max_value=50), metric_id=st.sampled_from(["OF0079", "OF0081"]))
def test_every_finance_value_has_exactly_one_band(value: Fraction, metric_id: str) -> None:
    one, by_rule = (
        measured("ZA1", metric_id, "percent", str(value)),
        FRAMEWORK.metric_rules[metric_id, "percent"],
    )
    bands = FRAMEWORK.bands[metric_id, "percent"]
    assert sum(band_score(one, by_rule, [band]) is not None for band in bands) == 1
