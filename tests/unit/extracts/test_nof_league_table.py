"""The reader of NHS Oversight Framework league tables."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fictional_files import LEAGUE_HEADER, file_of, league_file, league_line

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.nof_league_table import read_nof_league_table
from dagster_project.extracts.readers.outcome import ReadExtract


def read(raw: bytes) -> ReadExtract:
    return read_nof_league_table(raw, file_name="table.csv", extract_id="f" * 64)


def test_a_record_becomes_seven_figures_and_its_rank_goes_with_the_segment() -> None:
    rows = read(league_file(league_line(deficit="Yes"))).extract_row
    assert dict(zip(rows["figure"], rows["value"], strict=True)) == {
        "OF5002": Decimal("1.53"),
        "OF5002.likely_low": Decimal("1.2"),
        "OF5002.likely_high": Decimal("1.89"),
        "OF5000": 1,
        "OF5004": 1,
        "OF5000.rank_likely_low": 1,
        "OF5000.rank_likely_high": 11,
    }
    ranked = rows[rows["published_rank"].notna()]
    assert ranked["figure"].tolist() == ["OF5000"]
    assert ranked["published_rank"].tolist() == [1]
    assert rows["source_row"].unique().tolist() == [2]
    assert rows["quarter"].unique().tolist() == ["2025-26-Q4"]
    assert rows["table_name"].unique().tolist() == ["non_acute"]


def test_a_first_league_table_has_reporting_date_instead_of_quarter() -> None:
    header = LEAGUE_HEADER.replace("Quarter", "Reporting_date")
    extract = read(file_of(header, league_line(quarter="Q1 2025/26")))
    assert extract.quarters == ("2025-26-Q1",)
    assert extract.extract_row["reporting_date"].unique().tolist() == ["Q1 2025/26"]


def test_neither_quarter_nor_reporting_date_is_rejected() -> None:
    header = LEAGUE_HEADER.replace("Quarter", "When")
    with pytest.raises(InputRejected, match="column Reporting_date"):
        read(file_of(header, league_line()))


def test_the_assumed_layout_for_icbs_is_read() -> None:
    header = (
        "Quarter,Region,ICB_code,ICB_name,Average_score,Likely_range_of_average_score,Segment,"
        "ICB_in_financial_deficit,Rank,Likely_range_of_rank"
    )
    extract = read(file_of(header, "Q1 2026/27,London,ZQ1,Ashford ICB (fictional),2.5,2 to 3,2,No,4,1 to 9"))
    assert extract.table_name == "icb"
    assert extract.is_sample
    assert len(extract.extract_row) == 7


def test_missing_figures_are_set_aside_one_by_one() -> None:
    extract = read(league_file(league_line(score_range="*", rank=""), league_line("Z02", deficit="N/A")))
    aside = extract.row_set_aside.sort_values(["source_row", "figure"])
    assert aside["figure"].tolist() == ["OF5002.likely_high", "OF5002.likely_low", "OF5004"]
    assert aside["reason"].tolist()[0] == "Likely_range_of_average_score is '*': suppressed"
    assert len(extract.extract_row) + len(aside) == 14


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"average": "high"}, "Average_score"),
        ({"score_range": "1.89 to 1.2"}, "Likely_range_of_average_score"),
        ({"rank_range": "1.5 to 2"}, "Likely_range_of_rank"),
        ({"rank_range": "46 to"}, "Likely_range_of_rank"),
        ({"segment": "one"}, "Segment"),
        ({"deficit": "maybe"}, "Trust_in_financial_deficit"),
        ({"rank": "0"}, "Rank"),
        ({"quarter": "2025"}, "Quarter"),
    ],
)
def test_a_cell_that_cannot_be_read_is_rejected_with_row_and_column(
    cells: dict[str, str], column: str
) -> None:
    with pytest.raises(InputRejected) as caught:
        read(league_file(league_line("Z02"), league_line(**cells)))
    assert (caught.value.row, caught.value.column) == (3, column)


@pytest.mark.parametrize("name", LEAGUE_HEADER.split(",")[1:])
def test_a_missing_column_is_named(name: str) -> None:
    position = LEAGUE_HEADER.split(",").index(name)
    lines = [line.split(",") for line in (LEAGUE_HEADER, league_line())]
    with pytest.raises(InputRejected) as caught:
        read(file_of(*(",".join(cells[:position] + cells[position + 1 :]) for cells in lines)))
    assert caught.value.column == name
