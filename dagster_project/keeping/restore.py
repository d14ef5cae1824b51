"""Restores a backup into an empty data folder, once every byte of it has been found right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dagster_project.data_kind import KIND_FILE, Kind, kind_held, require_kind
from dagster_project.errors import InputRejected, LeagueError, WrongUsage
from dagster_project.keeping.backup_folder import Backup, BackupFolder, copy_with_hash
from dagster_project.releases.durable import flush, make_folder, remove
from dagster_project.releases.publish import mend_current_links
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.runs.progress import announce
from dagster_project.settings import DataFolder

_STAGE = ".unfinished-restore"


def restore_backup(
    folder: Path, into: DataFolder, *, backup_id: str | None = None, dry_run: bool = False
) -> dict[str, Any]:
    """Puts a backup (the newest, unless one is named) into a data folder that is empty or isn't there.

    A dry run only checks the bytes. Raises WrongUsage where the data folder holds anything, InputMissing or
    InputRejected, naming the file, where the backup isn't whole; then nothing has been written. A restore
    that fails or is killed on its way leaves nothing that a run or a reader would take for a data folder.
    """
    into, store = DataFolder(into.root.resolve()), BackupFolder(folder.resolve())
    backup_id, backup = store.choose(backup_id)
    if not dry_run:
        _refuse_filled(into)
    announce(f"Checking {len(backup.files):,} files of {backup_id}")
    store.check(backup_id, backup)
    if not dry_run:
        try:
            _restore(backup, store, into)
        except OSError as error:
            raise LeagueError(
                f"Restoring into {into.root} failed: {error}. Nothing stays there; the backup is as it was."
            ) from error
    return {
        "backup_id": backup_id,
        "taken_at": backup.taken_at,
        "folder": str(store.root),
        "data_folder": None if dry_run else str(into.root),
        "files": len(backup.files),
        "bytes": backup.size,
        "releases": dict(backup.releases),
        "dry_run": dry_run,
        "exit_code": 0,
    }


def _refuse_filled(into: DataFolder) -> None:
    if not into.root.exists():
        return
    if not into.root.is_dir():
        raise WrongUsage(f"{into.root} is a file: name the folder to restore into.")
    there = sorted(
        path.name for path in into.root.iterdir() if path.name not in (_STAGE, into.lock_file.name, KIND_FILE)
    )
    if there:
        raise WrongUsage(
            f"{into.root} isn't empty: it holds {', '.join(there[:5])}{' ...' if len(there) > 5 else ''}. A restore "
            "never overwrites: move that folder away, or restore elsewhere with --into."
        )


def _restore(backup: Backup, store: BackupFolder, into: DataFolder) -> None:
    """Everything into a folder that nobody reads, then into place; the warehouse last, as it publishes."""
    with writer_lock(into, "restore"):
        stage = into.root / _STAGE
        remove(stage)
        stage.mkdir()
        placed: list[Path] = []
        try:
            announce(f"Restoring into {into.root}")
            _write(backup, store, stage)
            _refuse_other_kind(into, DataFolder(stage))
            for entry in sorted(stage.iterdir(), key=lambda path: path.name == into.warehouse.parent.name):
                target = into.root / entry.name
                entry.rename(target)
                placed.append(target)
            flush(into.root)
            mend_current_links(into)
        except BaseException:
            for target in placed:
                remove(target)
            raise
        finally:
            remove(stage)


def _refuse_other_kind(into: DataFolder, restored: DataFolder) -> None:
    """An empty folder may have been set aside for one kind."""
    kind = kind_held(restored)
    if kind is not None:
        require_kind(into, kind is Kind.FICTIONAL, write=False)


def _write(backup: Backup, store: BackupFolder, stage: Path) -> None:
    for file in backup.files:
        target = stage / file.path
        make_folder(target.parent)
        if copy_with_hash(store.path_of(file.sha256), target) != file.sha256:
            raise InputRejected(
                file=str(store.path_of(file.sha256)),
                expected="the bytes that were there a moment ago",
                found="other bytes while they were copied",
                remedy="Nothing was restored. Check that disk, and restore again.",
            )
        target.chmod(file.mode)
        # `league status` and `league prune` go by when a run's files were written.
        os.utime(target, ns=(file.modified_ns, file.modified_ns))
    for path, leads_to in backup.links.items():
        link = stage / path
        make_folder(link.parent)
        link.symlink_to(leads_to)
