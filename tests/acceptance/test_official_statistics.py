"""The framework's values, out of the official statistics beneath them, by plain arithmetic on what readers give."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from dagster_project.extracts.load import LoadedExtracts, load_folder
from dagster_project.extracts.readers import (
    ae_attendances,
    rtt_waiting_times,
)

QUARTER = "2025-26-Q1"


@pytest.fixture(scope="module")
def loaded(official_dir: Path) -> LoadedExtracts:
    return load_folder(official_dir, None)


@pytest.fixture(scope="module")
def quarter(loaded: LoadedExtracts) -> LoadedExtracts:
    return loaded.for_quarters([QUARTER])


def sums(quarter: LoadedExtracts, *measures: str) -> dict[str, Fraction]:
    """Each organisation's sum over all cells of the quarter of these measures."""
    rows = quarter.statistic_row
    added: dict[str, Fraction] = {}
    chosen = rows[rows["measure"].isin(measures)]
    for code, value in zip(chosen["organisation_code"].tolist(), chosen["value"].tolist(), strict=True):
        added[code] = added.get(code, Fraction(0)) + Fraction(value)
    return added


def published(quarter: LoadedExtracts, figure: str) -> dict[str, Decimal]:
    rows = quarter.extract_row
    chosen = rows[(rows["figure"] == figure) & (rows["source"] == "nof_data")]
    return dict(zip(chosen["organisation_code"].tolist(), chosen["value"].tolist(), strict=True))


def rounded(value: Fraction | Decimal, *places: int) -> Decimal:
    """Half-up, to each of these numbers of places in turn."""
    exact = value if isinstance(value, Decimal) else Decimal(value.numerator) / Decimal(value.denominator)
    for place in places:
        exact = exact.quantize(Decimal(1).scaleb(-place), ROUND_HALF_UP)
    return exact


def percentages(part: dict[str, Fraction], whole: dict[str, Fraction]) -> dict[str, Fraction]:
    return {code: 100 * part[code] / whole[code] for code in whole if whole[code]}


def agreeing(
    values: dict[str, Fraction], official: dict[str, Decimal], as_published: Callable[[Fraction], Decimal]
) -> list[str]:
    return [
        code for code, value in official.items() if code in values and as_published(values[code]) == value
    ]


def test_all_118_cancer_diagnosis_values_come_out_of_the_provider_extract(quarter: LoadedExtracts) -> None:
    values = percentages(sums(quarter, "fds_28_day_within"), sums(quarter, "fds_28_day_total"))
    official = published(quarter, "OF0010")
    assert len(official) == 118
    assert len(agreeing(values, official, lambda value: rounded(value, 2))) == 118


def test_all_118_cancer_treatment_values_come_out_of_the_rows_by_cancer_type(quarter: LoadedExtracts) -> None:
    values = percentages(sums(quarter, "treated_62_day_within"), sums(quarter, "treated_62_day_total"))
    official = published(quarter, "OF0011")
    assert len(official) == 118
    assert len(agreeing(values, official, lambda value: rounded(value, 2))) == 118


def test_all_121_community_values_come_out_of_tables_4_4g_and_4h_rounded_thrice(
    quarter: LoadedExtracts,
) -> None:
    long_waits = sums(quarter, "waiting_over_52_to_104", "waiting_over_104")
    values = percentages(long_waits, sums(quarter, "waiting_total"))
    official = published(quarter, "OF0005")
    assert len(official) == 121
    assert len(agreeing(values, official, lambda value: rounded(value, 4, 3, 2))) == 121


def test_the_isle_of_wight_ambulance_response_is_within_a_hundredth_of_a_minute(
    quarter: LoadedExtracts,
) -> None:
    seconds, incidents = (
        sums(quarter, f"category_2_{name}")["R1F"] for name in ("total_seconds", "incidents")
    )
    minutes = rounded(seconds / incidents / 60, 2)
    assert minutes == Decimal("25.34")
    assert abs(minutes - published(quarter, "OF0017")["R1F"]) <= Decimal("0.01")


def test_73_of_123_four_hour_values_come_out_of_the_monthly_files_without_mapped_footprints(
    quarter: LoadedExtracts,
) -> None:
    over, total = sums(quarter, "over_4_hours"), sums(quarter, "attendances")
    values = {code: 100 * (1 - over[code] / total[code]) for code in total if total[code]}
    official = published(quarter, "OF0013")
    assert len(official) == 123
    assert len(agreeing(values, official, lambda value: rounded(value, 1))) == 73


def test_treatment_modalities_hold_the_same_pathways_as_cancer_types(
    loaded: LoadedExtracts, quarter: LoadedExtracts
) -> None:
    aside = loaded.row_set_aside[loaded.row_set_aside["reason"].str.contains("by treatment modality")]
    totals: dict[str, Fraction] = {}
    for line in aside["raw_line"]:
        month, _, _, _, code, _, _, _, total, *_ = line.split(",")
        if month[:7] in ("2025-04", "2025-05", "2025-06"):
            totals[code] = totals.get(code, Fraction(0)) + Fraction(total)
    # One independent site, whose rows by cancer type are set aside too, as nothing says that it is a trust.
    assert totals.pop("S3H9L")
    assert totals == sums(quarter, "treated_62_day_total")


def test_every_statistic_of_the_folder_is_read_and_only_the_note_is_passed_over(
    loaded: LoadedExtracts,
) -> None:
    assert loaded.extract["source"].value_counts().to_dict() == {
        "ae_attendances": 3,
        "ambulance_systems": 1,
        "cancer_waiting_times": 1,
        "community_waiting_lists": 1,
        "icb_names": 1,
        "nof_data": 2,
        "nof_league_table": 1,
        "ods_trusts": 1,
        "rtt_waiting_times": 1,
    }
    assert [note.file for note in loaded.ignored] == ["README.md"]
    assert loaded.organisation_reference["organisation_kind"].value_counts().to_dict() == {
        "trust": 273,
        "icb": 42,
    }


def test_the_rtt_sample_gives_three_counts_for_each_provider_and_commissioner(official_dir: Path) -> None:
    # Its only provider of such a code is an independent site: known here, as if something named it.
    loaded = load_folder(official_dir, None, known_trusts=["A4M8P"])
    rows = loaded.statistic_row[loaded.statistic_row["source"] == rtt_waiting_times.NAME]
    assert rows["period"].unique().tolist() == ["2023-04"]
    assert len(rows) == 66
    by_row = rows.pivot(index="source_row", columns="measure", values="value")
    assert (by_row["incomplete_within_18_weeks"] <= by_row["incomplete_total"]).all()


def test_rows_and_columns_lead_to_the_cells(loaded: LoadedExtracts, official_dir: Path) -> None:
    path = official_dir / "statistics" / "Monthly-AE-June-2025-1-1.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    rows = loaded.statistic_row
    june = rows[(rows["source"] == ae_attendances.NAME) & (rows["period"] == "2025-06")]
    for row in june.iloc[::100].itertuples():
        cells = lines[row.source_row - 1].split(",")
        assert cells[1] == row.organisation_code
        # Names with commas come before the counts: count from the right.
        header = lines[0].split(",")
        assert cells[header.index(row.source_column) - len(header)] == row.value_text
