"""`league show` as its user sees it: at 80 columns, as CSV and as JSON; and as a function, on shared releases."""

from __future__ import annotations

import csv
import io

import duckdb
import pytest
from league_command import league, league_process

from dagster_project.errors import ExitCode, InputMissing, WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.reading.league_table import Only, show
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"


def test_a_league_table_is_shown_whole_in_eighty_columns(small_release: DataFolder) -> None:
    answer = league("show", "ambulance", QUARTER, "--json", data=small_release).answer
    ended = league("show", "ambulance", data=small_release, columns=80)
    assert ended.code == ExitCode.DONE, ended.err
    lines = [line.rstrip() for line in ended.out.splitlines()]
    assert max(map(len, lines)) <= 80
    assert lines[1].split() == ["rank", "likely", "code", "organisation", "segment", "average", "override"]
    started = [line.split() for line in lines[2:] if line.lstrip()[:1].isdigit()]
    assert [(line[0], line[2]) for line in started] == [
        (str(row["rank"]), row["organisation_code"]) for row in answer["rows"]
    ]
    words = set(ended.out.split())
    assert all(set(row["organisation_name"].split()[:2]) <= words for row in answer["rows"])


def test_rows_come_as_csv_with_every_column_and_as_json_with_the_same(small_release: DataFolder) -> None:
    chosen = ("show", "ambulance", QUARTER, "--segment", "3")
    answer = league(*chosen, "--json", data=small_release).answer
    rows = list(csv.DictReader(io.StringIO(league(*chosen, "--csv", data=small_release).out)))
    assert rows
    assert list(rows[0]) == answer["columns"]
    assert [row["organisation_name"] for row in rows] == [row["organisation_name"] for row in answer["rows"]]
    assert {row["adjusted_segment"] for row in rows} == {"3"}
    assert {row["financial_override"] for row in rows} <= {"true", "false"}
    both = league(*chosen, "--csv", "--json", data=small_release)
    assert both.code == ExitCode.WRONG_USAGE


def test_an_organisation_is_shown_over_the_quarters(second_release: DataFolder) -> None:
    best = league("show", "ambulance", "--json", data=second_release).answer["rows"][0]
    lines = league("show", best["organisation_name"], data=second_release, columns=80).out.splitlines()
    assert best["organisation_code"] in lines[0]
    assert [line.split()[0] for line in lines[1:4]] == ["quarter", "2025-26-Q1", "2025-26-Q2"]
    one = league("show", best["organisation_code"], QUARTER, "--csv", data=second_release).out
    assert one.splitlines()[1].startswith(f"{QUARTER},")
    assert len(one.splitlines()) == 2


@pytest.mark.parametrize("what", ["ambulance", "ZUR"])
def test_nothing_heavy_is_imported(small_release: DataFolder, what: str) -> None:
    ended = league_process("show", what, data=small_release, PYTHONPROFILEIMPORTTIME="1")
    assert ended.code == ExitCode.DONE, ended.err
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ended.err.splitlines()}
    assert "duckdb" in imported
    assert not imported & {"pandas", "numpy", "pyarrow", "dbt", "dagster", "great_expectations", "sqlglot"}


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
