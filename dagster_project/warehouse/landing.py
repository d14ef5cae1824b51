"""Puts what the readers read, and what the run was asked for, into the candidate warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd
import pyarrow as pa

from dagster_project.extracts import rows
from dagster_project.extracts.load import LoadedExtracts
from dagster_project.quarters import Quarter

LANDED: dict[str, pa.Schema] = {
    "extract": rows.EXTRACT,
    "extract_row": rows.EXTRACT_ROW,
    "statistic_row": rows.STATISTIC_ROW,
    "organisation_reference": rows.ORGANISATION_REFERENCE,
    "row_set_aside": rows.ROW_SET_ASIDE,
    "revision": rows.REVISION,
}
QUARTER_IN_SCOPE = {
    "quarter": "varchar",
    "framework": "varchar",
    "release_id": "varchar",
    "is_sample": "boolean",
    "release_state": "varchar",
    "previous_quarter": "varchar",
    "previous_release_id": "varchar",
}


@dataclass(frozen=True)
class QuarterInScope:
    """One quarter of a run: its framework, its release id and the release of the quarter before it."""

    quarter: Quarter
    framework: str
    release_id: str
    is_sample: bool
    release_state: str
    previous_quarter: Quarter
    previous_release_id: str | None


def land(
    connection: duckdb.DuckDBPyConnection, loaded: LoadedExtracts, scope: Sequence[QuarterInScope]
) -> None:
    """Replaces the tables of the schemas `landing` and `run`."""
    connection.execute("create schema if not exists landing")
    connection.execute("create schema if not exists run")
    for name, schema in LANDED.items():
        frame = getattr(loaded, name)
        if name == "extract_row":
            frame = rows.sorted_frame(frame)
        _replace_table(connection, f"landing.{name}", frame, schema)
    columns = ", ".join(f"{name} {kind}" for name, kind in QUARTER_IN_SCOPE.items())
    connection.execute(f"create or replace table run.quarter_in_scope ({columns})")
    connection.executemany(
        f"insert into run.quarter_in_scope values ({', '.join('?' * len(QUARTER_IN_SCOPE))})",
        [
            [
                str(item.quarter),
                item.framework,
                item.release_id,
                item.is_sample,
                item.release_state,
                str(item.previous_quarter),
                item.previous_release_id,
            ]
            for item in scope
        ],
    )


def landed(connection: duckdb.DuckDBPyConnection) -> LoadedExtracts:
    """What `land` put there, without the notes on files that were passed over."""
    frames = {name: connection.table(f"landing.{name}").df() for name in LANDED}
    return LoadedExtracts(
        extract=frames["extract"],
        extract_row=frames["extract_row"],
        statistic_row=frames["statistic_row"],
        organisation_reference=frames["organisation_reference"],
        row_set_aside=frames["row_set_aside"],
        revision=frames["revision"],
    )


def _replace_table(
    connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame, schema: pa.Schema
) -> None:
    connection.register("landed", pa.Table.from_pandas(frame, schema=schema, preserve_index=False))
    try:
        connection.execute(f"create or replace table {name} as select * from landed")
    finally:
        connection.unregister("landed")
