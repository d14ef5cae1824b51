"""The resource that holds a quarterly run open for the life of a Dagster run: lock, candidate, connections.

The in-process executor sets a resource up once per run and tears it down at its end, so every asset and check
of the run sees the same candidate. It is set up before any step starts: a run of a part of the flow that has nothing to
go on with ends there, as cancelled, so that no asset is marked as failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from pydantic import Field, PrivateAttr, create_model

from dagster_project.errors import WrongUsage
from dagster_project.progress import listening
from dagster_project.quarters import Quarter
from dagster_project.runs import flow
from dagster_project.runs.passage import Passage
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.request import RunRequest
from dagster_project.runs.resumption import NothingToGoOnWithError

if TYPE_CHECKING:
    from dagster import InitResourceContext

QUARTERS_TAG = "league/quarters"


class QuarterlyRunResource(dg.ConfigurableResource["QuarterlyRunResource"]):
    """The open run; `resource_for` makes the class whose fields are what a run is asked for. Its quarters are the
    partitions of the Dagster run.
    """

    asked_by: ClassVar[type[RunRequest]] = RunRequest
    _passage: Passage | None = PrivateAttr(default=None)

    @property
    def passage(self) -> Passage:
        """The run's way through the flow; raises WrongUsage where none is open."""
        if self._passage is None:
            raise WrongUsage("No quarterly run is open: materialise the job quarterly_league_tables.")
        return self._passage

    def request(self, quarters: tuple[Quarter, ...]) -> RunRequest:
        """What the configuration asks for."""
        return self.asked_by.configured(
            quarters, {name: getattr(self, name) for name in self.asked_by.configurable()}
        )

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[QuarterlyRunResource]:
        """Opens the run for the quarters that the Dagster run's partitions name."""
        from dagster_project.lineage.run_events import RunEvents
        from dagster_project.lineage.sending import Sender, is_asked_for

        log = context.log
        request = self.request(_quarters_of(context.run.tags if context.run else {}))
        events = RunEvents(Sender() if is_asked_for() else None)
        run = QuarterlyRun(
            request,
            request.data_folder,
            context.run_id or "unknown",
            witness=events,
            steps=_steps_of(context),
            leaves=True,
        )
        with listening(lambda text: log.info(text) if log else None):
            try:
                with run:
                    self._passage = Passage(run)
                    yield self
            except NothingToGoOnWithError as error:
                raise _cancelled(context, error) from error
            finally:
                self._passage = None
                # When the writer's lock is free again: an endpoint that is slow holds nobody else up.
                events.send(run)


def resource_for(model: type[RunRequest]) -> type[QuarterlyRunResource]:
    """The resource that is configured by the fields of a request, with their descriptions."""
    fields: dict[str, Any] = {
        name: (kind, Field(default=field.default, description=field.description))
        for name, (kind, field) in model.configurable().items()
    }
    made = create_model(QuarterlyRunResource.__name__, __base__=QuarterlyRunResource, **fields)
    made.asked_by = model
    return made


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
        return f"{step.judges.replace('.', '__')}_{step.name}_gate"
    return "releases__release" if step.name == flow.RELEASE else step.name


def _cancelled(context: InitResourceContext, error: NothingToGoOnWithError) -> BaseException:
    """Tells Dagster that the run ends for a reason that is no failure of an asset; returns what ends it."""
    if context.run is not None and context.instance is not None:
        context.instance.report_run_canceling(context.run, str(error))
    return DagsterExecutionInterruptedError(str(error))


def _quarters_of(tags: Mapping[str, str]) -> tuple[Quarter, ...]:
    """The quarters of a Dagster run: one partition, a range, or the list that `league run` tags."""
    if QUARTERS_TAG in tags:
        return tuple(Quarter.from_canonical(text) for text in tags[QUARTERS_TAG].split(","))
    if PARTITION_NAME_TAG in tags:
        return (Quarter.from_canonical(tags[PARTITION_NAME_TAG]),)
    first, last = tags.get(ASSET_PARTITION_RANGE_START_TAG), tags.get(ASSET_PARTITION_RANGE_END_TAG)
    if first is None or last is None:
        raise WrongUsage("Choose the quarters to build: a run without a partition has none.")
    quarters = [Quarter.from_canonical(first)]
    while str(quarters[-1]) < last:
        quarters.append(quarters[-1].shifted(1))
    return tuple(quarters)
