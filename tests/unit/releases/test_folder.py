"""Release folders: same inputs, same bytes; written once, compared ever after."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import hand_made_run as hand_made
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import InputMissing, LeagueError
from dagster_project.releases.folder import read_release
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DataFolder

IDENTITY = hand_made.identity_of("1.50")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "provenance.json"}


def _written(file: Path) -> tuple[int, int, int]:
    """Which file it is and when it was written; not when it was last read."""
    stat = file.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns


@pytest.fixture
def connection() -> Any:
    with duckdb.connect(":memory:") as connection:
        hand_made.build_tables(connection, IDENTITY, "1.50")
        yield connection


def test_a_release_holds_every_table_twice_and_says_what_it_is(
    connection: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    release = hand_made.write_hand_made_release(connection, data, IDENTITY)
    assert release.is_new
    assert release.path == data.releases / "2025-26-Q1" / IDENTITY.release_id
    tables = {f"{table.name}.{kind}" for table in RELEASED_TABLES for kind in ("parquet", "csv")}
    assert {file.name for file in release.path.iterdir()} == tables | {
        "release.json",
        "quality.html",
        "provenance.json",
    }
    content = read_release(data, hand_made.Q1, IDENTITY.release_id)
    assert {name: content[name] for name in IDENTITY.components} == IDENTITY.components
    assert content["release_id"] == IDENTITY.release_id
    assert content["notice"] == "Fictional sample data: every organisation is invented."
    assert content["gates"] == [{"gate": "league_tables", "passed": True, "expectations": 0, "warnings": 0}]
    assert set(content["files"]) == tables | {"quality.html"}
    for name, described in content["files"].items():
        file = release.path / name
        assert described["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert described["bytes"] == file.stat().st_size
    assert content["files"]["lineage.csv"]["rows"] == 3
    assert content["files"]["league_table_icb.parquet"]["rows"] == 0
    assert {file.stat().st_mode & 0o777 for file in release.path.iterdir()} == {0o444}


def test_official_data_carry_the_licence_and_the_word_unofficial(
    connection: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    identity = hand_made.identity_of("1.50", is_sample=False)
    hand_made.build_tables(connection, identity, "1.50")
    hand_made.write_hand_made_release(connection, data, identity)
    assert read_release(data, hand_made.Q1, identity.release_id)["notice"] == (
        "Unofficial recomputation. "
        "Contains public sector information licensed under the Open Government Licence v3.0."
    )


def test_csv_is_sorted_and_tells_missing_from_empty(
    connection: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    release = hand_made.write_hand_made_release(connection, data, IDENTITY)
    stamp = f"2025-26,{{}},2025-26-Q1,{IDENTITY.release_id},true,\n"
    assert (release.path / "league_table.csv").read_bytes().decode() == (
        "table_name,organisation_code,average_metric_score,organisation_name,"
        "framework,release_state,quarter,release_id,is_sample,rank\n"
        'acute,ZA1,1.50,"",' + stamp.format("final") + 'acute,ZB2,1.50,"Ashby, ""North""",'
        "" + stamp.format("final") + "ambulance,ZC3,1.50,," + stamp.format("revised")
    )
    assert (release.path / "league_table_icb.csv").read_text() == (
        "organisation_code,quarter,release_id,is_sample,rank\n"
    )


def test_a_league_table_is_read_from_the_best_rank_on_and_who_has_none_stands_behind(
    connection: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    connection.execute(
        "insert into league.league_table by name select * replace (organisation_code || 'X' as organisation_code, "
        "case organisation_code when 'ZB2' then 1 when 'ZA1' then 10 end as rank) from league.league_table"
    )
    release = hand_made.write_hand_made_release(connection, data, IDENTITY)
    for suffix in ("csv", "parquet"):
        path = str(release.path / f"league_table.{suffix}").replace("'", "''")
        order = connection.execute(f"select organisation_code from '{path}'").fetchall()
        assert [code for (code,) in order] == ["ZB2X", "ZA1X", "ZA1", "ZB2", "ZC3", "ZC3X"]


def test_a_parquet_file_says_of_itself_what_it_and_each_column_holds(
    connection: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    connection.execute("comment on table league.league_table is 'One row per organisation.'")
    connection.execute("comment on column league.league_table.average_metric_score is '1 (best) to 4'")
    release = hand_made.write_hand_made_release(connection, data, IDENTITY)
    schema = pq.read_schema(release.path / "league_table.parquet")
    assert schema.field("average_metric_score").metadata == {b"description": b"1 (best) to 4"}
    assert schema.metadata[b"description"] == b"One row per organisation."
    assert schema.metadata[b"notice"] == b"Fictional sample data: every organisation is invented."
    path = str(release.path / "league_table.parquet").replace("'", "''")
    seen = connection.execute(
        f"select decode(value) from parquet_kv_metadata('{path}') where decode(key) = 'columns'"
    ).fetchone()
    assert seen is not None
    assert json.loads(seen[0]) == {"average_metric_score": "1 (best) to 4"}


def test_parquet_and_csv_hold_only_the_quarter_in_the_same_order(
    connection: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    hand_made.build_tables(connection, hand_made.identity_of("2.00", hand_made.Q2), "2.00")
    release = hand_made.write_hand_made_release(connection, data, IDENTITY)
    query = "select organisation_code, average_metric_score::varchar, quarter from '{}/league_table.{}'"
    path = str(release.path).replace("'", "''")
    expected = [(code, "1.50", "2025-26-Q1") for code in ("ZA1", "ZB2", "ZC3")]
    assert connection.execute(query.format(path, "parquet")).fetchall() == expected


def test_what_compares_holds_the_comparison_with_the_previous_release_alone(
    connection: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    identity = replace(IDENTITY, previous_release_id="b" * 16)
    hand_made.build_tables(connection, identity, "1.50")
    for code, earlier in (("ZA1", "b" * 16), ("ZB2", "c" * 16)):
        connection.execute(
            "insert into league.movement values (?, 'rank', null, 'value', ?, ?, ?, true)",
            [code, earlier, str(identity.quarter), identity.release_id],
        )
    release = hand_made.write_hand_made_release(connection, data, identity)
    assert [line.split(",")[0] for line in (release.path / "movement.csv").read_text().splitlines()] == [
        "organisation_code",
        "ZA1",
    ]
    alone = replace(identity, previous_release_id=None)
    hand_made.build_tables(connection, alone, "1.50")
    connection.execute("update league.movement set release_id = ?", [alone.release_id])
    first = hand_made.write_hand_made_release(connection, data, alone)
    assert len((first.path / "movement.csv").read_text().splitlines()) == 1


def test_the_bytes_do_not_depend_on_threads_or_on_the_order_of_insertion(tmp_path: Path) -> None:
    found = []
    for threads, setting in ((1, "true"), (2, "true"), (4, "true"), (4, "false")):
        with duckdb.connect(":memory:", config={"threads": threads}) as connection:
            connection.execute(f"set preserve_insertion_order = {setting}")
            hand_made.build_tables(connection, IDENTITY, "1.50", lineage_rows=150_000)
            data = DataFolder(tmp_path / f"{threads}-{setting}")
            found.append(_bytes(hand_made.write_hand_made_release(connection, data, IDENTITY).path))
    assert found[0] == found[1] == found[2] == found[3]


def test_rows_that_tie_on_the_key_have_one_order(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, tmp_path: Path
) -> None:
    stamps = ["2025-26-Q1", IDENTITY.release_id, True]
    rows = [["metric_rule", "OF0003", rule, *stamps] for rule in ("plain", "band")]
    insert = "insert into league.framework_rule values (?, ?, ?, ?, ?, ?)"
    connection.executemany(insert, rows)
    one = hand_made.write_hand_made_release(connection, data, IDENTITY)
    connection.execute("delete from league.framework_rule")
    connection.executemany(insert, rows[::-1])
    other = hand_made.write_hand_made_release(connection, DataFolder(tmp_path / "other"), IDENTITY)
    assert _bytes(one.path) == _bytes(other.path)


def test_another_folder_time_zone_and_locale_give_the_same_bytes(tmp_path: Path) -> None:
    here, there = DataFolder(tmp_path / "here"), DataFolder(tmp_path / "down" / "under")
    hand_made.run(here, "run-1", "1.50")
    status = hand_made.run_in_another_process(
        there, "another-run", "1.50", TZ="Pacific/Auckland", LC_ALL="de_DE.UTF-8", PYTHONHASHSEED="7"
    )
    assert status == 0
    release = Path("2025-26-Q1") / IDENTITY.release_id
    assert _bytes(here.releases / release) == _bytes(there.releases / release)


def test_an_existing_release_is_compared_and_its_provenance_kept(
    connection: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    first = hand_made.write_hand_made_release(connection, data, IDENTITY)
    before = _written(first.path / "release.json")
    again = hand_made.write_hand_made_release(connection, data, IDENTITY, provenance={"run_id": "run-2"})
    assert again.path == first.path
    assert not again.is_new
    assert _written(first.path / "release.json") == before
    assert json.loads((first.path / "provenance.json").read_bytes()) == {"run_id": "run-1"}
    assert [path.name for path in first.path.parent.iterdir()] == [IDENTITY.release_id]


@pytest.mark.parametrize("name", ["league_table.csv", "metric.parquet", "quality.html", "release.json"])
def test_an_altered_release_is_refused_by_the_name_of_the_file(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, name: str
) -> None:
    path = hand_made.write_hand_made_release(connection, data, IDENTITY).path
    (path / name).chmod(0o644)
    with (path / name).open("ab") as file:
        file.write(b" ")
    altered = _bytes(path)
    with pytest.raises(
        LeagueError, match=rf"{name}: expected sha256 \w+, as the same inputs give now; found"
    ):
        hand_made.write_hand_made_release(connection, data, IDENTITY)
    assert _bytes(path) == altered, "it is never rewritten"
    assert [folder.name for folder in path.parent.iterdir()] == [IDENTITY.release_id]


def test_a_missing_and_a_foreign_file_are_named(
    connection: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    path = hand_made.write_hand_made_release(connection, data, IDENTITY).path
    (path / "notes.txt").write_text("mine")
    with pytest.raises(LeagueError, match=r"notes\.txt: expected no such file"):
        hand_made.write_hand_made_release(connection, data, IDENTITY)
    (path / "notes.txt").unlink()
    (path / "metric.csv").unlink()
    with pytest.raises(LeagueError, match=r"metric\.csv: expected sha256 .* found no such file"):
        hand_made.write_hand_made_release(connection, data, IDENTITY)


def test_same_id_but_other_figures_name_the_table_and_not_release_json(
    connection: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    hand_made.write_hand_made_release(connection, data, IDENTITY)
    connection.execute("update league.league_table set average_metric_score = 1.51")
    with pytest.raises(LeagueError, match=r"league_table\.csv: expected"):
        hand_made.write_hand_made_release(connection, data, IDENTITY)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("drop table league.domain_score", r"league\.domain_score: expected this released table"),
        ("alter table league.metric drop column is_sample", r"league\.metric: expected columns is_sample"),
        ("alter table league.metric drop column metric_id", r"league\.metric: expected columns metric_id"),
        (
            "alter table league.extract add column seen timestamptz",
            r"league\.extract, column seen: .* moments",
        ),
        ("update league.lineage set release_id = 'other' where source_row = 1", r"3 rows .*; 1 don't"),
        ("update league.lineage set is_sample = null where source_row = 1", r"3 rows .*; 1 don't"),
    ],
)
def test_a_table_that_breaks_the_contract_releases_nothing(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, change: str, message: str
) -> None:
    connection.execute(change)
    with pytest.raises(LeagueError, match=message):
        hand_made.write_hand_made_release(connection, data, IDENTITY)
    assert list((data.releases / "2025-26-Q1").iterdir()) == []


def test_a_release_that_is_not_there_is_input_missing(data: DataFolder) -> None:
    with pytest.raises(InputMissing, match="there is none"):
        read_release(data, hand_made.Q1, "0" * 16)
