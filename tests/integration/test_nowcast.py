"""The nowcast of the fictional sample: fresh where statistics are, carried elsewhere, apart from releases."""

from __future__ import annotations

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from league_command import Ended, league

from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.scenarios.nowcast.accuracy import distances
from dagster_project.scenarios.nowcast.build import NowcastPlan, built, last_release_before
from dagster_project.settings import DataFolder

LAST, QUARTER = "2025-26-Q1", "2025-26-Q2"
MONTHS = {7: "JULY", 8: "AUGUST", 9: "SEPTEMBER"}
COUNTS_OF_NOTHING = "0,0,0,0,0"


def released_up_to_q1(six_quarters: DataFolder, folder: Path) -> DataFolder:
    """The six quarters' warehouse as if only the first had been published."""
    data = DataFolder(folder)
    data.warehouse.parent.mkdir(parents=True)
    shutil.copytree(six_quarters.root / "dbt", folder / "dbt")
    shutil.copyfile(six_quarters.warehouse, data.warehouse)
    with duckdb.connect(str(data.warehouse)) as connection:
        connection.execute("delete from league.current_release where quarter > ?", [LAST])
    data.warehouse.chmod(0o444)
    return data


def ask(data: DataFolder, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{data.warehouse}' as published (read_only)")
        return connection.execute(query).fetchall()


def rows_of(path: Path) -> list[dict[str, Any]]:
    found = duckdb.sql(f"from read_parquet('{path}')")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def scored_on(data: DataFolder, metric: str) -> list[tuple[Any, ...]]:
    """Code and score of each trust on a metric in the last release, the worst score first."""
    return ask(
        data,
        "select organisation_code, metric_score, value from published.league.metric_score "
        f"where quarter = '{LAST}' and metric_id = '{metric}' order by metric_score desc, 1",
    )


@pytest.fixture(scope="module")
def statistics(six_quarters: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A&E and cancer statistics of the three months of Q2. On A&E, the trust that did worst sees all within
    4 hours, the one after it isn't in the statistic, all others have 70 % within; on cancer, each n-th trust
    has 0.001 n % more than 70 within 28 days: no two are equal, though printed values are.
    """
    from fictional_statistics import ae_file, ae_line, cancer_extract, cancer_row

    folder = tmp_path_factory.mktemp("statistics")
    worst, left_out, *others = [code for code, *_ in scored_on(six_quarters, "OF0013")]
    for month in MONTHS.values():
        lines = [
            ae_line(
                code, f"1000,{COUNTS_OF_NOTHING},{late},{COUNTS_OF_NOTHING}", period=f"MSitAE-{month}-2025"
            )
            for code, late in [(worst, 0), *((code, 300) for code in others)]
        ]
        assert left_out not in "".join(lines)
        (folder / f"ae-{month}.csv").write_bytes(ae_file(*lines))
    cancer = sorted(code for code, *_ in scored_on(six_quarters, "OF0010"))
    (folder / "cancer.xlsx").write_bytes(
        cancer_extract(
            *(
                cancer_row(code=code, month=date(2025, month, 1), total=100_000, within=70_000 + place)
                for month in MONTHS
                for place, code in enumerate(cancer)
            )
        )
    )
    return folder


@pytest.fixture(scope="module")
def data(six_quarters: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return released_up_to_q1(six_quarters, tmp_path_factory.mktemp("nowcast") / "data")


@pytest.fixture(scope="module")
def warehouse_before(data: DataFolder) -> bytes:
    return data.warehouse.read_bytes()


@pytest.fixture(scope="module")
def made(data: DataFolder, statistics: Path, warehouse_before: bytes) -> Ended:
    assert warehouse_before
    ended = league("nowcast", QUARTER, "--extracts", statistics, "--json", data=data)
    assert ended.code == 0, ended.err
    return ended


def test_a_fresh_value_is_of_no_age_and_a_carried_one_says_from_which_release(
    made: Ended, data: DataFolder
) -> None:
    (last,) = current_release(data)
    left_out = scored_on(data, "OF0013")[1][0]
    for row in rows_of(Path(made.answer["path"]) / "metric_score.parquet"):
        is_fresh = row["metric_id"] in ("OF0010", "OF0013") and (
            (row["metric_id"], row["organisation_code"]) != ("OF0013", left_out)
        )
        assert row["value_age_quarters"] == (0 if is_fresh else 1), row
        assert row["carried_from"] == (None if is_fresh else last.release_id), row
        if is_fresh:
            assert row["value_source"] in ("ae_attendances", "cancer_waiting_times")
            assert row["period"] == QUARTER
    states = {metric["metric_id"]: metric["state"] for metric in made.answer["metrics"]}
    assert (states["OF0010"], states["OF0013"], states["OF0082"]) == ("fresh", "partly fresh", "carried")


def test_a_fresh_value_moves_the_score_and_nothing_but_fresh_metrics_move_the_average(
    made: Ended, data: DataFolder
) -> None:
    folder = Path(made.answer["path"])
    worst, old_score, _ = scored_on(data, "OF0013")[0]
    mine = [row for row in rows_of(folder / "metric_score.parquet") if row["organisation_code"] == worst]
    scores = {row["metric_id"]: row["metric_score_exact"] for row in mine}
    assert old_score > 1
    assert scores["OF0013"] == 1
    before = dict(
        ask(
            data,
            "select metric_id, metric_score_exact from published.league.metric_score "
            f"where quarter = '{LAST}' and organisation_code = '{worst}'",
        )
    )
    assert {metric for metric in scores if scores[metric] != before[metric]} <= {"OF0010", "OF0013"}
    entering = [row for row in mine if row["enters_average"]]
    average = sum(row["metric_score_exact"] * row["weight"] for row in entering) / sum(
        row["weight"] for row in entering
    )
    (place,) = (row for row in rows_of(folder / "league_table.parquet") if row["organisation_code"] == worst)
    assert abs(place["average_metric_score_exact"] - average) < Decimal("0.000000001")
    assert (place["fresh_metric_count"], place["value_age_quarters"]) == (2, 1)


def test_values_that_print_alike_are_ranked_by_their_counts(made: Ended) -> None:
    rows = [
        row
        for row in rows_of(Path(made.answer["path"]) / "metric_score.parquet")
        if row["metric_id"] == "OF0010"
    ]
    by_code = sorted(rows, key=lambda row: row["organisation_code"])
    assert [row["rank_in_pool"] for row in by_code] == list(range(len(rows), 0, -1))


def test_a_nowcast_is_never_among_the_releases(
    made: Ended, data: DataFolder, warehouse_before: bytes
) -> None:
    folder = Path(made.answer["path"])
    assert folder == data.nowcasts / QUARTER / made.answer["nowcast_id"]
    assert not data.releases.exists()
    assert not data.candidates.exists()
    assert data.warehouse.read_bytes() == warehouse_before
    assert {row["release_state"] for row in rows_of(folder / "league_table.parquet")} == {"nowcast"}
    content = json.loads((folder / "nowcast.json").read_text(encoding="utf-8"))
    assert content["state"] == "nowcast"
    assert content["carried_from"]["age_quarters"] == 1
    assert "not a league table" in content["notice"]


def test_the_same_inputs_give_the_same_bytes_in_another_folder(
    made: Ended, six_quarters: DataFolder, statistics: Path, tmp_path: Path
) -> None:
    elsewhere = released_up_to_q1(six_quarters, tmp_path / "elsewhere")
    again = league("nowcast", QUARTER, "--extracts", statistics, "--json", data=elsewhere)
    assert again.answer["nowcast_id"] == made.answer["nowcast_id"]
    one, other = Path(made.answer["path"]), Path(again.answer["path"])
    names = sorted(file.name for file in one.iterdir())
    assert names == sorted(file.name for file in other.iterdir())
    assert len(names) == 5
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_a_quarter_without_statistics_says_which_are_missing(data: DataFolder, statistics: Path) -> None:
    without = league("nowcast", "2025-26-Q3", "--extracts", statistics, data=data)
    assert without.code == 3
    assert "cancer_waiting_times: OF0010 (quarter), OF0011 (quarter)" in without.err
    assert league("nowcast", QUARTER, data=data).code == 3


def test_two_months_of_three_give_no_value(data: DataFolder, statistics: Path, tmp_path: Path) -> None:
    shutil.copy(statistics / "ae-JULY.csv", tmp_path)
    shutil.copy(statistics / "ae-AUGUST.csv", tmp_path)
    ended = league("nowcast", QUARTER, "--extracts", tmp_path, data=data)
    assert ended.code == 3
    assert "ae_attendances 2025-07, ae_attendances 2025-08" in ended.err


def test_a_file_of_the_missing_month_that_lies_there_unread_is_named(
    data: DataFolder, statistics: Path, tmp_path: Path
) -> None:
    shutil.copy(statistics / "ae-JULY.csv", tmp_path)
    (tmp_path / "Trusts-September-2025.csv").write_text("Code,Trust\nZA1,Ashford\n", "utf-8")
    (tmp_path / "list.csv").write_text("Code,Trust\nZA1,Ashford\n", "utf-8")
    ended = league("nowcast", QUARTER, "--extracts", tmp_path, data=data)
    assert ended.code == 3
    assert "Add the missing months. These lie there unread" in ended.err
    assert "Trusts-September-2025.csv (not recognised" in ended.err
    assert "list.csv" not in ended.err


def test_a_released_quarter_has_no_nowcast(six_quarters: DataFolder, statistics: Path) -> None:
    ended = league("nowcast", QUARTER, "--extracts", statistics, data=six_quarters)
    assert ended.code == 2
    assert f"league nowcast-accuracy {QUARTER}" in ended.err


def test_the_first_release_has_none_to_be_nowcast_from(data: DataFolder, statistics: Path) -> None:
    ended = league("nowcast", LAST, "--extracts", statistics, data=data)
    assert ended.code == 3
    assert "Release an earlier quarter first" in ended.err
    assert league("nowcast-accuracy", LAST, data=data).code == 3
    assert league("nowcast-accuracy", QUARTER, data=data).code == 3


def test_people_are_told_what_is_fresh_and_from_where_the_rest_is_carried(
    made: Ended, data: DataFolder, statistics: Path, tmp_path: Path
) -> None:
    with_notes = tmp_path / "statistics"
    shutil.copytree(statistics, with_notes)
    (with_notes / "notes.txt").write_text("Downloaded on Monday", "utf-8")
    shown = league("nowcast", QUARTER, "--extracts", with_notes, data=data).out
    assert "passed over: notes.txt: not recognised" in shown
    assert f"NOWCAST {QUARTER} acute" in shown
    assert "122 fresh and 1 carried" in shown
    assert "carried from 2025-26-Q1" in shown
    assert made.answer["path"] in shown


def test_with_a_table_missing_a_fresh_value_gives_no_score_and_all_stays_as_released(
    released: DataFolder, tmp_path: Path
) -> None:
    from fictional_statistics import ambulance_sheet

    # In 2025-26-Q1 alone some scores entered averages rounded: averages differ by as much.
    places = (
        "organisation_code, unadjusted_segment, adjusted_segment, financial_override_basis, threshold_basis"
    )
    scores = "organisation_code, metric_id, metric_score_exact, score_basis"
    scores_before = ask(released, f"select {scores} from published.league.metric_score order by all")
    query = f"select {places} from published.league.league_table order by organisation_code"
    before = ask(released, query)
    codes = [row[0] for row in before]
    (tmp_path / "statistics").mkdir()
    (tmp_path / "statistics" / "ambulance.xlsx").write_bytes(
        ambulance_sheet(*([2025, month, code, code, 10, 18_000] for month in MONTHS for code in codes))
    )
    ended = league("nowcast", QUARTER, "--extracts", tmp_path / "statistics", "--json", data=released)
    assert ended.code == 0, ended.err
    after = duckdb.sql(
        f"select {places} from read_parquet('{ended.answer['path']}/league_table.parquet') order by 1"
    ).fetchall()
    assert after == before
    path = ended.answer["path"]
    assert (
        duckdb.sql(
            f"select {scores} from read_parquet('{path}/metric_score.parquet') order by all"
        ).fetchall()
        == scores_before
    )
    (ambulance,) = (item for item in ended.answer["metrics"] if item["metric_id"] == "OF0017")
    assert ambulance["state"] == "carried"
    assert "wholly loaded" in ambulance["held_back"]


def test_with_nothing_fresh_the_nowcast_is_the_last_release_to_the_last_place(
    six_quarters: DataFolder,
) -> None:
    quarter = Quarter.from_canonical("2026-27-Q2")
    last = last_release_before(six_quarters, quarter, is_sample=True)
    plan = NowcastPlan(quarter, last.framework, "nothing-fresh", last)
    with built(plan, six_quarters) as connection:
        same = "organisation_code, average_metric_score_exact, unadjusted_segment, adjusted_segment, rank"
        different = connection.execute(
            f"select {same} from released.league_table except select {same} from league.league_table"
        ).fetchall()
        counted = connection.execute("select count(*) from league.league_table").fetchone()
    assert different == []
    assert counted == (last.organisations,)


def test_a_nowcast_of_a_past_quarter_lies_nearer_to_it_than_the_release_before(
    six_quarters: DataFolder,
) -> None:
    answer = league("nowcast-accuracy", QUARTER, "--json", data=six_quarters).answer
    acute = next(item for item in answer["tables"] if item["table_name"] == "acute")
    off = "mean_absolute_difference_of_average"
    assert Decimal(acute["nowcast"][off]) < Decimal(acute["last_release"][off])
    assert "published precision" in answer["how"]
    assert not six_quarters.nowcasts.exists()


def test_the_distance_of_a_table_adds_up_by_hand() -> None:
    with duckdb.connect(":memory:") as connection:
        columns = (
            "(table_name varchar, organisation_code varchar, average_metric_score decimal(18, 2), "
            "adjusted_segment integer, rank integer)"
        )
        for schema in ("official", "league"):
            connection.execute(f"create schema {schema}")
            connection.execute(f"create table {schema}.league_table {columns}")
        connection.execute(
            "insert into official.league_table values "
            "('acute', 'Z01', 1.50, 1, 1), ('acute', 'Z02', 2.00, 2, 2), ('acute', 'Z03', 2.50, 3, 3), "
            "('acute', 'Z04', 3.00, 4, 4)"
        )
        # Off by 0.10, 0.20, 0 and 0.30; one segment of four differs; ranks off by 1, 1, 0 and 2.
        connection.execute(
            "insert into league.league_table values "
            "('acute', 'Z01', 1.60, 1, 2), ('acute', 'Z02', 1.80, 1, 1), ('acute', 'Z03', 2.50, 3, 3), "
            "('acute', 'Z04', 2.70, 4, 2)"
        )
        assert distances(connection, "league.league_table") == {
            "acute": {
                "organisations": 4,
                "mean_absolute_difference_of_average": "0.1500",
                "same_segment_percent": "75.0",
                "rank_difference_median": "1.0",
                # Of 0, 1, 1, 2: place 0.9 x 3 = 2.7, so 1 + 0.7.
                "rank_difference_90th_percentile": "1.7",
                "rank_difference_largest": 2,
            }
        }
