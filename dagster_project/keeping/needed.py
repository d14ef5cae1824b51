"""What the releases on the disk need: the archived files they were made of, and the runs that made them.

It makes no difference whether a release is current, held, withdrawn or replaced: its folder is there, so it can
be asked about and made again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.errors import InputRejected
from dagster_project.json_text import parsed_json
from dagster_project.releases.folder import PROVENANCE_FILE, RELEASE_FILE
from dagster_project.scenarios.nowcast.folder import NOWCAST_FILE
from dagster_project.settings import DataFolder

_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Needed:
    """Ids of archived files and of runs."""

    extracts: frozenset[str]
    runs: frozenset[str]


def needed_by_releases(data: DataFolder) -> Needed:
    """What every release and every nowcast on the disk names.

    Raises InputRejected where one can't be read: what it needs isn't known, so nothing may be removed.
    """
    extracts: set[str] = set()
    runs: set[str] = set()
    for folder in _folders(data.releases):
        extracts |= _extracts(folder / RELEASE_FILE)
        if (folder / PROVENANCE_FILE).is_file():
            run_id = _read(folder / PROVENANCE_FILE).get("run_id")
            runs |= {str(run_id)} if run_id else set()
    for folder in _folders(data.nowcasts):
        extracts |= _extracts(folder / NOWCAST_FILE)
    return Needed(frozenset(extracts), frozenset(runs))


def _folders(below: Path) -> list[Path]:
    """The folders of that id, of every quarter."""
    found = sorted(below.glob("*/*"))
    return [path for path in found if _ID.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]


def _extracts(path: Path) -> set[str]:
    content = _read(path)
    if not isinstance(content.get("extracts"), dict):
        raise _damaged(path, "no list of extracts")
    return set(content["extracts"])


def _read(path: Path) -> dict[str, Any]:
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
        expected="what this folder was made of, as a run writes it",
        found=found,
        remedy="Nothing was removed, as what it needs isn't known. Restore the folder from a backup.",
    )
