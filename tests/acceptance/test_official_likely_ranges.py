"""The publisher's own likely ranges of 2025-26-Q4, non-acute: ours end where they do, as far as draws can."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import pytest
from published_state import rows_of

from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q4"
FEW_METRICS = "RNK"


class Ends(NamedTuple):
    """How far both ends lie from the publisher's."""

    low: Decimal
    high: Decimal


def differences(data: DataFolder, low: str, high: str) -> dict[str, Ends]:
    """By organisation, the distance of both ends from the publisher's."""
    return {
        code: Ends(first, second)
        for code, first, second in rows_of(
            data,
            "select organisation_code, max(abs(difference)) filter (figure = ?), "
            "max(abs(difference)) filter (figure = ?) from league.reconciliation "
            "where quarter = ? and figure in (?, ?) group by all",
            *(low, high, QUARTER, low, high),
        )
    }


def test_the_ends_of_the_average_are_within_0_015_on_average(fourth_quarter: DataFolder) -> None:
    found = differences(fourth_quarter, "OF5002.likely_low", "OF5002.likely_high")
    assert len(found) == 61
    assert sum(ends.low + ends.high for ends in found.values()) / (2 * 61) <= Decimal("0.015")
    few = found.pop(FEW_METRICS)
    assert max(few) <= Decimal("0.125"), "six metrics: the end sits on a gap between two possible averages"
    assert max(map(max, found.values())) <= Decimal("0.05")


def test_both_ends_of_the_rank_are_within_one_place_for_60_of_61(fourth_quarter: DataFolder) -> None:
    found = differences(fourth_quarter, "OF5000.rank_likely_low", "OF5000.rank_likely_high")
    assert len(found) == 61
    assert sum(max(ends) <= 1 for ends in found.values()) >= 60


def test_a_published_likely_range_is_equal_near_or_not_computable_and_never_different(
    fourth_quarter: DataFolder,
) -> None:
    found = dict(
        rows_of(
            fourth_quarter,
            "select outcome, count(*) from league.reconciliation where figure like '%likely%' group by all",
        )
    )
    assert sum(found.values()) == 4 * 61
    assert set(found) <= {"equal", "within_tolerance", "not_computable"}
    assert found["equal"] > 4 * 61 / 2


def test_the_median_trust_can_bear_about_as_many_places_as_the_publisher_says(
    fourth_quarter: DataFolder,
) -> None:
    [(ours, theirs)] = rows_of(
        fourth_quarter,
        "select median(computed_width), median(published_width) from (select "
        "sum(case when figure like '%high' then computed else -computed end) as computed_width, "
        "sum(case when figure like '%high' then published else -published end) as published_width "
        "from league.reconciliation where figure like 'OF5000.rank_likely%' group by organisation_code)",
    )
    assert ours == pytest.approx(theirs, abs=1)
    assert theirs > 30
