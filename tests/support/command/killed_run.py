"""Runs that kill themselves at a named stage, for tests/acceptance/test_killed_runs.py.

As a script: `killed_run.py FOLDER EXTRACTS STAGE...` runs two quarters in the data folder FOLDER/STAGE for each
stage, in a child of its own (forked, so that the imports are paid once), and prints how each child ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from dagster_project.runs.flow import FLOW

# As a script it has its own folder alone to import from.
sys.path.append(str(Path(__file__).resolve().parents[1] / "fakes"))
QUARTERS = ("2025-26-Q1", "2025-26-Q2")
BEFORE_THE_COMMIT = (
    *(f"after {stage.name}" for stage in FLOW[:-1]),
    "during the export",
    "before the swap",
)
AFTER_THE_COMMIT = ("after the swap", "before the links")


def die(*_: object, **__: object) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def _prepare(stage: str) -> Callable[[str], None]:
    """Patches what the run comes to at `stage`; the rest is told by the listener that is returned."""
    from dagster_project.releases import folder, publish

    if stage == "during the export":
        export, exported = folder.export_table, []
        # The first release is whole then, the second half written.
        most = len(folder.RELEASED_TABLES) * 3 // 2

        def export_some(*arguments: Any) -> int:
            exported.append(arguments)
            return die() if len(exported) > most else export(*arguments)

        folder.export_table = export_some
    elif stage == "before the swap":
        publish.refuse_foreign_wal = die
    elif stage == "after the swap":
        publish.flush = die
    elif stage == "before the links":
        publish.mend_current_links = die

    def listener(done: str) -> None:
        if stage == f"after {done}":
            die()

    return listener


def _run_and_die(data: Path, extracts: Path, stage: str) -> None:
    from staged_run import release_by_stages

    from dagster_project.settings import DataFolder

    release_by_stages(DataFolder(data), extracts, *QUARTERS, run_id="killed", after=_prepare(stage))


def main(folder: Path, extracts: Path, stages: list[str]) -> None:
    for module in ("dbt.adapters.duckdb.connections", "dbt.cli.main", "great_expectations", "staged_run"):
        import_module(module)

    ended = {}
    for stage in stages:
        child = os.fork()
        if child == 0:
            try:
                _run_and_die(folder / stage, extracts, stage)
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        ended[stage] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps(ended))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
