"""What was reported on a day, and every difference from the publisher ever seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from league_command import Ended, league
from published_state import release_ids, rows_of
from sample_copy import SampleCopy
from staged_run import release_by_stages

from dagster_project.errors import ReconciliationDifferent
from dagster_project.settings import DBT_PROJECT_DIR, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject

QUARTER = "2025-26-Q1"
ON = """
    select release_id, organisation_name from league.league_table_history
    where valid_from <= ? and (valid_to > ? or valid_to is null) and organisation_code = 'ZDJ'
"""
NAME, CORRECTED = "Dunandreth", "Dunandrith"


def make_old(data: DataFolder) -> None:
    """The warehouse as it was before there were journal, history and ledger."""
    data.warehouse.chmod(0o644)
    with duckdb.connect(str(data.warehouse)) as connection:
        for view in ("league_table_history", "release_period", "reconciliation_summary"):
            connection.execute(f"drop view league.{view}")
        for table in ("release_event", "withdrawn_release", "reconciliation_ledger"):
            connection.execute(f"drop table league.{table}")
        connection.execute("drop schema history cascade")
        connection.execute("drop table reference.figure_kind")
    shutil.rmtree(data.ledger)


@pytest.fixture(scope="session")
def replaced(small_release: DataFolder, small_extracts: Path, made_once: Callable[..., Path]) -> DataFolder:
    """`small_release`, in which an organisation's name was corrected afterwards, as an old warehouse: without
    journal, history and ledger when the correction was run.
    """

    def build(folder: Path) -> None:
        shutil.copytree(small_release.root, folder, symlinks=True)
        data = DataFolder(folder)
        make_old(data)
        copy = SampleCopy(folder / "corrected", [small_extracts / QUARTER])
        for file in ("ambulance-trust-data", "ambulance-trust-league-table"):
            copy.change_text(file, lambda text: text.replace(NAME, CORRECTED))
        release_by_stages(data, copy.folder, QUARTER, run_id="corrected", by="Ada")

    return DataFolder(made_once("replaced", build))


@pytest.fixture
def data(replaced: DataFolder, tmp_path: Path) -> DataFolder:
    shutil.copytree(replaced.root, tmp_path / "data", symlinks=True)
    return DataFolder(tmp_path / "data")


def test_an_office_that_always_holds_has_the_history_too(
    released: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    first = release_ids(released)[QUARTER]
    make_old(released)
    copy = SampleCopy(tmp_path / "corrected", [small_extracts / QUARTER])
    copy.change_text("ambulance-trust-data", lambda text: text.replace(NAME, CORRECTED))
    second = release_by_stages(released, copy.folder, QUARTER, hold=True, by="Ada")[QUARTER]
    assert release_ids(released)[QUARTER] == first
    ended = league("approve", second, "--by", "Grace", data=released)
    assert ended.code == 0, ended.err
    assert rows_of(
        released,
        "select release_id, count(*), valid_to is null from league.league_table_history "
        "group by all order by 3",
    ) == [(first, 10, False), (second, 10, True)]
    assert rows_of(released, "select 1 from league.reconciliation_summary limit 1") == [(1,)]


def moments(data: DataFolder) -> list[datetime]:
    events = rows_of(data, "select happened_at from league.release_event order by event_number")
    return [row[0] for row in events]


def test_what_was_reported_at_a_moment_is_one_query(data: DataFolder, small_release: DataFolder) -> None:
    first, second = release_ids(small_release)[QUARTER], release_ids(data)[QUARTER]
    before, after = moments(data)
    just_before, just_after = (moment - timedelta(microseconds=1) for moment in (before, after))
    assert rows_of(data, ON, just_before, just_before) == []
    for moment in (before, just_after):
        ((release_id, name),) = rows_of(data, ON, moment, moment)
        assert (release_id, name.split()[0]) == (first, NAME)
    ((release_id, name),) = rows_of(data, ON, after, after)
    assert (release_id, name.split()[0]) == (second, CORRECTED)
    assert rows_of(data, "select count(*) from league.league_table_history where valid_to is null") == [(10,)]


def test_a_withdrawn_and_rolled_back_release_is_in_the_history_only_while_it_was_current(
    data: DataFolder,
) -> None:
    (first,) = rows_of(data, "select release_id from league.release_event where event_number = 1")[0]
    second = release_ids(data)[QUARTER]
    ended = league("withdraw", second, "--reason", "Wrong", "--roll-back-to", first, data=data)
    assert ended.code == 0, ended.err
    periods = rows_of(
        data,
        "select release_id, how, valid_to is null from league.release_period order by event_number",
    )
    assert periods == [(first, "before_journal", False), (second, "run", False), (first, "roll_back", True)]
    held = rows_of(
        data,
        "select release_id, count(*) from league.league_table_history where valid_to is null group by all",
    )
    assert held == [(first, 10)]
    league("withdraw", first, "--reason", "Wrong too", data=data)
    assert rows_of(data, "select * from league.league_table_history where valid_to is null") == []
    assert rows_of(data, "select count(*) from league.league_table_history") == [(30,)]


def stands(data: DataFolder) -> dict[str, tuple[int, int]]:
    """When each file of the current release was written, and which file of the system it is."""
    folder = (data.releases / QUARTER / "current").resolve()
    return {file.name: (file.stat().st_mtime_ns, file.stat().st_ino) for file in folder.iterdir()}


class Again(NamedTuple):
    """The same run once more in a data folder: as it stood before, and how the run ended."""

    data: DataFolder
    stood: dict[str, tuple[int, int]]
    ended: Ended


@pytest.fixture(scope="module")
def again(replaced: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Again:
    data = DataFolder(tmp_path_factory.mktemp("again") / "data")
    shutil.copytree(replaced.root, data.root, symlinks=True)
    stood = stands(data)
    ended = league("run", QUARTER, "--extracts", replaced.root / "corrected", "--json", data=data)
    assert ended.code == 0, ended.err
    return Again(data, stood, ended)


def test_the_same_run_again_adds_nothing_to_history_journal_and_ledger(
    again: Again, replaced: DataFolder
) -> None:
    assert kept(again.data) == kept(replaced)


def test_the_same_run_again_compares_and_rewrites_nothing(again: Again, replaced: DataFolder) -> None:
    assert [release["is_new"] for release in again.ended.answer["releases"]] == [False]
    assert stands(again.data) == again.stood
    assert release_ids(again.data) == release_ids(replaced)


def kept(data: DataFolder) -> list[list[tuple[object, ...]]]:
    tables = ("league.league_table_history", "league.release_event", "league.reconciliation_ledger")
    return [rows_of(data, f"select * from {table} order by all") for table in tables]


def test_the_history_has_the_columns_of_the_league_table_and_its_times(replaced: DataFolder) -> None:
    models = {
        node["name"]: {
            name: (column["data_type"], column["description"]) for name, column in node["columns"].items()
        }
        for node in DbtProject(DBT_PROJECT_DIR, replaced.root / "dbt").manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    history = models["league_table_history"]
    times = {name: history.pop(name) for name in ("valid_from", "valid_to")}
    assert history == models["league_table"] == models["released_league_table"]
    assert {kind for kind, _ in times.values()} == {"timestamp"}


@pytest.mark.parametrize("table", ["release_event", "withdrawn_release", "reconciliation_ledger"])
def test_what_is_kept_across_runs_is_documented_column_by_column(replaced: DataFolder, table: str) -> None:
    sources = DbtProject(DBT_PROJECT_DIR, replaced.root / "dbt").manifest["sources"].values()
    (documented,) = (source["columns"] for source in sources if source["name"] == table)
    found = rows_of(
        replaced,
        "select column_name, lower(data_type) from information_schema.columns where table_name = ? "
        "order by ordinal_position",
        table,
    )
    assert [(name, column["data_type"].replace(", ", ",")) for name, column in documented.items()] == found
    assert all(column["description"] for column in documented.values())


def test_a_difference_that_closed_the_gate_stays_in_the_ledger_of_later_releases(
    released: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    copy = SampleCopy(tmp_path / "spoilt", [small_extracts / "2025-26-Q2"])
    copy.file("league-table").unlink()
    copy.change_records("ambulance-trust-data", with_another_average)
    with pytest.raises(ReconciliationDifferent):
        release_by_stages(released, copy.folder, "2025-26-Q2", run_id="first")

    answer = league("ledger", "2025-26-Q2", "--json", data=released).answer
    (wrong,) = (row for row in answer["differences"] if row["figure"] == "OF5002")
    assert (wrong["organisation_code"], wrong["published"]) == ("ZDJ", "3.990000")
    assert (wrong["outcome"], wrong["was_released"]) == ("different", False)
    assert {row["release_id"] for row in answer["differences"]} == {wrong["release_id"]}
    (file,) = released.ledger.glob(f"2025-26-Q2/{wrong['release_id']}.parquet")
    before = file.read_bytes()
    with pytest.raises(ReconciliationDifferent):
        release_by_stages(released, copy.folder, "2025-26-Q2", run_id="second")
    assert file.read_bytes() == before

    release_by_stages(released, small_extracts / "2025-26-Q2", "2025-26-Q2", run_id="good")
    assert rows_of(
        released,
        "select release_id, was_released from league.reconciliation_ledger "
        "where figure = 'OF5002' and outcome = 'different'",
    ) == [(wrong["release_id"], False)]
    assert rows_of(
        released,
        "select figure_kind, figures_now, figures_in_ledger, releases_in_ledger, published_in_ledger "
        "from league.reconciliation_summary where figure = 'OF5002' and outcome = 'different'",
    ) == [("average metric score", 0, 1, 1, 0)]
    assert "average metric score" in league("ledger", data=released).out
    listed = league("ledger", "2025-26-Q2", "--json", data=released).answer["differences"]
    assert [row["is_current"] for row in listed] == sorted(
        (row["is_current"] for row in listed), reverse=True
    )
    assert not next(row for row in listed if row["figure"] == "OF5002")["is_current"]
    shown = league("ledger", "2025-26-Q2", data=released).out
    current, earlier = shown.split("Only in earlier releases, or in runs whose gate closed")
    assert "In the current releases" in current
    assert "average metric score" not in current
    assert "published 3.99" in earlier


def with_another_average(records: list[list[str]]) -> list[list[str]]:
    """The published average of one organisation in the second quarter, spoilt."""
    names = records[0]
    quarter, code, metric = (names.index(name) for name in ("Quarter", "Trust_code", "Metric_ID"))
    for record in records:
        if (record[quarter], record[code], record[metric]) == ("Q2 2025/26", "ZDJ", "OF5002"):
            record[names.index("Value")] = "3.99"
    return records


def test_a_ledger_without_a_run_says_so(fresh_data: DataFolder) -> None:
    ended = league("ledger", data=fresh_data)
    assert ended.code == 3
    assert "nothing of any quarter" in ended.err


def test_counts_by_kind_are_the_same_in_the_summary_and_in_the_command(replaced: DataFolder) -> None:
    answer = league("reconcile", QUARTER, "--json", data=replaced).answer
    counted = {(item["table"], item["figure"], item["outcome"]): item["figures"] for item in answer["counts"]}
    summed = rows_of(
        replaced,
        "select table_name, figure_kind, outcome, sum(figures_now) from league.reconciliation_summary "
        "where quarter = ? and figures_now > 0 group by all",
        QUARTER,
    )
    assert {tuple(row[:3]): int(row[3]) for row in summed} == counted
