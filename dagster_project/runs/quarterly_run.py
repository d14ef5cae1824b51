"""A quarterly run: the writer's lock, the candidate, and the stages of the flow in their order.

Assets and the command call the same stages. Each stage refuses to run before the one it builds on, because
the candidate lives as long as the run: a part of the flow alone has nothing to build from.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from dagster_project.data_kind import require_kind
from dagster_project.errors import WrongUsage
from dagster_project.interruption import end_if_asked, to_the_end
from dagster_project.machine import require_memory
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import Candidate, open_candidate
from dagster_project.releases.publish import mend_current_links, refuse_foreign_wal
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.runs.record import RunRecord, mend_outcomes
from dagster_project.runs.request import RunRequest
from dagster_project.runs.witness import NoWitness, Witness
from dagster_project.settings import DataFolder
from dagster_project.warehouse.dbt_project import DbtProject, project_with_rules
from dagster_project.warehouse.dbt_project import checkout_project as shared_project

if TYPE_CHECKING:
    from dagster_project.extracts.load import LoadedExtracts
    from dagster_project.gates.outcome import GateOutcome
    from dagster_project.methodology.rule_set import RuleSet
    from dagster_project.releases.folder import ReleaseFolder
    from dagster_project.releases.identity import ReleaseIdentity
    from dagster_project.warehouse.landing import QuarterInScope

_Value = TypeVar("_Value")

STAGES = (
    "read",
    "seed",
    "gate extracts",
    "measure",
    "gate metrics",
    "score",
    "gate league_tables",
    "release",
)


class QuarterlyRun:
    """One run of one or more quarters, all or nothing; a context that holds the lock from start to end."""

    def __init__(
        self,
        request: RunRequest,
        data: DataFolder,
        run_id: str,
        *,
        witness: Witness[QuarterlyRun] | None = None,
    ) -> None:
        self.request = request
        self.witness: Witness[QuarterlyRun] = witness or NoWitness()
        # dbt and Dagster work in folders of their own: a relative path would lead elsewhere there.
        self.data = data = DataFolder(data.root.resolve())
        self.run_id = run_id
        self.record = RunRecord(data, run_id)
        self.seconds: dict[str, float] = {}
        self.outcomes: list[GateOutcome] = []
        self.identities: list[ReleaseIdentity] = []
        self.scope: list[QuarterInScope] = []
        self.releases: list[ReleaseFolder] = []
        self.ids_read: tuple[str, ...] = ()
        self._done: list[str] = []
        self._exit = ExitStack()
        self._candidate: Candidate | None = None
        self._project: DbtProject | None = None
        self._loaded: LoadedExtracts | None = None
        self._rules: RuleSet | None = None

    def __enter__(self) -> QuarterlyRun:
        require_memory()
        self.record.note(quarters=[str(quarter) for quarter in self.request.quarters])
        self.witness.run_started(self)
        try:
            with self.recording():
                if self.request.sample:
                    require_kind(self.data, True, write=False)
                self._exit.enter_context(writer_lock(self.data, self.run_id))
                mend_current_links(self.data)
                for run_id in mend_outcomes(self.data):
                    announce(f"The outcome of run {run_id} was damaged; what is left of it is kept beside it")
                refuse_foreign_wal(self.data)
                self._candidate = open_candidate(self.data, self.run_id)
                self._exit.callback(self._candidate.discard)
        except BaseException:
            with to_the_end():
                self._exit.close()
                self.witness.run_ended(self)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with to_the_end():
            try:
                if error is not None:
                    self.record.failed(error)
                self.witness.run_ended(self)
            finally:
                self._exit.close()

    @property
    def candidate(self) -> Candidate:
        """The private warehouse of the run."""
        return _opened(self._candidate)

    @property
    def loaded(self) -> LoadedExtracts:
        """What the readers read for the quarters of the run."""
        return _opened(self._loaded)

    @property
    def rules(self) -> RuleSet:
        """The rules in force."""
        return _opened(self._rules)

    @property
    def project(self) -> DbtProject:
        """The dbt project: the checkout's, or a copy with the run's own rules in it."""
        if self._project is None:
            self._project = checkout_project(self.data)
        return self._project

    def has_read(self, loaded: LoadedExtracts, rules: RuleSet, *, own_rules: bool) -> None:
        """Keeps what the first stage found."""
        self._loaded = loaded
        self._rules = rules
        if own_rules:
            self._project = project_with_rules(rules, self.candidate.warehouse.parent)

    @contextmanager
    def stage(self, name: str, says: str) -> Iterator[None]:
        """One stage: refused unless the one before it is done; timed, announced, its failure recorded."""
        before = STAGES[STAGES.index(name) - 1] if name != STAGES[0] else None
        with self.recording():
            if before is not None and before not in self._done:
                raise WrongUsage(
                    f"The stage '{name}' builds on '{before}', which this run hasn't done. A part of the flow "
                    "can't be materialised alone: the candidate it builds in ends with its run. Materialise "
                    "the whole job."
                )
            end_if_asked()
            announce(says)
            started = time.monotonic()
            with self._witnessed(name, says):
                yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started
        self._done.append(name)

    @contextmanager
    def _witnessed(self, stage: str, says: str) -> Iterator[None]:
        self.witness.stage_started(self, stage, says)
        try:
            yield
        except BaseException as error:
            self.witness.stage_ended(self, stage, error)
            raise
        self.witness.stage_ended(self, stage, None)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Keeps an error as the outcome of the run and passes it on."""
        try:
            yield
        except GeneratorExit:
            raise
        except BaseException as error:
            with to_the_end():
                self.record.failed(error)
            raise

    @property
    def quarters(self) -> tuple[Quarter, ...]:
        """The quarters asked for, in time."""
        return tuple(sorted(set(self.request.quarters)))


def checkout_project(data: DataFolder) -> DbtProject:
    """The dbt project of the checkout, parsed into the data folder."""
    return shared_project(data.root / "dbt")


def _opened(value: _Value | None) -> _Value:
    if value is None:
        raise WrongUsage("The run isn't open, or its extracts haven't been read: materialise the whole job.")
    return value
