"""The financial quarter: how people and files write it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.errors import WrongUsage
from dagster_project.quarters import FIRST_QUARTER, Quarter, quarters_between

QUARTERS = st.builds(Quarter, st.integers(2000, 2098), st.integers(1, 4))


@given(QUARTERS)
def test_every_written_form_reads_back_as_the_same_quarter(quarter: Quarter) -> None:
    assert Quarter.from_canonical(str(quarter)) == quarter
    assert Quarter.from_publisher(quarter.label) == quarter
    assert Quarter.from_argument(str(quarter)) == quarter
    assert Quarter.from_argument(quarter.label) == quarter


@given(QUARTERS, QUARTERS)
def test_canonical_text_sorts_in_time(one: Quarter, other: Quarter) -> None:
    assert (one < other) == (str(one) < str(other))
    assert (one < other) == (one.first_day < other.first_day)


@given(QUARTERS, st.integers(-40, 40))
def test_shifting_there_and_back_gives_the_same_quarter(quarter: Quarter, steps: int) -> None:
    assert quarter.shifted(steps).shifted(-steps) == quarter


@pytest.mark.parametrize(
    "text",
    [
        "Q1 2025/26",
        "Q1 2025-26",
        "q1 2025/2026",
        "Q1\u00a02025/26",
        "Q1 2025\u201326",
        "2025/26 Q1",
        "2025-26-Q1",
        "Quarter 1 2025/26",
        "Q1 FY 2025/26",
        "  Q1   2025/26 ",
    ],
)
def test_the_forms_people_and_files_use_are_all_the_first_quarter_of_2025_26(text: str) -> None:
    assert str(Quarter.from_publisher(text)) == "2025-26-Q1"
    assert str(Quarter.from_argument(text)) == "2025-26-Q1"


def test_a_single_year_in_a_file_is_the_year_that_starts_then() -> None:
    assert str(Quarter.from_publisher("Q1 2025")) == "2025-26-Q1"


@pytest.mark.parametrize("text", ["Q1 2025", "2025 Q1", "2025-Q1", "q1 FY2025"])
def test_a_single_year_typed_by_a_person_is_refused_with_both_readings(text: str) -> None:
    with pytest.raises(WrongUsage) as refusal:
        Quarter.from_argument(text)
    assert "2025-26-Q1 (starts 1 April 2025)" in str(refusal.value)
    assert "2024-25-Q1 (starts 1 April 2024)" in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Q5 2025/26",
        "Q1",
        "2025",
        "Q1 2025/27",
        "Q1 2025/1926",
        "Q1 2025/26 v2",
        "2025-26-Q1\nrm",
        "Q١ 2025/26",
    ],
)
def test_what_is_not_one_quarter_is_refused_and_shows_how_to_write_it(text: str) -> None:
    with pytest.raises(WrongUsage, match="2025-26-Q1"):
        Quarter.from_argument(text)


@pytest.mark.parametrize("text", ["Q1 2025/26", "2025-26-Q1\n", "2025-27-Q1", "2025-26-q1", "2025-26-Q1 "])
def test_the_canonical_form_is_read_to_the_letter(text: str) -> None:
    with pytest.raises(ValueError, match="2025-26-Q1"):
        Quarter.from_canonical(text)


def test_the_fourth_quarter_starts_in_the_next_calendar_year() -> None:
    assert Quarter(2025, 4).first_day == date(2026, 1, 1)
    assert str(Quarter(2099, 4)) == "2099-00-Q4"


def test_a_fifth_quarter_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="1 to 4"):
        Quarter(2025, 5)


def test_quarters_from_one_to_another_are_each_there_once_and_in_time() -> None:
    keys = [str(quarter) for quarter in quarters_between(FIRST_QUARTER, Quarter(2026, 2))]
    assert keys == ["2025-26-Q1", "2025-26-Q2", "2025-26-Q3", "2025-26-Q4", "2026-27-Q1", "2026-27-Q2"]
    assert quarters_between(Quarter(2026, 2), FIRST_QUARTER) == []
