"""Old releases given back: what one was made of, and what differs where it can't be made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from dagster_project.errors import InputMissing, InputRejected
from dagster_project.quarters import Quarter
from dagster_project.releases.damage import refuse_damaged
from dagster_project.releases.folder import RELEASE_FILE, read_release, release_path
from dagster_project.releases.identity import ReleaseIdentity, hash_code, hash_rules, locked_versions
from dagster_project.releases.reload import reload_release
from dagster_project.settings import DataFolder

_SHOWN = 5
_EARLIER = "previous_release_id"


@dataclass(frozen=True)
class OldRelease:
    """A release on the disk; `components` are those of its identity, as release.json holds them."""

    quarter: Quarter
    release_id: str
    components: Mapping[str, Any]

    @property
    def extracts(self) -> dict[str, str]:
        """File name by hash of the extracts it used."""
        return dict(self.components["extracts"])

    @property
    def is_sample(self) -> bool:
        """Whether its figures are the fictional sample's."""
        return bool(self.components["is_sample"])

    @property
    def previous_release_id(self) -> str | None:
        """The release of the quarter before that its gates read."""
        found: str | None = self.components[_EARLIER]
        return found


def old_release(data: DataFolder, quarter: Quarter, release_id: str) -> OldRelease:
    """Reads what a release was made of; InputMissing if there is none, InputRejected if it is damaged."""
    path = release_path(data, quarter, release_id) / RELEASE_FILE
    try:
        content = read_release(data, quarter, release_id)
        names = ("framework", "is_sample", _EARLIER, "extracts", "rules", "code", "versions")
        return OldRelease(quarter, release_id, {name: content[name] for name in names})
    except (ValueError, TypeError, KeyError) as error:
        raise InputRejected(
            file=str(path),
            expected="what a release was made of, as a run writes it",
            found=f"something else ({error})",
            remedy="Restore the release folder from a backup.",
        ) from None


def refuse_other_code(old: OldRelease, *, own_rules: bool) -> None:
    """Raises InputMissing before anything is read where code or versions aren't those of the release.

    The project's rules are compared as well, those of `--rules` once they are read.
    """
    now: dict[str, Any] = {"code": hash_code(), "versions": locked_versions()}
    _refuse(old, now if own_rules else now | {"rules": hash_rules()})


def refuse_other_components(old: OldRelease, identity: ReleaseIdentity) -> None:
    """Raises InputMissing, naming each component that differs, where the same bytes can't come out."""
    _refuse(old, identity.components)


def refuse_other_earlier_release(old: OldRelease, current: str | None) -> None:
    """Raises InputMissing where the gates would read another release of the quarter before, or none."""
    wanted = old.previous_release_id
    if wanted is not None and wanted != current:
        before = old.quarter.shifted(-1)
        there = f"release {current}" if current else "none"
        raise InputMissing(
            f"Release {old.release_id} of {old.quarter} was gated against release {wanted} of {before}; the "
            f"warehouse has {there} of that quarter. Nothing was released. Bring that one back first: "
            f"`league run {before} --release {wanted}`."
        )


def follow_rebuilt(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, old: OldRelease, follows: str | None
) -> str | None:
    """What a rebuild takes for the release of the quarter before, its tables brought into the candidate.

    A release that read none reads none again. Raises InputRejected where that release is damaged.
    """
    if old.previous_release_id is None or follows is None:
        return None
    before = old.quarter.shifted(-1)
    folder = release_path(data, before, follows)
    read_release(data, before, follows)
    refuse_damaged(folder)
    reload_release(connection, before, folder)
    return follows


def as_once_released(identity: ReleaseIdentity, data: DataFolder, *, may_differ: bool) -> ReleaseIdentity:
    """The identity that the files of a day had when they were released, if they were.

    It differs at most in the earlier quarter's release: there may have been none yet. Raises InputMissing
    where a release of the same files exists that can't be made again, saying what differs; `may_differ`
    where the run has rules of its own, and another release is what it is asked for.
    """
    folder = data.releases / str(identity.quarter)
    if (folder / identity.release_id).is_dir():
        return identity
    same_files = [
        old
        for old in (
            old_release(data, identity.quarter, path.parent.name)
            for path in sorted(folder.glob(f"[0-9a-f]*/{RELEASE_FILE}"))
        )
        if old.extracts == dict(identity.extracts) and old.is_sample == identity.is_sample
    ]
    if not same_files:
        return identity
    closest = min(same_files, key=lambda old: (len(_differences(old, identity.components)), old.release_id))
    others = [name for name in _differing(closest, identity.components) if name != _EARLIER]
    if not others and closest.previous_release_id is None:
        return replace(identity, previous_release_id=None)
    if not others:
        refuse_other_earlier_release(closest, identity.previous_release_id)
    elif not may_differ:
        refuse_other_components(closest, identity)
    return identity


def _refuse(old: OldRelease, now: Mapping[str, Any]) -> None:
    found = _differences(old, now)
    if found:
        listed = "\n".join(f"  - {text}" for text in found)
        raise InputMissing(
            f"Release {old.release_id} of {old.quarter} can't be made again byte for byte, as it was made with "
            f"something else than what is here now:\n{listed}\nNothing was released. Check out the code it was "
            "made with, install the locked packages, and give its rules with --rules if it had its own."
        )


def _differing(old: OldRelease, now: Mapping[str, Any]) -> list[str]:
    return [name for name, value in now.items() if name != "quarter" and old.components[name] != value]


def _differences(old: OldRelease, now: Mapping[str, Any]) -> list[str]:
    """Each component that differs, in words."""
    return [f"{name}: {_words(old.components[name], now[name])}" for name in _differing(old, now)]


def _words(then: Any, now: Any) -> str:
    if not isinstance(then, Mapping) or not isinstance(now, Mapping):
        return f"{json.dumps(then)} then, {json.dumps(now)} now"
    words = []
    for name in sorted({*then, *now}):
        if name not in now:
            words.append(f"{name} is gone")
        elif name not in then:
            words.append(f"{name} is new")
        elif then[name] != now[name]:
            words.append(f"{name} changed")
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
