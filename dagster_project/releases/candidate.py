"""The candidate: a run's private copy of the published warehouse, in which it builds and is checked.

The copy keeps the published file's own name, because dbt's views carry the catalogue's name, and
DuckDB names a catalogue after its file.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.data_kind import write_down_kind
from dagster_project.durable import make_folder, remove
from dagster_project.errors import LeagueError
from dagster_project.releases.folder import sweep_unfinished
from dagster_project.releases.journal import keep_journal
from dagster_project.releases.ledger import keep_ledger
from dagster_project.releases.writer_lock import require_writer_lock
from dagster_project.settings import DataFolder

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Candidate:
    """A writable warehouse that no reader sees; `warehouse` is its file."""

    run_id: str
    warehouse: Path

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection that may write; dbt in this process can share the file, as neither sets options."""
        return duckdb.connect(str(self.warehouse))

    def close(self) -> None:
        """Brings everything into the one file; raises LeagueError while something else has it open."""
        try:
            with self.connect() as connection:
                connection.execute("checkpoint")
            # DuckDB refuses a read-only connection while a writing one is alive in this process.
            duckdb.connect(str(self.warehouse), read_only=True).close()
        except duckdb.Error as error:
            raise LeagueError(
                f"{self.warehouse}: expected every connection to be closed before publishing; "
                f"DuckDB says: {error}. Nothing was published. Close them (dbt's too) and run again."
            ) from error
        if wal_of(self.warehouse).exists():
            raise LeagueError(
                f"{wal_of(self.warehouse)}: expected no write-ahead log beside a finished candidate; found "
                "one, so another process has it open. Nothing was published. End that process and run again."
            )

    def discard(self) -> None:
        """Removes the candidate and its folder, also where it never came to be."""
        remove(self.warehouse.parent)


def open_candidate(data: DataFolder, run_id: str) -> Candidate:
    """Copies the published warehouse (or creates an empty one) to `candidates/<run id>/`; needs the lock.

    What runs that died have left behind is removed first: whoever holds the lock is the only run alive. A folder
    from before kinds were kept apart says from now on whether it is official or fictional. The
    candidate has a journal and a ledger, also where the published warehouse is older than they are.
    """
    require_writer_lock(data)
    if not _RUN_ID.fullmatch(run_id):
        raise LeagueError(
            f"run id {run_id!r}: expected letters, digits, '.', '_' and '-', as it names a folder."
        )
    sweep(data)
    write_down_kind(data)
    candidate = Candidate(run_id, data.candidates / run_id / data.warehouse.name)
    try:
        make_folder(candidate.warehouse.parent)
        if data.warehouse.exists():
            shutil.copyfile(data.warehouse, candidate.warehouse)
            candidate.warehouse.chmod(0o644)
        with candidate.connect() as connection:
            keep_journal(connection, data)
            keep_ledger(connection)
    except BaseException:
        candidate.discard()
        raise
    return candidate


def sweep(data: DataFolder) -> None:
    """Removes the candidates and the unfinished release folders of dead runs; needs the writer lock."""
    require_writer_lock(data)
    if data.candidates.is_dir():
        for leftover in data.candidates.iterdir():
            remove(leftover)
    sweep_unfinished(data)


def wal_of(warehouse: Path) -> Path:
    """Where DuckDB keeps the write-ahead log of a warehouse file."""
    return warehouse.with_name(warehouse.name + ".wal")
