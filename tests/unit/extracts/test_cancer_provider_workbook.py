"""The cancer provider workbook: which rows count, its own total, and that it never adds up with an extract."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from fictional_statistics import cancer_extract, cancer_row, provider_workbook

from dagster_project.errors import InputRejected
from dagster_project.extracts.read_files import release_state
from dagster_project.extracts.readers.cancer_waiting_times import read_cancer_waiting_times
from dagster_project.extracts.readers.outcome import ReadStatistic
from dagster_project.extracts.vintages import newest_statistic_rows

TRUSTS = (("Z01", "ASHFORD VALE NHS TRUST", 10, 8), ("Z02", "MOOR NHS TRUST", 5.5, 2.5))


def read(raw: bytes, name: str = "JULY-2025.xlsx", extract_id: str = "a" * 64) -> ReadStatistic:
    return read_cancer_waiting_times(raw, file_name=name, extract_id=extract_id)


def counts(found: ReadStatistic) -> dict[tuple[str, str], Decimal]:
    rows = found.statistic_row
    keys = zip(rows["organisation_code"], rows["measure"], strict=True)
    return dict(zip(keys, rows["value"], strict=True))


def test_a_provider_counts_once_for_each_standard_over_all_routes_and_cancers() -> None:
    found = read(provider_workbook(*TRUSTS))
    assert counts(found) == {
        ("Z01", "fds_28_day_total"): 10,
        ("Z01", "fds_28_day_within"): 8,
        ("Z01", "treated_62_day_total"): 10,
        ("Z01", "treated_62_day_within"): 8,
        ("Z02", "fds_28_day_total"): Decimal("5.5"),
        ("Z02", "fds_28_day_within"): Decimal("2.5"),
        ("Z02", "treated_62_day_total"): Decimal("5.5"),
        ("Z02", "treated_62_day_within"): Decimal("2.5"),
    }
    assert (found.periods, found.quarters, found.says_final) == (("2025-07",), ("2025-26-Q2",), True)
    assert release_state(found) == "final"
    row = found.statistic_row.iloc[0]
    assert (row.sheet, row.source_row, row.source_column) == ("28-DAY FDS (ALL ROUTES)", 10, "TOTAL")


def test_sheets_are_told_by_their_columns_whatever_they_are_called() -> None:
    renamed = provider_workbook(*TRUSTS, sheets=("Sheet1", "Sheet2", "Sheet3"))
    assert counts(read(renamed)) == counts(read(provider_workbook(*TRUSTS)))


@pytest.mark.parametrize("lost", [0, 2])
def test_a_workbook_without_a_standard_is_rejected(lost: int) -> None:
    with pytest.raises(InputRejected, match="a sheet with WITHIN"):
        read(provider_workbook(*TRUSTS, without=lost))


def test_rows_that_dont_add_up_to_all_english_providers_are_rejected() -> None:
    with pytest.raises(
        InputRejected,
        match=r"expected 20: what the row .* says; found 15.5: the sum of 2 rows",
    ):
        read(provider_workbook(*TRUSTS, total=20))
    with pytest.raises(InputRejected, match="one row ALL ENGLISH PROVIDERS"):
        read(provider_workbook(*TRUSTS, total=None))


def test_a_table_of_another_basis_or_month_is_rejected() -> None:
    with pytest.raises(InputRejected, match="PROVIDER BASED"):
        read(provider_workbook(*TRUSTS, basis="BASIS: COMMISSIONER BASED"))
    with pytest.raises(InputRejected, match="one month"):
        read(provider_workbook(*TRUSTS, month=""))


def test_a_final_workbook_stands_over_an_extract_of_the_same_month_as_a_whole() -> None:
    extract = read(
        cancer_extract(
            *(
                cancer_row(standard, route, "ALL MODALITIES", cancer, 7, 7, month=month)
                for standard in ("28-day FDS", "62-day Combined")
                for route in ("URGENT SUSPECTED CANCER", "Screening")
                for cancer in ("Breast", "Skin")
                for month in (date(2025, 6, 1), date(2025, 7, 1))
            )
        ),
        "CWT-CRS-Apr-2025-to-Jul-2025-Data-Extract-Provider.xlsx",
        "b" * 64,
    )
    workbook = read(provider_workbook(*TRUSTS))
    for files in ([extract, workbook], [workbook, extract]):
        rows, changes = newest_statistic_rows(files)
        july = rows[rows["period"] == "2025-07"]
        assert july["extract_id"].unique().tolist() == ["a" * 64]
        assert len(july) == 8
        assert set(rows[rows["period"] == "2025-06"]["extract_id"]) == {"b" * 64}
        assert changes == [
            ("JULY-2025.xlsx", f"4 of 4 counts differ in {extract.file_name}, which it replaces")
        ]
