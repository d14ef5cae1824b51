"""Organisations and metrics are found as people type them, and what isn't found is suggested."""

from __future__ import annotations

import pytest

from dagster_project.errors import ExitCode, WrongUsage
from dagster_project.typed_names import Known, find_metric, find_organisation, find_table

ORGANISATIONS = [
    Known("RP6", "Moorfields Eye Hospital NHS Foundation Trust", "acute"),
    Known("RAN", "Royal National Orthopaedic Hospital NHS Trust", "acute"),
    Known("RCX", "The Queen Elizabeth Hospital, King's Lynn, NHS Foundation Trust", "acute"),
    Known("RJZ", "King's College Hospital NHS Foundation Trust", "acute"),
    Known("RXX", "Surrey and Borders Partnership NHS Foundation Trust", "non_acute"),
    Known("RJ7", "St George's University Hospitals NHS Foundation Trust", "acute"),
    Known("G6V2S", "North London NHS Foundation Trust", "non_acute"),
    Known("R1K", "London North West University Healthcare NHS Trust", "acute"),
    Known("ZEB", "Veliddermoor Fells Partnership NHS Foundation Trust (fictional)", "non_acute"),
]
METRICS = [
    Known("OF0010", "Percentage of urgent referrals with cancer diagnosed or ruled out within 28 days"),
    Known("OF0011", "Percentage of patients treated for cancer within 62 days of referral"),
    Known("OF0048", "Rate of E. coli infections"),
    Known("OF0082", "Sickness absence rate"),
]


def found(typed: str) -> str:
    return find_organisation(typed, ORGANISATIONS, "2025-26-Q1").code


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("RP6", "RP6"),
        (" rp6 ", "RP6"),
        ("g6v2s", "G6V2S"),
        ("moorfields", "RP6"),
        ("Royal national ortho", "RAN"),
        ("ROYAL NATIONAL ORTHOPAEDIC HOSPITAL", "RAN"),
        ("Royal National Orthopaedic Hospital NHS Trust", "RAN"),
        ("queen elizabeth kings lynn", "RCX"),
        ("Queen Elizabeth Hospital King\u2019s Lynn", "RCX"),
        ("kings college", "RJZ"),
        ("Surrey & Borders", "RXX"),
        ("surrey and borders nhs foundation trust", "RXX"),
        ("saint georges", "RJ7"),
        ("north london", "G6V2S"),
        ("veliddermoor", "ZEB"),
    ],
)
def test_an_organisation_is_found_as_people_type_it(typed: str, code: str) -> None:
    assert found(typed) == code


def test_several_matches_are_listed() -> None:
    with pytest.raises(WrongUsage, match="fits 2 organisations") as error:
        found("london")
    assert "G6V2S  North London" in str(error.value)
    assert "R1K  London North West" in str(error.value)
    assert error.value.exit_code == ExitCode.WRONG_USAGE


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [("RP5", "RP6  Moorfields"), ("morfields", "RP6  Moorfields"), ("R1X", "R1K  London")],
)
def test_a_wrong_code_or_name_suggests_the_right_one(typed: str, suggested: str) -> None:
    with pytest.raises(WrongUsage, match="isn't an organisation of 2025-26-Q1") as error:
        found(typed)
    assert suggested in str(error.value)


@pytest.mark.parametrize("typed", ["", "nhs foundation trust", "&", "QQQQQQ"])
def test_words_that_tell_nothing_find_nothing(typed: str) -> None:
    with pytest.raises(WrongUsage, match="Write a code such as RP6"):
        found(typed)


@pytest.mark.parametrize(
    ("typed", "metric_id"),
    [
        ("OF0010", "OF0010"),
        ("of0010", "OF0010"),
        ("OF1010", "OF0010"),
        ("62 days", "OF0011"),
        ("e coli", "OF0048"),
        ("sickness", "OF0082"),
    ],
)
def test_a_metric_is_found_by_its_ids_and_by_its_words(typed: str, metric_id: str) -> None:
    assert find_metric(typed, METRICS, "2025-26").code == metric_id


def test_a_metric_that_is_none_suggests_ids_that_are_close() -> None:
    with pytest.raises(WrongUsage, match="OF0010"):
        find_metric("OF0012", METRICS, "2025-26")


@pytest.mark.parametrize(
    ("typed", "table"),
    [
        ("acute", "acute"),
        ("Acute trusts", "acute"),
        ("non-acute", "non_acute"),
        ("NON_ACUTE", "non_acute"),
        ("ICBs", "icb"),
        ("integrated care board", "icb"),
        ("ambulance", "ambulance"),
        ("RP6", None),
        ("London Ambulance Service", None),
        ("", None),
    ],
)
def test_a_league_table_is_found_by_its_name_or_by_whom_it_ranks(typed: str, table: str | None) -> None:
    assert find_table(typed) == table
