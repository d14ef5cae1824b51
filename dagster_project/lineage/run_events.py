"""The OpenLineage events of a quarterly run: written to `runs/<run id>/openlineage.jsonl` as the run goes on.

A witness of the run: a fault of its own is noted in the run's outcome and changes nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    set_producer,
)
from openlineage.client.facet_v2 import parent_run
from openlineage.client.serde import Serde

from dagster_project.durable import make_folder
from dagster_project.errors import ExitCode
from dagster_project.lineage import jobs
from dagster_project.lineage.column_lineage import table_name
from dagster_project.lineage.datasets import Datasets
from dagster_project.lineage.of_project import lineage_of
from dagster_project.lineage.stage_datasets import StageDatasets, closed_gate
from dagster_project.notices import notice_of
from dagster_project.runs.flow import Stage, Step
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.read import Read
from dagster_project.settings import PACKAGE_DIR
from dagster_project.warehouse.dbt_project import checkout_project, results_of_last_build

if TYPE_CHECKING:
    from dagster_project.lineage.sending import Sender

EVENTS_FILE = "openlineage.jsonl"
PRODUCER = "urn:nhs-league-tables:openlineage"
_DAGSTER = ("Dagster", version("dagster"))
_DUCKDB = ("DuckDB", version("duckdb"))

_BUILT = ("success", "pass")


@contextmanager
def _never_in_the_way(run: QuarterlyRun) -> Iterator[None]:
    """Keeps a fault of the events in the run's outcome, where a test finds it, instead of raising it."""
    try:
        yield
    except Exception as error:
        if "openlineage" not in run.record.content:
            with suppress(OSError):
                run.record.note(openlineage=f"incomplete: {type(error).__name__}: {error}")


class RunEvents:
    """The events of one run; `sender` passes them on when the run is over."""

    def __init__(self, sender: Sender | None = None) -> None:
        set_producer(PRODUCER)
        self._sender = sender
        self._events: list[RunEvent] = []
        self._datasets: StageDatasets | None = None
        self._found: Read | None = None
        self._says: dict[str, str] = {}
        self._started: dict[str, str] = {}

    def run_started(self, run: QuarterlyRun) -> None:
        """START of the quarterly run."""
        with _never_in_the_way(run):
            self._write(run, RunState.START, _now(), self._run(run, None), jobs.quarterly_job())

    def run_resumed(self, run: QuarterlyRun, found: Read) -> None:
        """What an earlier run read and built is what this one's events speak of."""
        with _never_in_the_way(run):
            self._found = found
            self._of(run).resume(run, found)

    def step_started(self, run: QuarterlyRun, step: Step, says: str) -> None:
        """START of a stage or a gate."""
        with _never_in_the_way(run):
            name = step.step
            self._says[name] = says
            self._started[name] = _now()
            self._write(
                run,
                RunState.START,
                self._started[name],
                self._part(run, name, None),
                jobs.stage_job(step, says),
            )

    def step_ended(self, run: QuarterlyRun, step: Step, gave: object, error: BaseException | None) -> None:
        """The events of what a stage built, then its COMPLETE or FAIL; a closed gate is a failed step."""
        with _never_in_the_way(run):
            message = None if error is None else _redacted(str(error), run)
            inputs: list[InputDataset] = []
            outputs: list[OutputDataset] = []
            try:
                if isinstance(gave, Read):
                    self._found = gave
                if isinstance(step, Stage) and step.command is not None:
                    self._of(run).look(run)
                    self._write_nodes(run, step)
                    if step.draws and error is None:
                        inputs, outputs = self._of(run).drawn()
                elif error is None:
                    inputs, outputs = self._of(run).step(run, gave)
                    message = closed_gate(gave)
            finally:
                state = RunState.COMPLETE if message is None else RunState.FAIL
                job = jobs.stage_job(step, self._says[step.step])
                self._write(run, state, _now(), self._part(run, step.step, message), job, inputs, outputs)

    def run_ended(self, run: QuarterlyRun) -> None:
        """COMPLETE or FAIL of the quarterly run, as its record has it."""
        with _never_in_the_way(run):
            content = run.record.content
            done = content["exit_code"] == int(ExitCode.DONE)
            message = None if done else str(content.get("message") or "The run ended before its release.")
            inputs, outputs = self._of(run).whole_run() if self._datasets is not None else ([], [])
            facets = self._run(run, None if message is None else _redacted(message, run))
            state = RunState.COMPLETE if done else RunState.FAIL
            self._write(run, state, _now(), facets, jobs.quarterly_job(), inputs, outputs)

    def send(self, run: QuarterlyRun) -> None:
        """Passes the events on, where somebody asked for it; what keeps them from arriving is noted."""
        if self._sender is not None:
            problem = self._sender.send(self._events)
            if problem is not None:
                run.record.note(openlineage=problem)

    def _write_nodes(self, run: QuarterlyRun, stage: Stage) -> None:
        nodes = self._read().project.manifest["nodes"]
        parent = jobs.under_stage(run.run_id, stage.step)
        for built in _built_nodes(run.candidate.warehouse, since=self._started[stage.step]):
            node = nodes[built.unique_id]
            if node["resource_type"] not in ("model", "seed"):
                continue
            key = jobs.part_key(run.run_id, built.unique_id)
            facets = jobs.run_facets(run.quarters, engine=_DUCKDB, parent=parent, tags=self._tags(run))
            started = jobs.run_of(key, facets)
            self._write(run, RunState.START, built.started, started, jobs.model_job(node, None))
            self._write_built(run, built, key, node, parent)

    def _write_built(
        self,
        run: QuarterlyRun,
        built: _BuiltNode,
        key: str,
        node: Mapping[str, Any],
        parent: parent_run.ParentRunFacet,
    ) -> None:
        error = None if built.error is None else _redacted(built.error, run)
        facets = jobs.run_facets(
            run.quarters, engine=_DUCKDB, parent=parent, tags=self._tags(run), error=error
        )
        inputs, outputs = self._of(run).node(node, table_name(node), failed=error is not None)
        state = RunState.COMPLETE if error is None else RunState.FAIL
        job = jobs.model_job(node, built.compiled)
        self._write(run, state, built.ended, jobs.run_of(key, facets), job, inputs, outputs)

    def _of(self, run: QuarterlyRun) -> StageDatasets:
        if self._datasets is None:
            lineage = lineage_of(checkout_project(run.data))
            self._datasets = StageDatasets(Datasets(self._read().project.manifest, lineage), lineage)
        return self._datasets

    def _read(self) -> Read:
        """What the run read; its models and its datasets are known from then on."""
        if self._found is None:
            raise RuntimeError("the run hasn't read anything yet")
        return self._found

    def _run(self, run: QuarterlyRun, error: str | None) -> Run:
        facets = jobs.run_facets(run.quarters, engine=_DAGSTER, tags=self._tags(run), error=error)
        return jobs.run_of(jobs.run_key(run.run_id), facets)

    def _part(self, run: QuarterlyRun, stage: str, error: str | None) -> Run:
        parent = jobs.under_run(run.run_id)
        facets = jobs.run_facets(
            run.quarters, engine=_DAGSTER, parent=parent, tags=self._tags(run), error=error
        )
        return jobs.run_of(jobs.part_key(run.run_id, stage), facets)

    def _tags(self, run: QuarterlyRun) -> dict[str, str]:
        """What a reader of the catalogue must know of the figures, once it is known."""
        if self._found is None:
            return {}
        is_sample = self._found.extracts.is_sample
        return {
            "quarters": ",".join(map(str, run.quarters)),
            "is_sample": str(is_sample).lower(),
            "notice": notice_of(is_sample=is_sample),
        }

    def _write(
        self,
        run: QuarterlyRun,
        state: RunState,
        time: str,
        of: Run,
        job: Job,
        inputs: list[InputDataset] | None = None,
        outputs: list[OutputDataset] | None = None,
    ) -> None:
        event = RunEvent(
            eventType=state, eventTime=time, run=of, job=job, inputs=inputs or [], outputs=outputs or []
        )
        self._events.append(event)
        make_folder(run.record.folder)
        with (run.record.folder / EVENTS_FILE).open("a", encoding="utf-8") as file:
            file.write(Serde.to_json(event, ensure_ascii=False) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _redacted(message: str, run: QuarterlyRun) -> str:
    """The message with the run's folders said by their role, longest first: no path of the machine remains."""
    request = run.request
    roles = {"DATA": run.data.root, "CHECKOUT": PACKAGE_DIR.parent, "HOME": Path.home()}
    if request.extracts_dir is not None:
        roles["EXTRACTS"] = request.extracts_dir
    if request.rules_dir is not None:
        roles["RULES"] = request.rules_dir
    places = [(str(path), role) for role, path in roles.items()]
    places += [(str(path.resolve()), role) for role, path in roles.items()]
    for place, role in sorted(places, key=lambda known: -len(known[0])):
        if len(place) > 1:
            message = message.replace(place, role)
    return message


@dataclass(frozen=True)
class _BuiltNode:
    """One result of a dbt invocation; times are ISO 8601 in UTC, `error` is dbt's own words."""

    unique_id: str
    started: str
    ended: str
    compiled: str | None
    error: str | None


def _built_nodes(warehouse: Path, *, since: str) -> list[_BuiltNode]:
    """The models and seeds of the last invocation on a warehouse, in the order in which they were started.

    What dbt left before `since` (a time) belongs to an earlier stage: then the stage built nothing.
    """
    results = results_of_last_build(warehouse)
    if not results.is_file():
        return []
    content = json.loads(results.read_bytes())
    if content["metadata"]["generated_at"] < since:
        return []
    return sorted(_results_of(content["results"]), key=lambda node: (node.started, node.unique_id))


def _results_of(results: Sequence[dict[str, Any]]) -> Iterator[_BuiltNode]:
    for result in results:
        times = [
            (part["started_at"], part["completed_at"]) for part in result["timing"] if part["started_at"]
        ]
        if times:
            failed = result["status"] not in _BUILT
            yield _BuiltNode(
                result["unique_id"],
                min(started for started, _ in times),
                max(ended or started for started, ended in times),
                result.get("compiled_code"),
                str(result["message"]) if failed else None,
            )
