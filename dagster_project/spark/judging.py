"""Gates over what Spark built: the same suites, over the tables that they look at, collected.

Great Expectations' own Spark engine counts what is unexpected but can't name the rows, as a gate's message does, and
takes a Spark job for each expectation and quarter. A suite looks at figures of organisations, which are few whatever
the number of records they were counted from; so they are collected as Arrow and judged as DuckDB's are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb

from dagster_project.errors import LeagueError
from dagster_project.gates.outcome import GateOutcome
from dagster_project.runs.flow import Gate
from dagster_project.runs.stages import judge
from dagster_project.settings import EXPECTATIONS_DIR, WAREHOUSE_SCHEMA
from dagster_project.sql_text import quoted_name
from dagster_project.warehouse.landing import QuarterInScope

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_NAMED = re.compile(r"\b(landing|run|methodology|reference|staging|statistics|metrics|scoring|league)\.([a-z_]+)\b")
# What the gates look at of earlier quarters (gates/earlier_quarters.py); released, so of the readers' tables.
_EARLIER = ("league_table", "metric_score", "organisation")


def judge_on_spark(
    gate: Gate,
    session: SparkSession,
    prefix: str,
    scope: Sequence[QuarterInScope],
    room: duckdb.DuckDBPyConnection,
) -> GateOutcome:
    """Judges the quarters in scope of a candidate; `room` is a database of its own, into which tables are collected."""
    from pyspark.sql.functions import col

    quarters = [str(item.quarter) for item in scope]
    for schema, name in looked_at(gate):
        table = session.table(f"{prefix}{schema}.{name}")
        if schema == WAREHOUSE_SCHEMA:
            # Its views also have what is released of other quarters.
            table = table.where(col("quarter").isin(quarters))
        collect(table, room, f"{schema}.{name}")
    return judge(gate, room, scope, None)


def looked_at(gate: Gate) -> list[tuple[str, str]]:
    """Schema and name of each table that the subjects of a gate read."""
    files = sorted((EXPECTATIONS_DIR / gate.name).glob("*.sql"))
    return sorted({found for file in files for found in _NAMED.findall(file.read_text("utf-8"))})


def collect_earlier(session: SparkSession, database: str, room: duckdb.DuckDBPyConnection) -> None:
    """Collects what gates read of released quarters, where a lake has them."""
    for name in _EARLIER:
        if session.catalog.tableExists(f"{database}.{name}"):
            collect(session.table(f"{database}.{name}"), room, f"{WAREHOUSE_SCHEMA}.{name}")


def collect(frame: DataFrame, room: duckdb.DuckDBPyConnection, table: str) -> None:
    """Puts a frame of Spark's in place of a table of the room."""
    schema, name = table.rsplit(".", 1)
    catalogue, _, plain = schema.rpartition(".")
    target = ".".join(quoted_name(part) for part in (catalogue, plain, name) if part)
    room.execute(f"create schema if not exists {target.rsplit('.', 1)[0]}")
    room.register("collected", frame.toArrow())
    try:
        room.execute(f"create or replace table {target} as select * from collected order by all")
    except duckdb.Error as error:
        raise LeagueError(f"{table}: expected rows of Spark's that DuckDB takes; {error}") from error
    finally:
        room.unregister("collected")
