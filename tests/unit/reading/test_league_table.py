"""`league show` as a function: what is chosen, in which order, and what is refused; on a shared release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pytest

from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.reading.league_table import Only, show
from dagster_project.settings import DataFolder

COLUMNS = ("organisation_code", "region", "organisation_subtype", "adjusted_segment")
ROWS: list[Mapping[str, Any]] = [
    dict(zip(COLUMNS, row, strict=True))
    for row in (
        ("A", "East of England", "Acute - Teaching", 1),
        ("B", "South East", "Acute - Small", 2),
        ("C", "North East and Yorkshire", "Acute - Small", 4),
        ("D", None, None, 4),
    )
]


@pytest.mark.parametrize(
    ("only", "codes"),
    [
        (Only(), "ABCD"),
        (Only(region="East"), "A"),
        (Only(region="south"), "B"),
        (Only(region="yorkshire"), "C"),
        (Only(subtype="small"), "BC"),
        (Only(subtype="Acute - Teaching"), "A"),
        (Only(segment=4), "CD"),
        (Only(subtype="small", segment=4), "C"),
        (Only(region="south", segment=4), ""),
    ],
)
def test_a_filter_keeps_the_rows_that_are_meant(only: Only, codes: str) -> None:
    assert "".join(row["organisation_code"] for row in only.of(ROWS)) == codes


@pytest.mark.parametrize(
    ("only", "named"),
    [
        (Only(region="Mars"), "East of England, North East and Yorkshire, South East"),
        (Only(region=" "), "East of England"),
        (Only(subtype="Large"), "Acute - Small, Acute - Teaching"),
        (Only(segment=3), "there are 1, 2, 4"),
    ],
)
def test_a_filter_that_fits_nothing_names_what_there_is(only: Only, named: str) -> None:
    with pytest.raises(WrongUsage, match=named):
        only.of(ROWS)


def test_a_table_is_in_the_order_of_its_ranks_with_every_row_of_the_release(
    second_release: DataFolder,
) -> None:
    result = show(second_release, "Ambulance trusts", Quarter.from_argument("2025-26-Q1"), Only())
    file = second_release.releases / "2025-26-Q1" / "current" / "league_table.parquet"
    expected = duckdb.sql(
        f"select organisation_code, rank, average_metric_score::varchar from '{file}' "
        "where table_name = 'ambulance' order by rank, organisation_code"
    ).fetchall()
    shown = [(row["organisation_code"], row["rank"], row["average_metric_score"]) for row in result["rows"]]
    assert shown == expected
    assert result["quarter"] == "2025-26-Q1"


def test_without_a_quarter_a_table_is_of_the_newest_and_an_organisation_of_all(
    second_release: DataFolder,
) -> None:
    table = show(second_release, "ambulance", None, Only())
    assert table["quarter"] == "2025-26-Q2"
    best = table["rows"][0]
    places = show(second_release, best["organisation_name"], None, Only())
    assert places["organisation_code"] == best["organisation_code"]
    assert [row["quarter"] for row in places["rows"]] == ["2025-26-Q1", "2025-26-Q2"]
    assert places["rows"][-1]["rank"] == best["rank"]


def test_what_is_not_there_is_answered_by_what_is(second_release: DataFolder) -> None:
    first = Quarter.from_argument("2025-26-Q1")
    with pytest.raises(InputMissing, match="without the table acute; it has ambulance"):
        show(second_release, "acute", first, Only())
    with pytest.raises(InputMissing, match="Released: 2025-26-Q1, 2025-26-Q2"):
        show(second_release, "ambulance", Quarter.from_argument("2030-31-Q1"), Only())
    with pytest.raises(WrongUsage, match="isn't an organisation of any released quarter"):
        show(second_release, "QQQQQQ", None, Only())
    with pytest.raises(WrongUsage, match="choose rows of a league table"):
        show(second_release, "ZUR", None, Only(segment=1))


def test_nothing_is_shown_where_nothing_is_released(fresh_data: DataFolder) -> None:
    for what in ("acute", "ZUR"):
        with pytest.raises(InputMissing, match="Nothing is released yet"):
            show(fresh_data, what, None, Only())
