"""Whether a run would find nothing new: the same request over the same inputs, and its release still as it was left.

All that decides a release's bytes is compared by hash: the files of the folder, the rules, code and versions, and
what the archive lists. The published warehouse must be the very file, and each release must hold the bytes that its
`release.json` promises. Whatever is missing, unreadable or other means that the run does its whole work.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from dagster_project.durable import write_whole
from dagster_project.errors import LeagueError
from dagster_project.files import sha256_of_file
from dagster_project.json_text import parsed_json
from dagster_project.quarters import Quarter
from dagster_project.releases.damage import damaged_files
from dagster_project.releases.folder import read_release_file, release_path
from dagster_project.releases.identity import hash_code, hash_rules, locked_versions
from dagster_project.runs.record import read_outcome
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder

MADE_FROM = "made_from.json"
_RUNS_LOOKED_AT = 20


def inputs_of(request: RunRequest) -> dict[str, Any]:
    """What a run reads besides its data folder, by hash; to be taken before the run, as files may change meanwhile."""
    folder = None if request.extracts_dir is None else request.extracts_dir.resolve()
    return {
        "quarters": sorted({str(quarter) for quarter in request.quarters}),
        "sample": [request.sample, request.scale],
        "folder": folder and str(folder),
        "files": folder and _hashes(folder),
        "rules": None if request.rules_dir is None else hash_rules(request.rules_dir),
        "code": hashlib.sha256(json.dumps(hash_code(), sort_keys=True).encode()).hexdigest(),
        "versions": locked_versions(),
    }


def keep_inputs(
    request: RunRequest, data: DataFolder, outcome: dict[str, Any], inputs: dict[str, Any]
) -> None:
    """Notes in the run's folder what a run that released was made from, for whoever asks for the same again.

    A disk without room for the note costs the next run its whole work, and this one nothing.
    """
    if _is_plain(request) and outcome.get("exit_code") == 0 and outcome.get("run_id"):
        note = json.dumps({"inputs": inputs, "left": _left(data)}, sort_keys=True, indent=2)
        with suppress(OSError):
            write_whole(data.runs / str(outcome["run_id"]) / MADE_FROM, note + "\n")


def earlier_outcome(request: RunRequest, data: DataFolder) -> dict[str, Any] | None:
    """The outcome of the run that released just what this request would; None if there may be anything new."""
    if not _is_plain(request):
        return None
    notes = sorted(data.runs.glob(f"*/{MADE_FROM}"), key=_written_at, reverse=True)[:_RUNS_LOOKED_AT]
    if not notes:
        return None
    now = {"inputs": inputs_of(request), "left": _left(data)}
    for note in notes:
        try:
            outcome = read_outcome(data, note.parent.name)
            if parsed_json(note.read_bytes()) == now and _are_as_promised(outcome, data):
                return {**outcome, "nothing_new": True}
        except (LeagueError, OSError, ValueError, KeyError, TypeError):
            continue
    return None


def _is_plain(request: RunRequest) -> bool:
    """Whether the request is for a release of what is there now; others compare, hold or look back."""
    asks = (request.as_of, request.release, request.follows, request.accept_fewer)
    return not any((*asks, request.rebuild, request.hold, request.dry_run, request.archived_sample))


def _left(data: DataFolder) -> dict[str, Any]:
    """The data folder as a run left it: whatever releases, withdraws, fetches or prunes changes one of these."""
    warehouse = data.warehouse.stat() if data.warehouse.exists() else None
    return {
        "archive": {path.name: sha256_of_file(path) for path in sorted(data.archive.glob("*.jsonl"))},
        "ledger": _hashes(data.ledger),
        "warehouse": warehouse and [warehouse.st_size, warehouse.st_mtime_ns, warehouse.st_ino],
    }


def _are_as_promised(outcome: dict[str, Any], data: DataFolder) -> bool:
    """Whether every release of the earlier run is there, and holds what it says of itself."""
    for release in outcome["releases"]:
        folder = release_path(data, Quarter.from_canonical(release["quarter"]), release["release_id"])
        if any(damaged_files(folder, read_release_file(folder)["files"])):
            return False
    return bool(outcome["releases"])


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return {path.relative_to(folder).as_posix(): sha256_of_file(path) for path in files}


def _written_at(path: Path) -> float:
    return path.stat().st_mtime
