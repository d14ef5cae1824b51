"""Reads the reconciliation ledger: counts by kind of figure and outcome, and every difference in it, those of the
current releases first."""

from __future__ import annotations

from typing import Any

import duckdb

from dagster_project.audit.reconcile import figure_kind_sql
from dagster_project.data_kind import Kind, kind_held, kind_in_words
from dagster_project.errors import InputMissing
from dagster_project.quarters import Quarter
from dagster_project.releases.journal import copy_journal
from dagster_project.releases.ledger import LEDGER_TABLE, keep_ledger, load_ledger
from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder
from dagster_project.sql_text import literal


def ledger_of(data: DataFolder, quarter: Quarter | None) -> dict[str, Any]:
    """Counts and differences of a quarter or of all, also of runs since the last commit.

    Raises InputMissing where nothing has been judged yet.
    """
    with duckdb.connect(":memory:") as connection:
        _gather(connection, data)
        judged = _judged(connection, data)
        if not judged or (quarter is not None and str(quarter) not in judged):
            raise InputMissing(
                f"The ledger has nothing of {quarter or 'any quarter'}: no run has compared it with the "
                f"publisher. Compared: {', '.join(sorted(judged)) or 'none'}."
            )
        chosen = "quarter = $quarter or $quarter is null"
        parameters = {"quarter": str(quarter) if quarter is not None else None}
        counts = connection.execute(
            f"select quarter, table_name, {figure_kind_sql()} as figure_kind, outcome, was_released, "
            "count(*) as differences, count(distinct release_id) as releases, "
            f"max(abs(difference)) as largest_difference from {LEDGER_TABLE} where {chosen} "
            "group by all order by quarter, table_name, min(figure), outcome, was_released desc",
            parameters,
        )
        result = {"quarter": parameters["quarter"], "counts": _rows(counts)}
        current = [release.release_id for release in current_release(data)]
        is_current = "was_released and list_contains($current, release_id) as is_current"
        kinds_found = connection.execute(
            f"select quarter, table_name, {figure_kind_sql()} as figure_kind, outcome, reason, {is_current}, "
            f"count(*) as differences, max(abs(difference)) as largest_difference from {LEDGER_TABLE} "
            f"where {chosen} group by all order by is_current desc, quarter, table_name, min(figure), outcome, reason",
            parameters | {"current": current},
        )
        result["kinds"] = _rows(kinds_found)
        listed = connection.execute(
            f"select *, {figure_kind_sql()} as figure_kind, {is_current} from {LEDGER_TABLE} where {chosen} "
            "order by is_current desc, quarter, first_seen_at, release_id, organisation_code, figure",
            parameters | {"current": current},
        )
        result["differences"] = _rows(listed)
        kinds = connection.execute(
            f"select distinct is_sample from {LEDGER_TABLE} where {chosen}", parameters
        )
        # Where nothing has ever differed, the folder says whose figures were compared.
        is_sample = {bool(row[0]) for row in kinds.fetchall()} or {kind_held(data) is Kind.FICTIONAL}
        return result | {"kind": kind_in_words(data), "is_sample": is_sample == {True}, "exit_code": 0}


def _judged(connection: duckdb.DuckDBPyConnection, data: DataFolder) -> set[str]:
    """The quarters that were compared with the publisher, also those without a difference."""
    known = connection.execute(f"select distinct quarter from {LEDGER_TABLE}").fetchall()
    files = [*data.ledger.glob("*/*.parquet")]
    released = [file.parent for file in data.releases.glob("*/*/reconciliation.parquet")]
    return {str(row[0]) for row in known} | {path.parent.name for path in (*files, *released)}


def _gather(connection: duckdb.DuckDBPyConnection, data: DataFolder) -> None:
    """The published table, and the files that no commit has brought into it yet."""
    keep_ledger(connection)
    copy_journal(connection, data)
    if data.warehouse.exists():
        path = literal(data.warehouse)
        connection.execute(f"attach {path} as published (read_only)")
        there = connection.execute(
            "select 1 from information_schema.tables where table_catalog = 'published' "
            "and table_name = 'reconciliation_ledger'"
        ).fetchone()
        if there is not None:
            connection.execute(f"insert into {LEDGER_TABLE} by name from published.{LEDGER_TABLE}")
    load_ledger(connection, data)


def _rows(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Rows as plain JSON values: decimals and moments as text."""
    names = [column[0] for column in found.description or ()]
    return [
        {
            name: value if value is None or isinstance(value, str | bool | int) else str(value)
            for name, value in zip(names, row, strict=True)
        }
        for row in found.fetchall()
    ]
