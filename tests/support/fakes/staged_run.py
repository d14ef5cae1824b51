"""Runs through the stages that the assets call, without Dagster around them: whole ones, and parts that go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import published_file
from dagster_project.runs.flow import Gate, steps
from dagster_project.runs.passage import Passage
from dagster_project.runs.quarterly_run import QuarterlyRun, Witness
from dagster_project.runs.record import RunRecord
from dagster_project.runs.request import RunRequest
from dagster_project.runs.resumption import LEFT_FILE
from dagster_project.settings import DataFolder


def request_of(*quarters: str, **asked: Any) -> RunRequest:
    """What a run is asked for, of quarters as `2025-26-Q1`."""
    return RunRequest(quarters=tuple(map(Quarter.from_canonical, quarters)), **asked)


def release_by_stages(
    data: DataFolder,
    extracts: Path | None,
    *quarters: str,
    run_id: str = "staged",
    after: Callable[[str], None] = lambda _: None,
    **asked: Any,
) -> dict[str, str]:
    """Release ids by quarter; `after` is told each stage that is done. Raises what the command would."""
    with QuarterlyRun(request_of(*quarters, extracts_dir=extracts, **asked), data, run_id) as run:
        passage = Passage(run)
        passage.up_to_release(after=after)
        return {str(folder.quarter): folder.release_id for folder in passage.release()}


def do_steps(
    wanted: Sequence[str],
    data: DataFolder,
    request: RunRequest,
    *,
    run_id: str = "in-part",
    witness: Witness | None = None,
) -> RunRecord:
    """A run of these steps of the flow, which leaves its candidate; one that doesn't read goes on from an earlier run.

    Returns its record. Raises what the command would.
    """
    with QuarterlyRun(request, data, run_id, witness=witness, steps=wanted, leaves=True) as run:
        passage = Passage(run)
        for step in steps():
            if step.step not in wanted:
                continue
            if isinstance(step, Gate):
                error = passage.judge(step).error()
                if error is not None:
                    raise error
            elif step.command is not None:
                passage.build(step)
            elif step.name == "read":
                passage.read()
            else:
                passage.release()
    return run.record


def copy_to_go_on_with(source: DataFolder, folder: Path) -> DataFolder:
    """A copy of a data folder in which a run may go on from what one left in the other.

    The candidates left there know the published warehouse by its place on the disk, which is another in the copy.
    """
    shutil.copytree(source.root, folder, symlinks=True)
    data = DataFolder(folder)
    for note in data.candidates.glob(f"*/{LEFT_FILE}"):
        content = json.loads(note.read_bytes())
        assert content["published"] == published_file(source)
        note.write_text(json.dumps(content | {"published": published_file(data)}))
    return data
