"""Two releases of a quarter side by side, from their folders: which figures changed, and which rows of which table.

It says what differs, not why.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import InputMissing
from dagster_project.releases.folder import RELEASE_FILE
from dagster_project.releases.tables import EARLIER_RELEASE, RELEASED_TABLES
from dagster_project.sql_text import literal

_SHOWN = 10
# Which release it is, and which it is compared with: that they differ is no difference of what they hold.
_STAMPS = {"release_id", EARLIER_RELEASE}
# The released columns that people quote, by what a change of one is called.
_FIGURES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("values", "metric_score", ("organisation_code", "metric_id"), "value"),
    ("scores", "metric_score", ("organisation_code", "metric_id"), "metric_score"),
    ("averages", "league_table", ("table_name", "organisation_code"), "average_metric_score"),
    ("segments", "league_table", ("table_name", "organisation_code"), "adjusted_segment"),
    ("ranks", "league_table", ("table_name", "organisation_code"), "rank"),
)


def compare_releases(before: Path, after: Path) -> dict[str, Any]:
    """`figures`: changed values, scores, averages, segments and ranks, each counted, the first ones in full;
    `organisations`: codes that came and went; `tables`: rows that differ in anything but the release id, and
    columns that came and went. `same` is true where nothing of that is.
    """
    with duckdb.connect(":memory:") as connection:
        tables = [
            found
            for table in RELEASED_TABLES
            if (found := _compare_table(connection, table.name, before, after)) is not None
        ]
        figures = {
            name: _changed(connection, before, after, table, key, column)
            for name, table, key, column in _FIGURES
        }
        organisations = {
            "in": _only_in(connection, after, before),
            "out": _only_in(connection, before, after),
        }
    return {
        "figures": figures,
        "organisations": organisations,
        "tables": tables,
        "same": not tables,
    }


def _compare_table(
    connection: duckdb.DuckDBPyConnection, table: str, before: Path, after: Path
) -> dict[str, Any] | None:
    """How a table differs; None where it doesn't."""
    old, new = _columns(connection, before, table), _columns(connection, after, table)
    if not old or not new:
        return None if old == new else {"table": table, "only_in": "after" if new else "before"}
    both = ", ".join(f'"{column}"' for column in sorted((old & new) - _STAMPS))
    rows_before, rows_after = (f"select {both} from {_rows(folder, table)}" for folder in (before, after))
    gone, came = (
        _number(connection, f"select count(*) from ({one} except all {other})")
        for one, other in ((rows_before, rows_after), (rows_after, rows_before))
    )
    columns_out, columns_in = sorted(old - new), sorted(new - old)
    if not (gone or came or columns_in or columns_out):
        return None
    return {
        "table": table,
        "rows_gone": gone,
        "rows_new": came,
        "columns_in": columns_in,
        "columns_out": columns_out,
    }


def _changed(
    connection: duckdb.DuckDBPyConnection,
    before: Path,
    after: Path,
    table: str,
    key: tuple[str, ...],
    column: str,
) -> dict[str, Any]:
    """Rows of both releases whose figure is another one; those that only one has are organisations in or out,
    or metrics that are scored for them now, and count as changed too.
    """
    keys = ", ".join(key)
    rows = connection.execute(
        f"select {keys}, old.{column}, new.{column} from {_rows(before, table)} as old "
        f"full outer join {_rows(after, table)} as new using ({keys}) "
        f"where old.{column} is distinct from new.{column} order by {keys}"
    ).fetchall()
    return {
        "changed": len(rows),
        "first": [
            {
                **dict(zip(key, row[: len(key)], strict=True)),
                "before": _plain(row[-2]),
                "after": _plain(row[-1]),
            }
            for row in rows[:_SHOWN]
        ],
    }


def _only_in(connection: duckdb.DuckDBPyConnection, one: Path, other: Path) -> list[str]:
    rows = connection.execute(
        f"select organisation_code from {_rows(one, 'league_table')} "
        f"except select organisation_code from {_rows(other, 'league_table')} order by organisation_code"
    ).fetchall()
    return [str(code) for (code,) in rows]


def _columns(connection: duckdb.DuckDBPyConnection, folder: Path, table: str) -> set[str]:
    """The table's columns in a release; none where a release from before the table lacks it."""
    if not (folder / f"{table}.parquet").is_file():
        if not (folder / RELEASE_FILE).is_file():
            raise InputMissing(f"{folder}: expected a release; found no {RELEASE_FILE}.")
        return set()
    described = connection.execute(f"describe select * from {_rows(folder, table)}").fetchall()
    return {str(row[0]) for row in described}


def _rows(folder: Path, table: str) -> str:
    return f"read_parquet({literal(folder / f'{table}.parquet')})"


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _plain(value: object) -> str | None:
    return None if value is None else str(value)
