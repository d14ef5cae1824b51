"""The resource that holds a quarterly run open for the life of a Dagster run: lock, candidate, connections.

The in-process executor sets a resource up once per run and tears it down at its end, so every asset and check
of the run sees the same candidate. It is set up before any step starts: a run of a part of the flow that has nothing to
go on with ends there, as cancelled, so that no asset is marked as failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import dagster as dg
from pydantic import Field, PrivateAttr, create_model

from dagster_project.assets.failures import expected
from dagster_project.assets.partitions import quarters_of
from dagster_project.data_kind import Kind, kind_held
from dagster_project.errors import Locked, WrongUsage
from dagster_project.progress import listening
from dagster_project.quarters import Quarter
from dagster_project.runs import flow
from dagster_project.runs.passage import Passage
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.record import RunRecord
from dagster_project.runs.request import RunRequest
from dagster_project.runs.resumption import NothingToGoOnWithError

if TYPE_CHECKING:
    from dagster import InitResourceContext

# All steps of a run write the one warehouse; production gives the pool one place (deploy/dagster.yaml).
WAREHOUSE_POOL = "warehouse"
MAX_RETRIES_TAG = "dagster/max_retries"
STARTED_BY_TAG = "league/started_by"
BY_RUN, BY_REBUILD = STARTED_BY_COMMANDS = ("league run", "league rebuild")
# Of a run that may be tried again unless one of its steps failed: this one may, all the same.
_RETRY_TAG = "dagster/retry_on_asset_or_op_failure"
TRY_AGAIN = {_RETRY_TAG: "true"}


class QuarterlyRunResource(dg.ConfigurableResource["QuarterlyRunResource"]):
    """The open run; `resource_for` makes the class whose fields are what a run is asked for. Its quarters are the
    partitions of the Dagster run.

    What keeps a run from opening (its configuration, the lock) is raised by the first step that asks for it:
    Dagster shows a step's failure as a message, that of a resource as the traceback of its own machinery.
    """

    asked_by: ClassVar[type[RunRequest]] = RunRequest
    _passage: Passage | None = PrivateAttr(default=None)
    _refusal: BaseException | None = PrivateAttr(default=None)

    @property
    def passage(self) -> Passage:
        """The run's way through the flow; raises what kept it from opening, and WrongUsage where none is open."""
        if self._refusal is not None:
            raise self._refusal
        if self._passage is None:
            raise WrongUsage("No quarterly run is open: materialise the job quarterly_league_tables.")
        return self._passage

    @property
    def record(self) -> RunRecord | None:
        """What the run leaves in its folder; None where it couldn't be opened."""
        return None if self._passage is None else self._passage.run.record

    def request(self, quarters: tuple[Quarter, ...], *, by_command: bool = False) -> RunRequest:
        """What the configuration asks for. Where it names no files, those of the data folder's archive are meant, of
        the kind that the folder is of; who leaves out a word at the command is asked for it.
        """
        asked = self.asked_by.configured(
            quarters, {name: getattr(self, name) for name in self.asked_by.configurable()}
        )
        named = (asked.sample, asked.extracts_dir, asked.as_of, asked.release)
        if by_command or any(named) or kind_held(asked.data_folder) is not Kind.FICTIONAL:
            return asked
        return asked.model_copy(update={"archived_sample": True})

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[QuarterlyRunResource]:
        """Opens the run for the quarters that the Dagster run's partitions name."""
        log = context.log
        with listening(lambda text: log.info(text) if log else None), ExitStack() as held:
            try:
                self._passage = Passage(self._opened(context, held))
                _may_be_tried_again(context, None)
            except NothingToGoOnWithError as error:
                raise _cancelled(context, error) from error
            except Exception as error:
                if expected(error) is None:
                    raise
                self._refusal = error
                _may_be_tried_again(context, error)
            try:
                yield self
            finally:
                self._passage = self._refusal = None

    def _opened(self, context: InitResourceContext, held: ExitStack) -> QuarterlyRun:
        from dagster_project.lineage.run_events import RunEvents
        from dagster_project.lineage.sending import Sender, is_asked_for

        tags = context.run.tags if context.run else {}
        instance = context.instance
        if instance is None:
            raise WrongUsage(
                "Choose the quarters to build: a run without Dagster's history has no partitions."
            )
        by_command = tags.get(STARTED_BY_TAG) in STARTED_BY_COMMANDS
        request = self.request(quarters_of(tags, instance), by_command=by_command)
        events = RunEvents(Sender() if is_asked_for() else None)
        run = QuarterlyRun(
            *(request, request.data_folder, context.run_id or "unknown"),
            witness=events,
            steps=_steps_of(context),
            # Who only asks what would change isn't left a copy of the warehouse.
            leaves=not request.dry_run,
        )
        # When the writer's lock is free again: an endpoint that is slow holds nobody else up.
        held.callback(events.send, run)
        return held.enter_context(run)


def resource_for(model: type[RunRequest]) -> type[QuarterlyRunResource]:
    """The resource that is configured by the fields of a request, with their descriptions."""
    fields: dict[str, Any] = {
        name: (kind, Field(default=field.default, description=field.description))
        for name, (kind, field) in model.configurable().items()
    }
    made = create_model(QuarterlyRunResource.__name__, __base__=QuarterlyRunResource, **fields)
    made.asked_by = model
    return made


def _may_be_tried_again(context: InitResourceContext, error: Exception | None) -> None:
    """A run that found another one writing isn't a failure for good, unlike all else that a step says. A retry has its
    tags from the run before it: one that found the lock free takes the leave back.
    """
    run, instance = context.run, context.instance
    if run is None or instance is None:
        return
    if run.tags.get(MAX_RETRIES_TAG, str(instance.run_retries_max_retries)) == "0":
        return
    if isinstance(error, Locked):
        instance.add_run_tags(run.run_id, TRY_AGAIN)
    elif run.tags.get(_RETRY_TAG) == TRY_AGAIN[_RETRY_TAG]:
        instance.add_run_tags(run.run_id, {_RETRY_TAG: "false"})


def _steps_of(context: InitResourceContext) -> tuple[str, ...] | None:
    """The steps of the flow that the Dagster run is planned to do, in their order; None where it has no plan."""
    run, instance = context.run, context.instance
    if run is None or instance is None or run.execution_plan_snapshot_id is None:
        return None
    planned = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id).step_keys_to_execute
    chosen = {key.rpartition(".")[2] for key in run.step_keys_to_execute or planned}
    return tuple(step.step for step in flow.steps() if op_of(step) in chosen)


def op_of(step: flow.Step) -> str:
    """The name of the Dagster step that does a step of the flow, as Dagster makes it of assets and checks."""
    if isinstance(step, flow.Gate):
        return f"{step.name}_gate"
    return "releases__release" if step.name == flow.RELEASE else step.name


def _cancelled(context: InitResourceContext, error: NothingToGoOnWithError) -> BaseException:
    """Tells Dagster that the run ends for a reason that is no failure of an asset; returns what ends it."""
    if context.run is not None and context.instance is not None:
        context.instance.report_run_canceling(context.run, str(error))
    return dg.DagsterExecutionInterruptedError(str(error))
