"""What folders of releases and nowcasts say of themselves: made of which files, by which run, with which bytes.

It makes no difference whether a release is current, held, withdrawn or replaced: its folder is there, so it can
be asked about and made again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.durable import make_folder, write_whole
from dagster_project.errors import InputRejected
from dagster_project.json_text import parsed_json
from dagster_project.releases.folder import PROVENANCE_FILE, RELEASE_FILE
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.scenarios.nowcast.folder import NOWCAST_FILE
from dagster_project.settings import DataFolder

_ID = re.compile(r"[0-9a-f]{16}")
_ARCHIVED = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Needed:
    """Ids of archived files and of runs."""

    extracts: frozenset[str]
    runs: frozenset[str]


def needed_by_releases(data: DataFolder) -> Needed:
    """What every release and every nowcast on the disk names, and every release in a lake of Spark's.

    Raises InputRejected where one can't be read: what it needs isn't known, so nothing may be removed.
    """
    extracts: set[str] = set()
    runs: set[str] = set()
    for listing in _listings(data):
        extracts |= set(_part(listing, "extracts"))
        provenance = listing.parent / PROVENANCE_FILE
        if provenance.is_file():
            run_id = _content(provenance).get("run_id")
            runs |= {str(run_id)} if run_id else set()
    for listing in sorted(data.lake_releases.glob("*/*.json")):
        extracts |= set(_part(listing, "extracts"))
        runs.add(str(_content(listing).get("run_id")))
    return Needed(frozenset(extracts), frozenset(runs))


def promised_hashes(data: DataFolder) -> dict[Path, str]:
    """Path -> sha256 of every file that names its own hash (archived ones), or whose folder's listing does.

    Raises InputRejected where a listing can't be read.
    """
    promised = {path: path.name for path in data.archive.glob("??/*") if _ARCHIVED.fullmatch(path.name)}
    for listing in _listings(data):
        for name, described in _part(listing, "files").items():
            if not isinstance(described, Mapping) or not isinstance(described.get("sha256"), str):
                raise _damaged(listing, f"no sha256 of {name}")
            promised[listing.parent / name] = described["sha256"]
    return promised


def write_lake_listing(data: DataFolder, identity: ReleaseIdentity, run_id: str) -> None:
    """Writes down what a release of a lake is made of, before it is current there: a lake may lie in a cluster, and has
    no folder that says so.
    """
    file = data.lake_releases / str(identity.quarter) / f"{identity.release_id}.json"
    if not file.exists():
        make_folder(file.parent)
        write_whole(
            file, json.dumps({"run_id": run_id, **identity.components}, indent=2, sort_keys=True) + "\n"
        )


def _listings(data: DataFolder) -> list[Path]:
    """The release.json or nowcast.json of every release and nowcast, whether or not it is there."""
    return [
        folder / name
        for below, name in ((data.releases, RELEASE_FILE), (data.nowcasts, NOWCAST_FILE))
        for folder in sorted(below.glob("*/*"))
        if _ID.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink()
    ]


def _part(listing: Path, name: str) -> dict[str, Any]:
    part = _content(listing).get(name)
    if not isinstance(part, dict):
        raise _damaged(listing, f"no list of {name}")
    return part


def _content(path: Path) -> dict[str, Any]:
    try:
        content = parsed_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from None
    if not isinstance(content, dict):
        raise _damaged(path, "something else")
    return content


def _damaged(path: Path, found: str) -> InputRejected:
    return InputRejected(
        file=str(path),
        expected="what this folder was made of and holds, as a run writes it",
        found=found,
        remedy="Nothing was removed or backed up, as what it needs isn't known. Restore the folder from a backup.",
    )
