"""Dagster's run history as pruning sees it: which runs have ended, and how one is forgotten, by Dagster's own API."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.dagster_home import dagster_home
from dagster_project.settings import DataFolder

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from dagster._core.storage.dagster_run import RunRecord

_PAGE = 500


class DagsterHistory:
    """The runs of one Dagster instance, whose home is in the data folder."""

    def __init__(self, instance: DagsterInstance, home: Path) -> None:
        self._instance = instance
        self._home = home
        records = list(_records(instance))
        self._finished = {
            record.dagster_run.run_id: record.update_timestamp.astimezone(UTC)
            for record in records
            if record.dagster_run.is_finished
        }
        self._unfinished = {record.dagster_run.run_id for record in records} - self._finished.keys()

    def finished(self) -> Mapping[str, datetime]:
        """When each run that has ended did so (UTC), by its id."""
        return self._finished

    def unfinished(self) -> Collection[str]:
        """The ids of runs that wait, start or run."""
        return self._unfinished

    def paths_of(self, run_id: str) -> list[Path]:
        """The database of the run's events, and its logs."""
        if run_id not in self._finished:
            return []
        events = (self._home / "history" / "runs").glob(f"{run_id}.db*")
        return [path for path in (*sorted(events), self._home / "storage" / run_id) if path.exists()]

    def delete(self, run_id: str) -> None:
        """Forgets a run: its record, its events and its logs. The file of its events is left, empty."""
        if run_id in self._finished:
            self._instance.delete_run(run_id)
            self._instance.compute_log_manager.delete_logs(prefix=[run_id])


class NoHistory:
    """Of a data folder in which Dagster never ran."""

    def finished(self) -> Mapping[str, datetime]:
        """None."""
        return {}

    def unfinished(self) -> Collection[str]:
        """None."""
        return ()

    def paths_of(self, _: str) -> list[Path]:
        """None."""
        return []

    def delete(self, _: str) -> None:
        """Nothing to forget."""


@contextmanager
def run_history(data: DataFolder) -> Iterator[DagsterHistory | NoHistory]:
    """The history of a data folder, for as long as the context is open."""
    if not (data.dagster_home / "history").is_dir():
        yield NoHistory()
        return
    home = dagster_home(data)
    from dagster import DagsterInstance

    with DagsterInstance.get() as instance:
        yield DagsterHistory(instance, home)


def _records(instance: DagsterInstance) -> Iterator[RunRecord]:
    """All records, page by page."""
    cursor = None
    while page := instance.get_run_records(limit=_PAGE, cursor=cursor):
        yield from page
        cursor = page[-1].dagster_run.run_id
