"""What the files of a data folder must hash to by their own word: archived bytes, releases, nowcasts."""

from __future__ import annotations

import re
from pathlib import Path

from dagster_project.errors import InputRejected
from dagster_project.json_text import parsed_json
from dagster_project.releases.folder import RELEASE_FILE
from dagster_project.scenarios.nowcast.folder import NOWCAST_FILE
from dagster_project.settings import DataFolder

_ARCHIVED = re.compile(r"[0-9a-f]{64}")


def promised_hashes(data: DataFolder) -> dict[Path, str]:
    """Path -> sha256 of every file that names its own hash, or whose folder's release.json or nowcast.json does.

    Raises InputRejected where one of those can't be read.
    """
    promised = {path: path.name for path in data.archive.glob("??/*") if _ARCHIVED.fullmatch(path.name)}
    for listing in (
        *data.releases.glob(f"*/[0-9a-f]*/{RELEASE_FILE}"),
        *data.nowcasts.glob(f"*/[0-9a-f]*/{NOWCAST_FILE}"),
    ):
        for name, sha256 in _files_of(listing).items():
            promised[listing.parent / name] = sha256
    return promised


def _files_of(listing: Path) -> dict[str, str]:
    try:
        files = parsed_json(listing.read_bytes())["files"]
        return {name: described["sha256"] for name, described in files.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputRejected(
            file=str(listing),
            expected="the files of this folder with their hashes",
            found=f"something else ({error})",
            remedy="Restore the folder from a backup.",
        ) from None
