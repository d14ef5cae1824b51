"""From metric scores to averages, segments and ranks, hand-worked on a few fictional organisations."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.explanation.recomputation.measured import Measured
from dagster_project.explanation.recomputation.rules import Rule
from dagster_project.explanation.recomputation.standings import (
    segment_after_override,
    segment_of,
    thresholds,
)
from dagster_project.quarters import Quarter
from dagster_project.sample.likely_ranges import ScoresOfOne, likely_ranges
from dagster_project.sample.scored_quarter import ScoredQuarter, load_framework, score_quarter

Q1, Q2, LATER = Quarter(2025, 1), Quarter(2025, 2), Quarter(2026, 1)
FRAMEWORK = load_framework(Q2)


def measured(organisation: str, metric_id: str, unit: str, value: int, table: str = "acute") -> Measured:
    return Measured((table, organisation), FRAMEWORK.metrics[metric_id], unit, Fraction(value))


def given_score(organisation: str, metric_id: str, score: str | int, table: str = "acute") -> Measured:
    """A score-only metric: its score is what the test says it is."""
    metric = FRAMEWORK.metrics[metric_id]
    return Measured((table, organisation), metric, "band", published_score=Fraction(score))


def by_safe_rating(averages: dict[str, str], quarter: Quarter = Q2, **flags: set[str]) -> ScoredQuarter:
    """Organisations whose one metric is their CQC rating, so that their average is what the test says."""
    measurements = [given_score(code, "OF0067", score) for code, score in averages.items()]
    return score_quarter(load_framework(quarter), measurements, **flags)


def boundary(segment: int, threshold: str) -> Rule:
    return Rule({"segment": str(segment), "threshold": threshold, "quantile": ""}, "stated", None)


def test_the_three_infections_weigh_a_third_each() -> None:
    measurements = [
        measured("ZA1", "OF0020", "count", 0),
        measured("ZA1", "OF0048", "count", 1),
        measured("ZA1", "OF0088", "count", 5),
        given_score("ZA1", "OF0046", 3),
    ]
    scored = score_quarter(FRAMEWORK, measurements).organisations["ZA1"]
    # (1 + 2 + 4) / 3 and 3, over a weight of 2
    assert scored.average == Fraction(8, 3)
    assert scored.metric_count == 4
    assert scored.domains["safety"].score == Fraction(7, 3)
    assert scored.domains["effectiveness"].score == 3


def test_planned_and_variance_count_only_through_combined_finance() -> None:
    measurements = [
        measured("ZA1", "OF0079", "percent", -9),
        measured("ZA1", "OF0081", "percent", 0),
    ]
    scored = score_quarter(FRAMEWORK, measurements).organisations["ZA1"]
    assert scored.average == 2
    assert scored.metric_count == 1


def test_only_in_the_first_quarter_some_scores_enter_averages_at_two_places() -> None:
    # the second best of eight scores 1 + 3/7 = 1.428...
    measurements = [measured(f"ZA{number}", "OF0023", "percent", 90 - number) for number in range(8)]
    in_first = score_quarter(load_framework(Q1), measurements).organisations["ZA1"]
    assert in_first.average == Fraction("1.43")
    assert score_quarter(FRAMEWORK, measurements).organisations["ZA1"].average == Fraction(10, 7)


def test_quartile_cut_points_are_linear_over_all_tables_together() -> None:
    measurements = [
        given_score("ZA1", "OF0067", 1),
        given_score("ZA2", "OF0067", 2),
        given_score("ZB1", "OF0067", 3, table="non_acute"),
        given_score("ZC1", "OF0067", 4, table="ambulance"),
    ]
    scored = score_quarter(FRAMEWORK, measurements)
    assert scored.average_cut_points == (Fraction("1.75"), Fraction("2.5"), Fraction("3.25"))
    assert [each.unadjusted_segment for each in scored.organisations.values()] == [1, 2, 3, 4]
    assert [each.rank for each in scored.organisations.values()] == [1, 2, 1, 1]


def test_a_score_on_a_cut_point_is_in_the_better_segment() -> None:
    cuts = thresholds([boundary(1, "2"), boundary(2, "2.5"), boundary(3, "3")])
    scores = ("2", "2.0001", "2.5", "3", "3.0001")
    assert [segment_of(Fraction(score), cuts) for score in scores] == [1, 2, 2, 3, 4]


def test_fixed_thresholds_replace_quartiles_in_the_second_year() -> None:
    framework = load_framework(LATER)
    stated = tuple(rule.number("threshold") for rule in framework.boundaries["average"])
    assert framework.framework == "2026-27-illustrative"
    all_the_same = {f"ZA{number}": "4" for number in range(9)}
    assert by_safe_rating(all_the_same, LATER).average_cut_points == stated


def test_an_unknown_threshold_is_an_error() -> None:
    unknown = replace(FRAMEWORK, boundaries={"average": [boundary(1, "")], "domain": []})
    with pytest.raises(ValueError, match="no boundary for segment 1"):
        score_quarter(unknown, [given_score("ZA1", "OF0067", 1)])


@pytest.mark.parametrize(("unadjusted", "flagged"), [(1, 3), (2, 3), (3, 3), (4, 4)])
def test_the_override_lets_nobody_be_better_than_segment_3(unadjusted: int, flagged: int) -> None:
    assert segment_after_override(unadjusted, True, 3) == flagged
    assert segment_after_override(unadjusted, False, 3) == unadjusted


def test_recovery_support_makes_the_final_segment_5_and_does_not_touch_the_rank() -> None:
    scored = by_safe_rating({"ZA1": "1", "ZA2": "2"}, in_recovery={"ZA1"}).organisations
    assert (scored["ZA1"].final_segment, scored["ZA1"].rank) == (5, 1)
    assert scored["ZA2"].final_segment == scored["ZA2"].adjusted_segment


def test_ranks_follow_the_segment_then_the_average_at_two_places_and_ties_share_the_best() -> None:
    averages = {"ZA1": "1.1", "ZA2": "1.2", "ZA3": "1.3", "ZA4": "1.401", "ZA5": "1.404", "ZA6": "1.5"}
    scored = by_safe_rating(averages, LATER).organisations
    assert [scored[code].rank for code in averages] == [1, 2, 3, 4, 4, 6]


def test_the_override_moves_a_trust_behind_worse_averages_but_not_in_the_rank_of_averages() -> None:
    scored = by_safe_rating(
        {"ZA1": "1.1", "ZA2": "1.2", "ZA3": "2.5"}, LATER, overridden={"ZA1"}
    ).organisations
    assert [scored[code].adjusted_segment for code in ("ZA1", "ZA2", "ZA3")] == [3, 1, 3]
    assert [scored[code].rank for code in ("ZA1", "ZA2", "ZA3")] == [2, 1, 3]
    assert [scored[code].average_rank for code in ("ZA1", "ZA2", "ZA3")] == [1, 2, 3]


def test_a_domain_without_metrics_has_no_score() -> None:
    assert list(by_safe_rating({"ZA1": "2"}).organisations["ZA1"].domains) == ["safety"]


@given(
    st.lists(st.fractions(min_value=1, max_value=4, max_denominator=300), min_size=1, max_size=30),
    st.sets(st.integers(min_value=0, max_value=29)),
)
def test_averages_stay_in_1_to_4_and_a_better_average_never_has_a_worse_unadjusted_segment(
    scores: list[Fraction], flagged: set[int]
) -> None:
    averages = {f"ZA{number}": str(score) for number, score in enumerate(scores)}
    scored = by_safe_rating(averages, overridden={f"ZA{number}" for number in flagged}).organisations
    in_order = sorted(scored.values(), key=lambda each: each.average)
    segments = [each.unadjusted_segment for each in in_order]
    assert segments == sorted(segments)
    assert all(1 <= each.average <= 4 for each in in_order)
    assert all(each.adjusted_segment >= max(each.unadjusted_segment, 3 * each.override) for each in in_order)
    assert min(each.rank for each in in_order) == 1


def test_likely_ranges_hold_still_where_all_scores_agree_and_keep_flagged_trusts_back() -> None:
    one = Fraction(1)
    table = [
        ScoresOfOne("ZA1", [(Fraction(2), one)] * 5, False),
        ScoresOfOne("ZA2", [(Fraction("1.5"), one)] * 5, True),
        ScoresOfOne("ZA3", [(Fraction(1), one), (Fraction(4), one)], False),
    ]
    cuts = (Fraction("2.1"), Fraction("2.4"), Fraction("2.7"))
    ranges = likely_ranges(table, cuts, no_better_than=3, seed="a test")
    assert [ranges["ZA1"].average_low, ranges["ZA1"].average_high] == [2, 2]
    # ahead of ZA1 whenever both draws are 1, behind it otherwise; ZA2 never better than segment 3
    assert (ranges["ZA1"].rank_low, ranges["ZA1"].rank_high) == (1, 2)
    assert (ranges["ZA2"].rank_low, ranges["ZA2"].rank_high) == (2, 3)
    assert [ranges["ZA3"].average_low, ranges["ZA3"].average_high] == [1, 4]
    assert (ranges["ZA3"].rank_low, ranges["ZA3"].rank_high) == (1, 3)
    assert ranges == likely_ranges(table, cuts, no_better_than=3, seed="a test")
