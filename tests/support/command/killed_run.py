"""A run that is killed, and what a kill at each earlier moment leaves, for tests/acceptance/test_killed_runs.py.

As a script: `killed_run.py FOLDER EXTRACTS` runs two quarters in the data folder FOLDER/running. At each of the moments
it stops, copies that folder to FOLDER/MOMENT, and goes on; at the last it kills itself. A killed process leaves the
files that the system has of it, neither more nor less: those are what is copied while it stands still.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dagster_project.runs.flow import FLOW

# As a script it has its own folder alone to import from.
sys.path.append(str(Path(__file__).resolve().parents[1] / "fakes"))
QUARTERS = ("2025-26-Q1", "2025-26-Q2")
RUNNING = "running"
BEFORE_THE_COMMIT = (
    *(f"after {stage.name}" for stage in FLOW[:-1]),
    "during the export",
    "before the swap",
)
AFTER_THE_COMMIT = ("after the swap", "before the links")


class Stops:
    """Copies what a kill would leave each time the run comes to a moment first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stop(self, moment: str) -> None:
        copy = self.folder / moment
        if not copy.exists():
            shutil.copytree(self.folder / RUNNING, copy, symlinks=True)
        if moment == AFTER_THE_COMMIT[-1]:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(self, function: Callable[..., Any], moment: str) -> Callable[..., Any]:
        """The function, which stops first."""

        def stopping(*arguments: Any, **named: Any) -> Any:
            self.stop(moment)
            return function(*arguments, **named)

        return stopping

    def after(self, done: str) -> None:
        """Told each step that is done; gates aren't among the moments."""
        if (moment := f"after {done}") in BEFORE_THE_COMMIT:
            self.stop(moment)


def _set(stops: Stops) -> None:
    """Patches what the run comes to after its stages; these are told by `stops.after`."""
    from dagster_project.releases import folder, publish

    export, exported = folder.export_table, []
    # The first release is whole then, the second half written.
    most = len(folder.RELEASED_TABLES) * 3 // 2

    def export_some(*arguments: Any, **named: Any) -> int:
        exported.append(arguments)
        if len(exported) > most:
            stops.stop("during the export")
        return export(*arguments, **named)

    folder.export_table = export_some
    publish.refuse_foreign_wal = stops.before(publish.refuse_foreign_wal, "before the swap")
    publish.flush = stops.before(publish.flush, "after the swap")
    publish.mend_current_links = stops.before(publish.mend_current_links, "before the links")


def main(folder: Path, extracts: Path) -> None:
    from staged_run import release_by_stages

    from dagster_project.settings import DataFolder

    stops = Stops(folder)
    _set(stops)
    release_by_stages(DataFolder(folder / RUNNING), extracts, *QUARTERS, run_id="killed", after=stops.after)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
