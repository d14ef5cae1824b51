"""Community waiting lists: the tables that count, and whose rows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fictional_statistics import COMMUNITY_HEADER, COMMUNITY_TITLES, community_tables
from fictional_workbook import Cell, workbook

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers.community_waiting_lists import read_community_waiting_lists
from dagster_project.extracts.readers.outcome import ReadStatistic

TRUST = ("Provider", "Z01", "ASHFORD VALE NHS TRUST", 12, 3)
NAME = "Community-health-services-waiting-lists-2025-26-June.xlsx"


def read(raw: bytes, name: str = NAME) -> ReadStatistic:
    return read_community_waiting_lists(raw, file_name=name, extract_id="a" * 64)


def workbook_with(tables: dict[str, list[tuple[str, str, str, Cell, Cell]]]) -> bytes:
    """Tables with rows of their own, header in row 5."""
    return workbook(
        {
            table: [[COMMUNITY_TITLES[table]], [], [], [], COMMUNITY_HEADER, *map(list, rows)]
            for table, rows in tables.items()
        }
    )


def test_each_service_of_a_trust_is_a_count_in_each_of_three_tables() -> None:
    found = read(community_tables(TRUST))
    rows = found.statistic_row
    assert set(rows["measure"]) == {"waiting_total", "waiting_over_52_to_104", "waiting_over_104"}
    assert set(rows["category"]) == {"(A) Audiology", "(CYP) Audiology"}
    assert len(rows) == 6
    row = rows[(rows["measure"] == "waiting_over_104") & (rows["category"] == "(CYP) Audiology")].iloc[0]
    assert (row.sheet, row.source_row, row.source_column, row.value) == ("Table 4h", 6, "(CYP) Audiology", 3)
    assert (found.periods, found.quarters, found.is_sample) == (("2025-06",), ("2025-26-Q1",), True)


def test_national_region_board_and_other_providers_rows_are_set_aside() -> None:
    found = read(
        community_tables(
            ("National", None, "England", 90, 80),
            ("Region", "Y61", "EAST OF ENGLAND", 14, 4),
            ("ICB", "ZQ1", "BOARD", 14, 4),
            ("Provider", "NNV", "A COMPANY", 2, 1),
            TRUST,
            extra=([], ["* a note below the table"]),
        )
    )
    assert len(found.row_set_aside) == 15
    assert found.row_set_aside["reason"].tolist()[:5] == [
        "the national row",
        "a region row",
        "an integrated care board row",
        "not an NHS trust",
        "not a row of a provider",
    ]
    assert set(found.statistic_row["source_row"]) == {10}


def test_blank_cells_are_counted_and_marks_set_aside_or_zero() -> None:
    found = read(
        community_tables(
            ("Provider", "Z01", "A", None, "*"),
            ("Provider", "Z02", "B", "-", 5),
        )
    )
    assert found.notes[-1].startswith("3 cells are blank")
    assert found.row_set_aside["reason"].unique().tolist() == ["the count is '*': suppressed"]
    values = found.statistic_row[found.statistic_row["measure"] == "waiting_total"]["value"].dropna()
    assert sorted(values.tolist()) == [Decimal(0), Decimal(5)]


EARLIER = COMMUNITY_TITLES | {"Table 4": "Total waiting list by service, March 2025"}


@pytest.mark.parametrize(
    "words", [">52 weeks", "over 52 weeks", "52 weeks and over", "52+ weeks", "more than 52 weeks"]
)
def test_before_table_4h_was_added_4g_holds_all_waits_over_52_weeks(
    words: str,
) -> None:
    titles = EARLIER | {"Table 4g": f"Number waiting {words} by service, March 2025"}
    found = read(community_tables(TRUST, tables=("Table 4", "Table 4g"), titles=titles))
    assert found.periods == ("2025-03",)
    assert set(found.statistic_row["measure"]) == {"waiting_total", "waiting_over_52_to_104"}
    assert "as its title says" in found.notes[0]
    with pytest.raises(InputRejected, match="no table of the waits over 104 weeks"):
        read(community_tables(TRUST, titles=titles))


def test_a_table_that_ends_at_104_weeks_needs_the_one_that_goes_on_from_there() -> None:
    with pytest.raises(InputRejected, match="one table of the waits over 104 weeks"):
        read(community_tables(TRUST, tables=("Table 4", "Table 4g")))


@pytest.mark.parametrize("lost", ["Table 4", "Table 4g", "Table 4h"])
def test_no_value_is_made_without_one_of_the_tables(lost: str) -> None:
    left = tuple(table for table in COMMUNITY_TITLES if table != lost)
    with pytest.raises(InputRejected, match="one table"):
        read(community_tables(TRUST, tables=left))


@pytest.mark.parametrize(
    "named",
    [
        {"Table 4": "Table4", "Table 4g": "TABLE 4G", "Table 4h": "4h"},
        {"Table 4": "Table 5", "Table 4g": "Table 5g", "Table 4h": "Table 5h"},
        {"Table 4": "Table 4g", "Table 4g": "Table 4h", "Table 4h": "Table 4"},
    ],
)
def test_tables_are_told_by_their_titles_under_any_name_of_their_sheets(named: dict[str, str]) -> None:
    titles = {named[table]: title for table, title in COMMUNITY_TITLES.items()}
    renamed = read(community_tables(TRUST, tables=tuple(titles), titles=titles)).statistic_row
    usual = read(community_tables(TRUST)).statistic_row
    assert sorted(renamed["sheet"].unique()) == sorted(named.values())
    columns = ["measure", "category", "value", "source_row"]
    assert renamed[columns].sort_values(columns).values.tolist() == (
        usual[columns].sort_values(columns).values.tolist()
    )


def test_two_tables_of_one_band_are_rejected() -> None:
    titles = COMMUNITY_TITLES | {"Table 4i": "Number waiting over 104 weeks by service, June 2025"}
    with pytest.raises(InputRejected, match="Table 4i"):
        read(community_tables(TRUST, tables=tuple(titles), titles=titles))


def test_a_title_without_a_month_leaves_it_to_the_files_name() -> None:
    titles = {table: title.partition(",")[0] for table, title in COMMUNITY_TITLES.items()}
    assert read(community_tables(TRUST, titles=titles)).periods == ("2025-06",)
    with pytest.raises(InputRejected, match="month"):
        read(community_tables(TRUST, titles=titles), "waiting.xlsx")


def test_tables_of_different_months_or_about_something_else_are_rejected() -> None:
    other = COMMUNITY_TITLES | {"Table 4h": "Number waiting over 104 weeks, May 2025"}
    with pytest.raises(InputRejected, match="the month 2025-06"):
        read(community_tables(TRUST, titles=other))
    other = COMMUNITY_TITLES | {"Table 4g": "Number waiting >18 weeks, June 2025"}
    with pytest.raises(InputRejected, match="Table 4g: Number waiting >18 weeks"):
        read(community_tables(TRUST, titles=other))
    with pytest.raises(InputRejected, match="the waits over 52 weeks"):
        read(community_tables(TRUST, tables=("Table 4",)))


def test_a_blank_beside_a_count_in_another_table_is_a_hole_and_not_an_absence() -> None:
    """(A) Audiology of Z01 is blank in Table 4g alone; Z02 never returned (CYP) Audiology."""
    lines = [("Provider", "Z01", "A", 10, 5), ("Provider", "Z02", "B", 7, None)]
    holed = [("Provider", "Z01", "A", None, 1), lines[1]]
    raw = workbook_with({"Table 4": lines, "Table 4g": holed, "Table 4h": lines})
    found = read(raw)
    lacking = found.statistic_row[found.statistic_row["value"].isna()]
    assert lacking[["organisation_code", "measure", "missing_reason"]].values.tolist() == [
        [
            "Z01",
            "waiting_over_52_to_104",
            f"{NAME} (Table 4g), row 6, column (A) Audiology: the count is blank",
        ]
    ]
    assert found.row_set_aside["reason"].tolist() == ["the count is blank"]
    assert found.notes[-1].startswith("3 cells are blank")


def test_providers_that_are_not_their_regions_sum_reject_the_file() -> None:
    region = ("Region", "Y61", "EAST OF ENGLAND", 12, 4)
    with pytest.raises(InputRejected, match=r"column \(CYP\) Audiology: expected 4: .*region; found 3"):
        read(community_tables(region, TRUST))


def test_a_table_that_lost_a_provider_is_rejected() -> None:
    other = ("Provider", "Z02", "B", 0, 0)
    with pytest.raises(InputRejected, match=r"Table 4g\).*the provider Z02"):
        read(workbook_with({"Table 4": [TRUST, other], "Table 4g": [TRUST], "Table 4h": [TRUST, other]}))
