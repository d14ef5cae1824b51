"""Removes what nothing needs any more, after it is written down; never what a release on the disk needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.durable import append_lines, mend_last_line, remove
from dagster_project.errors import InputMissing, LeagueError, WrongUsage
from dagster_project.keeping.listings import Needed, needed_by_releases
from dagster_project.keeping.removable import (
    ARCHIVED,
    KINDS,
    RUN,
    Removal,
    RunHistory,
    leftovers,
    old_runs,
    overtaken_nowcasts,
    parsed_projects,
    replaced_files,
)
from dagster_project.progress import announce
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder

RUNS_KEPT = 20


def prune(
    data: DataFolder,
    history: RunHistory,
    *,
    keep_runs: int = RUNS_KEPT,
    older_than_days: int | None = None,
    archive: bool = False,
    dry_run: bool = True,
) -> dict[str, Any]:
    """Says what nothing needs, and removes it unless `dry_run`; each removal is a line of `pruned.jsonl` first.

    Raises Locked while a run writes, InputRejected where a release on the disk can't be read: then what it
    needs isn't known, and nothing is removed.
    """
    if keep_runs < 0 or (older_than_days is not None and older_than_days < 0):
        raise WrongUsage("--keep-runs and --older-than are whole numbers from 0.")
    data, now = DataFolder(data.root.resolve()), datetime.now(UTC)
    if not data.root.is_dir():
        raise InputMissing(f"{data.root} isn't there: LEAGUE_DATA_DIR says which data folder is meant.")
    with writer_lock(data, "prune"):
        needed = needed_by_releases(data)
        older_than = timedelta(days=older_than_days) if older_than_days is not None else None
        removals = [
            *old_runs(data, history, needed.runs, keep_runs=keep_runs, older_than=older_than, now=now),
            *leftovers(data, now),
            *parsed_projects(data, now),
            *overtaken_nowcasts(data),
        ]
        if archive:
            announce("Reading the archive, to see which files a later one replaced")
            removals += replaced_files(data, needed.extracts)
        _refuse_needed(data, removals, needed)
        result = _described(data, removals, dry_run=dry_run)
        if not dry_run:
            _remove(data, history, removals, now)
    return result


def _refuse_needed(data: DataFolder, removals: Sequence[Removal], needed: Needed) -> None:
    """The last guard: whatever the rules above say, nothing below these folders goes."""
    never = (
        data.releases,
        data.warehouse.parent,
        data.ledger,
        data.spark,
        data.lake_releases,
        data.lock_file,
    )
    for removal in removals:
        for path in removal.paths:
            unfinished = path.name.startswith(".unfinished-")
            kept = not unfinished and any(path.is_relative_to(folder) for folder in never)
            named = removal.kind == ARCHIVED and path.name in needed.extracts
            if kept or named or not path.is_relative_to(data.root) or path == data.root:
                raise LeagueError(
                    f"{path}: expected nothing that a release needs among what is to be removed."
                )


def _remove(data: DataFolder, history: RunHistory, removals: Sequence[Removal], now: datetime) -> None:
    archive = Archive(data.archive)
    try:
        _write_down(data.root / "pruned.jsonl", removals, now)
        for removal in removals:
            if removal.kind == RUN:
                history.delete(removal.name)
            if removal.kind == ARCHIVED and removal.replaced_by is not None:
                archive.prune(removal.paths[0].name, replaced_by=removal.replaced_by)
                continue
            for path in removal.paths:
                remove(path)
    except OSError as error:
        raise LeagueError(
            f"Pruning stopped: {error}. Mend that and prune again; it goes on there."
        ) from error


def _write_down(log: Path, removals: Sequence[Removal], now: datetime) -> None:
    """A line for each, on the disk before the first is removed."""
    lines = [
        {
            "at": now.isoformat(timespec="seconds"),
            "kind": removal.kind,
            "name": removal.name,
            "bytes": removal.bytes,
            "why": removal.why,
        }
        for removal in removals
    ]
    if torn := mend_last_line(log):
        announce(f"{log}: the last line was cut off; its {len(torn)} bytes are in {log.name}.torn")
    append_lines(log, [json.dumps(line, sort_keys=True, ensure_ascii=False).encode() for line in lines])


def _described(data: DataFolder, removals: Sequence[Removal], *, dry_run: bool) -> dict[str, Any]:
    listed = [
        {"kind": removal.kind, "name": removal.name, "bytes": removal.bytes, "why": removal.why}
        for removal in removals
    ]
    return {
        "data_folder": str(data.root),
        "dry_run": dry_run,
        "removed": listed,
        "bytes": sum(removal.bytes for removal in removals),
        "by_kind": [
            {
                "kind": kind,
                "number": sum(removal.kind == kind for removal in removals),
                "bytes": sum(removal.bytes for removal in removals if removal.kind == kind),
            }
            for kind in KINDS
        ],
        "exit_code": 0,
    }
