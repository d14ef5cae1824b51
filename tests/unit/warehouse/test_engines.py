"""What the models say through macros of two dialects means the same on DuckDB and on Spark, and so do materialisations.

A small project with the macros and the profile of the real one is built on both engines; rows are compared as text.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from required import missing

from dagster_project.settings import DBT_PROJECT_DIR
from dagster_project.warehouse.dbt_project import DUCKDB, SPARK, DbtProject

_PROJECT = """
name: small
version: "1.0"
profile: nhs_league_tables
"""
_SCHEMA = """
version: 2
sources:
  - name: run
    schema: run
    tables:
      - name: quarter_in_scope
seeds:
  - name: rule
    config:
      schema: methodology
      column_types: {rule: varchar, said: varchar, least: "decimal(18, 6)", places: integer, is_met: boolean}
models:
  - name: mart
    config:
      schema: league
      materialized: incremental
      on_schema_change: fail
      contract: {enforced: true}
    columns:
      - {name: quarter, data_type: varchar}
      - {name: share, data_type: "decimal(18, 2)"}
      - {name: places, data_type: integer}
"""
_SEED = """rule,said,least,places,is_met
a,the publisher's "own" words,0.5,2,true
b,back\\slash and é,-12.25,,false
c,,,0,
"""
# Quotients as scores, averages and shares are made of them. A sum of scores by a few often lies on a half of the
# thirteenth place, which a double shows a little above or below.
_QUOTIENTS = """
select
    n,
    {{ exact('cast(scores as double) / few') }} as average,
    {{ half_up('cast(scores as double) / few') }} as printed_average,
    {{ exact('cast(dividend as double) / divisor') }} as score,
    {{ half_up('cast(dividend as double) / divisor') }} as printed,
    {{ half_up_to('cast(dividend as double) / divisor', 'places') }} as entering,
    {{ as_decimal('cast(dividend as double) / divisor', 18, 2) }} as share,
    {{ exact('cast(dividend as decimal(18, 6))') }} as whole_score,
    {{ whole_quotient('dividend', 'divisor') }} as whole,
    {{ grid_score(1, 4, 'place', 'divisor') }} as on_grid,
    {{ grid_rank(1, 4, half_up('cast(dividend as double) / divisor'), 'divisor') }} as place_on_grid
from (
    select
        cast(n as integer) as n,
        cast(n % 1009 - 300 as integer) as dividend,
        cast(case when n % 23 = 0 then 8 else 2 + n % 241 end as integer) as divisor,
        cast(n % 4001 as decimal(6, 0)) * 0.000777333111 as scores,
        cast(2 + n % 7 as integer) as few,
        cast(1 + n % 7 as integer) as place,
        cast(case n % 4 when 0 then null else n % 4 end as integer) as places
    from range(0, 5000) as numbered (n)
) as numbers
"""
_GROUPS = """
select
    n % 5 as rest,
    {{ listed("cast(n as string)") }} as members,
    {{ linear_percentile('least', 'n + 1', '20', '0.25') }} as quartile
from (
    select cast(n as integer) as n, cast(n * n as decimal(18, 6)) / 7 as least from range(0, 20) as numbered (n)
) as numbers
group by n % 5
"""
_MART = """
select '2025-26-Q2' as quarter, {{ as_decimal('cast(2 as double) / 3', 18, 2) }} as share, places from {{ ref('rule') }}
"""


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Spark session of this process, as small as can be."""
    if shutil.which("java") is None:
        missing("java", "Spark needs Java")
    pytest.importorskip("dbt.adapters.spark")
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("spark")))
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.catalogImplementation", "in-memory")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture(scope="module")
def project_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines") / "project"
    shutil.copytree(DBT_PROJECT_DIR / "macros", folder / "macros")
    shutil.copyfile(DBT_PROJECT_DIR / "profiles.yml", folder / "profiles.yml")
    for name, text in {
        "dbt_project.yml": _PROJECT,
        "models/_schema.yml": _SCHEMA,
        "models/quotient.sql": "{{ config(schema='scoring', materialized='table') }}" + _QUOTIENTS,
        "models/member.sql": "{{ config(schema='scoring', materialized='view') }}" + _GROUPS,
        "models/mart.sql": _MART,
        "seeds/rule.csv": _SEED,
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def on_duckdb(project_dir: Path) -> Path:
    """A warehouse in which DuckDB has built the project."""
    project = DbtProject(project_dir, project_dir.parent / "parsed", target=DUCKDB)
    warehouse = project_dir.parent / "duckdb" / "nhs_league_tables.duckdb"
    warehouse.parent.mkdir()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema run")
        connection.execute("create table run.quarter_in_scope as select '2025-26-Q2' as quarter")
    for command in ("seed", "run"):
        project.build(command, ["fqn:*"], warehouse, threads=1)
    return warehouse


@pytest.fixture(scope="module")
def on_spark(project_dir: Path, spark: Any) -> Any:
    """The session in which Spark has built the project, in databases that begin with `one__`."""
    project = DbtProject(project_dir, project_dir.parent / "parsed", target=SPARK, schema_prefix="one__")
    folder = project_dir.parent / "spark"
    folder.mkdir()
    for name in ("run", "league"):
        spark.sql(f"create database one__{name} location '{folder / name}'")
    spark.sql("create view one__run.quarter_in_scope as select '2025-26-Q2' as quarter")
    spark.sql(
        "create view one__league.mart__released as select quarter, cast(1.5 as decimal(18, 2)) as share, 7 as places "
        "from values ('2025-26-Q1'), ('2025-26-Q2') as released (quarter)"
    )
    for command in ("seed", "run"):
        project.build(command, ["fqn:*"], folder / "none", threads=1)
    return spark


def _rows(table: pa.Table) -> list[dict[str, str]]:
    rows = [{name: str(value) for name, value in row.items()} for row in table.to_pylist()]
    return sorted(rows, key=lambda row: [*row.values()])


def _built(warehouse: Path, name: str) -> pa.Table:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.sql(f"select * from {name}").to_arrow_table()


@pytest.mark.parametrize("name", ["scoring.quotient", "scoring.member", "methodology.rule"])
def test_a_model_and_a_seed_give_the_same_cells_on_both_engines(
    name: str, on_duckdb: Path, on_spark: Any
) -> None:
    expected = _rows(_built(on_duckdb, name))
    found = _rows(on_spark.table(f"one__{name}").toArrow())
    assert [pair for pair in zip(expected, found, strict=True) if pair[0] != pair[1]] == []


def test_a_mart_on_spark_is_the_quarters_in_scope_beside_the_released_rows_of_others(on_spark: Any) -> None:
    found = {
        (row.quarter, str(row.share), row.places) for row in on_spark.table("one__league.mart").collect()
    }
    built = {("2025-26-Q2", "0.67", places) for places in (2, None, 0)}
    assert found == {("2025-26-Q1", "1.50", 7), *built}
    in_scope = on_spark.table("one__league.mart__in_scope")
    assert {(row.quarter, str(row.share), row.places) for row in in_scope.collect()} == built
    assert [(field.name, field.dataType.simpleString()) for field in in_scope.schema] == [
        ("quarter", "string"),
        ("share", "decimal(18,2)"),
        ("places", "int"),
    ]


def test_what_is_built_a_second_time_on_spark_replaces_what_was_there(
    project_dir: Path, on_spark: Any
) -> None:
    project = DbtProject(project_dir, project_dir.parent / "parsed", target=SPARK, schema_prefix="one__")
    before = {name: on_spark.table(f"one__{name}").count() for name in ("scoring.quotient", "league.mart")}
    project.build("run", ["fqn:*"], project_dir.parent / "spark" / "none", threads=1)
    assert {name: on_spark.table(f"one__{name}").count() for name in before} == before
