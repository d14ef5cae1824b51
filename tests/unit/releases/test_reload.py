"""A release's tables come back into a warehouse from its folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from made_up_release import write_release_file

from dagster_project.errors import InputMissing
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import release_path
from dagster_project.releases.journal import HELD, PUBLISHED, add_event, keep_journal, now
from dagster_project.releases.reload import keep_league_tables, reload_release
from dagster_project.settings import DataFolder

QUARTER = Quarter.from_canonical("2025-26-Q1")


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema league")
        yield connection


def release(folder: Path, *tables: tuple[str, str]) -> Path:
    """A release's folder with these tables, each the answer of a query."""
    for name, query in tables:
        duckdb.sql(query).write_parquet(str(folder / f"{name}.parquet"))
    files = {f"{name}.parquet": {} for name, _ in tables}
    write_release_file(folder, files=files)
    return folder


def domains(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute("select * from league.domain_score order by all").fetchall()


def test_only_the_rows_of_the_quarter_are_replaced(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    warehouse.execute(
        "create table league.domain_score as "
        "from (values ('2025-26-Q1', 'ZAA', 9), ('2025-26-Q2', 'ZAA', 2)) v(quarter, code, score)"
    )
    folder = release(tmp_path, ("domain_score", "select '2025-26-Q1' as quarter, 'ZAA' as code, 1 as score"))
    reload_release(warehouse, QUARTER, folder)
    assert domains(warehouse) == [("2025-26-Q1", "ZAA", 1), ("2025-26-Q2", "ZAA", 2)]


def test_columns_are_matched_by_name_whichever_side_is_newer(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    warehouse.execute("create table league.domain_score (quarter varchar, added integer, code varchar)")
    folder = release(
        tmp_path, ("domain_score", "select 'ZAA' as code, '2025-26-Q1' as quarter, 7 as no_longer_there")
    )
    reload_release(warehouse, QUARTER, folder)
    assert domains(warehouse) == [("2025-26-Q1", None, "ZAA")]


def test_a_table_that_the_warehouse_lacks_is_made(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = release(tmp_path, ("domain_score", "select '2025-26-Q1' as quarter, 1.25 as score"))
    reload_release(warehouse, QUARTER, folder)
    assert domains(warehouse)[0][0] == "2025-26-Q1"


def test_a_table_that_the_release_never_had_is_emptied_of_the_quarter(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    warehouse.execute("create table league.domain_score as select '2025-26-Q1' as quarter, 1 as score")
    reload_release(warehouse, QUARTER, release(tmp_path))
    assert domains(warehouse) == []


def test_a_promised_table_that_is_gone_is_named(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = release(tmp_path, ("domain_score", "select '2025-26-Q1' as quarter"))
    (folder / "domain_score.parquet").unlink()
    with pytest.raises(InputMissing, match=r"domain_score\.parquet.*gone"):
        reload_release(warehouse, QUARTER, folder)


def test_what_compares_releases_is_left_to_its_view(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = release(tmp_path, ("movement", "select '2025-26-Q1' as quarter"))
    reload_release(warehouse, QUARTER, folder)
    assert warehouse.execute("select table_name from information_schema.tables").fetchall() == []


def test_the_history_gets_each_release_that_was_ever_current_once(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    data = DataFolder(tmp_path)
    warehouse.execute("create table league.league_table (release_id varchar, added integer, rank integer)")
    keep_journal(warehouse, data)
    for release_id, event in (("first", PUBLISHED), ("held", HELD), ("second", PUBLISHED)):
        add_event(warehouse, QUARTER, release_id, event, at=now(), by="somebody")
        folder = release_path(data, QUARTER, release_id)
        folder.mkdir(parents=True)
        release(folder, ("league_table", f"select '{release_id}' as release_id, 7 as rank, 1 as no_longer"))
    add_event(warehouse, QUARTER, "pruned", PUBLISHED, at=now(), by="somebody")
    for _ in range(2):
        keep_league_tables(warehouse, data)
        kept = warehouse.execute("select * from history.released_league_table order by release_id")
        assert kept.fetchall() == [("first", None, 7), ("second", None, 7)]
