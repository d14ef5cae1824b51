"""Runs `league ... --target spark` as a process of its own: one Java process at a time, and as long as it takes."""

from __future__ import annotations

import shutil
from pathlib import Path

from league_command import Ended, start_league
from required import missing

from dagster_project.settings import DataFolder

# A busy machine takes many times the few minutes that a run needs.
_LONGEST_SECONDS = 3600


def require_java() -> None:
    """Skips the test where there is no Java, or fails it where there must be."""
    if shutil.which("java") is None:
        missing("java", "there is no java on the PATH")


def league_on_spark(*arguments: str | Path, data: DataFolder, **environment: str) -> Ended:
    """The command with `--target spark --json`, awaited; `environment` overrides variables."""
    require_java()
    process = start_league(
        *(*arguments, "--target", "spark", "--json"),
        data=data,
        # No test needs a catalogue that is sound after a power cut.
        **{"JDK_JAVA_OPTIONS": "-Dderby.system.durability=test"} | environment,
    )
    out, err = process.communicate(timeout=_LONGEST_SECONDS)
    return Ended(process.returncode, out, err)
