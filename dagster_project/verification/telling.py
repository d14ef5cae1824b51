"""What tells of a bundle's members, told again from them: PLACE QUARTER RELEASE_ID OUTPUT.

Verification starts this in the code that a release was made with, where that isn't the code installed: the words
are that code's.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.files import sha256_of_file
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import read_release, release_path
from dagster_project.settings import PROJECT_ROOT, DataFolder
from dagster_project.verification.archived_files import manifest_of
from dagster_project.verification.bundle_members import (
    MANIFEST,
    METADATA,
    README,
    Content,
    earlier_release,
    member_names,
    readme,
)
from dagster_project.verification.clean_place import run_in
from dagster_project.verification.crate import describe
from dagster_project.verification.released_files import rows_of

_TOLD = (MANIFEST, README, METADATA)


def telling_members(
    archive: Archive,
    content: Content,
    earlier: Content | None,
    files: Mapping[str, tuple[str, int]],
    extracts: Iterable[Mapping[str, Any]],
) -> dict[str, bytes]:
    """The manifest, the README and the crate's metadata: told from the other members and from nothing else.

    `files` are sha256 and bytes of those by name, `extracts` the released table of that name. The same members
    give the same bytes, so that whoever has them can tell whether these were changed.
    """
    rows = list(extracts)
    manifest = manifest_of(archive, content, {row["extract_id"]: row["source"] for row in rows})
    told = {MANIFEST: manifest, README: readme(content)}
    described = {**files, **{name: (hashlib.sha256(raw).hexdigest(), len(raw)) for name, raw in told.items()}}
    return {**told, METADATA: describe(content, earlier, described, extracts=rows)}


def told_again(place: DataFolder, quarter: Quarter, release_id: str) -> dict[str, bytes]:
    """The telling members of an unpacked bundle whose other members are all there and sound."""
    content = read_release(place, quarter, release_id)
    earlier = earlier_release(place, content)
    files = {
        name: (sha256_of_file(place.root / name), (place.root / name).stat().st_size)
        for name in sorted(member_names(content, earlier) - set(_TOLD))
    }
    rows = rows_of(release_path(place, quarter, release_id) / "extract.parquet")
    return telling_members(Archive(place.archive), content, earlier, files, rows)


def told_by(code: Path, place: DataFolder, quarter: Quarter, release_id: str) -> dict[str, bytes]:
    """As `told_again`, by the code below `code`, in a process of its own. Raises LeagueError if it fails."""
    if code == PROJECT_ROOT:
        return told_again(place, quarter, release_id)
    with tempfile.TemporaryDirectory(prefix="league-bundle-") as temporary:
        output = Path(temporary).resolve()
        run_in(code, place, __name__, str(place.root), str(quarter), release_id, str(output))
        return {name: (output / Path(name).name).read_bytes() for name in _TOLD}


def main(place: str, quarter: str, release_id: str, output: str) -> None:
    """Writes each of them below the folder `output`, under its own name."""
    told = told_again(DataFolder(Path(place)), Quarter.from_canonical(quarter), release_id)
    for name, raw in told.items():
        (Path(output) / Path(name).name).write_bytes(raw)


if __name__ == "__main__":
    main(*sys.argv[1:])
