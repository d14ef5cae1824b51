"""What a run is asked for: quarters, where the extracts come from, whose rules, and whether to publish."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter


@dataclass(frozen=True)
class RunRequest:
    """`extracts_dir` is a folder of downloaded files; without it the archive is read; `sample` generates
    the fictional extracts, `scale` times as many organisations of each table.
    """

    quarters: tuple[Quarter, ...]
    extracts_dir: Path | None = None
    sample: bool = False
    scale: int = 1
    rules_dir: Path | None = None
    dry_run: bool = False
    threads: int = 2

    def __post_init__(self) -> None:
        if not self.quarters:
            raise WrongUsage("Name at least one quarter, such as 2025-26-Q1.")
        if self.sample and self.extracts_dir is not None:
            raise WrongUsage(
                "--sample generates its own extracts: leave out --extracts, or leave out --sample."
            )
        if self.scale < 1:
            raise WrongUsage(f"--scale is a whole number from 1, not {self.scale}.")
        if self.scale > 1 and not self.sample:
            raise WrongUsage("--scale goes with --sample: it says how many organisations are invented.")
        if self.threads < 1:
            raise WrongUsage(f"--threads is a whole number from 1, not {self.threads}.")
