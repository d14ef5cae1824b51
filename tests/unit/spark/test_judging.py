"""A run on Spark beside a release folder: equal cells are counted, those that differ are named and end the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from made_up_release import write_release_file

from dagster_project.errors import LeagueError
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DataFolder
from dagster_project.spark.judging import Compared, compare_with_folders, refuse_differing

IDENTITY = ReleaseIdentity(
    quarter=Quarter(2025, 1),
    framework="2025-26",
    is_sample=True,
    previous_release_id="0" * 16,
    extracts={},
    rules={},
    code={},
    versions={},
)
# Each table has its key, and a column that says something.
ROWS = """
    select * from (values ('2025-26-Q1', 'A', 1.50, {before}), ('2025-26-Q1', 'B', null, {before}),
        ('2025-26-Q1', 'B', 2.25, {before}), ('2025-26-Q1', null, 3.75, {before})) as rows (quarter, {key}, said, {id})
"""
CELLS_OF_A_TABLE = 16


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    """A data folder with a release of IDENTITY, whose tables have four rows each."""
    data = DataFolder(tmp_path)
    folder = data.releases / str(IDENTITY.quarter) / IDENTITY.release_id
    folder.mkdir(parents=True)
    write_release_file(folder)
    with duckdb.connect(":memory:") as connection:
        for table in RELEASED_TABLES:
            connection.execute(
                f"copy ({rows_of(table.key)}) to '{folder / table.name}.parquet' (format parquet)"
            )
    return data


@pytest.fixture
def room() -> Iterator[duckdb.DuckDBPyConnection]:
    """The same tables as if collected from Spark, in another order; those that compare also with another release."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema league")
        for table in RELEASED_TABLES:
            connection.execute(f"create table league.{table.name} as {rows_of(table.key)} order by all desc")
            if "release_id_before" in table.key:
                connection.execute(f"insert into league.{table.name} by name ({rows_of(table.key, 'other')})")
        yield connection


def rows_of(key: tuple[str, ...], before: str = "0" * 16) -> str:
    plain = [column for column in key if column != "release_id_before"]
    chosen = "".join(f", {plain[0]} as {column}" for column in plain[1:])
    return f"select *{chosen} from ({ROWS.format(key=plain[0], id='release_id_before', before=repr(before))})"


def compared(room: duckdb.DuckDBPyConnection, data: DataFolder) -> Compared:
    (found,) = compare_with_folders(room, data, [IDENTITY])
    return found


def test_equal_cells_are_counted_whatever_the_order_of_rows(
    room: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    found = compared(room, data)
    further = sum(
        len([column for column in table.key if column != "release_id_before"]) - 1
        for table in RELEASED_TABLES
    )
    assert found.cells == CELLS_OF_A_TABLE * len(RELEASED_TABLES) + 4 * further
    assert (found.equal, found.differences) == (found.cells, ())
    refuse_differing([found])


def test_a_cell_that_differs_is_named_by_table_row_and_column(
    room: duckdb.DuckDBPyConnection, data: DataFolder
) -> None:
    room.execute("update league.organisation set said = 1.51 where organisation_code = 'A'")
    room.execute("delete from league.metric where metric_id is null")
    found = compared(room, data)
    assert found.cells - found.equal == 1 + 4
    assert [difference.in_words() for difference in found.differences] == [
        "organisation, A, column said: released 1.50, on Spark 1.51",
        "metric, : only released",
    ]
    with pytest.raises(LeagueError, match=r"5 of [0-9,]+ cells differ") as refused:
        refuse_differing([found])
    assert "column said: released 1.50, on Spark 1.51" in str(refused.value)


def test_a_release_that_is_not_at_hand_is_not_compared(
    room: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    assert compare_with_folders(room, DataFolder(tmp_path / "nothing"), [IDENTITY]) == []


def test_a_column_that_one_side_lacks_is_refused(room: duckdb.DuckDBPyConnection, data: DataFolder) -> None:
    room.execute("alter table league.organisation drop column said")
    with pytest.raises(
        LeagueError, match="organisation: expected the columns of its release folder; found said"
    ):
        compared(room, data)
