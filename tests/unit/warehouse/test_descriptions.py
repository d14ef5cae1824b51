"""The warehouse says of itself what dbt's YAML says of it, and holds each table to its grain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from dagster_project.errors import LeagueError
from dagster_project.warehouse.descriptions import describe

NODE = "model.small.place"


def manifest(
    *, description: str = "One row per code.", never_empty: tuple[str, ...] = ("code",)
) -> dict[str, Any]:
    columns = {"code": "The ODS\n  code", "place": "It's a rank"}
    mart = {
        "resource_type": "model",
        "unique_id": NODE,
        "schema": "league",
        "name": "place",
        "description": description,
        "config": {"meta": {"grain": ["code"]}},
        "columns": {
            name: {"name": name, "description": said, "meta": {"unit": "rank"} if name == "place" else {}}
            for name, said in columns.items()
        },
    }
    view = {**mart, "unique_id": "model.small.place_now", "name": "place_now"}
    step = {**mart, "unique_id": "model.small.step", "name": "step", "schema": "scoring"}
    tests = {
        f"test.small.{column}": {
            "resource_type": "test",
            "unique_id": f"test.small.{column}",
            "test_metadata": {"name": "not_null"},
            "attached_node": NODE,
            "column_name": column,
        }
        for column in never_empty
    }
    return {"nodes": {node["unique_id"]: node for node in (mart, view, step)} | tests, "sources": {}}


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema league")
        connection.execute("create table league.place (code varchar, place integer)")
        connection.execute("insert into league.place values ('ZAA', 1), ('ZAB', 2)")
        connection.execute("create view league.place_now as select * from league.place")
        yield connection


def comments(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    rows = connection.execute(
        "select table_name || '.' || column_name, comment from duckdb_columns() where schema_name = 'league' "
        "union all select table_name, comment from duckdb_tables() where schema_name = 'league' "
        "union all select view_name, comment from duckdb_views() where schema_name = 'league'"
    ).fetchall()
    return dict(rows)


def test_tables_views_and_columns_carry_what_dbts_yaml_says(warehouse: duckdb.DuckDBPyConnection) -> None:
    describe(warehouse, manifest())
    said = comments(warehouse)
    assert {name: said[name] for name in said if not name.startswith("data_dictionary")} == {
        "place": "One row per code.",
        "place.code": "The ODS code",
        "place.place": "It's a rank (unit: rank)",
        "place_now": "One row per code.",
        "place_now.code": "The ODS code",
        "place_now.place": "It's a rank (unit: rank)",
    }


def test_the_file_alone_can_be_asked_for_its_data_dictionary(warehouse: duckdb.DuckDBPyConnection) -> None:
    describe(warehouse, manifest())
    asked = "select * from league.data_dictionary where table_name = 'place'"
    assert warehouse.execute(asked).fetchall() == [
        ("place", "code", "VARCHAR", True, "The ODS code", None),
        ("place", "place", "INTEGER", False, "It's a rank (unit: rank)", "rank"),
    ]


def test_a_description_that_changed_takes_the_old_ones_place(warehouse: duckdb.DuckDBPyConnection) -> None:
    describe(warehouse, manifest())
    describe(warehouse, manifest(description="Now in other words."))
    assert comments(warehouse)["place"] == "Now in other words."


def test_a_table_takes_no_second_row_of_its_key_and_a_quarter_can_still_be_replaced(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    describe(warehouse, manifest())
    describe(warehouse, manifest())
    with pytest.raises(duckdb.ConstraintException):
        warehouse.execute("insert into league.place values ('ZAA', 3)")
    warehouse.execute("begin")
    warehouse.execute("delete from league.place")
    warehouse.execute("insert into league.place values ('ZAA', 3)")
    warehouse.execute("commit")
    assert warehouse.execute("from league.place").fetchall() == [("ZAA", 3)]


def test_a_key_of_which_a_part_may_be_empty_is_no_primary_key(warehouse: duckdb.DuckDBPyConnection) -> None:
    describe(warehouse, manifest(never_empty=()))
    warehouse.execute("insert into league.place values (null, 3)")


def test_two_rows_of_one_key_are_an_error_that_names_the_table_and_its_grain(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("insert into league.place values ('ZAA', 3)")
    with pytest.raises(LeagueError, match=r"league\.place: expected one row for each code"):
        describe(warehouse, manifest())


def test_a_key_waits_until_rows_of_older_releases_have_all_its_parts(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("insert into league.place values (null, 3)")
    describe(warehouse, manifest())
    warehouse.execute("delete from league.place where code is null")
    describe(warehouse, manifest())
    with pytest.raises(duckdb.ConstraintException):
        warehouse.execute("insert into league.place values ('ZAA', 3)")
