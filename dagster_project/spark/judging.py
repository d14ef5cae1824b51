"""What Spark built, judged: by the suites of the gates, and cell by cell against the release folder of the same id.

Great Expectations' own Spark engine counts what is unexpected but can't name the rows, as a gate's message does, and
takes a Spark job for each expectation and quarter. A suite looks at figures of organisations, which are few whatever
the number of records they were counted from; so they are collected as Arrow and judged as DuckDB's are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from dagster_project.errors import LeagueError
from dagster_project.gates.outcome import GateOutcome
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, release_path
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.releases.tables import EARLIER_RELEASE, RELEASED_TABLES, ReleasedTable
from dagster_project.runs.flow import Gate
from dagster_project.runs.stages import judge
from dagster_project.settings import EXPECTATIONS_DIR, WAREHOUSE_SCHEMA, DataFolder
from dagster_project.sql_text import literal, quoted_name
from dagster_project.warehouse.landing import QuarterInScope

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# `is distinct from` names a column, not a table.
_NAMED = re.compile(r"(?<!distinct )\b(?:from|join)\s+([a-z_]+)\.([a-z_]+)\b")
# What the gates look at of earlier quarters (gates/earlier_quarters.py); released, so of the readers' tables.
_EARLIER = ("league_table", "metric_score", "organisation")
_SHOWN = 10


@dataclass(frozen=True)
class Difference:
    """A cell that isn't the same; `row` is its key in words, `column` is None where one side lacks the whole row."""

    table: str
    row: str
    column: str | None
    released: str | None
    on_spark: str | None

    def in_words(self) -> str:
        """One line."""
        if self.column is None:
            return f"{self.table}, {self.row}: only {'released' if self.on_spark is None else 'on Spark'}"
        return f"{self.table}, {self.row}, column {self.column}: released {self.released}, on Spark {self.on_spark}"


@dataclass(frozen=True)
class Compared:
    """A quarter's tables beside its release folder: cells in either, those that are equal, the first that aren't."""

    quarter: Quarter
    release_id: str
    cells: int
    equal: int
    differences: tuple[Difference, ...]

    def as_record(self) -> dict[str, Any]:
        """For a run's outcome."""
        return {
            "quarter": str(self.quarter),
            "release_id": self.release_id,
            "cells": self.cells,
            "equal": self.equal,
            "differing": self.cells - self.equal,
            "differences": [vars(one) for one in self.differences],
        }


def judge_on_spark(
    gate: Gate,
    session: SparkSession,
    prefix: str,
    scope: Sequence[QuarterInScope],
    room: duckdb.DuckDBPyConnection,
    ledger: DataFolder | None,
) -> GateOutcome:
    """Judges the quarters in scope of a candidate; `room` is a database of its own, into which tables are collected.

    With a `ledger`, a gate that reconciles keeps every difference there, as on DuckDB.
    """
    from pyspark.sql.functions import col

    quarters = [str(item.quarter) for item in scope]
    for schema, name in looked_at(gate):
        table = session.table(f"{prefix}{schema}.{name}")
        if schema == WAREHOUSE_SCHEMA:
            # Its views also have what is released of other quarters.
            table = table.where(col("quarter").isin(quarters))
        collect(table, room, f"{schema}.{name}")
    return judge(gate, room, scope, ledger)


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


def compare_with_folders(
    room: duckdb.DuckDBPyConnection, data: DataFolder, identities: Sequence[ReleaseIdentity]
) -> list[Compared]:
    """Every quarter whose release folder is at hand; `room` has the released tables, collected from Spark."""
    return [
        _compared(room, identity, folder)
        for identity in identities
        if ((folder := release_path(data, identity.quarter, identity.release_id)) / RELEASE_FILE).is_file()
    ]


def refuse_differing(compared: Sequence[Compared]) -> None:
    """Raises LeagueError naming the first cells that differ: a release's id promises what is in it."""
    for one in compared:
        if one.equal != one.cells:
            listed = "\n".join(f"  - {difference.in_words()}" for difference in one.differences)
            raise LeagueError(
                f"{one.quarter}: expected what release {one.release_id} holds, as DuckDB made it of the same inputs; "
                f"{one.cells - one.equal:,} of {one.cells:,} cells differ:\n{listed}\nNothing was published. That is a "
                "fault of ours, or somebody changed the release folder (`league verify` tells): please report it."
            )


def _compared(room: duckdb.DuckDBPyConnection, identity: ReleaseIdentity, folder: Path) -> Compared:
    cells, equal, differences = 0, 0, list[Difference]()
    for table in RELEASED_TABLES:
        file = folder / f"{table.name}.parquet"
        released = f"select * from read_parquet({literal(file)})"
        mine = (
            f"select * from {WAREHOUSE_SCHEMA}.{quoted_name(table.name)} where quarter = '{identity.quarter}'"
        )
        if EARLIER_RELEASE in table.key:
            mine += f" and {EARLIER_RELEASE} = '{identity.previous_release_id or ''}'"
        found = _compared_table(room, table, released, mine)
        cells, equal = cells + found[0], equal + found[1]
        differences += found[2]
    return Compared(identity.quarter, identity.release_id, cells, equal, tuple(differences[:_SHOWN]))


def _compared_table(
    room: duckdb.DuckDBPyConnection, table: ReleasedTable, released: str, mine: str
) -> tuple[int, int, list[Difference]]:
    """Cells in either, equal ones, and the first that differ."""
    columns = sorted({*_columns(room, released), *_columns(room, mine)})
    lacking = sorted({*_columns(room, released)} ^ {*_columns(room, mine)})
    if lacking:
        raise LeagueError(
            f"{table.name}: expected the columns of its release folder; found {', '.join(lacking)} on one side only."
        )
    names = [quoted_name(column) for column in columns]
    key = [quoted_name(column) for column in table.key]
    # Rows that tie on the key are told apart by all else, in the same order on both sides.
    keyed = f"*, row_number() over (partition by {', '.join(key)} order by {', '.join(names)}) as tie, true as is_there"
    same_key = " and ".join(f"released.{name} is not distinct from mine.{name}" for name in [*key, "tie"])
    room.execute(
        f"create or replace temp table side_by_side as select released, mine from "
        f"(select {keyed} from ({released})) as released full outer join (select {keyed} from ({mine})) as mine "
        f"on {same_key}"
    )
    differing = " + ".join(f"(released.{name} is distinct from mine.{name})::int" for name in names)
    lone = "(released.is_there is null or mine.is_there is null)"
    row = room.execute(
        f"select count(*) * {len(names)}, "
        f"count(*) * {len(names)} - coalesce(sum(case when {lone} then {len(names)} else {differing} end), 0) "
        "from side_by_side"
    ).fetchone()
    assert row is not None
    cells, equal = int(row[0]), int(row[1])
    return cells, equal, list(_first_differences(room, table, names)) if cells != equal else []


def _first_differences(
    room: duckdb.DuckDBPyConnection, table: ReleasedTable, names: Sequence[str]
) -> list[Difference]:
    found = []
    told = " || ' ' || ".join(
        f"coalesce(released.{quoted_name(name)}::varchar, mine.{quoted_name(name)}::varchar, '')"
        for name in table.key
    )
    for row, released, mine in room.execute(
        f"select {told}, released.is_there, mine.is_there from side_by_side "
        f"where released.is_there is null or mine.is_there is null order by all limit {_SHOWN}"
    ).fetchall():
        found.append(
            Difference(table.name, row, None, *("a row" if side else None for side in (released, mine)))
        )
    for name in names:
        rows = room.execute(
            f"select {told}, released.{name}::varchar, mine.{name}::varchar from side_by_side "
            f"where released.is_there and mine.is_there and released.{name} is distinct from mine.{name} "
            f"order by all limit {_SHOWN - len(found)}"
        ).fetchall()
        found += [Difference(table.name, row[0], name.strip('"'), row[1], row[2]) for row in rows]
        if len(found) >= _SHOWN:
            break
    return found


def _columns(room: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [str(row[0]) for row in room.execute(f"describe {query}").fetchall()]
