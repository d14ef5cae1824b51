"""The candidate: a run's private copy of the published warehouse, in which it builds and is checked.

The copy keeps the published file's own name, because dbt's views carry the catalogue's name, and
DuckDB names a catalogue after its file. A run that ends before it publishes may leave its candidate with a note of
what is done in it, for another run to go on; what such a note says isn't here (`runs/resumption.py`).
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.data_kind import write_down_kind
from dagster_project.durable import flush, make_folder, put_in_place, remove, write_whole
from dagster_project.errors import LeagueError
from dagster_project.json_text import parsed_json
from dagster_project.releases.folder import sweep_unfinished
from dagster_project.releases.journal import keep_journal
from dagster_project.releases.ledger import keep_ledger
from dagster_project.releases.writer_lock import require_writer_lock
from dagster_project.settings import DataFolder

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOTE = "done.json"
# As many quarters, or groups of them, have the candidate of their latest run kept.
KEPT = 3


@dataclass(frozen=True)
class Candidate:
    """A writable warehouse that no reader sees; `warehouse` is its file.

    From its first connection on it stays open until it is let go, closed or discarded. Each connection of this process
    would read all of its tables' statistics anew otherwise, and write every table to its place when it ends.
    """

    run_id: str
    warehouse: Path
    _held: list[duckdb.DuckDBPyConnection] = field(default_factory=list, repr=False, compare=False)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection that may write; dbt in this process can share the file, as neither sets options."""
        if not self._held:
            self._held.append(duckdb.connect(str(self.warehouse)))
        return duckdb.connect(str(self.warehouse))

    def let_go(self) -> None:
        """Ends what holds it open; the last connection to be closed brings everything into the one file."""
        while self._held:
            self._held.pop().close()

    def close(self) -> None:
        """Brings everything into the one file; raises LeagueError while something else has it open."""
        try:
            with self.connect() as connection:
                connection.execute("checkpoint")
            self.let_go()
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

    def note(self, done: Mapping[str, Any]) -> None:
        """Says what is done in it: from now on it outlives its run, as long as it is of use to another."""
        write_whole(self.warehouse.parent / _NOTE, json.dumps(done))

    def forget(self) -> None:
        """Takes the note back: what is done to the candidate from now on can't be gone on with."""
        remove(self.warehouse.parent / _NOTE)
        flush(self.warehouse.parent)

    @property
    def is_kept(self) -> bool:
        """Whether it has a note, so that its run leaves it where it is."""
        return (self.warehouse.parent / _NOTE).exists()

    def discard(self) -> None:
        """Removes the candidate and its folder, also where it never came to be."""
        self.let_go()
        # Without its note first: a folder half removed is nobody's to go on with.
        remove(self.warehouse.parent / _NOTE)
        remove(self.warehouse.parent)


@dataclass(frozen=True)
class Kept:
    """A candidate that a run left, with its note of what is done in it; `published` and `quarters` are read here."""

    candidate: Candidate
    note: Mapping[str, Any]

    @property
    def written_at(self) -> float:
        """When its run last said what is done (seconds since 1970)."""
        return (self.candidate.warehouse.parent / _NOTE).stat().st_mtime


def published_file(data: DataFolder) -> list[int] | None:
    """Size, time and place of the published warehouse, by which it is known again; None before the first."""
    if not data.warehouse.exists():
        return None
    found = data.warehouse.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def kept_candidates(data: DataFolder) -> list[Kept]:
    """The candidates worth keeping, the latest first: one for the same quarters, and at most `KEPT`.

    One that was copied from a warehouse that is no longer the published one is of no use: publishing it would undo
    what was published since.
    """
    found = sorted(_noted(data), key=lambda kept: kept.written_at, reverse=True)
    now = published_file(data)
    latest: dict[str, Kept] = {}
    for kept in found:
        if kept.note.get("published") == now:
            latest.setdefault(json.dumps(kept.note.get("quarters")), kept)
    return list(latest.values())[:KEPT]


def _noted(data: DataFolder) -> list[Kept]:
    """Every candidate with a note that can be read."""
    kept = []
    for path in data.candidates.glob(f"*/{_NOTE}"):
        candidate = Candidate(path.parent.name, path.parent / data.warehouse.name)
        try:
            note = parsed_json(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(note, dict) and candidate.warehouse.is_file():
            kept.append(Kept(candidate, note))
    return kept


def take_over(kept: Kept, data: DataFolder, run_id: str) -> Candidate:
    """Makes a kept candidate that of another run, by a rename; needs the lock."""
    require_writer_lock(data)
    folder = data.candidates / run_id
    remove(folder)
    put_in_place(kept.candidate.warehouse.parent, folder)
    return Candidate(run_id, folder / data.warehouse.name)


def open_candidate(data: DataFolder, run_id: str) -> Candidate:
    """Copies the published warehouse (or creates an empty one) to `candidates/<run id>/`; needs the lock.

    What runs have left behind is removed first, but for candidates worth keeping: whoever holds the lock is the only
    run alive. A folder
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
    """Removes the unfinished release folders of dead runs, and their candidates but for those worth keeping; needs the
    writer lock.
    """
    require_writer_lock(data)
    kept = {each.candidate.run_id for each in kept_candidates(data)}
    if data.candidates.is_dir():
        for leftover in data.candidates.iterdir():
            if leftover.name not in kept:
                remove(leftover)
    sweep_unfinished(data)


def wal_of(warehouse: Path) -> Path:
    """Where DuckDB keeps the write-ahead log of a warehouse file."""
    return warehouse.with_name(warehouse.name + ".wal")
