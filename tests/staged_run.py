"""A whole run through the stages that the assets call, without Dagster around them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dagster_project.quarters import Quarter
from dagster_project.runs import stages
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.release_stage import release
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder

GATES_AND_STAGES = (("extracts", stages.measure), ("metrics", stages.score), ("league_tables", None))


def release_by_stages(
    data: DataFolder,
    extracts: Path,
    *quarters: str,
    run_id: str = "staged",
    after: Callable[[str], None] = lambda _: None,
) -> dict[str, str]:
    """Release ids by quarter; `after` is told each stage that is done. Raises what the command would."""
    request = RunRequest(tuple(map(Quarter.from_canonical, quarters)), extracts_dir=extracts)
    with QuarterlyRun(request, data, run_id) as run:
        stages.read_extracts(run)
        after("read")
        stages.seed_rules(run)
        after("seed")
        for gate, stage in GATES_AND_STAGES:
            error = stages.judge(run, gate).error()
            if error is not None:
                raise error
            after(f"gate {gate}")
            if stage is not None:
                stage(run)
                after(stage.__name__)
        return {str(folder.quarter): folder.release_id for folder in release(run)}
