"""What a run says of its result: top and bottom of each table, reconciliation counts, changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from dagster_project.quarters import Quarter
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.sql_text import literal

_SHOWN = 3


def summarise(connection: duckdb.DuckDBPyConnection, quarters: Sequence[Quarter]) -> list[dict[str, Any]]:
    """For each quarter: its tables' first and last places, segment counts, and reconciliation outcomes."""
    return [
        {
            "quarter": str(quarter),
            "tables": _tables(connection, quarter),
            "reconciliation": reconciliation_counts(connection, quarter),
        }
        for quarter in quarters
    ]


def reconciliation_counts(connection: duckdb.DuckDBPyConnection, quarter: Quarter) -> dict[str, int]:
    """Figures of a quarter by outcome."""
    rows = connection.execute(
        f"select outcome, count(*) from {WAREHOUSE_SCHEMA}.reconciliation where quarter = ? "
        "group by outcome order by outcome",
        [str(quarter)],
    ).fetchall()
    return dict(rows)


def _tables(connection: duckdb.DuckDBPyConnection, quarter: Quarter) -> list[dict[str, Any]]:
    rows = connection.execute(
        "select table_name, rank, organisation_code, organisation_name, average_metric_score, adjusted_segment, "
        f"organisations_in_table from {WAREHOUSE_SCHEMA}.league_table where quarter = ? "
        "order by table_name, rank, organisation_code",
        [str(quarter)],
    ).fetchall()
    tables: dict[str, list[dict[str, Any]]] = {}
    for table_name, rank, code, name, average, segment, _ in rows:
        tables.setdefault(table_name, []).append(
            {
                "rank": rank,
                "organisation_code": code,
                "organisation_name": name,
                "average_metric_score": str(average),
                "segment": segment,
            }
        )
    return [
        {
            "table_name": table_name,
            "organisations": len(places),
            "segments": {
                str(segment): sum(place["segment"] == segment for place in places) for segment in (1, 2, 3, 4)
            },
            "top": places[:_SHOWN],
            "bottom": places[max(_SHOWN, len(places) - _SHOWN) :],
        }
        for table_name, places in tables.items()
    ]


def changes_against_published(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, quarters: Sequence[Quarter]
) -> list[dict[str, Any]]:
    """How each quarter differs from the release that readers have now; `new` where they have none."""
    if not data.warehouse.exists():
        return [{"quarter": str(quarter), "change": "new"} for quarter in quarters]
    connection.execute(f"attach {literal(data.warehouse)} as published (read_only)")
    try:
        return changes_against(connection, "published", quarters)
    finally:
        connection.execute("detach published")


def changes_against(
    connection: duckdb.DuckDBPyConnection, catalogue: str, quarters: Sequence[Quarter]
) -> list[dict[str, Any]]:
    """The same against the league tables of an attached catalogue."""
    return [_change(connection, catalogue, quarter) for quarter in quarters]


def _change(connection: duckdb.DuckDBPyConnection, catalogue: str, quarter: Quarter) -> dict[str, Any]:
    league_table = f"{WAREHOUSE_SCHEMA}.league_table"
    before = connection.execute(
        f"select any_value(release_id) from {catalogue}.{league_table} where quarter = ?", [str(quarter)]
    ).fetchone()
    if before is None or before[0] is None:
        return {"quarter": str(quarter), "change": "new"}
    counts = connection.execute(
        f"""
        select
            count(*) filter (where old.organisation_code is null),
            count(*) filter (where new.organisation_code is null),
            count(*) filter (where old.rank <> new.rank),
            count(*) filter (where old.adjusted_segment <> new.adjusted_segment),
            count(*) filter (where old.average_metric_score <> new.average_metric_score)
        from (select * from {league_table} where quarter = $quarter) as new
        full outer join (select * from {catalogue}.{league_table} where quarter = $quarter) as old
            using (table_name, organisation_code)
        """,
        {"quarter": str(quarter)},
    ).fetchone()
    names = ("organisations_in", "organisations_out", "ranks", "segments", "averages")
    return {
        "quarter": str(quarter),
        "change": "replaces",
        "release_id": before[0],
        **dict(zip(names, counts or (), strict=False)),
    }
