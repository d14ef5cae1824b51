"""A run's passage through the flow: one step after the other, each given what those before it gave.

Dagster's assets, `league check`, verification and tests lead runs by it. The order is the flow's, the work that of the
stages; here a step is refused before its time, timed, announced, observed, and its failure recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from dagster_project.errors import WrongUsage
from dagster_project.gates.outcome import GateOutcome
from dagster_project.interruption import end_if_asked
from dagster_project.progress import announce
from dagster_project.releases.folder import ReleaseFolder
from dagster_project.runs import flow, stages
from dagster_project.runs.flow import Gate, Stage, Step
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.read import Read, read
from dagster_project.runs.record import QUALITY_PAGE
from dagster_project.runs.release_stage import release, says_of_release
from dagster_project.runs.resumption import archive_now, leave_published, made_from

_Gave = TypeVar("_Gave")


class Passage:
    """Leads one open run; `outcomes` are those of the gates so far, `seconds` the time of each step that is done, both
    also of the run that it goes on from.
    """

    def __init__(self, run: QuarterlyRun) -> None:
        self.run = run

    @property
    def outcomes(self) -> list[GateOutcome]:
        """Of the gates that have judged."""
        return self.run.done.outcomes

    @property
    def seconds(self) -> dict[str, float]:
        """By step that is done."""
        return self.run.done.seconds

    @property
    def found(self) -> Read:
        """What was read; raises WrongUsage before that."""
        if self.run.done.found is None:
            raise WrongUsage("The run's extracts haven't been read: materialise the whole job.")
        return self.run.done.found

    def read(self) -> Read:
        """Archives and reads the extracts, chooses each quarter's framework, lands both in the candidate."""
        run = self.run

        def work() -> Read:
            if run.leaves:
                run.done.made_from = made_from(run.request, run.data)
            run.done.found = read(run.request, run.data, run.candidate, run.record)
            if run.leaves:
                # It has added to the lists of the archive what it read.
                run.done.made_from["archive"] = archive_now(run.data)
            return run.done.found

        step = flow.stage("read")
        return self._done(step, step.says, work)

    def build(self, stage: Stage) -> list[str]:
        """Builds a stage of dbt's; returns dbt's unique ids of what it built."""
        run = self.run

        def work() -> list[str]:
            return stages.build(
                stage, self.found.project, run.candidate.warehouse, threads=run.request.threads
            )

        return self._done(stage, stage.says, work)

    def judge(self, gate: Gate) -> GateOutcome:
        """Judges and keeps what was found, passed or not; a closed gate is the run's failure, but isn't raised."""
        run = self.run

        def work() -> GateOutcome:
            ledger = None if run.request.dry_run else run.data
            with run.candidate.connect() as connection:
                outcome = stages.judge(gate, connection, self.found.scope, ledger)
            self.outcomes.append(outcome)
            run.record.keep(QUALITY_PAGE, stages.quality_page(self.outcomes, self.found.scope))
            run.record.note(gates=stages.gates_as_record(self.outcomes))
            error = outcome.error()
            if error is not None:
                run.record.failed(error)
            return outcome

        return self._done(gate, gate.says, work)

    def release(self) -> list[ReleaseFolder]:
        """Writes each quarter's release and publishes or holds them, as the request says."""
        run = self.run
        folders = self._done(
            flow.stage("release"),
            says_of_release(run.request),
            lambda: release(run, self.found, self.outcomes, self.seconds),
        )
        # Again, as the stage's own time is known only now.
        run.record.note(seconds=self.seconds)
        if run.leaves and not (run.request.dry_run or run.request.hold):
            leave_published(run.done, run.request, run.data, run.record)
        return folders

    def up_to_release(self, *, after: Callable[[str], None] = lambda _: None) -> None:
        """All steps but the last; `after` is told the name of each that is done.

        What a closed gate found is in `outcomes`; then its error is raised, as are those of every step.
        """
        for step in flow.steps():
            if isinstance(step, Gate):
                error = self.judge(step).error()
                if error is not None:
                    raise error
            elif step.command is not None:
                self.build(step)
            elif step.name == "read":
                self.read()
            else:
                return
            after(step.step)

    def _done(self, step: Step, says: str, work: Callable[[], _Gave]) -> _Gave:
        run, witness = self.run, self.run.witness
        with run.recording():
            self._refuse_before_its_time(step)
            end_if_asked()
            announce(says)
            if run.done.forget_from(step):
                self._note()
            started = time.monotonic()
            witness.step_started(run, step, says)
            try:
                gave = work()
            except BaseException as error:
                witness.step_ended(run, step, None, error)
                raise
            witness.step_ended(run, step, gave, None)
            self.seconds[step.step] = time.monotonic() - started
            self._note()
        return gave

    def _note(self) -> None:
        """Keeps what is done in the candidate, for a run that goes on should this one end; not of one that is gone."""
        run = self.run
        if not (run.leaves and run.candidate.warehouse.exists()):
            return
        try:
            run.candidate.note(run.done.as_note(run.request, run.data, run.record))
        except OSError:
            # A disk without room for it costs the run nothing, and whoever would go on the whole work.
            with suppress(OSError):
                run.candidate.forget()

    def _refuse_before_its_time(self, step: Step) -> None:
        for before in flow.waits_for(step):
            if before not in self.seconds:
                raise WrongUsage(
                    f"The stage '{step.step}' builds on '{before}', which neither this run nor one that it goes on "
                    "from has done. Materialise the whole job."
                )
