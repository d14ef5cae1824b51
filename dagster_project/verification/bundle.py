"""Writing a bundle: one ZIP with all that a release was made of and came to, the same bytes each time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.durable import UNFINISHED, flush, make_folder, put_in_place
from dagster_project.errors import ExitCode, InputMissing, InputRejected
from dagster_project.files import sha256_of_file
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.tombstone import read_tombstone
from dagster_project.settings import DataFolder
from dagster_project.verification.bundle_members import (
    Bytes,
    earlier_release,
    members_of,
    zip_members,
)
from dagster_project.verification.findings import Check, exit_code_of
from dagster_project.verification.released_files import rows_of
from dagster_project.verification.telling import telling_members
from dagster_project.verification.verify import Verification, asked_release

_SHOWN = 5


def write_bundle(
    data: DataFolder,
    quarter: Quarter,
    *,
    release_id: str | None = None,
    output: Path | None = None,
    rules_dir: Path | None = None,
) -> dict[str, Any]:
    """Bundles a release; plain JSON values that say where it is and its sha256.

    Every hash is checked first. Raises InputRejected where a file isn't as archived or released, InputMissing
    where the code, rules or versions at hand aren't the release's: a bundle holds those that made it.
    """
    verification = Verification(data, quarter, asked_release(data, quarter, release_id), rules_dir=rules_dir)
    announce("Checking files against their hashes")
    verification.check_files()
    verification.check_code()
    _refuse(verification)
    content = verification.content
    assert content is not None
    path = output or Path(f"{quarter}-{verification.release_id}.zip")
    announce("Writing the bundle")
    members = _all_members(verification, content)
    _write(path.absolute(), members)
    return {
        "quarter": str(quarter),
        "release_id": verification.release_id,
        "is_sample": content["is_sample"],
        "path": str(path),
        "bytes": path.stat().st_size,
        "sha256": sha256_of_file(path),
        "members": len(members),
        "withdrawn": read_tombstone(data, quarter, verification.release_id),
        "notice": content["notice"],
        "exit_code": int(ExitCode.DONE),
    }


def _all_members(verification: Verification, content: Mapping[str, Any]) -> dict[str, Bytes]:
    earlier = earlier_release(verification.data, content)
    members = members_of(verification.data, content, earlier, verification.rules_dir)
    telling = telling_members(
        Archive(verification.data.archive),
        content,
        earlier,
        {name: _hash_and_size(raw) for name, raw in members.items()},
        rows_of(verification.folder / "extract.parquet"),
    )
    return {**members, **telling}


def _refuse(verification: Verification) -> None:
    """Raises for the first thing that isn't as it should be, saying how many there are."""
    checks = verification.checks
    code = exit_code_of(checks)
    if code == ExitCode.DONE:
        return
    remedy = (
        f"Nothing was bundled. `league verify {verification.quarter} --no-rebuild` lists all that differs."
    )
    if code == ExitCode.INPUT_REJECTED:
        finding = next(found for check in checks for found in check.findings if check.exit_code == code)
        raise InputRejected(file=finding.what, expected=finding.expected, found=finding.found, remedy=remedy)
    listed = "\n".join(f"  - {_words(check)}" for check in checks if not check.holds)
    raise InputMissing(
        f"Release {verification.release_id} can't be bundled with what made it:\n{listed}\n{remedy} Check out "
        "the code that it was made with, install its locked packages, and give its rules with --rules if it "
        "had its own."
    )


def _words(check: Check) -> str:
    if check.not_done:
        return f"{check.name}: {check.not_done}"
    names = [finding.what for finding in check.findings]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{check.name}: {', '.join(names[:_SHOWN])}{more} differ"


def _hash_and_size(raw: Bytes) -> tuple[str, int]:
    if isinstance(raw, Path):
        return sha256_of_file(raw), raw.stat().st_size
    return hashlib.sha256(raw).hexdigest(), len(raw)


def _write(path: Path, members: Mapping[str, Bytes]) -> None:
    """The finished file takes its name by a rename."""
    make_folder(path.parent)
    unfinished = path.with_name(f"{UNFINISHED}{path.name}")
    try:
        zip_members(unfinished, members)
        flush(unfinished)
        put_in_place(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
