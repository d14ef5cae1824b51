"""Which quarter is due on a day, and how often the publisher is asked."""

from __future__ import annotations

from datetime import date

import pytest
from local_publisher import source_at

from dagster_project.automation.publication import (
    latest_due,
    quarter_due,
    seconds_between_looks,
    week_after_end,
)
from dagster_project.quarters import Quarter

Q1 = Quarter(2025, 1)
FRAMEWORK = [source_at("https://publisher.example/", cadence="quarterly", publication_weeks=[9, 14])]


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2025, 6, 30), 0),
        (date(2025, 7, 1), 1),
        (date(2025, 7, 7), 1),
        (date(2025, 7, 8), 2),
        (date(2025, 8, 26), 9),
        (date(2025, 10, 6), 14),
        (date(2025, 10, 7), 15),
    ],
)
def test_weeks_are_counted_from_one_after_the_quarter_ends(day: date, week: int) -> None:
    assert week_after_end(day, Q1) == week


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2025, 8, 25), None),
        (date(2025, 8, 26), Q1),
        (date(2025, 10, 6), Q1),
        (date(2025, 10, 7), None),
        (date(2025, 11, 26), Quarter(2025, 2)),
        (date(2026, 3, 10), Quarter(2025, 3)),
        (date(2026, 6, 1), Quarter(2025, 4)),
    ],
)
def test_a_quarter_is_due_from_the_first_to_the_last_of_its_weeks(day: date, due: Quarter | None) -> None:
    assert quarter_due(day, FRAMEWORK) == due


def test_between_two_publications_the_latest_due_is_the_one_before() -> None:
    assert latest_due(date(2025, 11, 1), FRAMEWORK) == Q1
    assert latest_due(date(2025, 8, 25), FRAMEWORK) == Quarter(2024, 4)


def test_sources_without_publication_weeks_are_never_due() -> None:
    irregular = source_at("https://publisher.example/", cadence="irregular", publication_weeks=None)
    assert quarter_due(date(2025, 9, 1), [irregular]) is None
    assert quarter_due(date(2025, 9, 1), []) is None


def test_the_most_frequent_cadence_decides_how_often_to_look() -> None:
    yearly = source_at("https://publisher.example/", cadence="yearly", publication_weeks=[9, 14])
    assert seconds_between_looks(FRAMEWORK) == 86_400
    assert seconds_between_looks([yearly]) == 7 * 86_400
    assert seconds_between_looks([yearly, *FRAMEWORK]) == 86_400
