"""A&E attendances: types, booked and unbooked, and the total rows among the providers."""

from __future__ import annotations

import pytest
from fictional_statistics import AE_HEADER, ae_file, ae_line

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.ae_attendances import read_ae_attendances
from dagster_project.extracts.readers.outcome import ReadStatistic


def read(raw: bytes) -> ReadStatistic:
    return read_ae_attendances(raw, file_name="Monthly-AE.csv", extract_id="a" * 64)


def test_each_type_is_counted_unbooked_and_booked() -> None:
    found = read(ae_file(ae_line(name="ASHFORD, VALE AND WESTON NHS TRUST")))
    rows = found.statistic_row
    attendances = rows[rows["measure"] == "attendances"].set_index("category")["value"].to_dict()
    assert attendances == {
        "type 1; unbooked": 100,
        "type 2; unbooked": 0,
        "type 3; unbooked": 50,
        "type 1; booked": 4,
        "type 2; booked": 0,
        "type 3; booked": 1,
    }
    assert sum(rows[rows["measure"] == "over_4_hours"]["value"]) == 33
    booked = rows[(rows["measure"] == "over_4_hours") & (rows["category"] == "type 1; booked")].iloc[0]
    assert booked.source_column == "Attendances over 4hrs Booked Appointments Type 1"
    assert (booked.source_row, booked.organisation_name) == (2, "ASHFORD, VALE AND WESTON NHS TRUST")
    assert found.periods == ("2025-06",)


@pytest.mark.parametrize("total", ["TOTAL", "Total", "Total "])
def test_a_total_row_is_set_aside_however_it_is_spelt(total: str) -> None:
    found = read(
        ae_file(ae_line(), ae_line(total, period=total, name=total), ae_line("NLX"), ",,,," + "," * 17)
    )
    assert set(found.statistic_row["organisation_code"]) == {"Z01"}
    assert found.row_set_aside["reason"].tolist() == ["a total row", "not an NHS trust", "blank line"]
    assert found.records == 4


def test_28_columns_with_blank_headers_and_one_called_a_are_read_as_22() -> None:
    header = AE_HEADER + ",,,,,,a"
    found = read(ae_file(ae_line() + ",,,,,,", header=header))
    assert len(found.statistic_row) == 12


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("MSitAE-MAY-2025", "2025-05"),
        ("MSitAE-September-2024", "2024-09"),
        ("MSitAE-JANUARY-2026", "2026-01"),
    ],
)
def test_the_period_is_read_from_its_text(text: str, period: str) -> None:
    assert read(ae_file(ae_line(period=text))).periods == (period,)


def test_a_blank_count_is_set_aside_and_other_text_rejected() -> None:
    found = read(ae_file(ae_line(counts="100,,50,4,0,1,30,0,2,1,0,0")))
    assert found.row_set_aside[["organisation_code", "figure", "reason"]].values.tolist() == [
        ["Z01", "attendances", "the count is blank"]
    ]
    with pytest.raises(InputRejected, match="column A&E attendances Type 2: expected a count"):
        read(ae_file(ae_line(counts="100,-3,50,4,0,1,30,0,2,1,0,0")))


def test_a_file_that_lost_a_column_is_rejected_by_its_name() -> None:
    with pytest.raises(InputRejected) as caught:
        read(ae_file(ae_line(), header=AE_HEADER.replace("Attendances over 4hrs Type 2", "Something else")))
    assert caught.value.column == "Attendances over 4hrs Type 2"


def test_a_period_that_is_none_is_rejected() -> None:
    with pytest.raises(InputRejected, match="row 2, column Period"):
        read(ae_file(ae_line(period="2025")))


def test_fictional_and_official_names_in_one_file_are_rejected() -> None:
    with pytest.raises(InputRejected, match="never mixed"):
        read(ae_file(ae_line(), ae_line("R0Z")))
