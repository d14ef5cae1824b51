"""A data folder with one file of each kind, made by hand in a moment; a release and an archive like real ones."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import duckdb

from dagster_project.archive.archive import Archive, Sighting
from dagster_project.settings import DataFolder

QUARTER, RELEASE = "2025-26-Q1", "0123456789abcdef"
EXTRACT = b"Quarter,Trust_code\nQ1 2025,ZAB\n"


def write(path: Path, content: bytes, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def archived(data: DataFolder, content: bytes) -> str:
    """Archives bytes as a file of a source that no reader knows; gives their id."""
    archive = Archive(data.archive)
    extract_id = archive.store(content)
    sighting = Sighting(
        extract_id, "acute.csv", "by_hand", "acute", (QUARTER,), len(content), "final", None, False, "/x"
    )
    archive.record([sighting])
    return extract_id


def released(data: DataFolder, quarter: str, release_id: str, extract_id: str, run_id: str) -> Path:
    """A release's folder with one table."""
    folder = data.releases / quarter / release_id
    table = b"rank\n1\n"
    write(folder / "league_table.csv", table, 0o444)
    files = {"league_table.csv": {"sha256": hashlib.sha256(table).hexdigest(), "bytes": len(table)}}
    content = {"extracts": {extract_id: "acute.csv"}, "files": files, "is_sample": False}
    write(folder / "release.json", json.dumps(content).encode(), 0o444)
    write(folder / "provenance.json", json.dumps({"run_id": run_id}).encode(), 0o444)
    return folder


def published(data: DataFolder, *releases: tuple[str, str]) -> None:
    """A warehouse that says which release of which quarter is current."""
    data.warehouse.parent.mkdir(parents=True, exist_ok=True)
    data.warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(data.warehouse)) as connection:
        connection.execute("create schema league")
        connection.execute(
            "create table league.current_release (quarter varchar, release_id varchar, framework varchar, "
            "is_sample boolean, release_state varchar, organisations integer, tables_loaded varchar)"
        )
        for quarter, release_id in releases:
            connection.execute(
                "insert into league.current_release values (?, ?, '2025-26', false, 'final', 1, 'acute')",
                [quarter, release_id],
            )
    data.warehouse.chmod(0o444)


def history(data: DataFolder, *notes: str) -> Path:
    """A database of Dagster's home, in the mode that Dagster sets: fresh rows stand in its write-ahead log."""
    path = data.dagster_home / "history" / "runs.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode = wal")
    connection.execute("create table if not exists runs (note varchar)")
    connection.executemany("insert into runs values (?)", [(note,) for note in notes])
    connection.commit()
    connection.close()
    return path


def hand_made_data(root: Path) -> DataFolder:
    """Archive, a current release, warehouse, a run, its history, a ledger, and what no backup takes along."""
    data = DataFolder(root)
    extract_id = archived(data, EXTRACT)
    released(data, QUARTER, RELEASE, extract_id, "run-1")
    (data.releases / QUARTER / "current").symlink_to(RELEASE)
    published(data, (QUARTER, RELEASE))
    write(data.runs / "run-1" / "outcome.json", b'{"run_id": "run-1", "exit_code": 0}')
    write(root / "ledger" / QUARTER / f"{RELEASE}.parquet", b"PAR1", 0o444)
    history(data, "run-1")
    write(data.candidates / "run-2" / "nhs_league_tables.duckdb", b"half-built")
    write(data.lock_file, b"")
    write(root / "dbt" / "ab12" / "manifest.json", b"{}")
    return data
