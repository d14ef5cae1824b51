"""Archived files against their hashes: those that a release used, or the whole archive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from dagster_project.archive.archive import Archive, Sighting
from dagster_project.errors import InputRejected
from dagster_project.files import sha256_of_file
from dagster_project.releases.damage import NO_FILE
from dagster_project.verification.findings import Check, Finding

USED = "archived files"
WHOLE = "whole archive"
_MANIFEST = "archive/manifest.jsonl"


def check_used(archive: Archive, extracts: Mapping[str, str]) -> Check:
    """Each file of `extracts` (name by sha256): its bytes, and that the manifest has seen them."""
    sightings, findings = _sightings(archive)
    seen = {sighting.extract_id: sighting.bytes for sighting in sightings}
    for extract_id, name in extracts.items():
        findings += _differences(
            archive, extract_id, f"{_shown(extract_id)} ({name})", seen.get(extract_id), is_named=True
        )
    return Check(USED, (_MANIFEST, *map(_shown, sorted(extracts))), tuple(findings))


def check_whole(archive: Archive) -> Check:
    """Every file in the archive, and every file that its manifest has seen and that wasn't pruned since."""
    sightings, findings = _sightings(archive)
    gone, damage = _pruned(archive)
    findings += damage
    seen = {sighting.extract_id: sighting.bytes for sighting in sightings if sighting.extract_id not in gone}
    there = {
        path.name
        for path in archive.root.glob("*/*")
        if path.is_file() and path == archive.path_of(path.name)
    }
    for extract_id in sorted({*seen, *there}):
        findings += _differences(
            archive, extract_id, _shown(extract_id), seen.get(extract_id), is_named=False
        )
    strangers = [
        path.relative_to(archive.root).as_posix()
        for path in sorted(archive.root.rglob("*"))
        if path.is_file() and path not in archive.records and path.name not in there
    ]
    findings += [Finding(f"archive/{name}", NO_FILE, "a file that no run archived") for name in strangers]
    looked_at = (*map(_shown, sorted({*seen, *there})), *(f"archive/{name}" for name in strangers))
    return Check(WHOLE, (_MANIFEST, *looked_at), tuple(findings))


def manifest_of(archive: Archive, content: Mapping[str, Any], sources: Mapping[str, str]) -> bytes:
    """A manifest of the files that a release used, with no more in it than the release is bound to.

    A line per file: its id and name as `release.json` has them, the bytes in `archive`, and its source, given by
    id. Where and when it was seen says nothing of the release, and may say who used the machine.
    """
    lines = [
        Sighting(
            extract_id=extract_id,
            file_name=name,
            source=sources[extract_id],
            table_name=None,
            quarters=(),
            bytes=archive.path_of(extract_id).stat().st_size,
            release_state="",
            supersedes=None,
            is_sample=content["is_sample"],
            origin=name,
        )
        for extract_id, name in sorted(content["extracts"].items())
    ]
    return b"".join((json.dumps(asdict(line), sort_keys=True) + "\n").encode() for line in lines)


def sources_in(archive: Archive) -> dict[str, str]:
    """The source of each file that the archive has seen, by id."""
    return {sighting.extract_id: sighting.source for sighting in archive.sightings()}


def _sightings(archive: Archive) -> tuple[list[Sighting], list[Finding]]:
    try:
        return archive.sightings(), []
    except InputRejected as error:
        return [], [Finding(f"{_MANIFEST}, row {error.row}", error.expected, error.found)]


def _pruned(archive: Archive) -> tuple[set[str], list[Finding]]:
    try:
        return set(archive.pruned()), []
    except InputRejected as error:
        return set(), [Finding("archive/pruned.jsonl", error.expected, error.found)]


def _differences(
    archive: Archive, extract_id: str, shown: str, seen_bytes: int | None, *, is_named: bool
) -> list[Finding]:
    path = archive.path_of(extract_id)
    if not path.is_file():
        return [Finding(shown, f"sha256 {extract_id}", NO_FILE)]
    found = sha256_of_file(path)
    if found != extract_id:
        return [Finding(shown, f"sha256 {extract_id}", f"sha256 {found}")]
    if seen_bytes is None:
        # Of a file that a release names the line is missing; any other file is a stranger itself.
        return [
            Finding(_MANIFEST, f"a line of {shown}", "none")
            if is_named
            else Finding(shown, f"a line in {_MANIFEST}", "none")
        ]
    size = path.stat().st_size
    if seen_bytes != size:
        return [Finding(_MANIFEST, f"{size:,} bytes of {shown}", f"{seen_bytes:,}")]
    return []


def _shown(extract_id: str) -> str:
    return f"archive/{extract_id[:2]}/{extract_id}"
