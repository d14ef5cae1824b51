"""Makes a backup of a data folder: everything but what a run or dbt makes anew, each file's bytes checked."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster_project.durable import UNFINISHED, remove
from dagster_project.errors import InputMissing, InputRejected, LeagueError, WrongUsage
from dagster_project.keeping.backup_folder import Backup, BackupFolder, KeptFile
from dagster_project.keeping.listings import promised_hashes
from dagster_project.progress import announce
from dagster_project.releases.publish import CurrentRelease, mend_current_links, refuse_foreign_wal
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder

# SQLite files are copied by SQLite: another process may have a connection and writes of its own under way.
_HEADER = b"SQLite format 3\x00"
_BESIDE = ("-wal", "-shm", "-journal")
_LONGEST_WAIT = 30.0


@dataclass
class _Copied:
    """What a backup added to its folder."""

    files: int = 0
    bytes: int = 0


def make_backup(data: DataFolder, folder: Path, *, keep: int | None = None) -> dict[str, Any]:
    """Adds a backup of the data folder to `folder`; with `keep`, only that many of the newest stay there.

    Bytes that are there already aren't copied again. Raises Locked while a run writes, InputMissing where
    there is nothing to back up, InputRejected, naming it, where a file isn't what its hash says, and
    LeagueError where the disk refuses. Whatever it raises, and whenever it is killed, earlier backups stay.
    """
    data, store = DataFolder(data.root.resolve()), BackupFolder(folder.resolve())
    _refuse_folder(data, store)
    if keep is not None and keep < 1:
        raise WrongUsage(f"--keep is how many backups stay, at least 1, not {keep}.")
    try:
        with writer_lock(data, "backup"), writer_lock(DataFolder(store.root), "backup"):
            refuse_foreign_wal(data)
            store.clean()
            announce("Checking what is there, copying what is new")
            backup, copied = _copied(data, store, mend_current_links(data))
            backup_id = store.finish(backup)
            forgotten = store.forget_older(keep) if keep is not None else []
    except OSError as error:
        raise LeagueError(
            f"The backup to {store.root} failed: {error}. Earlier backups there weren't touched; mend that and "
            "back up again: what was copied so far isn't copied again."
        ) from error
    return {
        "backup_id": backup_id,
        "folder": str(store.root),
        "data_folder": str(data.root),
        "releases": dict(backup.releases),
        "files": len(backup.files),
        "bytes": backup.size,
        "new_files": copied.files,
        "new_bytes": copied.bytes,
        "forgotten": forgotten,
        "left_out": [data.spark.name] if data.spark.is_dir() else [],
        "exit_code": 0,
    }


def list_backups(folder: Path) -> dict[str, Any]:
    """The backups in a folder, newest first; of one whose manifest is damaged, why."""
    store = BackupFolder(folder.resolve())
    listed: list[dict[str, Any]] = []
    for backup_id in reversed(store.ids()):
        try:
            backup = store.read(backup_id)
        except InputRejected as error:
            listed.append({"backup_id": backup_id, "damaged": str(error)})
            continue
        listed.append(
            {
                "backup_id": backup_id,
                "taken_at": backup.taken_at,
                "files": len(backup.files),
                "bytes": backup.size,
                "releases": dict(backup.releases),
            }
        )
    return {"folder": str(store.root), "backups": listed, "exit_code": 0}


def _refuse_folder(data: DataFolder, store: BackupFolder) -> None:
    if store.root.is_relative_to(data.root) or data.root.is_relative_to(store.root):
        raise WrongUsage(
            f"{store.root} and the data folder {data.root} lie within each other: name a folder elsewhere, best "
            "on another disk."
        )
    if not data.archive.is_dir() and not data.warehouse.is_file():
        raise InputMissing(
            f"{data.root} has neither an archive nor a published warehouse: there is nothing to back up. "
            "LEAGUE_DATA_DIR says which data folder is meant."
        )
    if store.root.is_dir() and any(store.root.iterdir()) and not (store.root / "bytes").is_dir():
        names = {path.name for path in store.root.iterdir()} - {"writer.lock"}
        if any(not name.startswith(UNFINISHED) for name in names):
            raise WrongUsage(f"{store.root} holds other things than backups: name a folder of its own.")


def _copied(data: DataFolder, store: BackupFolder, current: list[CurrentRelease]) -> tuple[Backup, _Copied]:
    promised = promised_hashes(data)
    for path in promised:
        if not path.is_file():
            raise InputMissing(
                f"{path}: expected this file, which its folder's listing names. {_remedy(store)}"
            )
    files, links, copied = [], {}, _Copied()
    for path in _everything(data):
        below = path.relative_to(data.root).as_posix()
        if path.is_symlink():
            links[below] = str(path.readlink())
            continue
        try:
            files.append(_kept(path, below, store, promised.get(path), copied))
        except FileNotFoundError:
            # The web server's own files come and go; nothing else does while this process holds the lock.
            if not path.is_relative_to(data.dagster_home) or path.exists():
                raise
    taken_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    releases = {str(release.quarter): release.release_id for release in current}
    return Backup(taken_at, releases, tuple(files), links), copied


def _everything(data: DataFolder) -> Iterator[Path]:
    """Files and links, sorted, but for what is made anew: candidates, parsed dbt projects, the lock, Spark's lake.

    Spark's catalogue knows tables by their place: a copy of it elsewhere would be written to where it was copied from.
    """
    anew = {data.candidates, data.root / "dbt", data.lock_file, data.spark}
    for where, folders, files in os.walk(data.root):
        at = Path(where)
        links = [name for name in folders if (at / name).is_symlink()]
        folders[:] = sorted(
            name
            for name in folders
            if name not in links and at / name not in anew and not name.startswith(UNFINISHED)
        )
        for name in sorted([*files, *links]):
            path = at / name
            if path in anew or name.startswith(UNFINISHED):
                continue
            if path.is_symlink() or (path.is_file() and not _belongs_to_database(path)):
                yield path


def _kept(path: Path, below: str, store: BackupFolder, promised: str | None, copied: _Copied) -> KeptFile:
    found = path.stat()
    if _is_database(path):
        copy = store.unfinished()
        try:
            _copy_database(path, copy)
            stored = store.store(copy)
        finally:
            remove(copy)
    else:
        stored = store.store(path)
    if promised is not None and stored.sha256 != promised:
        raise InputRejected(
            file=str(path),
            expected=f"bytes with the sha256 {promised}",
            found=f"bytes with the sha256 {stored.sha256}: the file is damaged",
            remedy=_remedy(store, promised),
        )
    if stored.is_new:
        copied.files += 1
        copied.bytes += stored.bytes
    return KeptFile(below, stored.sha256, stored.bytes, found.st_mode & 0o777, found.st_mtime_ns)


def _remedy(store: BackupFolder, promised: str | None = None) -> str:
    if promised is not None and store.path_of(promised).is_file():
        return (
            f"No backup was made, as it would keep the damage. An earlier one has the right bytes: copy "
            f"{store.path_of(promised)} over it, then back up again."
        )
    return "No backup was made, as it would keep the damage. Restore that file, then back up again."


def _is_database(path: Path) -> bool:
    """Whether the file is an SQLite database."""
    with path.open("rb") as file:
        return file.read(len(_HEADER)) == _HEADER


def _belongs_to_database(path: Path) -> bool:
    """Whether the file is what SQLite keeps beside a database; `_copy_database` takes its content along."""
    return any(
        path.name.endswith(suffix) and path.with_name(path.name.removesuffix(suffix)).is_file()
        for suffix in _BESIDE
    )


def _copy_database(source: Path, target: Path) -> None:
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
