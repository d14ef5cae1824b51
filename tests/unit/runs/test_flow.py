"""The flow as it is stated: what each step waits for, and what a run refuses before its time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dagster_project.errors import WrongUsage
from dagster_project.gates.suites import GATES
from dagster_project.quarters import Quarter
from dagster_project.runs import flow
from dagster_project.runs.passage import Passage
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DBT_PROJECT_DIR, EXPECTATIONS_DIR, DataFolder

# Scenarios and counts of patient-level rows alone build these, in a place of their own.
BUILT_APART = {"record_level", "scenarios"}


def test_each_step_waits_only_for_steps_before_it_and_all_but_the_first_for_one() -> None:
    done: list[str] = []
    for step in flow.steps():
        waits = flow.waits_for(step)
        assert set(waits) <= set(done)
        assert bool(waits) == bool(done)
        done.append(step.step)


def test_a_stage_waits_for_the_gate_behind_what_it_needs() -> None:
    assert flow.waits_for(flow.stage("measure")) == ("gate extracts",)
    assert flow.waits_for(flow.stage("release")) == ("gate league_tables",)


def test_the_gates_of_the_flow_are_those_that_have_expectations() -> None:
    assert len(set(GATES)) == len(flow.gates())
    assert set(GATES) == {path.name for path in EXPECTATIONS_DIR.iterdir() if path.is_dir()}


def test_every_folder_of_models_is_built_by_one_stage() -> None:
    folders = {path.name for path in (DBT_PROJECT_DIR / "models").iterdir() if path.is_dir()}
    assert sorted(flow.folders()) == sorted(folders - BUILT_APART)


def test_no_model_reads_a_folder_that_a_later_stage_builds() -> None:
    order = {folder: place for place, stage in enumerate(flow.FLOW) for folder in stage.folders}
    reading = re.compile(r"""ref\(\s*['"](\w+)['"]\s*\)""")
    models = {path.stem: path for path in (DBT_PROJECT_DIR / "models").rglob("*.sql")}
    folder_of = {name: path.relative_to(DBT_PROJECT_DIR / "models").parts[0] for name, path in models.items()}
    backwards = [
        f"{name} reads {read}"
        for name, path in sorted(models.items())
        for read in reading.findall(path.read_text("utf-8"))
        if folder_of[name] in order and read in folder_of and order[folder_of[read]] > order[folder_of[name]]
    ]
    assert backwards == []


def test_folders_can_be_taken_from_one_to_another() -> None:
    assert flow.folders(until="statistics") == ("staging", "statistics")
    assert flow.folders(after="metrics", until="likely_ranges") == ("scoring", "likely_ranges")
    assert flow.folders(until="statistics") + flow.folders(after="statistics") == flow.folders()


@pytest.mark.parametrize("name", [stage.name for stage in flow.FLOW if stage.command is not None])
def test_a_stage_before_its_time_is_refused_and_the_run_says_so(name: str, tmp_path: Path) -> None:
    request = RunRequest(quarters=(Quarter(2025, 1),))
    with (
        pytest.raises(WrongUsage, match=f"The stage '{name}' builds on .* Materialise the whole job"),
        QuarterlyRun(request, DataFolder(tmp_path), "alone") as run,
    ):
        Passage(run).build(flow.stage(name))
    assert run.record.content["exit_code"] == 2
    assert "neither this run nor one that it goes on from has done" in run.record.content["message"]
