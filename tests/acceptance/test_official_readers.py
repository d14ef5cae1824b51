"""The readers on the publisher's own files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from dagster_project.extracts.load import LoadedExtracts, load_folder
from dagster_project.extracts.readers.text import UNITS

FIGURES_OF_A_LEAGUE_RECORD = 7


@pytest.fixture(scope="module")
def loaded(official_dir: Path) -> LoadedExtracts:
    return load_folder(official_dir / "nof-2025-26", None)


def rows_of(loaded: LoadedExtracts, source: str, table: str) -> pd.DataFrame:
    rows = loaded.extract_row
    return rows[(rows["source"] == source) & (rows["table_name"] == table)]


def test_the_acute_file_gives_7265_rows_of_134_trusts_in_the_first_quarter(loaded: LoadedExtracts) -> None:
    acute = rows_of(loaded, "nof_data", "acute")
    assert len(acute) == 7265
    assert acute["organisation_code"].nunique() == 134
    assert acute["quarter"].unique().tolist() == ["2025-26-Q1"]


def test_the_cumulative_file_gives_4374_rows_of_61_trusts_in_each_quarter(loaded: LoadedExtracts) -> None:
    non_acute = rows_of(loaded, "nof_data", "non_acute")
    assert len(non_acute) == 4374
    assert non_acute.groupby("quarter")["organisation_code"].nunique().to_dict() == {
        "2025-26-Q1": 61,
        "2025-26-Q4": 61,
    }
    assert "G6V2S" in set(non_acute["organisation_code"])


def test_the_league_table_gives_seven_figures_for_each_of_61_trusts(loaded: LoadedExtracts) -> None:
    table = rows_of(loaded, "nof_league_table", "non_acute")
    assert len(table) == 61 * FIGURES_OF_A_LEAGUE_RECORD
    assert table["source_row"].nunique() == 61
    assert loaded.extract.set_index("source")["rows"]["nof_league_table"] == 61


def test_the_known_first_places_are_read_with_their_ranks(loaded: LoadedExtracts) -> None:
    rows = loaded.extract_row
    first = rows[(rows["figure"] == "OF5000") & (rows["published_rank"] == 1)]
    best = first[first["source"] == "nof_league_table"].iloc[0]
    assert best["organisation_name"] == "Kent Community Health NHS Foundation Trust"
    figures = rows[(rows["extract_id"] == best["extract_id"]) & (rows["source_row"] == best["source_row"])]
    values = dict(zip(figures["figure"], figures["value"], strict=True))
    assert (values["OF5002"], values["OF5002.likely_low"]) == (Decimal("1.53"), Decimal("1.2"))
    assert (values["OF5002.likely_high"], values["OF5000.rank_likely_high"]) == (Decimal("1.89"), 11)
    acute = first[first["table_name"] == "acute"]["organisation_name"].tolist()
    assert len(acute) == 1
    assert "Moorfields" in acute[0]


def test_nothing_is_set_aside_and_every_unit_and_region_is_known(loaded: LoadedExtracts) -> None:
    assert loaded.row_set_aside.empty
    assert loaded.revision.empty
    assert not loaded.ignored
    assert not loaded.notes
    assert set(loaded.extract_row["unit"].dropna()) <= UNITS
    assert loaded.extract_row["region"].nunique() == 7


def test_every_row_names_the_physical_line_it_stands_on(loaded: LoadedExtracts, official_dir: Path) -> None:
    acute = rows_of(loaded, "nof_data", "acute")
    path = official_dir / "nof-2025-26" / "nhs-oversight-framework-acute-trust-data.csv"
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    for row in acute.iloc[::500].itertuples():
        line = lines[row.source_row - 1]
        assert row.organisation_code in line
        assert row.figure in line
        assert row.value_text in line
