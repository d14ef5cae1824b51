"""Which two releases are to be compared: what a person types, found among the release folders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, read_release, read_release_file, release_path
from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder

_RELEASE_ID = re.compile(r"[0-9a-f]{6,16}")


@dataclass(frozen=True)
class ComparedRelease:
    """A release folder; `content` is its release.json."""

    quarter: Quarter
    release_id: str
    path: Path
    content: Mapping[str, Any]

    @property
    def is_sample(self) -> bool:
        """Whether its figures are the fictional sample's."""
        return bool(self.content["is_sample"])


def releases_to_compare(
    data: DataFolder, first: str, second: str | None
) -> tuple[ComparedRelease, ComparedRelease]:
    """The earlier and the later release of `league diff FIRST [SECOND]`.

    Each is a quarter, whose current release is meant, or a release id (its first six digits will do). A
    quarter alone is compared with the quarter before it, a release id alone with the current release of its
    quarter. Raises InputMissing or WrongUsage, naming what is there.
    """
    one = _find(data, first)
    if second is not None:
        before, after = one, _find(data, second)
    elif _RELEASE_ID.fullmatch(first):
        before, after = one, _current(data, one.quarter)
    else:
        before, after = _current(data, one.quarter.shifted(-1)), one
    if before.release_id == after.release_id:
        raise WrongUsage(
            f"{before.release_id} is the release of {before.quarter} on both sides. {_others(data, before)}"
        )
    if before.is_sample != after.is_sample:
        raise WrongUsage(
            f"{before.release_id} ({before.quarter}) and {after.release_id} ({after.quarter}): one is of the "
            "fictional sample, the other isn't. Name two of a kind."
        )
    return before, after


def _find(data: DataFolder, text: str) -> ComparedRelease:
    if not _RELEASE_ID.fullmatch(text):
        return _current(data, Quarter.from_argument(text))
    found = sorted(data.releases.glob(f"*/{text}*/{RELEASE_FILE}"))
    if len(found) != 1:
        which = ", ".join(f"{path.parent.parent.name}/{path.parent.name}" for path in found)
        raise InputMissing(
            f"{text}: expected one release whose id starts so; found {which or 'none'}. {_released(data)}"
        )
    folder = found[0].parent
    quarter = Quarter.from_canonical(folder.parent.name)
    return ComparedRelease(quarter, folder.name, folder, read_release_file(folder))


def _current(data: DataFolder, quarter: Quarter) -> ComparedRelease:
    for release in current_release(data):
        if release.quarter == quarter:
            folder = release_path(data, quarter, release.release_id)
            content = read_release(data, quarter, release.release_id)
            return ComparedRelease(quarter, release.release_id, folder, content)
    raise InputMissing(f"{quarter} has no current release to compare. {_released(data)}")


def _released(data: DataFolder) -> str:
    there = [f"{release.quarter} ({release.release_id})" for release in current_release(data)]
    return f"Current releases: {', '.join(there) or 'none'}."


def _others(data: DataFolder, one: ComparedRelease) -> str:
    folders = sorted(data.releases.glob(f"{one.quarter}/*/{RELEASE_FILE}"))
    others = [
        path.parent.name
        for path in folders
        if path.parent.name != one.release_id and not path.parent.is_symlink()
    ]
    if not others:
        return f"There is no other release of {one.quarter}. {_released(data)}"
    return f"Other releases of {one.quarter}: {', '.join(others)}."
