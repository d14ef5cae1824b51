"""Copies of SQLite files, of which another process may have a connection and writes of its own under way."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from dagster_project.errors import LeagueError

_HEADER = b"SQLite format 3\x00"
_BESIDE = ("-wal", "-shm", "-journal")
_LONGEST_WAIT = 30.0


def is_database(path: Path) -> bool:
    """Whether the file is an SQLite database."""
    with path.open("rb") as file:
        return file.read(len(_HEADER)) == _HEADER


def belongs_to_database(path: Path) -> bool:
    """Whether the file is what SQLite keeps beside a database; `copy_database` takes its content along."""
    return any(
        path.name.endswith(suffix) and path.with_name(path.name.removesuffix(suffix)).is_file()
        for suffix in _BESIDE
    )


def copy_database(source: Path, target: Path) -> None:
    """Copies a database as of one moment, by SQLite's own backup; raises LeagueError where it isn't sound."""
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, timeout=_LONGEST_WAIT)) as live,
            closing(sqlite3.connect(target)) as copy,
        ):
            live.backup(copy)
            # What was a write-ahead log's is in the copy: alone, it needs no such log to be opened.
            copy.execute("pragma journal_mode = delete")
            found = copy.execute("pragma quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise LeagueError(
            f"{source}: expected a database that can be read; SQLite says: {error}. Nothing was backed up: "
            "close what keeps it locked, or restore it from an earlier backup."
        ) from error
    if found != "ok":
        raise LeagueError(
            f"{source}: expected a sound database; SQLite's check found: {found}. Nothing was backed up: "
            "restore it from an earlier backup, or move it away."
        )
