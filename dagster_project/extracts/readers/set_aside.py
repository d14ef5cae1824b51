"""One figure of a file that was left out, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SetAside:
    """`organisation_code` and `figure` are None where blank."""

    source_row: int
    organisation_code: str | None
    figure: str | None
    reason: str
    raw_line: str
