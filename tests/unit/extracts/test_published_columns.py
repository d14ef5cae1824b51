"""The published columns behind each landed column: a file is changed cell by cell, and what lands is compared."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from fictional_files import DATA_HEADER, LEAGUE_HEADER, data_line, file_of, league_line

from dagster_project.extracts.readers.nof_data import read_nof_data
from dagster_project.extracts.readers.nof_league_table import read_nof_league_table
from dagster_project.extracts.source import published_by_source, published_columns

OTHER = {
    "Quarter": "Q2 2025/26",
    "Region": "London",
    "Trust_type": "Ambulance trust",
    "Trust_subtype": "Another kind",
    "Trust_code": "Z02",
    "Trust_name": "Another NHS Trust",
    "Domain": "Another domain",
    "Sub-domain": "Another sub-domain",
    "Metric_ID": "OF0013",
    "Metric_description": "Another metric",
    "Reporting_date": "Q3 2025/26",
    "Units": "rate",
    "Value": "12.25",
    "Median_value": "11",
    "Lower_quartile": "10",
    "Upper_quartile": "12",
    "Rank": "7.0",
    "Average_score": "2.22",
    "Likely_range_of_average_score": "2.1 to 2.3",
    "Segment": "2.0",
    "Trust_in_financial_deficit": "Yes",
    "Likely_range_of_rank": "5 to 9",
}
# Where a figure stands in the file and what it is aren't read from a cell.
NOT_FROM_CELLS = {"extract_id", "source", "sheet", "source_row"}
READERS = {
    "nof_data": (read_nof_data, DATA_HEADER, data_line()),
    "nof_league_table": (
        read_nof_league_table,
        LEAGUE_HEADER,
        league_line().replace("London", "North East"),
    ),
}


def landed(source: str, cells: dict[str, str]) -> pd.DataFrame:
    reader, header, _ = READERS[source]
    line = io.StringIO()
    csv.writer(line).writerow([cells[name] for name in header.split(",")])
    return reader(
        file_of(header, line.getvalue().strip()), file_name="a.csv", extract_id="e" * 64
    ).extract_row


@pytest.mark.parametrize("source", READERS)
def test_each_landed_column_follows_the_published_columns_named_for_it_and_no_others(source: str) -> None:
    _, header, line = READERS[source]
    names = header.split(",")
    cells = dict(zip(names, next(csv.reader([line])), strict=True))
    before = landed(source, cells)
    followed: dict[str, set[str]] = {}
    for name in names:
        after = landed(source, cells | {name: OTHER[name]})
        for column in before.columns:
            if not before[column].equals(after[column]):
                followed.setdefault(column, set()).add(name)
    named = published_by_source("landing.extract_row")[source]
    assert followed == {column: set(published) for column, published in named.items()}
    assert not NOT_FROM_CELLS & set(named)


def test_a_column_that_no_cell_gives_has_no_published_column() -> None:
    assert published_columns("landing.extract_row", "extract_id") == {}
    assert published_columns("methodology.metric", "unit") == {}
    assert published_columns("landing.extract_row", "unit") == {"nof_data": ("Units",)}
