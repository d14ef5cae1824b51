"""Cancer waiting times: which rows count, in both forms of the file."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from fictional_files import file_of
from fictional_statistics import CANCER_HEADER, COMBINED_HEADER, cancer_extract, cancer_row
from fictional_workbook import Cell, workbook

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.cancer_waiting_times import read_cancer_waiting_times
from dagster_project.extracts.readers.outcome import ReadStatistic


def read(raw: bytes, name: str = "CWT.xlsx", **more: object) -> ReadStatistic:
    return read_cancer_waiting_times(raw, file_name=name, extract_id="a" * 64, **more)  # type: ignore[arg-type]


def sums(found: ReadStatistic) -> dict[str, Decimal]:
    rows = found.statistic_row
    return {str(measure): sum(cells["value"], Decimal(0)) for measure, cells in rows.groupby("measure")}


def test_routes_in_capitals_and_not_are_both_counted_and_halves_are_exact() -> None:
    found = read(
        cancer_extract(
            cancer_row(total=10, within=8),
            cancer_row(cancer="Suspected skin cancer", route="Urgent Suspected Cancer", total=4, within=4),
            cancer_row("62-day Combined", "Screening", "ALL MODALITIES", "Breast", 2.5, 1.5),
            cancer_row("31-day Combined", "First Treatment", "Surgery", "ALL CANCERS", 99, 99),
        )
    )
    assert sums(found) == {
        "fds_28_day_total": 14,
        "fds_28_day_within": 12,
        "treated_62_day_total": Decimal("2.5"),
        "treated_62_day_within": Decimal("1.5"),
    }
    assert (found.periods, found.quarters, found.records) == (("2025-06",), ("2025-26-Q1",), 4)
    assert found.row_set_aside.empty
    assert found.is_sample


def test_a_cell_is_found_again_by_sheet_row_and_column() -> None:
    found = read(
        cancer_extract(
            cancer_row("31-day Combined"),
            cancer_row("62-day Combined", "Screening", "ALL MODALITIES", "Breast"),
        )
    )
    row = found.statistic_row.iloc[0]
    assert (row.sheet, row.source_row, row.source_column) == ("CWT CRS Provider Extract", 3, "TOTAL TREATED")
    assert (row.period, row.organisation_code, row.category) == ("2025-06", "Z01", "Screening; Breast")
    assert (row.value_text, row.value) == ("10", 10)


def test_pathways_by_treatment_modality_are_set_aside_as_the_same_ones_again() -> None:
    found = read(
        cancer_extract(
            cancer_row("62-day Combined", "Screening", "ALL MODALITIES", "Breast", 6, 3),
            cancer_row("62-day Combined", "Screening", "Surgery", "ALL CANCERS", 4, 2),
            cancer_row("62-day Combined", "Screening", "Other", "ALL CANCERS", 2, 1),
        )
    )
    assert sums(found)["treated_62_day_total"] == 6
    assert found.row_set_aside["source_row"].tolist() == [3, 4]
    assert set(found.row_set_aside["reason"]) == {"the same pathways by treatment modality"}


def test_rows_of_others_than_nhs_trusts_are_set_aside() -> None:
    found = read(cancer_extract(cancer_row(), cancer_row(code="NT9"), cancer_row(code="Total")))
    aside = found.row_set_aside[["source_row", "organisation_code", "reason"]]
    assert aside.values.tolist() == [[3, "NT9", "not an NHS trust"], [4, "TOTAL", "a total row"]]


def test_several_months_and_quarters_of_one_file_are_told_apart() -> None:
    found = read(cancer_extract(cancer_row(), cancer_row(month=date(2025, 7, 1))))
    assert found.periods == ("2025-06", "2025-07")
    assert set(found.statistic_row["quarter"]) == {"2025-26-Q1", "2025-26-Q2"}


def test_a_count_that_stands_there_twice_is_rejected() -> None:
    with pytest.raises(InputRejected, match=r"row 3, column TOTAL TREATED.*a second time \(first in row 2\)"):
        read(cancer_extract(cancer_row(), cancer_row(route="Urgent Suspected Cancer")))


def test_a_cell_that_is_no_count_is_rejected_with_its_place() -> None:
    with pytest.raises(InputRejected) as caught:
        read(cancer_extract(cancer_row(), cancer_row(within="eight", code="Z02")))
    assert (caught.value.row, caught.value.column, caught.value.found) == (3, "WITHIN STANDARD", "'eight'")


@pytest.mark.parametrize(
    ("marks", "values", "aside"),
    [({"-": "suppressed"}, [10], ["the count is '-': suppressed"]), ({"-": "zero"}, [10, 0], [])],
)
def test_a_mark_means_what_the_source_is_declared_to_mean(
    marks: dict[str, str], values: list[int], aside: list[str]
) -> None:
    found = read(cancer_extract(cancer_row(within="-")), missing_marks=marks)
    assert found.statistic_row["value"].dropna().tolist() == values
    assert found.row_set_aside["reason"].tolist() == aside


def test_a_workbook_without_the_columns_is_rejected() -> None:
    with pytest.raises(InputRejected, match="STAGE/ROUTE"):
        read(workbook({"Other": [[cell for cell in CANCER_HEADER if cell != "STAGE/ROUTE"], cancer_row()]}))


def combined(*lines: str) -> bytes:
    return file_of(COMBINED_HEADER, *lines)


def line(cancer: str, route: str, total: str, within: str, *, modality: str = "ALL MODALITIES") -> str:
    name = '"ASHFORD VALE NHS TRUST, THE"'
    return f"01/06/2025,Provider,Z01,London,{name},62D,{cancer},{route},{modality},{total},{within},0,1"


def test_of_totals_beside_their_parts_the_finest_that_add_up_are_counted_once() -> None:
    found = read(
        combined(
            line("ALL CANCERS", "ALL ROUTES", "5.5", "4"),
            line("Breast", "ALL ROUTES", "3.5", "3"),
            line("Lung", "ALL ROUTES", "2", "1"),
            line("Breast", "Screening", "3", "3"),
            line("ALL CANCERS", "ALL ROUTES", "5.5", "4", modality="Surgery"),
        ),
        "2025-26-Apr-Sep-Monthly-Combined-CSV-Final.csv",
    )
    totals = found.statistic_row[found.statistic_row["measure"] == "treated_62_day_total"]
    assert totals["category"].tolist() == ["ALL ROUTES; Breast", "ALL ROUTES; Lung"]
    assert totals["organisation_name"].tolist() == ["ASHFORD VALE NHS TRUST, THE"] * 2
    assert sums(found)["treated_62_day_total"] == Decimal("5.5")
    assert len(found.row_set_aside) == 3
    assert found.statistic_row["sheet"].isna().all()


def test_parts_by_route_and_cancer_are_taken_where_they_add_up() -> None:
    found = read(
        combined(
            line("ALL CANCERS", "ALL ROUTES", "5", "4"),
            line("ALL CANCERS", "Screening", "5", "4"),
            line("Breast", "Screening", "3", "3"),
            line("Lung", "Screening", "2", "1"),
        )
    )
    assert set(found.statistic_row["category"]) == {"Screening; Breast", "Screening; Lung"}


def test_commissioners_rows_and_the_national_total_are_set_aside() -> None:
    provider = line("Breast", "Screening", "3", "3")
    found = read(
        combined(
            provider, provider.replace("Provider,Z01", "Commissioner,QZ1"), provider.replace("Z01", "Total")
        )
    )
    assert found.row_set_aside["reason"].tolist() == ["a row by commissioner", "a total row"]


@pytest.mark.parametrize(
    "name", ["June-2025-Monthly-Combined-CSV-Provisional.csv", "2025-26-Jun-Monthly-Combined-CSV.csv"]
)
def test_a_combined_csv_of_one_month_without_period_takes_it_from_its_name(name: str) -> None:
    without = [text.partition(",")[2] for text in (COMBINED_HEADER, line("Breast", "Screening", "3", "3"))]
    assert read(file_of(*without), name).periods == ("2025-06",)
    with pytest.raises(InputRejected, match="a column Period"):
        read(file_of(*without), "combined.csv")


def test_a_date_that_was_saved_as_a_number_is_still_its_month() -> None:
    line = "{},Provider,Z01,ZQ1,A,FDS,Breast,Screening,,10,8,2,0"
    found = read(file_of(COMBINED_HEADER, line.format("45809")), "a.csv")
    assert found.periods == read(file_of(COMBINED_HEADER, line.format("2025-06-01")), "a.csv").periods


def test_a_combined_csv_that_doesnt_say_whose_rows_they_are_is_rejected() -> None:
    line = "2025-06-01,Provider,Z01,ZQ1,A,FDS,Breast,Screening,,10,8,2,0"
    with pytest.raises(InputRejected, match="Basis"):
        read(file_of(COMBINED_HEADER.replace("Basis", "Side"), line), "a.csv")


def parts_and_total(*, within: str = "6") -> bytes:
    """Lung 10 and breast 5 of 15 treated within standard 6 and 4; `within` stands in the row of lung."""
    line = "01/06/2025,Provider,Z01,X,ASHFORD VALE,62D,{},{},ALL MODALITIES,{},{},0,0"
    return combined(
        line.format("ALL CANCERS", "ALL ROUTES", 15, 10),
        line.format("Lung", "SCREENING", 10, within),
        line.format("Breast", "SCREENING", 5, 4),
    )


def test_a_total_row_stands_for_parts_of_which_one_is_suppressed_and_says_so() -> None:
    whole, starred = read(parts_and_total()), read(parts_and_total(within="*"))
    for found in (whole, starred):
        assert sums(found) == {"treated_62_day_total": 15, "treated_62_day_within": 10}
    assert len(whole.statistic_row) == 4
    assert not whole.notes
    assert len(starred.statistic_row) == 2
    assert "Z01 in 2025-06, treated_62_day: the rows of parts lack a count" in starred.notes[0]


def test_a_suppressed_count_without_a_total_row_leaves_a_row_with_the_reason() -> None:
    found = read(cancer_extract(cancer_row(within="*"), cancer_row(cancer="Suspected breast cancer")))
    lacking = found.statistic_row[found.statistic_row["value"].isna()]
    assert lacking[["source_row", "measure", "missing_reason"]].values.tolist() == [
        [
            2,
            "fds_28_day_within",
            "CWT.xlsx (CWT CRS Provider Extract), row 2, column WITHIN STANDARD: the count is '*': suppressed",
        ]
    ]


def test_pathways_by_modality_must_be_as_many_as_by_cancer_type() -> None:
    def by(modality: str, cancer: str, total: int, within: int = 1) -> list[Cell]:
        return cancer_row("62-day Combined", "Screening", modality, cancer, total, within)

    kinds = [by("ALL MODALITIES", "Lung", 6), by("ALL MODALITIES", "Breast", 4)]
    assert len(read(cancer_extract(*kinds, by("Surgery", "ALL CANCERS", 10, 2))).statistic_row) == 4
    for rows, found in ((kinds[:1], 6), ([], 0)):
        with pytest.raises(InputRejected, match=f"TOTAL TREATED: expected 10: Z01 .*found {found}"):
            read(cancer_extract(*rows, by("Surgery", "ALL CANCERS", 10, 2)))
    with pytest.raises(InputRejected, match="WITHIN STANDARD: expected 3"):
        read(cancer_extract(*kinds, by("Surgery", "ALL CANCERS", 10, 3)))
