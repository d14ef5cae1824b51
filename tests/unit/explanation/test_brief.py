"""The ten lines of `league explain`: what they say in each case, and that they fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dagster_project.explanation.story.brief import (
    Brief,
    Change,
    Effect,
    NextSegment,
    SmallestStep,
    brief_lines,
    effect_notice,
)
from dagster_project.layout import NARROW

LONG = "Percentage of emergency department attendances admitted, transferred or discharged within four hours"
LAST = Brief(
    table_name="acute",
    quarter="2025-26-Q1",
    rank=134,
    organisations_in_table=134,
    rank_likely=(127, 134),
    average="3.35",
    average_likely=("3.02", "3.63"),
    metric_count=17,
    adjusted_segment=4,
    unadjusted_segment=4,
    segment_likely=(4, 4),
    is_flagged=True,
    flag_basis="published",
    override_limit=3,
    pulled_down=(
        Effect("OF0080", "Combined finance", "4.00", "0.05"),
        Effect("OF0013", LONG, "3.88", "0.04"),
        Effect("OF0061", "NHS staff survey, raising concerns sub-score", "3.98", "0.04"),
    ),
    pulled_up=(
        Effect("OF0069", "CQC adult inpatient survey satisfaction", "2.00", "-0.10"),
        Effect("OF0003", "Percentage of patients waiting over 52 weeks", "2.61", "-0.05"),
    ),
    change=None,
    next_segment=NextSegment(3, "2.60", "0.75", None),
)
CHANGE = Change("2024-25-Q4", 134, "3.37", "within_chance", "OF0013", LONG, "-0.06")
STEP = NextSegment(1, "2.60", "0.05", SmallestStep("OF0005", "Waits", "100.25", "99.75", "percentage points"))


def text_of(brief: Brief, label: str) -> str:
    (text,) = [text for one, text in brief_lines(brief) if one == label]
    return text


def test_the_lines_say_place_and_range_causes_and_what_would_change_it() -> None:
    assert brief_lines(LAST) == [
        ("Place", "134 of 134 acute trusts in 2025-26-Q1, likely 127 to 134"),
        ("Segment", "4, likely 4; flagged, but the override changes nothing"),
        ("Average", "3.35 of 17 metrics, 1 best to 4 worst, likely 3.02 to 3.63"),
        ("Pulled down", "+0.05 OF0080 (4.00) Combined finance"),
        ("", "+0.04 OF0013 (3.88) % emergency department ... within four hours"),
        ("Pulled up", "-0.10 OF0069 (2.00) CQC adult inpatient survey satisfaction"),
        ("", "-0.05 OF0003 (2.61) % waiting over 52 weeks"),
        ("Changed", "not told: no quarter before in which it has a place is released"),
        ("Next", "segment 3 from 2.60 (0.75 better): no metric does it alone"),
    ]


@pytest.mark.parametrize(
    ("brief", "says"),
    [
        (replace(LAST, is_flagged=False), "4, likely 4; no financial override"),
        (
            replace(LAST, is_flagged=False, flag_basis="unknown"),
            "4, likely 4; no financial override (no flag is published)",
        ),
        (
            replace(LAST, adjusted_segment=3, unadjusted_segment=2, segment_likely=(3, 4)),
            "3, likely 3 to 4; the financial override holds it there, else 2",
        ),
        (
            replace(LAST, segment_likely=None, is_flagged=False),
            "4; no financial override",
        ),
    ],
)
def test_the_override_is_told_by_what_it_does(brief: Brief, says: str) -> None:
    assert text_of(brief, "Segment") == says


def test_the_next_segment_is_told_by_the_smallest_step_and_never_promised_to_whom_the_override_holds() -> (
    None
):
    assert (
        text_of(replace(LAST, next_segment=STEP), "Next")
        == "segment 1 from 2.60 (0.05 better): OF0005 100.25 to 99.75 does"
    )
    held = replace(LAST, next_segment=STEP, unadjusted_segment=2, adjusted_segment=3)
    assert text_of(held, "Next") == "no average brings it out of segment 3 while it is flagged"
    best = replace(LAST, next_segment=None, is_flagged=False)
    assert text_of(best, "Next") == "it is in the best segment that there is"


def test_a_change_takes_the_place_of_the_second_metric_that_pulled_up() -> None:
    lines = brief_lines(replace(LAST, change=CHANGE))
    assert [text for label, text in lines if label == "Changed"] == [
        "from rank 134, average 3.37, in 2024-25-Q4, within chance"
    ]
    assert lines[-2] == ("", "most by OF0013, -0.06: % emergency department ... within four hours")
    assert len(lines) == len(brief_lines(LAST)) == 9


def test_ten_lines_of_eighty_columns_hold_it_all() -> None:
    for brief in (LAST, replace(LAST, change=CHANGE, next_segment=STEP)):
        lines = brief_lines(brief)
        assert len(lines) < 10
        assert max(13 + len(text) for _, text in lines) <= NARROW


def test_signed_numbers_are_explained_where_there_are_any() -> None:
    assert effect_notice(brief_lines(LAST)).startswith("+0.01: ")
    assert effect_notice(brief_lines(replace(LAST, pulled_down=(), pulled_up=()))) == ""
