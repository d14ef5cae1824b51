"""Runs that may go: neither among the newest, nor young, nor the one that made a release on the disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from dagster_project.keeping.removal import RUN, Removal, written_at
from dagster_project.runs.record import OUTCOME_FILE
from dagster_project.settings import DataFolder


class RunHistory(Protocol):
    """The orchestrator's own memory of runs."""

    def finished(self) -> Mapping[str, datetime]:
        """When each run that has ended did so (UTC), by its id."""

    def unfinished(self) -> Collection[str]:
        """The ids of runs that wait, start or run."""

    def paths_of(self, run_id: str) -> list[Path]:
        """What `delete` removes from the disk."""

    def delete(self, run_id: str) -> None:
        """Removes all memory of a run."""


def old_runs(
    data: DataFolder,
    history: RunHistory,
    needed: Collection[str],
    *,
    keep_runs: int,
    older_than: timedelta | None,
    now: datetime,
) -> list[Removal]:
    """The runs beyond the `keep_runs` newest and, where given, older than that; newest first.

    A run is what `runs/` or the history knows of it. Those in `needed`, and those that haven't ended, stay.
    """
    ended = dict(history.finished())
    for folder in data.runs.iterdir() if data.runs.is_dir() else ():
        if folder.is_dir():
            outcome = folder / OUTCOME_FILE
            at = written_at(outcome if outcome.exists() else folder)
            ended[folder.name] = max(at, ended.get(folder.name, at))
    newest_first = sorted(ended, key=lambda run_id: (ended[run_id], run_id), reverse=True)
    stay = {*needed, *history.unfinished()}
    return [
        Removal(
            RUN,
            run_id,
            (data.runs / run_id, *history.paths_of(run_id)),
            f"ended {ended[run_id]:%Y-%m-%d}, {position} runs are newer, no release on the disk is from it",
        )
        for position, run_id in enumerate(newest_first)
        if position >= keep_runs
        and run_id not in stay
        and (older_than is None or now - ended[run_id] > older_than)
    ]
