"""Which months a link is about, by its words and its name."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dagster_project.catalogue.link_period import financial_year_named, link_period, period_named
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
        ("2025-26 Oct \u2013 Mar Monthly Combined CSV Provisional (CSV, 27.8MB)", "2025-10 to 2026-03"),
        ("2025-26 Apr \u2013 Sep Monthly Combined CSV Final (CSV, 27.9MB)", "2025-04 to 2025-09"),
        ("2025-26-Oct-Mar-Cumulative-Monthly-Combined-CSV-Provisional.csv", "2025-10 to 2026-03"),
        ("2025-26-Oct-Dec-Cumulative-Monthly-Combined-CSV-Provisional.csv", "2025-10 to 2025-12"),
        ("2025/26 October to March", "2025-10 to 2026-03"),
        ("Cumulative October\u2014March 2025/26", "2025-10 to 2026-03"),
        ("2025-26 Cumulative Oct to Mar", "2025-10 to 2026-03"),
        ("2025-2026: Oct \u2012 Mar", "2025-10 to 2026-03"),
        ("Oct \u00e2\u20ac\u201c Mar 2025-26", "2025-10 to 2026-03"),
        ("Oct - Mar 2026", "2025-10 to 2026-03"),
        ("Oct 2025 - Mar", "2025-10 to 2026-03"),
        ("Oct 2025\u2013Mar 2026", "2025-10 to 2026-03"),
        ("Oct25-Mar26", "2025-10 to 2026-03"),
        ("1 October 2025 to 31 March 2026", "2025-10 to 2026-03"),
        ("1 October to 31 March 2026", "2025-10 to 2026-03"),
        ("2025 April to September", "2025-04 to 2025-09"),
        ("July, August and September 2025", "2025-07 to 2025-09"),
        ("OctoberToMarch", "none"),
        ("2025-26-Apr_Sep-Combined.csv", "2025-04 to 2025-09"),
        ("Q1 to Q3 2025-26", "2025-04 to 2025-12"),
        ("2025-26 Q1 - Q2", "2025-04 to 2025-09"),
        ("2025-26 Mar - Apr", "none"),
        ("2025-26 files, which may change", "none"),
        ("April-2026-Monthly-Combined-CSV-Provisional-New-ICB-Structure.csv", "2026-04"),
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
    assert financial_year_named("2026 to 2027 Monthly Statistics") == 2026
    assert financial_year_named("April 2026 to March 2027") == 2026
    assert financial_year_named("April 2026 to February 2027") is None


FULL = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@given(
    first=st.integers(2024 * 12 + 3, 2026 * 12 + 2),
    length=st.integers(2, 12),
    dash=st.sampled_from(["-", " - ", "\u2013", " \u2013 ", " \u2014 ", " to ", "_to_", "-to-", "\u2212"]),
    short=st.booleans(),
    years=st.sampled_from(["financial before", "financial after", "last", "first", "both"]),
    cumulative=st.sampled_from(["", " Cumulative"]),
)
def test_a_range_of_months_is_the_same_however_it_is_written(
    first: int, length: int, dash: str, short: bool, years: str, cumulative: str
) -> None:
    last = first + length - 1
    names = [FULL[month % 12][: 3 if short else None] for month in (first, last)]
    financial = f"{(first - 3) // 12}-{((first - 3) // 12 + 1) % 100}"
    if years.startswith("financial"):
        assume((last - 3) // 12 == (first - 3) // 12)
        months = dash.join(names)
        words = f"{financial}{cumulative} {months}" if "before" in years else f"{months} {financial}"
    else:
        written = [
            f"{name} {month // 12}" if years in (end, "both") else name
            for name, month, end in zip(names, (first, last), ("first", "last"), strict=True)
        ]
        words = dash.join(written) + cumulative
    period = period_named(f"{words} Combined CSV")
    assert period is not None
    assert (period.first, period.last) == (first, last), words
