"""What a release says of itself: comments and keys in the warehouse, descriptions in the Parquet files, places."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow.parquet as pq
import pytest

from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DBT_PROJECT_DIR, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject
from dagster_project.warehouse.descriptions import described

QUARTER = "2025-26-Q4"


@pytest.fixture(scope="module")
def warehouse(six_quarters: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(six_quarters.warehouse, read_only=True) as connection:
        yield connection


def test_every_table_and_column_that_readers_use_has_a_comment(warehouse: duckdb.DuckDBPyConnection) -> None:
    said = warehouse.execute(
        "select table_name, null, comment from duckdb_tables() where schema_name = 'league' union all "
        "select view_name, null, comment from duckdb_views() where schema_name = 'league' union all "
        "select table_name, column_name, comment from duckdb_columns() where schema_name = 'league'"
    ).fetchall()
    assert {table for table, _, _ in said} >= {table.name for table in RELEASED_TABLES}
    assert [(table, column) for table, column, comment in said if not comment] == []


def test_every_table_with_a_grain_that_is_never_empty_has_it_as_primary_key(
    warehouse: duckdb.DuckDBPyConnection, six_quarters: DataFolder
) -> None:
    keys = warehouse.execute(
        "select table_name, constraint_column_names from duckdb_constraints() "
        "where schema_name = 'league' and constraint_type = 'PRIMARY KEY'"
    ).fetchall()
    tables = {
        name
        for (name,) in warehouse.execute(
            "select table_name from duckdb_tables() where schema_name = 'league'"
        ).fetchall()
    }
    manifest = DbtProject(DBT_PROJECT_DIR, six_quarters.root / "dbt").manifest
    expected = {
        table.name: list(table.key) for table in described(manifest) if table.key and table.name in tables
    }
    found = {name: list(columns) for name, columns in keys}
    assert {name: found.get(name) for name in expected} == expected
    assert expected["league_table"] == ["quarter", "organisation_code"]
    assert expected["metric_step"] == ["quarter", "organisation_code", "metric_id"]


@pytest.mark.parametrize("table", [table.name for table in RELEASED_TABLES])
def test_a_parquet_file_describes_each_column_to_pyarrow_and_to_duckdb(
    six_quarters: DataFolder, warehouse: duckdb.DuckDBPyConnection, table: str
) -> None:
    file = six_quarters.releases / QUARTER / "current" / f"{table}.parquet"
    said = dict(
        warehouse.execute(
            "select column_name, description from league.data_dictionary where table_name = ?", [table]
        ).fetchall()
    )
    by_pyarrow = {field.name: field.metadata[b"description"].decode() for field in pq.read_schema(file)}
    by_duckdb = dict(
        warehouse.execute(
            "select unnest(map_entries(cast(cast(decode(value) as json) as map(varchar, varchar))), "
            "recursive := true) from parquet_kv_metadata(?) where key = 'columns'",
            [str(file)],
        ).fetchall()
    )
    assert by_pyarrow == said
    assert by_duckdb == said


def test_the_whole_samples_releases_say_where_every_trust_is_and_which_board_it_belongs_to(
    six_quarters: DataFolder,
) -> None:
    for release in sorted(six_quarters.releases.glob("*/current")):
        empty = duckdb.execute(
            "select organisation_code from read_parquet(?) where table_name <> 'icb' and "
            "(town is null or postcode is null or icb_code is null or icb_name is null)",
            [str(release / "organisation.parquet")],
        ).fetchall()
        assert empty == [], release
