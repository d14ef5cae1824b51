"""Restores a backup into an empty data folder, once every byte of it has been found right."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from dagster_project.data_kind import KIND_FILE, Kind, kind_held, require_kind
from dagster_project.durable import UNFINISHED, make_folder, put_in_place, remove, write_whole
from dagster_project.errors import InputRejected, LeagueError, WrongUsage
from dagster_project.interruption import to_the_end
from dagster_project.keeping.backup_folder import Backup, BackupFolder, copy_with_hash
from dagster_project.progress import announce
from dagster_project.releases.publish import mend_current_links
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder

_STAGE = f"{UNFINISHED}restore"
_CONTENT, _PLACING = "content", "placing.json"


def restore_backup(
    folder: Path, into: DataFolder, *, backup_id: str | None = None, dry_run: bool = False
) -> dict[str, Any]:
    """Puts a backup (the newest, unless one is named) into a data folder that is empty or isn't there.

    A dry run only checks the bytes. Raises WrongUsage where the data folder holds anything, InputMissing or
    InputRejected, naming the file, where the backup isn't whole; then nothing has been written. A restore
    that fails leaves nothing; one that is killed nothing that a reader would take for a release, and the same
    restore once more finishes it.
    """
    into, store = DataFolder(into.root.resolve()), BackupFolder(folder.resolve())
    backup_id, backup = store.choose(backup_id)
    if not dry_run:
        _refuse_filled(into, backup_id)
    announce(f"Checking {len(backup.files):,} files of {backup_id}")
    store.check(backup_id, backup)
    if not dry_run:
        try:
            _restore(backup_id, backup, store, into)
        except OSError as error:
            raise LeagueError(
                f"Restoring into {into.root} failed: {error}. Nothing of it can be taken for a release; the backup is "
                "as it was. Mend that and restore again."
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


def _refuse_filled(into: DataFolder, backup_id: str) -> None:
    if not into.root.exists():
        return
    if not into.root.is_dir():
        raise WrongUsage(f"{into.root} is a file: name the folder to restore into.")
    placing = _placing(into)
    if placing is not None and placing["backup_id"] != backup_id:
        raise WrongUsage(
            f"{into.root}: the restore of {placing['backup_id']} was cut off there. Finish it first, with --backup "
            f"{placing['backup_id']}, or restore into another folder."
        )
    # What that restore had put in place before it was cut off; the rest still waits in its own folder.
    placed = set(placing["names"]) - _names_in(into.root / _STAGE / _CONTENT) if placing else set()
    there = sorted(_names_in(into.root) - {_STAGE, into.lock_file.name, KIND_FILE} - placed)
    if there:
        raise WrongUsage(
            f"{into.root} isn't empty: it holds {', '.join(there[:5])}{' ...' if len(there) > 5 else ''}. A restore "
            "never overwrites: move that folder away, or restore elsewhere with --into."
        )


def _names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _placing(into: DataFolder) -> dict[str, Any] | None:
    """What a restore that was cut off while it put things in place had still to do; None if there was none."""
    try:
        found: dict[str, Any] = json.loads((into.root / _STAGE / _PLACING).read_bytes())
        return {"backup_id": str(found["backup_id"]), "names": [str(name) for name in found["names"]]}
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _restore(backup_id: str, backup: Backup, store: BackupFolder, into: DataFolder) -> None:
    """Everything into a folder that nobody reads, then into place; the warehouse last, as it publishes.

    Once all is copied, a note says what is put in place: whoever comes after a kill goes on from there.
    """
    with writer_lock(into, "restore"):
        stage = into.root / _STAGE
        is_copied = False
        try:
            if _placing(into) is None:
                remove(stage)
                make_folder(stage / _CONTENT)
                announce(f"Restoring into {into.root}")
                _write(backup, store, stage / _CONTENT)
                _refuse_other_kind(into, DataFolder(stage / _CONTENT))
                names = sorted(_names_in(stage / _CONTENT))
                write_whole(stage / _PLACING, json.dumps({"backup_id": backup_id, "names": names}))
            else:
                announce(f"Going on with the restore of {backup_id} that was cut off")
            is_copied = True
            with to_the_end():
                _place(stage / _CONTENT, into)
                remove(stage)
                mend_current_links(into)
        finally:
            if not is_copied:
                remove(stage)


def _place(content: Path, into: DataFolder) -> None:
    for entry in sorted(content.iterdir(), key=lambda path: path.name == into.warehouse.parent.name):
        target = into.root / entry.name
        if target.exists() or target.is_symlink():
            raise WrongUsage(f"{target} came while the backup was restored: move it away and restore again.")
        put_in_place(entry, target)


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
