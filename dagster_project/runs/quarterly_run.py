"""A quarterly run: what lives as long as it (request, lock, candidate, outcome), and who observes it.

What its stages give each other isn't here (`passage.py`), nor how one goes on from another (`resumption.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Protocol

from dagster_project.data_kind import require_kind
from dagster_project.errors import WrongUsage
from dagster_project.interruption import to_the_end
from dagster_project.machine import require_memory
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import Candidate, open_candidate
from dagster_project.releases.publish import mend_current_links, refuse_foreign_wal
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.runs.flow import RELEASE, Step
from dagster_project.runs.read import Read
from dagster_project.runs.record import RunRecord, mend_outcomes
from dagster_project.runs.request import RunRequest
from dagster_project.runs.resumption import Done, goes_from_the_start, resume
from dagster_project.settings import DataFolder


class Witness(Protocol):
    """An observer of a run: told of its start, its steps and its end, never able to change how it ends.

    Each call is made in the run's process, in order; a step that starts ends, with what it gave or with an error.
    """

    def run_started(self, run: QuarterlyRun) -> None: ...

    def run_resumed(self, run: QuarterlyRun, found: Read) -> None:
        """It goes on from an earlier run, which read this."""

    def step_started(self, run: QuarterlyRun, step: Step, says: str) -> None: ...

    def step_ended(
        self, run: QuarterlyRun, step: Step, gave: object, error: BaseException | None
    ) -> None: ...

    def run_ended(self, run: QuarterlyRun) -> None:
        """The candidate is still there; how the run ended is in its record."""


class NoWitness:
    """Sees nothing: for runs that leave no trace."""

    def run_started(self, run: QuarterlyRun) -> None: ...

    def run_resumed(self, run: QuarterlyRun, found: Read) -> None: ...

    def step_started(self, run: QuarterlyRun, step: Step, says: str) -> None: ...

    def step_ended(
        self, run: QuarterlyRun, step: Step, gave: object, error: BaseException | None
    ) -> None: ...

    def run_ended(self, run: QuarterlyRun) -> None: ...


class QuarterlyRun:
    """One run of one or more quarters, all or nothing; a context that holds the lock from start to end.

    `steps` are those of the flow that it will do, None for all. Where the first stage isn't among them it goes on from
    an earlier run. One that `leaves` its candidate lets others go on from it; `done` is what is done in it.
    """

    def __init__(
        self,
        request: RunRequest,
        data: DataFolder,
        run_id: str,
        *,
        witness: Witness | None = None,
        steps: Sequence[str] | None = None,
        leaves: bool = False,
    ) -> None:
        self.request = request
        self.witness: Witness = witness or NoWitness()
        # dbt and Dagster work in folders of their own: a relative path would lead elsewhere there.
        self.data = data = DataFolder(data.root.resolve())
        self.run_id = run_id
        self.record = RunRecord(data, run_id)
        self.leaves = leaves
        self.done = Done()
        self._steps = steps
        self._exit = ExitStack()
        self._candidate: Candidate | None = None

    def __enter__(self) -> QuarterlyRun:
        require_memory()
        self.record.note(**self.request.recorded())
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
                self._candidate = self._open()
                self._exit.callback(self._put_away, self._candidate)
                if self.done.found is not None:
                    self.witness.run_resumed(self, self.done.found)
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
                elif self._is_part_of_a_flow and self.record.content["exit_code"] is None:
                    # The first stage has noted the releases that would have been made.
                    self.record.note(
                        exit_code=0,
                        is_part=True,
                        releases=[],
                        message="A part of the flow was done; nothing was released.",
                    )
                self.witness.run_ended(self)
            finally:
                self._exit.close()

    def _open(self) -> Candidate:
        """A candidate of its own, or that of the run that it goes on from."""
        if self._steps is None or goes_from_the_start(self._steps):
            return open_candidate(self.data, self.run_id)
        resumed = resume(self._steps, self.request, self.data, self.record)
        self.done = resumed.done
        announce(f"Going on from run {resumed.run_id}: {len(self.done.steps)} steps are done")
        return resumed.candidate

    def _put_away(self, candidate: Candidate) -> None:
        """Removes the candidate, unless another run may go on from it."""
        candidate.let_go()
        if not (self.leaves and candidate.is_kept):
            candidate.discard()

    @property
    def _is_part_of_a_flow(self) -> bool:
        """Whether all that was asked for is done, and that is less than a release."""
        steps = self._steps
        return steps is not None and RELEASE not in steps and set(steps) <= set(self.done.steps)

    @property
    def candidate(self) -> Candidate:
        """The private warehouse of the run; raises WrongUsage outside of it."""
        if self._candidate is None:
            raise WrongUsage("The run isn't open: materialise the whole job.")
        return self._candidate

    @property
    def quarters(self) -> tuple[Quarter, ...]:
        """The quarters asked for, in time."""
        return self.request.in_time

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
