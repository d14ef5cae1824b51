"""What a release.json holds: the form of it, so that a damaged one is refused before anything is read of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeInt, StringConstraints, ValidationError

from dagster_project.gates.suites import GATES
from dagster_project.quarters import Quarter


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
