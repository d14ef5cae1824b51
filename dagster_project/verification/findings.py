"""What verification finds: each check, what it looked at, and everything that differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster_project.errors import ExitCode
from dagster_project.releases.damage import NO_FILE

# Whatever else differs, damaged files are said first: nothing built on them means anything.
_GRAVEST_FIRST = (ExitCode.INPUT_REJECTED, ExitCode.OUR_FAULT, ExitCode.INPUT_MISSING)


@dataclass(frozen=True)
class Finding:
    """One thing that isn't as it should be; `details` say where within it, such as rows and columns."""

    what: str
    expected: str
    found: str
    details: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "what": self.what,
            "expected": self.expected,
            "found": self.found,
            "details": list(self.details),
        }


@dataclass(frozen=True)
class Check:
    """One question to many things: `looked_at` names each, `findings` those that differ.

    A check with findings ends the command with `exit_code`. `not_done` says why it wasn't made, and
    `left_out` whether that was asked for.
    """

    name: str
    looked_at: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    exit_code: ExitCode = ExitCode.INPUT_REJECTED
    not_done: str = ""
    left_out: bool = False

    @property
    def holds(self) -> bool:
        """Whether it was made and nothing differs."""
        return not self.findings and not self.not_done

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "check": self.name,
            "holds": self.holds,
            "checked": len(self.looked_at),
            "looked_at": list(self.looked_at),
            "findings": [finding.as_json() for finding in self.findings],
            "not_done": self.not_done or None,
        }


def exit_code_of(checks: Iterable[Check]) -> ExitCode:
    """0 where every check was made and holds; a check that couldn't be made is missing an input."""
    found = list(checks)
    codes = {check.exit_code for check in found if check.findings}
    codes |= {ExitCode.INPUT_MISSING for check in found if check.not_done and not check.left_out}
    return next((code for code in _GRAVEST_FIRST if code in codes), ExitCode.DONE)


def compared(then: Mapping[str, str], now: Mapping[str, str], *, kind: str = "sha256") -> list[Finding]:
    """What differs between two mappings of name to hash or version; `then` is what should be."""
    said = {
        name: tuple(f"{kind} {side[name]}" if name in side else NO_FILE for side in (then, now))
        for name in sorted({*then, *now})
    }
    return [Finding(name, expected, found) for name, (expected, found) in said.items() if expected != found]


def names_in(*mappings: Mapping[str, Any] | Sequence[str]) -> tuple[str, ...]:
    """Every name that one of them has, sorted."""
    return tuple(sorted({name for mapping in mappings for name in mapping}))
