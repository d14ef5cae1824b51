"""What readers see of a data folder: hashes of published files, releases, and what the warehouse holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.releases.candidate import kept_candidates
from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder

OUTSIDE_THE_PROMISE = "provenance.json"


def files_below(*folders: Path) -> dict[str, str]:
    """Path -> sha256 of every file, and where every link leads."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink():
                found[str(path)] = f"-> {path.readlink()}"
            elif path.is_file():
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def published_files(data: DataFolder) -> dict[str, str]:
    """The published warehouse, every release folder and every `current` link."""
    return files_below(data.warehouse.parent, data.releases)


def promised_bytes(data: DataFolder, quarter: str) -> dict[str, str]:
    """File name -> sha256 of a quarter's current release, without what may differ by machine."""
    folder = data.releases / quarter / "current"
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
        if file.name != OUTSIDE_THE_PROMISE
    }


def left_in(data: DataFolder) -> set[str]:
    """The ids of the runs whose candidates lie in the data folder."""
    return {path.name for path in data.candidates.glob("*")}


def what_may_be_gone_on_with(data: DataFolder) -> set[str]:
    """The ids of the runs that left a candidate which another run may go on from."""
    return {kept.candidate.run_id for kept in kept_candidates(data)}


def release_ids(data: DataFolder) -> dict[str, str]:
    """Quarter -> release id, as the published warehouse says."""
    return {str(release.quarter): release.release_id for release in current_release(data)}


def rows_of(data: DataFolder, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a query on the published warehouse."""
    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        return connection.execute(query, list(parameters)).fetchall()


def tables_holding(data: DataFolder, quarter: str) -> list[str]:
    """Every table or view of the published warehouse that has a row of the quarter; rules aside."""
    # One connection for all: to open one costs more than to ask it.
    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.columns where column_name = 'quarter' "
            "and table_schema not in ('methodology', 'reference') order by all"
        ).fetchall()
        assert names, "a published warehouse has tables by quarter"
        return [
            f"{schema}.{table}"
            for schema, table in names
            if connection.execute(
                f'select 1 from "{schema}"."{table}" where quarter = ? limit 1', [quarter]
            ).fetchall()
        ]


def assert_of_one_piece(data: DataFolder, expected: dict[str, str]) -> None:
    """The warehouse holds these releases and no other, and every file of each is as its release.json says."""
    assert release_ids(data) == expected
    stamped = rows_of(data, "select distinct quarter, release_id from league.league_table")
    assert dict(stamped) == expected
    for quarter, release_id in expected.items():
        folder = data.releases / quarter / release_id
        for name, described in json.loads((folder / "release.json").read_bytes())["files"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == described["sha256"], name


def links(data: DataFolder) -> dict[str, str]:
    """Quarter -> where its `current` link leads."""
    return {link.parent.name: str(link.readlink()) for link in data.releases.glob("*/current")}
