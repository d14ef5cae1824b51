"""Starts a quarterly run through Dagster in this process, so that it shows in the web server's history."""

from __future__ import annotations

import gc
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dagster_project.automation.run_summary import write_summary
from dagster_project.dagster_home import SETTINGS_FILE, dagster_home
from dagster_project.errors import ExitCode, WrongUsage
from dagster_project.interruption import SENTENCE, is_interruption, to_the_end, was_asked
from dagster_project.machine import require_memory
from dagster_project.progress import announce
from dagster_project.releases.journal import person
from dagster_project.run_history import of_the_code_location, partitions_read_once, written_quickly
from dagster_project.runs.record import RunRecord, read_outcome
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DATA_VARIABLE, DataFolder

if TYPE_CHECKING:
    from dagster import DagsterInstance

_INTERRUPTIONS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


def launch(request: RunRequest, data: DataFolder) -> dict[str, Any]:
    """Runs the job and returns its outcome as `runs/<run id>/outcome.json` holds it.

    Raises WrongUsage where Dagster refuses its settings, MachineFault where there isn't memory enough.
    """
    require_memory()
    with _named(data):
        return _launched(request, data)


@contextmanager
def _named(data: DataFolder) -> Iterator[None]:
    """Makes the data folder known to Dagster's resources, which ask the environment for it."""
    before = os.environ.get(DATA_VARIABLE)
    os.environ[DATA_VARIABLE] = str(data.root)
    try:
        yield
    finally:
        if before is None:
            del os.environ[DATA_VARIABLE]
        else:
            os.environ[DATA_VARIABLE] = before


def _launched(request: RunRequest, data: DataFolder) -> dict[str, Any]:
    dagster_home(data)
    announce("Starting Dagster")
    with _made_to_stay():
        from dagster_project.assets.partitions import offer, tags_of, withdraw
        from dagster_project.assets.quarterly_run_resource import (
            BY_REBUILD,
            BY_RUN,
            MAX_RETRIES_TAG,
            STARTED_BY_TAG,
        )
        from dagster_project.definitions import JOB_NAME, defs

    run_id = str(uuid.uuid4())
    # Whoever types a command sees how it ends, and may have ended it: a daemon doesn't try it again.
    started_by = {STARTED_BY_TAG: BY_REBUILD if request.rebuild else BY_RUN, MAX_RETRIES_TAG: "0"}
    with _instance(data) as instance, written_quickly(instance), of_the_code_location(instance):
        new = offer(instance, request.quarters)
        tags = started_by | tags_of(request.quarters, instance)
        job = defs.resolve_job_def(JOB_NAME)
        try:
            with partitions_read_once(instance):
                result = job.execute_in_process(
                    run_config=_run_config(request),
                    tags=tags,
                    instance=instance,
                    raise_on_error=False,
                    run_id=run_id,
                )
        except BaseException as error:
            with to_the_end():
                _end_in_history(instance, data, run_id, error)
                withdraw(instance, new, data)
            raise
        if not result.success:
            _record_unexpected(instance, data, run_id)
            withdraw(instance, new, data)
    _write_summary(data, run_id)
    return read_outcome(data, run_id)


@contextmanager
def _made_to_stay() -> Iterator[None]:
    """For imports: what they make is there to the end, and isn't looked through for what has gone."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


@contextmanager
def _instance(data: DataFolder) -> Iterator[DagsterInstance]:
    from dagster import DagsterError, DagsterInstance

    try:
        opened = DagsterInstance.get()
    except DagsterError as error:
        settings = data.dagster_home / SETTINGS_FILE
        said = " ".join(str(error).split())
        raise WrongUsage(
            f"{settings}: expected settings that Dagster takes; it says: {said[:300]} Correct the file, or move it "
            "away: it is then written anew."
        ) from error
    with opened as instance:
        yield instance


def _end_in_history(instance: DagsterInstance, data: DataFolder, run_id: str, error: BaseException) -> None:
    """A run that was broken off before or after Dagster's own care of it has ended all the same."""
    RunRecord.again(data, run_id).failed(error)
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, message=SENTENCE if is_interruption(error) else str(error))


def _write_summary(data: DataFolder, run_id: str) -> None:
    """The same file that the sensor writes after other runs; a full disk doesn't change how the run ended."""
    try:
        write_summary(data, run_id)
    except OSError as error:
        announce(f"The run's summary wasn't written: {error}")


def _run_config(request: RunRequest) -> dict[str, Any]:
    # The person who asks, as this process sees it: Dagster's history keeps it.
    asked = request.configuration() | {"by": person(request.by)}
    return {
        "resources": {"quarterly_run": {"config": asked}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }


def _record_unexpected(instance: DagsterInstance, data: DataFolder, run_id: str) -> None:
    """A failure that no stage recorded is ours: keep what Dagster's events say of it."""
    from dagster import DagsterEventType

    outcome = read_outcome(data, run_id)
    if outcome.get("exit_code") not in (None, int(ExitCode.DONE)):
        return
    said, is_interrupted = [], was_asked()
    for record in instance.all_logs(
        run_id, of_type={DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
    ):
        event = record.dagster_event
        error = getattr(event.event_specific_data, "error", None) if event else None
        said.append(error.to_string() if error else record.user_message or record.message)
        is_interrupted |= error is not None and str(error.cls_name) in _INTERRUPTIONS
    record_of_run = RunRecord.again(data, run_id)
    if is_interrupted:
        record_of_run.note(exit_code=int(ExitCode.INTERRUPTED), message=SENTENCE)
    else:
        record_of_run.unexpected(said[-1].splitlines()[0] if said else "The run failed.", "\n".join(said))
