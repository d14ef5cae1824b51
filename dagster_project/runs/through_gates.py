"""All stages of a run in their order up to the release, without Dagster around them."""

from __future__ import annotations

from collections.abc import Callable

from dagster_project.runs import stages
from dagster_project.runs.quarterly_run import QuarterlyRun

_BEHIND_GATE = (("extracts", stages.measure), ("metrics", stages.score), ("league_tables", None))


def pass_gates(run: QuarterlyRun, *, after: Callable[[str], None] = lambda _: None) -> None:
    """Reads, seeds, measures, scores and judges; `after` is told the name of each stage that is done.

    What a closed gate found is in `run.outcomes`; then its error is raised, as are those of every stage.
    """
    stages.read_extracts(run)
    after("read")
    stages.seed_rules(run)
    after("seed")
    for gate, build in _BEHIND_GATE:
        error = stages.judge(run, gate).error()
        if error is not None:
            raise error
        after(f"gate {gate}")
        if build is not None:
            build(run)
            after(build.__name__)
