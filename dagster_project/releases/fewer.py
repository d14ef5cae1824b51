"""What a release would no longer hold of the one that it replaces, and the refusal to let it go unsaid.

A table, an organisation without a successor, a metric of a table: each may lawfully end, and each is what a file that
wasn't read looks like. So a person says so, with a reason that the journal keeps. What the release compares with isn't
among its inputs, so nothing of this stands in the release itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from dagster_project.errors import SuiteFailed
from dagster_project.quarters import Quarter
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.sql_text import literal

# As the gate `metrics` has it between quarters: a few organisations come and go, a lost block of rows is far more.
_MOST_THAT_MAY_LOSE_A_FIGURE = 0.5
_SHOWN = 5
REPLACED = "replaced_warehouse"


@dataclass(frozen=True)
class Loss:
    """One thing that the replaced release holds and the new one doesn't.

    `kind` is table, organisation, metric (all or most organisations of a table), figure (some of them), recomputed
    (a value that a statistic confirmed before) or description (another name, region or subtype); the last three are
    worth a look, the others are refused. `count` is how many organisations it concerns of `before`, `codes` are theirs.
    """

    kind: str
    table_name: str
    what: str
    count: int
    before: int
    codes: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        """Whether a person has to say that it is meant."""
        return self.kind in ("table", "organisation", "metric")

    def in_words(self) -> str:
        """One line, without the quarter."""
        listed = ", ".join(self.codes[:_SHOWN])
        more = f" and {self.count - _SHOWN} more" if self.count > _SHOWN else ""
        named = f": {listed}{more}"
        if self.kind == "table":
            return f"the table {self.table_name} is gone, with its {self.before} organisations{named}"
        if self.kind == "organisation":
            gone = f"{self.count} of {self.before} organisations are gone without a successor"
            return f"table {self.table_name}: {gone}{named}"
        if self.kind == "description":
            return (
                f"table {self.table_name}: {self.what} for {self.count} of {self.before} organisations{named}"
            )
        if self.kind == "recomputed":
            return (
                f"table {self.table_name}: {self.what} was recomputed from a statistic for {self.before} "
                f"organisations, and no longer is for {self.count}{named}"
            )
        return f"table {self.table_name}: {self.what} is gone for {self.count} of {self.before} organisations{named}"


@dataclass(frozen=True)
class Fewer:
    """What a quarter's new release lacks of release `release_id`, the most serious first."""

    quarter: Quarter
    release_id: str
    losses: tuple[Loss, ...]

    @property
    def refused(self) -> tuple[Loss, ...]:
        """What only a person's word lets through."""
        return tuple(loss for loss in self.losses if loss.is_refused)

    def as_record(self) -> dict[str, Any]:
        """For a run's outcome."""
        return {
            "quarter": str(self.quarter),
            "release_id": self.release_id,
            "losses": [
                {
                    "kind": loss.kind,
                    "table": loss.table_name,
                    "what": loss.what,
                    "organisations": list(loss.codes),
                    "before": loss.before,
                    "refused": loss.is_refused,
                    "says": loss.in_words(),
                }
                for loss in self.losses
            ],
        }


def fewer_than_current(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, quarters: Sequence[Quarter]
) -> list[Fewer]:
    """For each quarter that is published: what the connection's rows of it lack. A quarter that loses nothing, or has
    no current release, isn't among them.
    """
    if not data.warehouse.exists():
        return []
    path = literal(data.warehouse)
    connection.execute(f"attach {path} as {REPLACED} (read_only)")
    try:
        return fewer_than_replaced(connection, quarters)
    finally:
        connection.execute(f"detach {REPLACED}")


def fewer_than_replaced(connection: duckdb.DuckDBPyConnection, quarters: Sequence[Quarter]) -> list[Fewer]:
    """The same where what would be replaced is attached as REPLACED already."""
    found = [_of_quarter(connection, quarter) for quarter in quarters]
    return [fewer for fewer in found if fewer is not None and fewer.losses]


def tables_of_quarter_before(
    connection: duckdb.DuckDBPyConnection, quarter: Quarter, released: Mapping[str, Sequence[str]]
) -> list[str]:
    """Tables that the quarter before has in `released` (tables by quarter) and this one hasn't in the connection."""
    before = set(released.get(str(quarter.shifted(-1)), ()))
    return sorted(before - set(_tables(connection, WAREHOUSE_SCHEMA, quarter))) if before else []


def refuse_fewer(found: Sequence[Fewer], accepted: str | None, *, beside: Sequence[str] = ()) -> None:
    """Raises SuiteFailed where a release would lose something that nobody has said may go.

    `accepted` is the person's reason; `beside` are lines about files passed over and rows set aside.
    """
    refused = [fewer for fewer in found if fewer.refused]
    if not refused or accepted is not None:
        return
    lines = []
    for fewer in refused:
        lines.append(
            f"{fewer.quarter}: expected at least what release {fewer.release_id} holds, which this one would replace; "
            "found less:"
        )
        lines += [f"  - {loss.in_words()}" for loss in fewer.refused]
    lines += beside
    raise SuiteFailed(
        "\n".join(lines)
        + "\nNothing became current. Look for a file that is missing or wasn't read (`league check DIR` "
        "says what each file holds); after a merger, add it to dbt/seeds/reference/organisation_successor.csv. If the "
        "release is meant to hold less, say so: --accept-fewer REASON, which the journal keeps."
    )


def accepted_in_words(fewer: Fewer, accepted: str) -> str:
    """What the journal says of a release that holds less."""
    return (
        f"{accepted} (fewer than {fewer.release_id}: {'; '.join(loss.in_words() for loss in fewer.refused)})"
    )


def _of_quarter(connection: duckdb.DuckDBPyConnection, quarter: Quarter) -> Fewer | None:
    old, new = f"{REPLACED}.{WAREHOUSE_SCHEMA}", WAREHOUSE_SCHEMA
    if not _has(connection, old, "league_table", "organisation_code"):
        return None
    row = connection.execute(
        f"select any_value(release_id) from {old}.league_table where quarter = ?", [str(quarter)]
    ).fetchone()
    if row is None or row[0] is None:
        return None
    places_before, places_now = (_places(connection, schema, quarter) for schema in (old, new))
    kept = {
        *places_now,
        *_succeeded(connection, set(places_before) - set(places_now), set(places_now), quarter),
    }
    losses = _tables_lost(places_before, set(places_now.values()))
    gone = {loss.table_name for loss in losses}
    losses += _organisations_lost(places_before, kept, gone)
    stays = {code: table for code, table in places_before.items() if code in places_now}
    losses += _metrics_lost(connection, old, quarter, stays)
    losses += _no_longer_recomputed(connection, old, quarter, stays)
    losses += _described_otherwise(connection, old, quarter)
    return Fewer(quarter, str(row[0]), tuple(losses))


def _places(connection: duckdb.DuckDBPyConnection, schema: str, quarter: Quarter) -> dict[str, str]:
    """Table by organisation."""
    rows = connection.execute(
        f"select organisation_code, table_name from {schema}.league_table where quarter = ? order by all",
        [str(quarter)],
    ).fetchall()
    return dict(rows)


def _tables(connection: duckdb.DuckDBPyConnection, schema: str, quarter: Quarter) -> list[str]:
    return sorted(set(_places(connection, schema, quarter).values()))


def _tables_lost(before: Mapping[str, str], now: set[str]) -> list[Loss]:
    losses = []
    for table in sorted(set(before.values()) - now):
        codes = tuple(sorted(code for code, its in before.items() if its == table))
        losses.append(Loss("table", table, table, len(codes), len(codes), codes))
    return losses


def _organisations_lost(before: Mapping[str, str], kept: set[str], tables_gone: set[str]) -> list[Loss]:
    losses = []
    for table in sorted(set(before.values()) - tables_gone):
        all_of = [code for code, its in before.items() if its == table]
        codes = tuple(sorted(set(all_of) - kept))
        if codes:
            losses.append(Loss("organisation", table, "organisations", len(codes), len(all_of), codes))
    return losses


def _described_otherwise(connection: duckdb.DuckDBPyConnection, old: str, quarter: Quarter) -> list[Loss]:
    """Names, regions and subtypes that aren't those of the replaced release, by table."""
    losses = []
    for column in ("organisation_name", "region", "organisation_subtype"):
        if not all(_has(connection, schema, "league_table", column) for schema in (old, WAREHOUSE_SCHEMA)):
            continue
        rows = connection.execute(
            f"""
            select before.table_name, before.organisation_code, before.{column}, now.{column}
            from {old}.league_table as before
            inner join {WAREHOUSE_SCHEMA}.league_table as now using (quarter, table_name, organisation_code)
            where quarter = ?
            order by before.table_name, before.organisation_code
            """,
            [str(quarter)],
        ).fetchall()
        for table in sorted({row[0] for row in rows}):
            of_table = [row for row in rows if row[0] == table]
            changed = [row for row in of_table if row[2] != row[3]]
            if changed:
                what = f"{column.replace('_', ' ')} isn't {changed[0][2]!r} any more but {changed[0][3]!r}"
                if len(changed) > 1:
                    what += " (the first)"
                codes = tuple(row[1] for row in changed)
                losses.append(Loss("description", table, what, len(changed), len(of_table), codes))
    return losses


def _succeeded(
    connection: duckdb.DuckDBPyConnection, gone: set[str], there: set[str], quarter: Quarter
) -> set[str]:
    """Those of `gone` whose successor, or its successor, is there and took effect by the end of the quarter."""
    if not gone or not _has(connection, "reference", "organisation_successor", "successor_code"):
        return set()
    last_day = quarter.shifted(1).first_day - timedelta(days=1)
    rows = connection.execute(
        "select organisation_code, successor_code, cast(effective_date as date) from reference.organisation_successor"
    ).fetchall()
    after: dict[str, set[str]] = {}
    for code, successor, day in rows:
        if isinstance(day, date) and day <= last_day:
            after.setdefault(code, set()).add(successor)
    return {code for code in gone if _successors(code, after) & there}


def _successors(code: str, after: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [code]
    while waiting:
        fresh = after.get(waiting.pop(), set()) - reached
        reached |= fresh
        waiting += fresh
    return reached


def _metrics_lost(
    connection: duckdb.DuckDBPyConnection, old: str, quarter: Quarter, stays: Mapping[str, str]
) -> list[Loss]:
    """Values and scores that organisations of both releases had and have no more, by table and metric.

    What the new release's framework no longer has isn't lost: it says so itself.
    """
    if not all(_has(connection, schema, "metric_score", "value") for schema in (old, WAREHOUSE_SCHEMA)):
        return []
    rows = connection.execute(
        f"""
        select before.metric_id, before.organisation_code,
            (before.value is not null and now.value is null)
            or (before.metric_score_exact is not null and now.metric_score_exact is null)
        from {old}.metric_score as before
        left join (select * from {WAREHOUSE_SCHEMA}.metric_score where quarter = $quarter) as now
            using (organisation_code, metric_id)
        where before.quarter = $quarter and (before.value is not null or before.metric_score_exact is not null)
        order by all
        """,
        {"quarter": str(quarter)},
    ).fetchall()
    applies = _applies(connection, quarter)
    had: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for metric_id, code, is_lost in rows:
        if code in stays and (applies is None or (metric_id, stays[code]) in applies):
            had.setdefault((stays[code], metric_id), []).append((code, bool(is_lost)))
    losses = []
    for (table, metric_id), organisations in sorted(had.items()):
        codes = tuple(code for code, is_lost in organisations if is_lost)
        if codes:
            most = len(codes) > _MOST_THAT_MAY_LOSE_A_FIGURE * len(organisations)
            kind = "metric" if most else "figure"
            losses.append(Loss(kind, table, metric_id, len(codes), len(organisations), codes))
    return sorted(losses, key=lambda loss: not loss.is_refused)


def _applies(connection: duckdb.DuckDBPyConnection, quarter: Quarter) -> set[tuple[str, str]] | None:
    """Metric and table pairs of the new release's framework, as the release itself says; None where it doesn't."""
    if not _has(connection, WAREHOUSE_SCHEMA, "framework_rule", "rule_key"):
        return None
    rows = connection.execute(
        f"select rule_key from {WAREHOUSE_SCHEMA}.framework_rule "
        "where quarter = ? and rule_table = 'metric_applicability'",
        [str(quarter)],
    ).fetchall()
    pairs = [str(key).split(" ", 1) for (key,) in rows]
    return {(pair[0], pair[1]) for pair in pairs if len(pair) > 1} or None


def _no_longer_recomputed(
    connection: duckdb.DuckDBPyConnection, old: str, quarter: Quarter, stays: Mapping[str, str]
) -> list[Loss]:
    """Metric values that a statistic gave before, beside the publisher's own, and gives no more."""
    if not all(_has(connection, schema, "reconciliation", "computed") for schema in (old, WAREHOUSE_SCHEMA)):
        return []
    rows = connection.execute(
        f"""
        select before.figure, before.organisation_code, now.computed is null
        from {old}.reconciliation as before
        left join (select * from {WAREHOUSE_SCHEMA}.reconciliation where quarter = $quarter) as now
            using (organisation_code, figure)
        where before.quarter = $quarter and before.figure like 'OF0___' and before.computed is not null
        order by all
        """,
        {"quarter": str(quarter)},
    ).fetchall()
    had: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for figure, code, is_lost in rows:
        if code in stays:
            had.setdefault((stays[code], figure), []).append((code, bool(is_lost)))
    losses = []
    for (table, figure), organisations in sorted(had.items()):
        codes = tuple(code for code, is_lost in organisations if is_lost)
        if codes:
            losses.append(Loss("recomputed", table, figure, len(codes), len(organisations), codes))
    return losses


def _has(connection: duckdb.DuckDBPyConnection, schema: str, table: str, column: str) -> bool:
    """Whether there is such a table with such a column: a warehouse may be older than either."""
    catalogue, _, name = schema.rpartition(".")
    found = connection.execute(
        "select 1 from duckdb_columns() where schema_name = ? and table_name = ? and column_name = ? "
        "and database_name = coalesce(?, current_database())",
        [name, table, column, catalogue or None],
    ).fetchone()
    return found is not None
