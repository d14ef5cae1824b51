"""The table `quality_result`: what each expectation of each gate found, kept with the release."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from dagster_project.gates.outcome import GateOutcome
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.warehouse.landing import QuarterInScope

_TABLE = f"{WAREHOUSE_SCHEMA}.quality_result"
_COLUMNS = ("gate", "suite", "expectation", "subject", "success", "observed", "severity")


def record_quality(
    connection: duckdb.DuckDBPyConnection, scope: Iterable[QuarterInScope], outcomes: Sequence[GateOutcome]
) -> None:
    """Replaces the results of the quarters in scope."""
    connection.execute(f"create schema if not exists {WAREHOUSE_SCHEMA}")
    connection.execute(
        f"create table if not exists {_TABLE} (quarter varchar, release_id varchar, is_sample boolean, "
        "gate varchar, suite varchar, expectation varchar, subject varchar, success boolean, "
        "observed varchar, severity varchar)"
    )
    found = [row for outcome in outcomes for row in outcome.quality_rows()]
    for item in scope:
        quarter = str(item.quarter)
        connection.execute(f"delete from {_TABLE} where quarter = ?", [quarter])
        mine = [
            [quarter, item.release_id, item.is_sample, *(row[column] for column in _COLUMNS)]
            for row in found
            if row["quarter"] == quarter
        ]
        connection.executemany(f"insert into {_TABLE} values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", mine)
