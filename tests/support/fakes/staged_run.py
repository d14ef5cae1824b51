"""A whole run through the stages that the assets call, without Dagster around them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dagster_project.quarters import Quarter
from dagster_project.runs.passage import Passage
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder


def release_by_stages(
    data: DataFolder,
    extracts: Path,
    *quarters: str,
    run_id: str = "staged",
    after: Callable[[str], None] = lambda _: None,
) -> dict[str, str]:
    """Release ids by quarter; `after` is told each stage that is done. Raises what the command would."""
    request = RunRequest(quarters=tuple(map(Quarter.from_canonical, quarters)), extracts_dir=extracts)
    with QuarterlyRun(request, data, run_id) as run:
        passage = Passage(run)
        passage.up_to_release(after=after)
        return {str(folder.quarter): folder.release_id for folder in passage.release()}
