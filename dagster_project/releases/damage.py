"""Integrity of a release: whether its release.json has its form, and its files are those that it promises.

One look for all who ask: publishing, withdrawal, rebuilding and verification.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeInt, StringConstraints, ValidationError

from dagster_project.errors import InputRejected
from dagster_project.files import sha256_of_file
from dagster_project.gates.suites import GATES
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import PROVENANCE_FILE, RELEASE_FILE, read_release_file

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


def _canonical(quarter: str) -> str:
    return str(Quarter.from_canonical(quarter))


def _a_gate(name: str) -> str:
    if name not in GATES:
        raise ValueError(f"a gate of {', '.join(GATES)}")
    return name


def _leads_nowhere_else(path: str) -> str:
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError("leads out of its folder")
    return path


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ReleaseId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[\w. -]+$"), AfterValidator(_leads_nowhere_else)]
FilePath = Annotated[str, StringConstraints(pattern=r"^[\w./ -]+$"), AfterValidator(_leads_nowhere_else)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _File(_Strict):
    """A released file; `rows` is None for what isn't a table."""

    sha256: Sha256
    bytes: NonNegativeInt
    rows: NonNegativeInt | None = None


class _Gate(_Strict):
    gate: Annotated[str, AfterValidator(_a_gate)]
    passed: bool
    expectations: NonNegativeInt
    warnings: NonNegativeInt


class _ReleaseContent(_Strict):
    """Names of files and releases become paths, so they can't lead out of their folder."""

    quarter: Annotated[str, AfterValidator(_canonical)]
    framework: str
    is_sample: bool
    previous_release_id: ReleaseId | None
    extracts: dict[Sha256, str]
    rules: dict[FileName, Sha256]
    code: dict[FilePath, Sha256]
    versions: dict[str, str]
    release_id: ReleaseId
    notice: str
    gates: list[_Gate]
    files: dict[FileName, _File]


def faults_of_form(raw: bytes) -> list[tuple[str, str, str]]:
    """Where the bytes of a release.json aren't as a run writes them: place, what should be there, what is.

    Empty if every name is known, every value of its type and every path stays where it belongs.
    """
    try:
        _ReleaseContent.model_validate_json(raw)
    except ValidationError as error:
        return [_fault(fault) for fault in error.errors(include_url=False, include_context=False)]
    return []


def _fault(fault: Any) -> tuple[str, str, str]:
    place = ", ".join(str(part)[:80] for part in fault["loc"])
    found = "nothing" if fault["type"] == "missing" else repr(fault["input"])[:120]
    return place, fault["msg"], found
