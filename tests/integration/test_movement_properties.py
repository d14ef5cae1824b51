"""What is true of movement whatever the figures: small releases, compared by the compiled models."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from small_releases import (
    BAND,
    BEFORE,
    METRICS,
    PLAIN,
    PUBLISHED,
    STANDARD,
    CompiledMovement,
    SmallRelease,
    Values,
)

pytestmark = pytest.mark.xdist_group("compiled_movement")

examples = settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# Few numbers, so that values tie, cross the standard and stand still.
_RANGES = {PLAIN: (0, 6), STANDARD: (2, 8), BAND: (-1, 1), PUBLISHED: (1, 4)}
_VALUES = {metric: st.integers(low, high) for metric, (low, high) in _RANGES.items()}
_CODES = ("A", "B", "C", "D", "E", "F")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> CompiledMovement:
    return CompiledMovement(tmp_path_factory.mktemp("movement"))


@st.composite
def releases(draw: st.DrawFn) -> SmallRelease:
    """Any organisations with any metrics, at least one each, any flags, weights, standard and cut-points."""
    codes = draw(st.sets(st.sampled_from(_CODES), min_size=1))
    values: Values = {
        code: {
            metric: draw(_VALUES[metric])
            for metric in sorted(draw(st.sets(st.sampled_from(METRICS), min_size=1)))
        }
        for code in sorted(codes)
    }
    cuts = sorted(draw(st.sets(st.integers(11, 39), min_size=3, max_size=3)))
    return SmallRelease(
        values,
        standard=draw(st.sampled_from((4, 5, 6))),
        third=draw(st.sampled_from((1, 3))),
        flagged=frozenset(draw(st.sets(st.sampled_from(_CODES)))),
        cut_points=[str(Decimal(cut) / 10) for cut in cuts],
    )


@examples
@given(before=releases(), after=releases())
def test_shares_add_up_to_the_last_digit(
    models: CompiledMovement, before: SmallRelease, after: SmallRelease
) -> None:
    models.between(before, after)
    assert models.differences_from_the_whole() == []
    totals = models.connection.execute(
        "select organisation_code, change from league.movement_total "
        "where measure = 'rank' and not is_in and not is_out"
    ).fetchall()
    assert {code for code, _ in totals} == before.values.keys() & after.values.keys()


@examples
@given(release=releases())
def test_nothing_moves_where_nothing_changed(models: CompiledMovement, release: SmallRelease) -> None:
    assert models.between(release, release) == {}


@examples
@given(release=releases(), data=st.data())
def test_one_new_value_is_the_trusts_own_and_for_everybody_else_others_moved(
    models: CompiledMovement, release: SmallRelease, data: st.DataObject
) -> None:
    code, metric = data.draw(st.sampled_from(sorted((c, m) for c, m in release.scores if m != PUBLISHED)))
    value = data.draw(_VALUES[metric])
    changed = {c: {**found, **({metric: value} if c == code else {})} for c, found in release.values.items()}
    moved = models.between(release, replace(release, values=changed))
    for whose, measure, _, cause in moved:
        if measure == "metric_score":
            assert cause == ("value" if whose == code else "others_moved")
        elif measure == "average_metric_score":
            assert cause in ("rounding", "value" if whose == code else "others_moved")


@examples
@given(release=releases(), standard=st.sampled_from((3, 7)))
def test_another_standard_alone_moves_scores_by_rule_alone(
    models: CompiledMovement, release: SmallRelease, standard: int
) -> None:
    moved = models.between(release, replace(release, standard=standard))
    of_scores = {(metric, cause) for _, measure, metric, cause in moved if measure == "metric_score"}
    assert of_scores <= {(STANDARD, "rule")}
    of_averages = {cause for _, measure, _, cause in moved if measure == "average_metric_score"}
    assert of_averages <= {"rule", "rounding"}


@examples
@given(release=releases(), code=st.sampled_from(_CODES))
def test_the_own_override_alone_moves_nothing_but_the_own_segment_and_ranks(
    models: CompiledMovement, release: SmallRelease, code: str
) -> None:
    switched = replace(release, flagged=release.flagged ^ {code})
    moved = models.between(release, switched)
    assert {measure for _, measure, _, _ in moved} <= {"adjusted_segment", "rank"}
    for whose, _, _, cause in moved:
        assert cause == ("override" if whose == code else "others_moved")


def test_within_one_quarter_the_own_value_is_a_revision(models: CompiledMovement) -> None:
    # A 0 and B 6: scores 1 and 4; B becomes 0 as well: both 1
    before = SmallRelease({"A": {PLAIN: 0}, "B": {PLAIN: 6}})
    after = SmallRelease({"A": {PLAIN: 0}, "B": {PLAIN: 0}}, extract_id="f2")
    moved = models.between(before, after, quarter=BEFORE)
    assert moved["B", "metric_score", PLAIN, "revision"] == -3
    assert moved["B", "rank", None, "revision"] == -1
    same_file = models.between(before, replace(after, extract_id="f1"), quarter=BEFORE)
    assert same_file["B", "metric_score", PLAIN, "code"] == -3


def test_a_larger_pool_is_told_from_a_better_value(models: CompiledMovement) -> None:
    # B is 2 of 3 (2.50) and keeps its value; D and E come in, both better: 4 of 5 is 3.25, all by the pool
    before = SmallRelease({"A": {PLAIN: 1}, "B": {PLAIN: 3}, "C": {PLAIN: 5}})
    after = SmallRelease({**before.values, "D": {PLAIN: 0}, "E": {PLAIN: 2}})
    moved = models.between(before, after)
    assert {key: change for key, change in moved.items() if key[:2] == ("B", "metric_score")} == {
        ("B", "metric_score", PLAIN, "pool"): Decimal("0.75")
    }


def test_shares_that_do_not_add_up_are_found(models: CompiledMovement) -> None:
    before = SmallRelease({"A": {PLAIN: 0}, "B": {PLAIN: 6}})
    models.between(before, SmallRelease({"A": {PLAIN: 6}, "B": {PLAIN: 0}}))
    assert models.differences_from_the_whole() == []
    models.connection.execute(
        "update league.movement set change = change + 0.000000000001 "
        "where organisation_code = 'A' and measure = 'average_metric_score'"
    )
    (found,) = models.differences_from_the_whole()
    assert found[:3] == ("2025-26-Q2", "A", "average_metric_score")
    models.connection.execute("delete from league.movement where organisation_code = 'B'")
    assert {row[1] for row in models.differences_from_the_whole()} == {"A", "B"}
