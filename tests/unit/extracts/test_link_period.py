"""Which months a link is about, by its words and its name."""

from __future__ import annotations

import pytest

from dagster_project.extracts.link_period import financial_year_named, link_period, period_named
from dagster_project.quarters import Quarter

Q1 = Quarter(2025, 1)


def months(words: str) -> str:
    period = period_named(words)
    if period is None:
        return "none"
    first, last = (f"{month // 12}-{month % 12 + 1:02d}" for month in (period.first or 0, period.last))
    return first if first == last else f"{first} to {last}"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Monthly-AE-June-2025-1-1.csv", "2025-06"),
        ("July-2025-CSV-9jfy4.csv", "2025-07"),
        ("Full-CSV-data-file-Jun25-ZIP-4M-a8x.zip", "2025-06"),
        ("MSitAE-MAY-2025", "2025-05"),
        ("AmbSYS-Time-Series-until-20250831.xlsx", "2025-08"),
        ("AmbSYS-to-Jun-2025-d3f.csv", "2025-06"),
        ("Community-health-services-waiting-lists-2025-26-June.xlsx", "2025-06"),
        ("Community-health-services-waiting-lists-2025-26-January.xlsx", "2026-01"),
        ("January 2025-26", "2026-01"),
        ("CWT-CRS-Apr-2025-to-Jul-2025-Data-Extract-Provider-Final.xlsx", "2025-04 to 2025-07"),
        ("April to June 2025 (XLSX, 56KB)", "2025-04 to 2025-06"),
        ("November to January 2026", "2025-11 to 2026-01"),
        ("nhs-oversight-framework-acute-trust-data-q3-25-26-v2.csv", "2025-10 to 2025-12"),
        ("Q4 2025/26", "2026-01 to 2026-03"),
        ("2025-26 Quarter 2", "2025-07 to 2025-09"),
        ("Q1 2025", "2025-04 to 2025-06"),
        ("June 2025 (published on 10 July 2025)", "2025-06"),
        ("nhs-oversight-framework-acute-trust-data-q2.csv", "none"),
        ("nhs-oversight-framework-acute-trust-data.csv", "none"),
        ("Marching on; you may go", "none"),
    ],
)
def test_months_and_quarters_are_told_in_every_way_that_publishers_write_them(
    words: str, expected: str
) -> None:
    assert months(words) == expected


def test_words_and_name_that_contradict_each_other_say_nothing() -> None:
    assert link_period("June 2025", "attendances-July-2025.csv", "named") is None
    assert link_period("June 2025", "attendances-9jfy4.csv", "named") == period_named("June 2025")


def test_a_time_series_covers_what_came_before_its_month() -> None:
    period = link_period("August 2017 to August 2025", "AmbSYS-Time-Series-until-20250831.xlsx", "until")
    assert period is not None
    assert [period.covers(Q1.shifted(number)) for number in (-4, 0, 1, 2)] == [True, True, True, False]
    assert [str(quarter) for quarter in period.quarters()] == ["2025-26-Q1", "2025-26-Q2"]


def test_a_cumulative_file_covers_its_financial_year_so_far() -> None:
    period = link_period("Q3 2025/26", "data.csv", "year_to_date")
    assert period is not None
    assert [period.covers(Q1.shifted(number)) for number in (-1, 0, 2, 3)] == [False, True, True, False]


def test_an_undated_source_takes_nothing_from_a_name() -> None:
    assert link_period("June 2025", "etr.csv", "undated") is None


def test_a_page_of_a_financial_year_is_told_unless_it_names_several() -> None:
    assert financial_year_named("rtt-data-2025-26") == 2025
    assert financial_year_named("2024-25 and 2025-26") is None
    assert financial_year_named("2025-27") is None
