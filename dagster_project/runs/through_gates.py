"""All stages of a run in their order up to the release, without Dagster around them."""

from __future__ import annotations

from collections.abc import Callable

from dagster_project.runs import stages
from dagster_project.runs.quarterly_run import QuarterlyRun

Stage = Callable[[QuarterlyRun], object]

_BEHIND_GATE: tuple[tuple[str, tuple[Stage, ...]], ...] = (
    ("extracts", (stages.measure,)),
    ("metrics", (stages.score, stages.draw, stages.tabulate)),
    ("league_tables", ()),
)


def pass_gates(run: QuarterlyRun, *, after: Callable[[str], None] = lambda _: None) -> None:
    """Reads, seeds, measures, scores, draws, tabulates and judges; `after` is told the name of each stage that is done.

    What a closed gate found is in `run.outcomes`; then its error is raised, as are those of every stage.
    """
    stages.read_extracts(run)
    after("read")
    stages.seed_rules(run)
    after("seed")
    for gate, behind in _BEHIND_GATE:
        error = stages.judge(run, gate).error()
        if error is not None:
            raise error
        after(f"gate {gate}")
        for build in behind:
            build(run)
            after(build.__name__)
