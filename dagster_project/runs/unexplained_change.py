"""Refuses to replace a release by other figures where nothing but the code has changed.

A released quarter changes with its extracts, its rules or its framework. Where those are the same and figures
differ, code or a package did it, and nobody has looked at it yet: `league rebuild` shows it first. The earlier
quarter's release doesn't explain it either: the gates read it, the figures don't.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import LeagueError
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, read_release_file, release_path
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.releases.publish import current_release
from dagster_project.releases.tables import RELEASED_TABLES, ReleasedTable
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.sql_text import literal

_INPUTS = ("extracts", "rules", "framework", "is_sample")
_FIGURES = frozenset(
    {"league_table", "metric_score", "domain_score", "metric_ranking", "segment_threshold", "organisation"}
)
_SHOWN = 5


def refuse_unexplained_changes(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, identities: Sequence[ReleaseIdentity]
) -> None:
    """Compares the candidate with the current release of each quarter; raises LeagueError naming what changes.

    A quarter without a current release, or with other inputs, isn't compared.
    """
    current = {release.quarter: release.release_id for release in current_release(data)}
    for identity in identities:
        release_id = current.get(identity.quarter)
        if release_id is None or release_id == identity.release_id:
            continue
        folder = release_path(data, identity.quarter, release_id)
        if not (folder / RELEASE_FILE).is_file():
            announce(f"  {identity.quarter}: release {release_id} isn't in {folder}, so it can't be compared")
            continue
        before = read_release_file(folder)
        if any(before[name] != identity.components[name] for name in _INPUTS):
            continue
        changed = changed_rows(connection, identity.quarter, folder)
        if changed:
            raise LeagueError(_message(identity, release_id, before, changed))


def changed_rows(
    connection: duckdb.DuckDBPyConnection, quarter: Quarter, folder: Path
) -> dict[str, list[str]]:
    """Table -> its rows that differ between a release's folder and the warehouse, each in words.

    Columns that only one of them has are additions, not changes; ids aren't compared.
    """
    tables = [table for table in RELEASED_TABLES if table.name in _FIGURES]
    found = {table.name: _changed_rows_of(connection, quarter, folder, table) for table in tables}
    return {name: rows for name, rows in found.items() if rows}


def _changed_rows_of(
    connection: duckdb.DuckDBPyConnection, quarter: Quarter, folder: Path, table: ReleasedTable
) -> list[str]:
    file = folder / f"{table.name}.parquet"
    if not file.is_file():
        return []
    before = f"read_parquet({literal(file)})"
    now = f"(select * from {WAREHOUSE_SCHEMA}.{table.name} where quarter = '{quarter}')"
    there = _columns(connection, before)
    columns = [column for column in _columns(connection, now) if column in there and column != "release_id"]
    pairs = ", ".join(f'before."{column}", now."{column}"' for column in columns)
    same_key = " and ".join(f'before."{column}" = now."{column}"' for column in table.key)
    differs = " or ".join(f'before."{column}" is distinct from now."{column}"' for column in columns)
    rows = connection.execute(
        f"select {pairs} from {before} as before full outer join {now} as now on {same_key} "
        f"where {differs} order by all"
    ).fetchall()
    return [_in_words(table, columns, row) for row in rows]


def _in_words(table: ReleasedTable, columns: Sequence[str], row: Sequence[Any]) -> str:
    """Such as `ZA1 OF0013: metric_score 2.33 -> 2.41`."""
    values = {column: (row[2 * at], row[2 * at + 1]) for at, column in enumerate(columns)}
    keys = [values[column] for column in table.key]
    before, now = [key[0] for key in keys], [key[1] for key in keys]
    if None in before:
        return f"{' '.join(map(str, now))}: only now"
    if None in now:
        return f"{' '.join(map(str, before))}: no longer there"
    said = [f"{column} {old} -> {new}" for column, (old, new) in values.items() if old != new]
    return f"{' '.join(map(str, now))}: {', '.join(said)}"


def _columns(connection: duckdb.DuckDBPyConnection, rows: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(f"describe select * from {rows}").fetchall()]


def _message(
    identity: ReleaseIdentity, release_id: str, before: dict[str, Any], changed: dict[str, list[str]]
) -> str:
    counts = ", ".join(f"{len(rows)} of {table}" for table, rows in changed.items())
    listed = [f"  - {table} {row}" for table, rows in changed.items() for row in rows[:_SHOWN]]
    code = sorted(
        name
        for name in {*before["code"], *identity.code}
        if before["code"].get(name) != identity.code.get(name)
    )
    versions = sorted(
        name for name, version in identity.versions.items() if before["versions"].get(name) != version
    )
    moved = [*versions, *code]
    more = f" and {len(moved) - _SHOWN} more" if len(moved) > _SHOWN else ""
    return (
        f"{identity.quarter}: expected the figures of release {release_id}, as extracts, rules and framework are "
        f"the same; found other ones. Rows that differ: {counts}:\n"
        + "\n".join(listed)
        + f"\nChanged since: {', '.join(moved[:_SHOWN]) or 'nothing'}{more}. Nothing was released. If the change "
        "is meant, `league rebuild` shows all of it and releases it; if it isn't, mend the code."
    )
