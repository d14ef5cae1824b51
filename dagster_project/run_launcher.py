"""Dagster's launcher, with an answer to its monitoring's question whether a run's process is still there.

Without it, a run whose machine or process went down stays *started* for ever, and those behind it in the queue never
begin. Named in `deploy/dagster.yaml`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import dagster as dg

from dagster_project.releases.writer_lock import run_that_writes
from dagster_project.settings import DataFolder

# A run of the command is without its lock for a moment after it has begun, and at its end while it tells others.
SECONDS_WITHOUT_LOCK = 120.0


@dataclass(frozen=True)
class WorkerHealth:
    """What Dagster's monitoring reads of its `CheckRunHealthResult`, which has no public name."""

    status: Any
    msg: str | None = None

    def __str__(self) -> str:
        """As the run's page then has it."""
        return f"{self.status.value}: {self.msg}"


class WatchedRunLauncher(dg.DefaultRunLauncher):
    """Asks the code server that started a run, and for a run of the command the writer's lock.

    A code server that doesn't answer says nothing about the run: it may be busy. The one that comes in its place
    answers that it knows nothing of the run, whose process was a child of the former.
    """

    def __init__(self, inst_data: Any = None) -> None:
        super().__init__(inst_data)
        self._without_lock_since: dict[str, float] = {}

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does: Dagster asks about every run that has started, as often as its monitoring looks."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> Any:
        """Running, or failed with the reason."""
        why = self._why_it_is_gone(run)
        state = "RUNNING" if why is None else "FAILED"
        return WorkerHealth(dg.deserialize_value(f'{{"__enum__": "WorkerStatus.{state}"}}'), why)

    def _why_it_is_gone(self, run: dg.DagsterRun) -> str | None:
        inherited: Any = super()
        client = inherited._get_grpc_client_for_termination(run.run_id)
        if client is None:
            return self._why_the_command_is_gone(run)
        try:
            running: Any = dg.deserialize_value(client.get_current_runs())
        except dg.DagsterError:
            return None
        if running.serializable_error_info is not None or run.run_id in running.current_runs:
            return None
        return "The code server knows of no process of this run: it was restarted, or the process was killed"

    def _why_the_command_is_gone(self, run: dg.DagsterRun) -> str | None:
        if run_that_writes(DataFolder.from_environment()) == run.run_id:
            self._without_lock_since.pop(run.run_id, None)
            return None
        now = time.monotonic()
        if now - self._without_lock_since.setdefault(run.run_id, now) < SECONDS_WITHOUT_LOCK:
            return None
        return "The command that began this run holds the writer's lock no more: it was killed"
