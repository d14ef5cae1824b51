"""Real statistics with a cell or an end that is missing: what the trials say, and totals that hold in whole files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.errors import InputRejected
from dagster_project.extracts.load import load_folder
from dagster_project.extracts.readers.ae_attendances import read_ae_attendances
from dagster_project.extracts.readers.community_waiting_lists import read_community_waiting_lists


@pytest.mark.parametrize(
    ("folder", "organisations"),
    [
        ("blank", {"R0A"}),
        ("NA", {"R0A"}),
        ("whole", set()),
        ("cwt-star", set()),  # the total row of that trust and month stands for its parts
        ("cwt-star-no-totals", {"R0A"}),
        ("cwt-whole", set()),
        ("cwt-whole-no-totals", set()),
    ],
)
def test_a_cell_that_is_no_count_leaves_its_organisation_without_value(
    trials_dir: Path, folder: str, organisations: set[str]
) -> None:
    rows = load_folder(trials_dir / "case10-rtt-blank-bands" / folder, None).statistic_row
    assert set(rows[rows["value"].isna()]["organisation_code"]) == organisations


def test_a_month_cut_off_before_its_total_is_rejected_and_the_whole_one_is_read(trials_dir: Path) -> None:
    folder = trials_dir / "case11-ae-missing-month"
    assert load_folder(folder / "whole", None).statistic_row["value"].notna().all()
    with pytest.raises(InputRejected, match="expected a row TOTAL"):
        load_folder(folder / "cut", None)


def test_the_totals_hold_in_every_real_month(official_dir: Path, further_dir: Path) -> None:
    attendances = [
        *(official_dir / "statistics").glob("Monthly-AE-*.csv"),
        *further_dir.glob("*-2025-CSV-*.csv"),
    ]
    assert len(attendances) == 9
    for file in attendances:
        assert len(read_ae_attendances(file, file_name=file.name, extract_id="a" * 64).statistic_row)
    (july,) = further_dir.glob("Community-*.xlsx")
    found = read_community_waiting_lists(july, file_name=july.name, extract_id="a" * 64)
    assert found.statistic_row["value"].notna().all()
