"""What a cell says."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.extracts.readers import text
from dagster_project.extracts.readers.nof_layout import MISSING_MARKS


def test_no_break_and_repeated_spaces_fold_into_one() -> None:
    assert text.folded("\ufeff NHS\u00a0staff \t survey\u202f ") == "NHS staff survey"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6))
def test_a_number_is_the_exact_decimal_of_its_text(value: Decimal) -> None:
    assert text.number(f"{value:f}") == value


@pytest.mark.parametrize(
    ("written", "value"), [("113.0", "113"), ("-1.62", "-1.62"), ("\u22122", "-2"), ("-0.0", "0")]
)
def test_numbers_as_the_publisher_writes_them(written: str, value: str) -> None:
    assert str(text.number(written).normalize()) == value


@pytest.mark.parametrize(
    "written", ["1,234", "12%", "1e5", "nan", "inf", "abc", "1 2", "--1", "1.2.3", "\u0661"]
)
def test_what_is_not_a_plain_number_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="plain number"):
        text.number(written)


def test_more_places_than_a_row_holds_are_rounded_half_up_and_told_apart() -> None:
    assert text.number("1.0000005") == Decimal("1.000001")
    assert text.is_finer("1.0000005")
    assert not text.is_finer("1.5000000")


def test_a_number_too_large_for_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="below"):
        text.number("1000000000000")


@pytest.mark.parametrize(
    "mark", ["*", "**", "-", ".", ":", "[x]", "[z]", "N/A", "n/a", "NULL", "100%*", " * "]
)
def test_missing_marks_say_what_they_mean(mark: str) -> None:
    reason = text.missing_reason(mark, MISSING_MARKS)
    assert reason is not None
    assert mark.strip() in reason


@pytest.mark.parametrize("blank", ["", "  ", "\u00a0"])
def test_a_blank_is_missing(blank: str) -> None:
    assert text.missing_reason(blank, MISSING_MARKS) == "blank"


def test_a_mark_that_a_source_does_not_declare_is_no_mark() -> None:
    assert text.missing_reason("-", {"*": "suppressed"}) is None
    assert text.missing_reason("0", MISSING_MARKS) is None


@pytest.mark.parametrize(("written", "rank"), [("113.0", 113), ("1", 1)])
def test_ranks_are_whole_numbers(written: str, rank: int) -> None:
    assert text.rank(written) == rank


@pytest.mark.parametrize("written", ["0", "-3", "1.5", "1.0000001", "first", ""])
def test_a_rank_that_is_not_a_whole_number_from_1_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        text.rank(written)


@pytest.mark.parametrize(
    "written",
    ["1.2 to 1.89", "1.2 TO 1.89", "1.2-1.89", "1.2 - 1.89", "1.2\u20131.89", "1.2\u00a0to\u00a01.89"],
)
def test_ranges_are_read_with_words_hyphens_and_dashes(written: str) -> None:
    assert text.value_range(written) == ("1.2", "1.89")


@pytest.mark.parametrize("written", ["1.2", "1.89 to 1.2", "1.2 to", "a to b", "1.2 and 1.89", "1..2 to 3"])
def test_what_is_not_a_range_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"range|number"):
        text.value_range(written)


def test_yes_and_no_become_flags_and_nothing_else_does() -> None:
    assert [text.yes_no(answer) for answer in ("Yes", "no ", "1.0", "0")] == [1, 0, 1, 0]
    with pytest.raises(ValueError, match="Yes or No"):
        text.yes_no("perhaps")


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("%", "percent"),
        ("Percent", "percent"),
        ("mins", "minutes"),
        ("out\u00a0of 10", "out of 10"),
        ("", None),
    ],
)
def test_units_of_every_spelling_are_canonical(written: str, unit: str | None) -> None:
    assert text.unit(written) == unit


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("North East", "North East and Yorkshire"),
        ("North East & Yorkshire", "North East and Yorkshire"),
        ("EAST", "East of England"),
        ("", None),
    ],
)
def test_regions_are_canonical(written: str, region: str | None) -> None:
    assert text.region(written) == region
    assert text.is_known_region(region)


def test_an_unknown_region_stays_as_published() -> None:
    assert text.region("Wales") == "Wales"
    assert not text.is_known_region("Wales")
