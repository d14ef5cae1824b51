"""The table `quality_result`: what each expectation of each gate found, kept with the release."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from dagster_project.gates.outcome import GateOutcome
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.warehouse.landing import QuarterInScope

QUALITY_TABLE = f"{WAREHOUSE_SCHEMA}.quality_result"
QUALITY_COLUMNS = {
    "quarter": "varchar",
    "release_id": "varchar",
    "is_sample": "boolean",
    "gate": "varchar",
    "suite": "varchar",
    "expectation": "varchar",
    "subject": "varchar",
    "success": "boolean",
    "observed": "varchar",
    "severity": "varchar",
}
# What a gate finds; all else says which expectation of which quarter it is.
FOUND = ("success", "observed")
_STAMPS = 3


def record_quality(
    connection: duckdb.DuckDBPyConnection, scope: Iterable[QuarterInScope], outcomes: Sequence[GateOutcome]
) -> None:
    """Replaces the results of the quarters in scope."""
    connection.execute(f"create schema if not exists {WAREHOUSE_SCHEMA}")
    described = ", ".join(f"{name} {kind}" for name, kind in QUALITY_COLUMNS.items())
    connection.execute(f"create table if not exists {QUALITY_TABLE} ({described})")
    places = ", ".join("?" * len(QUALITY_COLUMNS))
    judged = list(QUALITY_COLUMNS)[_STAMPS:]
    found = [row for outcome in outcomes for row in outcome.quality_rows()]
    for item in scope:
        quarter = str(item.quarter)
        connection.execute(f"delete from {QUALITY_TABLE} where quarter = ?", [quarter])
        mine = [
            [quarter, item.release_id, item.is_sample, *(row[column] for column in judged)]
            for row in found
            if row["quarter"] == quarter
        ]
        connection.executemany(f"insert into {QUALITY_TABLE} values ({places})", mine)
