"""Verification of one release: archived and released files, the code at hand, and the release made again."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.errors import ExitCode, InputMissing, LeagueError
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import release_path
from dagster_project.releases.identity import release_id_of
from dagster_project.releases.publish import CURRENT_LINK
from dagster_project.releases.tombstone import read_tombstone
from dagster_project.settings import PROJECT_ROOT, DataFolder
from dagster_project.verification.archived_files import check_used, check_whole
from dagster_project.verification.checkout import (
    CODE,
    RULES,
    VERSIONS,
    check_code,
    check_rules,
    check_versions,
)
from dagster_project.verification.clean_place import lay_out, make_again_by
from dagster_project.verification.findings import Check, Finding, exit_code_of
from dagster_project.verification.released_files import (
    REBUILT,
    RELEASED,
    check_rebuilt,
    check_release_file,
    check_released_files,
)

EARLIER = "earlier release"


@dataclass
class Verification:
    """One release and what was found of it so far; `code` is the checkout that is to make it again.

    Of a bundle nothing is run once anything in it is wrong.
    """

    data: DataFolder
    quarter: Quarter
    release_id: str
    code: Path = PROJECT_ROOT
    rules_dir: Path | None = None
    is_bundle: bool = False
    content: Mapping[str, Any] | None = None
    checks: list[Check] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The folder of the release."""
        return release_path(self.data, self.quarter, self.release_id)

    def check_files(self, *, whole_archive: bool = False) -> None:
        """Archive, release.json, released files and the earlier release, against their hashes."""
        self.content, found = check_release_file(self.folder, self.quarter, self.release_id)
        self.checks.append(found)
        archive = Archive(self.data.archive)
        if self.content is not None:
            self.checks.append(check_used(archive, self.content["extracts"]))
            self.checks.append(check_released_files(self.folder, self.content))
            self.checks.append(self._earlier_release(self.content))
        if whole_archive:
            self.checks.append(check_whole(archive))

    def check_code(self) -> None:
        """Code, rules and versions at hand against those that the release was made with."""
        if self.content is not None:
            self.checks.append(check_code(self.content, self.code))
            self.checks.append(check_rules(self.content, self.code, self.rules_dir))
            self.checks.append(check_versions(self.content))

    def check_rebuild(self, *, wanted: bool = True) -> None:
        """Makes the release again and compares it, if what it is made of is there and sound."""
        not_done = "left out, as --no-rebuild asks" if not wanted else self._no_rebuild_because()
        if not_done or self.content is None:
            self.checks.append(
                Check(REBUILT, (), not_done=not_done, left_out=not wanted, exit_code=ExitCode.OUR_FAULT)
            )
            return
        announce("Making the release again in a clean place")
        with tempfile.TemporaryDirectory(prefix="league-verify-") as temporary:
            place = DataFolder(Path(temporary).resolve() / "data")
            lay_out(place, self.data, self.content)
            try:
                rebuilt = make_again_by(self.code, place, self.quarter, self.release_id, self.rules_dir)
            except LeagueError as error:
                finding = Finding("the run", "the release to come out again", str(error))
                self.checks.append(Check(REBUILT, ("the run",), (finding,), ExitCode.OUR_FAULT))
                return
            self.checks.append(check_rebuilt(self.folder, rebuilt))

    def answer(self, **more: Any) -> dict[str, Any]:
        """Plain JSON values, with the exit code."""
        content = self.content or {}
        return {
            "quarter": str(self.quarter),
            "release_id": self.release_id,
            "is_sample": content.get("is_sample"),
            "notice": content.get("notice"),
            "withdrawn": read_tombstone(self.data, self.quarter, self.release_id),
            "exit_code": int(exit_code_of(self.checks)),
            "checks": [check.as_json() for check in self.checks],
            **more,
        }

    def _earlier_release(self, content: Mapping[str, Any]) -> Check:
        """The release of the quarter before that the gates read: its files are inputs of this one."""
        release_id = content["previous_release_id"]
        if release_id is None:
            return Check(EARLIER, ())
        before = self.quarter.shifted(-1)
        folder = release_path(self.data, before, release_id)
        said, about_itself = check_release_file(folder, before, release_id)
        checks = [about_itself, *([check_released_files(folder, said)] if said is not None else [])]
        shown = f"releases/{before}/{release_id}"
        return Check(
            EARLIER,
            tuple(f"{shown}/{name}" for check in checks for name in check.looked_at),
            tuple(
                Finding(f"{shown}/{found.what}", found.expected, found.found)
                for check in checks
                for found in check.findings
            ),
        )

    def _no_rebuild_because(self) -> str:
        """Why a release made again would prove nothing, or couldn't be made; empty if it can."""
        unsound = [
            check.name
            for check in self.checks
            # Released files that somebody changed here are what the rebuild is to show.
            if not check.holds and (self.is_bundle or check.name != RELEASED)
        ]
        if not unsound:
            return ""
        remedy = "nothing made from these would prove anything"
        if set(unsound) <= {CODE, RULES, VERSIONS}:
            own = "say --with-its-code to run the bundle's" if self.is_bundle else "verify from its bundle"
            remedy = (
                "made again by something else it would be no proof of this release. Check out the code it was "
                f"made with and install its locked packages, or {own}"
            )
        return f"not as released: {', '.join(unsound)}; {remedy}"


def asked_release(data: DataFolder, quarter: Quarter, release_id: str | None) -> str:
    """The release asked for, or the quarter's current one; raises InputMissing, listing those there are."""
    folder = data.releases / str(quarter)
    if release_id is not None:
        release_id_of(release_id, "--release")
    else:
        link = folder / CURRENT_LINK
        release_id = link.readlink().name if link.is_symlink() else None
    if release_id is not None and (folder / release_id).is_dir():
        return release_id
    there = sorted(path.name for path in folder.glob("[0-9a-f]*") if path.is_dir())
    raise InputMissing(
        f"{quarter} has no {'current release' if release_id is None else f'release {release_id}'} in "
        f"{data.releases}. Releases there: {', '.join(there) or 'none'}. `league run {quarter}` makes one."
    )


def verify_release(
    data: DataFolder,
    quarter: Quarter,
    *,
    release_id: str | None = None,
    rules_dir: Path | None = None,
    rebuild: bool = True,
    whole_archive: bool = False,
) -> dict[str, Any]:
    """Verifies a release of the data folder, in which nothing is written; plain JSON values."""
    verification = Verification(data, quarter, asked_release(data, quarter, release_id), rules_dir=rules_dir)
    announce("Checking files against their hashes")
    verification.check_files(whole_archive=whole_archive)
    verification.check_code()
    verification.check_rebuild(wanted=rebuild)
    return verification.answer()
