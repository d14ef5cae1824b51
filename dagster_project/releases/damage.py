"""Whether the files of a release are those that its release.json promises: one look for all who ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.errors import InputRejected
from dagster_project.files import sha256_of_file
from dagster_project.releases.folder import PROVENANCE_FILE, RELEASE_FILE, read_release_file
from dagster_project.releases.release_content import faults_of_form

NO_FILE = "no such file"
_REMEDY = "Restore the release folder from a backup, or make the release again."


@dataclass(frozen=True)
class Damage:
    """One file of a release that isn't as promised; `name` is relative to the release's folder."""

    name: str
    expected: str
    found: str


def damaged_files(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> Iterator[Damage]:
    """Each file whose sha256 or size isn't as `files` of release.json says, that is gone, or that was added.

    provenance.json lies outside the promise: it differs by machine.
    """
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    for name in sorted({*files, *there} - {RELEASE_FILE, PROVENANCE_FILE}):
        if name not in files:
            yield Damage(name, NO_FILE, f"a file that {RELEASE_FILE} doesn't name")
            continue
        expected = _said(files[name]["sha256"], files[name]["bytes"])
        found = _found(folder / name)
        if expected != found:
            yield Damage(name, f"{expected}, as {RELEASE_FILE} says", found)


def refuse_damaged(folder: Path) -> None:
    """Raises InputRejected naming the first thing of a release that isn't as its `release.json` says."""
    for place, expected, found in faults_of_form((folder / RELEASE_FILE).read_bytes()):
        raise InputRejected(
            file=str(folder / RELEASE_FILE), column=place, expected=expected, found=found, remedy=_REMEDY
        )
    for damage in damaged_files(folder, read_release_file(folder)["files"]):
        raise InputRejected(
            file=str(folder / damage.name), expected=damage.expected, found=damage.found, remedy=_REMEDY
        )


def _found(path: Path) -> str:
    if path.is_symlink():
        return "a link"
    return _said(sha256_of_file(path), path.stat().st_size) if path.is_file() else NO_FILE


def _said(sha256: str, size: int) -> str:
    return f"sha256 {sha256}, {size} bytes"
