"""An older warehouse's marts get the columns of today's contract, in its order, and keep their rows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dagster_project.warehouse.mart_columns import follow_contracts


def manifest(columns: dict[str, str], *, alias: str | None = None) -> dict[str, Any]:
    node = {
        "resource_type": "model",
        "unique_id": "model.table_of_places",
        "schema": "league",
        "name": "table_of_places",
        "description": "Places.",
        "alias": alias,
        "config": {"materialized": "incremental", "contract": {"enforced": True}},
        "columns": {name: {"data_type": kind, "description": name} for name, kind in columns.items()},
    }
    return {"nodes": {"model.table_of_places": node}, "sources": {}}


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema league")
        connection.execute("create table league.table_of_places (code varchar, place integer)")
        connection.execute("insert into league.table_of_places values ('ZAA', 1), ('ZAB', 2)")
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, table: str = "table_of_places") -> list[tuple[Any, ...]]:
    return connection.execute(f"select * from league.{table} order by code").fetchall()


def test_a_new_column_stands_where_the_contract_has_it_and_is_empty(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    contract = {"code": "varchar", "score": "decimal(18, 2)", "place": "integer"}
    assert follow_contracts(warehouse, manifest(contract)) == ["table_of_places"]
    assert rows(warehouse) == [("ZAA", None, 1), ("ZAB", None, 2)]
    described = warehouse.execute("describe league.table_of_places").fetchall()
    assert [(row[0], row[1]) for row in described] == [
        ("code", "VARCHAR"),
        ("score", "DECIMAL(18,2)"),
        ("place", "INTEGER"),
    ]


def test_columns_in_another_order_are_put_in_the_contracts(warehouse: duckdb.DuckDBPyConnection) -> None:
    follow_contracts(warehouse, manifest({"place": "integer", "code": "varchar"}))
    assert rows(warehouse) == [(1, "ZAA"), (2, "ZAB")]


def test_a_column_of_another_type_is_cast_to_the_contracts(warehouse: duckdb.DuckDBPyConnection) -> None:
    contract = {"code": "varchar", "place": "decimal(18, 2)"}
    assert follow_contracts(warehouse, manifest(contract)) == ["table_of_places"]
    assert rows(warehouse) == [("ZAA", Decimal("1.00")), ("ZAB", Decimal("2.00"))]
    assert follow_contracts(warehouse, manifest(contract)) == []


def test_a_mart_with_the_columns_of_its_contract_is_left_alone(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert follow_contracts(warehouse, manifest({"code": "varchar", "place": "integer"})) == []


def test_a_mart_that_was_never_built_is_left_to_dbt(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert follow_contracts(warehouse, manifest({"code": "varchar"}, alias="not_there_yet")) == []


def test_a_table_with_the_key_of_an_older_grain_is_made_anew_without_it(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("alter table league.table_of_places add primary key (code)")
    columns = {"code": "varchar", "place": "integer"}
    assert follow_contracts(warehouse, manifest(columns)) == ["table_of_places"]
    assert follow_contracts(warehouse, manifest(columns)) == []
    warehouse.execute("insert into league.table_of_places values ('ZAA', 3)")
    assert len(rows(warehouse)) == 3


def test_a_mart_that_can_not_be_rebuilt_is_as_it_was(warehouse: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.ConversionException):
        follow_contracts(warehouse, manifest({"code": "date", "place": "integer"}))
    assert rows(warehouse) == [("ZAA", 1), ("ZAB", 2)]
    tables = warehouse.execute("select table_name from duckdb_tables()").fetchall()
    assert tables == [("table_of_places",)]
