"""AmbSYS: banner rows, areas that aren't trusts, and the two forms of the time series."""

from __future__ import annotations

import pytest
from fictional_files import file_of
from fictional_statistics import ambulance_sheet
from fictional_workbook import workbook

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.ambulance_systems import read_ambulance_systems
from dagster_project.extracts.readers.outcome import ReadStatistic

NAME = "FICTIONAL AMBULANCE SERVICE NHS TRUST"


def read(raw: bytes) -> ReadStatistic:
    return read_ambulance_systems(raw, file_name="AmbSYS", extract_id="a" * 64)


def test_the_sheet_raw_gives_incidents_and_seconds_of_each_trust_and_month() -> None:
    found = read(
        ambulance_sheet(
            ["2025-26", "JUNE", "ENG", None, 41, 70001],
            ["2025-26", "JUNE", "Y59", None, 90, 90000],
            ["2025-26", "JUNE", "Z01", NAME, 41, 70001],
            ["2025-26", "MARCH", "Z01", NAME, 40, 70000],
        )
    )
    june = found.statistic_row[found.statistic_row["period"] == "2025-06"]
    assert june[["measure", "source_column", "source_row", "value"]].values.tolist() == [
        ["category_2_incidents", "A10", 8, 41],
        ["category_2_total_seconds", "A30", 8, 70001],
    ]
    assert set(june["sheet"]) == {"Raw"}
    assert found.periods == ("2025-06", "2026-03")
    assert found.row_set_aside["reason"].tolist() == ["a total row", "a region row"]


def test_what_a_trust_did_not_return_is_set_aside_cell_by_cell() -> None:
    found = read(ambulance_sheet(["2025-26", "JUNE", "Z01", NAME, 41, "-"]))
    assert found.statistic_row[["measure", "missing_reason"]].fillna("").values.tolist() == [
        ["category_2_incidents", ""],
        ["category_2_total_seconds", "AmbSYS (Raw), row 6, column A30: the count is '-': missing"],
    ]
    assert found.row_set_aside[["figure", "reason"]].values.tolist() == [
        ["category_2_total_seconds", "the count is '-': missing"]
    ]


def test_the_csv_has_calendar_years_numbers_for_months_and_dots_for_missing() -> None:
    found = read(
        file_of(
            "Year,Month,Region,Org Code,Org Name,A7,A8,A9,A10,A11,A12,A24,A30",
            "2025,6,Eng,Eng,England,1,1,1,41,1,1,1,70001",
            f"2025,6,Y59,Z01,{NAME},1,1,1,41,1,1,.,70001",
            f"2026,1,Y59,Z01,{NAME},1,1,1,.,1,1,1,.",
        )
    )
    counted = found.statistic_row[found.statistic_row["value"].notna()]
    assert counted[["period", "value"]].values.tolist() == [["2025-06", 41], ["2025-06", 70001]]
    assert counted["source_row"].tolist() == [3, 3]
    assert found.row_set_aside["reason"].tolist() == ["a total row", *["the count is '.': missing"] * 2]


@pytest.mark.parametrize(("year", "month"), [("2025-27", "JUNE"), ("2025-26", "JUNO"), ("2025", "13")])
def test_a_month_that_is_none_is_rejected_with_its_row(year: str, month: str) -> None:
    with pytest.raises(InputRejected, match="row 6, column Month"):
        read(ambulance_sheet([year, month, "Z01", NAME, 1, 1]))


def test_a_sheet_whose_codes_moved_away_is_rejected() -> None:
    with pytest.raises(InputRejected, match="A10, A30"):
        read(workbook({"Raw": [["Year", "Month", "Area", "Trust", "A10"]]}))


def test_england_is_the_sum_of_its_trusts_or_the_file_is_rejected() -> None:
    rows = [["2025-26", "JUNE", code, NAME, 41, 70001] for code in ("Z01", "Z02")]
    with pytest.raises(InputRejected, match="column A10: expected 123: England in 2025-26 JUNE; found 82"):
        read(ambulance_sheet(["2025-26", "JUNE", "ENG", None, 123, 210003], *rows))
