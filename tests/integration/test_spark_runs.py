"""`league run --target spark` on the sample: every released cell is DuckDB's, and a closed gate changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from league_command import league
from sample_copy import SampleCopy
from shared_folders import SAMPLE_QUARTERS, MadeOnce
from spark_command import league_on_spark, require_java

from dagster_project.releases.publish import current_release
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DataFolder
from dagster_project.spark.lake import Lake
from dagster_project.spark.session import spark_folder, spark_session
from dagster_project.sql_text import literal


@pytest.fixture(scope="module")
def on_spark(made_once: MadeOnce, six_quarters: DataFolder, sample_extracts: Path) -> DataFolder:
    """A copy of `six_quarters` in which Spark made the same quarters in one pass. Not to be changed."""
    require_java()

    def build(folder: Path) -> None:
        shutil.copytree(six_quarters.root, folder, symlinks=True)
        ended = league_on_spark(
            *("run", *SAMPLE_QUARTERS, "--extracts", sample_extracts), data=DataFolder(folder)
        )
        assert ended.code == 0, f"{ended.out[-3000:]} {ended.err[-3000:]}"
        (folder / "spark.json").write_text(ended.out)

    return DataFolder(made_once("six-quarters-on-spark", build))


def rows_in_lake(data: DataFolder, table: str) -> str:
    """The lake's rows of a table, read from its files without Spark."""
    files = spark_folder(data) / "warehouse" / "league_lake.db" / table / "*" / "*" / "*.parquet"
    return f"read_parquet({literal(files)}, hive_partitioning = true, hive_types_autocast = false)"


@pytest.mark.parametrize("table", RELEASED_TABLES, ids=lambda table: table.name)
def test_every_cell_of_six_quarters_is_that_of_the_release_folders(on_spark: DataFolder, table: Any) -> None:
    ids = {release.quarter: release.release_id for release in current_release(on_spark)}
    assert len(ids) == len(SAMPLE_QUARTERS)
    folders = [on_spark.releases / str(quarter) / release_id for quarter, release_id in ids.items()]
    files = ", ".join(literal(folder / f"{table.name}.parquet") for folder in folders)
    released = f"select * from read_parquet([{files}])"
    with duckdb.connect(":memory:") as connection:
        kinds = connection.execute(f"describe {released}").fetchall()
        chosen = ", ".join(f'cast("{row[0]}" as {row[1]}) as "{row[0]}"' for row in kinds)
        lake = f"select {chosen} from {rows_in_lake(on_spark, table.name)}"
        for one, other in ((released, lake), (lake, released)):
            only = connection.execute(f"select * from ({one}) except all select * from ({other}) limit 3")
            assert only.fetchall() == []


def test_a_run_says_how_many_cells_are_those_of_the_release_folders(on_spark: DataFolder) -> None:
    answer = json.loads((on_spark.root / "spark.json").read_text())
    assert [one["quarter"] for one in answer["compared"]] == list(SAMPLE_QUARTERS)
    for one in answer["compared"]:
        assert one["differing"] == 0
        assert one["cells"] == one["equal"] > 100_000
    assert [gate["passed"] for gate in answer["gates"]] == [True, True, True]
    ids = {str(release.quarter): release.release_id for release in current_release(on_spark)}
    assert {one["quarter"]: one["release_id"] for one in answer["releases"]} == ids


def test_types_in_the_lake_are_those_of_the_release_folders(on_spark: DataFolder) -> None:
    release = current_release(on_spark)[0]
    folder = on_spark.releases / str(release.quarter) / release.release_id
    with duckdb.connect(":memory:") as connection:
        for table in RELEASED_TABLES:
            folders = f"read_parquet({literal(folder / f'{table.name}.parquet')})"
            expected, found = (
                {row[0]: row[1] for row in connection.execute(f"describe select * from {rows}").fetchall()}
                for rows in (folders, rows_in_lake(on_spark, table.name))
            )
            assert found == expected, table.name


def test_nothing_of_the_candidate_is_left_and_status_says_nothing_wrong(on_spark: DataFolder) -> None:
    assert candidates_of(on_spark) == []
    status = league("status", "--json", data=on_spark).answer
    assert [run["exit_code"] for run in status["runs"]] == [0] * len(status["runs"])


def candidates_of(data: DataFolder) -> list[str]:
    databases = [path.name for path in (spark_folder(data) / "warehouse").iterdir()]
    return [
        *(name for name in databases if name.startswith("run_")),
        *(path.name for path in data.candidates.glob("*")),
    ]


def test_a_closed_gate_leaves_readers_on_what_was_there_before(
    on_spark: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    # A catalogue knows its tables by their place, so that the folder is used as it is; what is released in it stays.
    spoilt = SampleCopy(tmp_path / "extracts", [small_extracts / SAMPLE_QUARTERS[1]])
    spoilt.change_text("ambulance-trust-data-q2", lambda text: text.replace(",ZDJ,", ",99X,"))
    before = rows_of_every_file(on_spark)
    rows = tmp_path / "rows"
    landed = league(
        *("land", SAMPLE_QUARTERS[1], "--extracts", spoilt.folder, "--to", rows),
        data=DataFolder(tmp_path / "data"),
    )
    assert landed.code == 0, landed.err
    ended = league_on_spark("run", SAMPLE_QUARTERS[1], "--extract-rows", rows, data=on_spark)
    try:
        assert ended.code == 5, ended.err
        assert [gate["passed"] for gate in ended.answer["gates"]] == [False]
        assert "99X" in ended.answer["message"]
        assert candidates_of(on_spark) == []
        assert rows_of_every_file(on_spark) == before
        with spark_session(on_spark) as session:
            current = Lake(session).current()
            places = session.table("league.league_table").groupBy("quarter", "release_id").count().collect()
    finally:
        shutil.rmtree(on_spark.runs / ended.answer["run_id"])
    released = current_release(on_spark)
    assert current == released
    assert {(row["quarter"], row["release_id"], row["count"]) for row in places} == {
        (str(release.quarter), release.release_id, release.organisations) for release in released
    }


def rows_of_every_file(data: DataFolder) -> dict[str, int]:
    lake = spark_folder(data) / "warehouse" / "league_lake.db"
    return {path.relative_to(lake).as_posix(): path.stat().st_size for path in lake.rglob("*.parquet")}
