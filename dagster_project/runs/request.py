"""What a run is asked for: quarters, where the extracts come from, whose rules, and whether to publish."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import release_id_of
from dagster_project.settings import DataFolder

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day_of(text: str, *, option: str = "--as-of") -> date:
    """The day of an option; raises WrongUsage unless it is written as 2025-09-30."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise WrongUsage(f"{option} is a day such as 2025-09-30, not {text!r}.")


def reason_of(text: str) -> str:
    """The reason of --accept-fewer on one line; raises WrongUsage where it says nothing."""
    reason = " ".join(text.split())
    if not reason:
        raise WrongUsage("Say why with --accept-fewer: whoever uses the release will read it.")
    return reason


@dataclass(frozen=True)
class RunRequest:
    """`extracts_dir` is a folder of downloaded files; without it the archive is read; `sample` generates
    the fictional extracts, `scale` times as many organisations of each table. Of the archive, `as_of` takes
    what was there at the end of a day (UTC) and `release` what an old release of the one quarter used.
    """

    quarters: tuple[Quarter, ...]
    extracts_dir: Path | None = None
    sample: bool = False
    as_of: date | None = None
    release: str | None = None
    # `league rebuild` alone: made of the same extracts under the code, rules and versions that are here now;
    # figures may change although only the code has, as its diff is shown before.
    rebuild: bool = False
    # With `rebuild`: the release of the quarter before to follow, in place of the one that is current.
    follows: str | None = None
    # Automation only: the archive's sample files are read, where a test's publisher served them.
    archived_sample: bool = False
    scale: int = 1
    rules_dir: Path | None = None
    dry_run: bool = False
    # Written but not made current until somebody else approves.
    hold: bool = False
    # Who asks for the run, for the journal; None is LEAGUE_PERSON or the operating system's user.
    by: str | None = None
    # Why a release may hold less than the one it replaces, for the journal; None refuses it.
    accept_fewer: str | None = None
    threads: int = 2

    @property
    def data_folder(self) -> DataFolder:
        """The data folder of the run where nobody names one: what is made again is looked for where it is."""
        if self.as_of is not None or self.release is not None:
            return DataFolder.from_environment()
        return DataFolder.to_write(is_sample=self.sample)

    def __post_init__(self) -> None:
        if not self.quarters:
            raise WrongUsage("Name at least one quarter, such as 2025-26-Q1.")
        if self.sample and self.extracts_dir is not None:
            raise WrongUsage(
                "--sample generates its own extracts: leave out --extracts, or leave out --sample."
            )
        if self.as_of is not None and self.release is not None:
            raise WrongUsage("--release says which files to use: leave out --as-of, or leave out --release.")
        self._refuse_other_files()
        self._refuse_rebuild_that_publishes()
        if self.release is not None:
            release_id_of(self.release, "--release")
        if self.release is not None and len(set(self.quarters)) > 1:
            raise WrongUsage("--release is of one quarter: name that quarter alone.")
        if self.scale < 1:
            raise WrongUsage(f"--scale is a whole number from 1, not {self.scale}.")
        if self.scale > 1 and not self.sample:
            raise WrongUsage("--scale goes with --sample: it says how many organisations are invented.")
        if self.hold and self.dry_run:
            raise WrongUsage("A dry run writes nothing that could be held: leave out --hold, or --dry-run.")
        if self.accept_fewer is not None:
            object.__setattr__(self, "accept_fewer", reason_of(self.accept_fewer))
        if self.threads < 1:
            raise WrongUsage(f"--threads is a whole number from 1, not {self.threads}.")

    def _refuse_rebuild_that_publishes(self) -> None:
        if self.rebuild and (self.release is None or not self.hold):
            raise WrongUsage("A rebuild makes a release anew and holds it: name `release`, and set `hold`.")
        if self.follows is not None:
            if not self.rebuild:
                raise WrongUsage("Only a rebuild follows another release of the quarter before.")
            release_id_of(self.follows, "`follows`")

    def _refuse_other_files(self) -> None:
        vintage = "--as-of" if self.as_of is not None else "--release" if self.release is not None else None
        other = "--sample" if self.sample else "--extracts" if self.extracts_dir is not None else None
        if vintage is not None and other is not None:
            raise WrongUsage(f"{vintage} reads the archive: leave out {other}, or leave out {vintage}.")
