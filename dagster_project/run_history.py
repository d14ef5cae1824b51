"""Dagster's run history, by Dagster's own API: written quickly by a run and as one of the web server's code location;
as pruning sees it, which runs have ended and how one is forgotten.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.dagster_home import dagster_home, is_stored_elsewhere
from dagster_project.settings import DataFolder

if TYPE_CHECKING:
    from dagster import DagsterInstance, RunRecord
    from sqlalchemy import Connection, Engine

# As workspace.yaml and pyproject.toml name it.
CODE_LOCATION = "nhs_league_tables"
DEFINITIONS = "dagster_project.definitions"
_PAGE = 500
_INDEX = "index"
_SECONDS_TO_WAIT = 60


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
    if not (data.dagster_home / "history").is_dir() and not is_stored_elsewhere(data):
        yield NoHistory()
        return
    home = dagster_home(data)
    from dagster import DagsterInstance

    with DagsterInstance.get() as instance:
        yield DagsterHistory(instance, home)


@contextmanager
def written_quickly(instance: DagsterInstance) -> Iterator[None]:
    """Keeps the databases of Dagster's events open as long as the context is, where they are SQLite.

    Dagster opens its database anew for each of a run's four hundred events, and plans the same statement each time.
    Every event is still on the disk of its own as soon as it is told: a process that is killed loses none. A power
    cut may take the last ones; how a run ended is in its own record.
    """
    storage: Any = instance.event_log_storage
    if not hasattr(storage, "conn_string_for_shard"):
        yield
        return
    engines: dict[str, Engine] = {}
    opened, index_opened = storage.run_connection, storage.index_connection

    @contextmanager
    def of_run(run_id: str | None = None) -> Iterator[Connection]:
        if run_id is None:
            with opened(run_id) as connection:
                yield connection
            return
        with _begin(engines, storage, run_id, lambda: opened(run_id)) as connection:
            yield connection

    @contextmanager
    def of_index() -> Iterator[Connection]:
        with _begin(engines, storage, _INDEX, index_opened) as connection:
            yield connection

    storage.run_connection, storage.index_connection = of_run, of_index
    try:
        yield
    finally:
        del storage.run_connection, storage.index_connection
        for engine in engines.values():
            engine.dispose()


@contextmanager
def of_the_code_location(instance: DagsterInstance) -> Iterator[None]:
    """Makes runs of this process runs of the web server's code location, on whose timeline and job page they then are.

    Dagster leaves it out of a run that its own process executes.
    """
    create: Any = instance.create_run_for_job

    def created(job_def: Any, *positional: Any, **named: Any) -> Any:
        return create(job_def, *positional, **named, remote_job_origin=_origin_of(job_def.name))

    undo: Any = instance
    undo.create_run_for_job = created
    try:
        yield
    finally:
        del undo.create_run_for_job


@contextmanager
def partitions_read_once(instance: DagsterInstance) -> Iterator[None]:
    """Keeps the partitions as they are now: Dagster reads them three times for each materialisation of a range."""
    keys = cache(instance.get_dynamic_partitions)

    def has(partitions_def_name: str, partition_key: str) -> bool:
        return partition_key in keys(partitions_def_name)

    def get(partitions_def_name: str) -> Sequence[str]:
        return keys(partitions_def_name)

    undo: Any = instance
    undo.get_dynamic_partitions, undo.has_dynamic_partition = get, has
    try:
        yield
    finally:
        del undo.get_dynamic_partitions, undo.has_dynamic_partition


def _origin_of(job_name: str) -> Any:
    """Where a job is loaded from. Dagster has a class for it, but no public name of the class."""
    from dagster import deserialize_value

    loaded_from = {
        "__class__": "ManagedGrpcPythonEnvRepositoryLocationOrigin",
        "location_name": CODE_LOCATION,
        "loadable_target_origin": {
            "__class__": "LoadableTargetOrigin",
            "executable_path": sys.executable,
            "python_file": None,
            "module_name": DEFINITIONS,
            "working_directory": None,
            "attribute": None,
            "package_name": None,
        },
    }
    repository = {
        "__class__": "ExternalRepositoryOrigin",
        "repository_location_origin": loaded_from,
        "repository_name": "__repository__",
    }
    return deserialize_value(
        json.dumps(
            {
                "__class__": "ExternalPipelineOrigin",
                "external_repository_origin": repository,
                "pipeline_name": job_name,
            }
        )
    )


def _begin(
    engines: dict[str, Engine],
    storage: Any,
    shard: str,
    first: Callable[[], AbstractContextManager[Any]],
) -> AbstractContextManager[Connection]:
    """A transaction in a database, which Dagster's own way of opening it makes where it isn't there yet."""
    if shard not in engines:
        import sqlalchemy

        with first():
            pass
        engine = sqlalchemy.create_engine(
            storage.conn_string_for_shard(shard), connect_args={"timeout": _SECONDS_TO_WAIT}
        )
        sqlalchemy.event.listen(engine, "connect", _dont_wait_for_the_disk)
        engines[shard] = engine
    return engines[shard].begin()


def _dont_wait_for_the_disk(connection: Any, _: object) -> None:
    connection.execute("pragma synchronous = normal")


def _records(instance: DagsterInstance) -> Iterator[RunRecord]:
    """All records, page by page."""
    cursor = None
    while page := instance.get_run_records(limit=_PAGE, cursor=cursor):
        yield from page
        cursor = page[-1].dagster_run.run_id
