"""Re-execution from failure and selections: what an earlier run left, gone on with as Dagster's web server does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import AssetPartitionStatus
from dagster_history import history, run_of_job
from league_command import environment_of, league
from published_state import promised_bytes, published_files, release_ids, rows_of
from sample_copy import SampleCopy
from shared_folders import MadeOnce
from staged_run import copy_to_go_on_with

from dagster_project.assets.deliveries import DELIVERIES
from dagster_project.releases.candidate import kept_candidates
from dagster_project.runs import stages
from dagster_project.runs.record import read_outcome
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q2"
LEAGUE_TABLE = dg.AssetKey(["league", "league_table"])
RELEASE = dg.AssetKey(["releases", "release"])
SCORED = [dg.AssetKey(["scoring", name]) for name in ("league_rank", "final_segment")]


def steps_done(data: DataFolder, run_id: str) -> set[str]:
    with history(data) as instance:
        logged = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)
        return {str(record.step_key) for record in logged}


def failed_partitions(data: DataFolder, key: dg.AssetKey) -> set[str]:
    """The quarters that Dagster marks red for an asset."""
    from dagster_project.definitions import defs

    with history(data) as instance:
        quarters = defs.resolve_asset_graph().get(key).partitions_def
        assert quarters is not None
        found = (
            instance.get_status_by_partition(
                key, quarters.get_partition_keys(dynamic_partitions_store=instance), quarters
            )
            or {}
        )
        return {quarter for quarter, status in found.items() if status == AssetPartitionStatus.FAILED}


def fails_once(patched: pytest.MonkeyPatch) -> None:
    """The next drawing of likely ranges fails as on a machine that runs out of memory, and no other."""
    draw = vars(stages)["draw_likely_ranges"]

    def fail(_: object) -> None:
        patched.setattr(stages, "draw_likely_ranges", draw)
        raise MemoryError("no room for the replicates")

    patched.setattr(stages, "draw_likely_ranges", fail)


@pytest.fixture(scope="session")
def failed_run(small_release: DataFolder, small_extracts: Path, made_once: MadeOnce) -> DataFolder:
    """`small_release` with a run of the next quarter that failed while drawing likely ranges. Not to be changed."""

    def build(folder: Path) -> None:
        shutil.copytree(small_release.root, folder, symlinks=True)
        with pytest.MonkeyPatch.context() as patched:
            fails_once(patched)
            assert not run_of_job(DataFolder(folder), QUARTER, small_extracts / QUARTER).success

    return DataFolder(made_once("failed-run", build))


@pytest.fixture
def crashed(failed_run: DataFolder, tmp_path: Path) -> tuple[DataFolder, str]:
    """A copy of `failed_run` for a test that changes it, and the id of the run that failed."""
    data = copy_to_go_on_with(failed_run, tmp_path / "data")
    (kept,) = kept_candidates(data)
    return data, kept.candidate.run_id


def test_a_run_that_crashed_is_re_executed_from_its_failure_and_releases_what_a_whole_run_does(
    crashed: tuple[DataFolder, str], small_extracts: Path, second_release: DataFolder
) -> None:
    data, failed = crashed
    again = run_of_job(data, QUARTER, small_extracts / QUARTER, after=failed)
    assert again.success
    assert "read" not in steps_done(data, again.run_id)
    assert "score" not in steps_done(data, again.run_id)
    assert release_ids(data) == release_ids(second_release)
    assert promised_bytes(data, QUARTER) == promised_bytes(second_release, QUARTER)
    outcome, whole = read_outcome(data, again.run_id), outcome_of_last_run(second_release)
    assert outcome["exit_code"] == 0
    assert outcome["goes_on_from"]["run_id"] == failed
    # What else a run says of itself is there as well, the steps that it didn't do itself included.
    assert outcome["seconds"].keys() == whole["seconds"].keys()
    assert outcome.keys() - {"goes_on_from"} == whole.keys()
    told_apart = {"run_id", "seconds", "releases", "request", "goes_on_from"}
    assert {name: outcome[name] for name in outcome.keys() - told_apart} == {
        name: whole[name] for name in whole.keys() - told_apart
    }
    kept_files = {path.name for path in (data.runs / again.run_id).iterdir()}
    assert {"quality.html", "rows_set_aside.csv", "revisions.csv", "openlineage.jsonl"} <= kept_files
    assert rows_of(data, HISTORY) == rows_of(second_release, HISTORY)
    assert not list(data.candidates.iterdir())


HISTORY = "select quarter, event, release_id, how from league.release_event order by event_number"


def outcome_of_last_run(data: DataFolder) -> dict[str, Any]:
    (found,) = (
        outcome
        for path in data.runs.iterdir()
        if (outcome := read_outcome(data, path.name))["quarters"] == [QUARTER]
    )
    return found


def test_the_lineage_events_of_a_re_executed_run_name_the_files_and_the_releases(
    crashed: tuple[DataFolder, str], small_extracts: Path
) -> None:
    data, failed = crashed
    again = run_of_job(data, QUARTER, small_extracts / QUARTER, after=failed)
    lines = (data.runs / again.run_id / "openlineage.jsonl").read_text("utf-8").splitlines()
    last = json.loads(lines[-1])
    assert last["eventType"] == "COMPLETE"
    assert last["inputs"]
    assert last["outputs"]
    assert "openlineage" not in read_outcome(data, again.run_id)


def test_a_gate_closed_by_an_input_closes_again_and_after_its_mending_the_whole_must_be_run(
    released: DataFolder, small_extracts: Path, tmp_path: Path, second_release: DataFolder
) -> None:
    spoilt = SampleCopy(tmp_path / "spoilt", [small_extracts / QUARTER])
    for part in ("ambulance-trust-data", "league-table"):
        spoilt.change_text(part, lambda text: text.replace(",ZDJ,", ",99X,"))
    failed = run_of_job(released, QUARTER, spoilt.folder)
    again = run_of_job(released, QUARTER, spoilt.folder, after=failed.run_id)
    outcomes = [read_outcome(released, run.run_id) for run in (failed, again)]
    assert [outcome["exit_code"] for outcome in outcomes] == [5, 5]
    assert outcomes[0]["message"] == outcomes[1]["message"]
    assert steps_done(released, again.run_id) == set()

    shutil.rmtree(spoilt.folder)
    shutil.copytree(small_extracts / QUARTER, spoilt.folder / QUARTER)
    refused = run_of_job(released, QUARTER, spoilt.folder, after=failed.run_id)
    said = read_outcome(released, refused.run_id)["message"]
    assert "has changed since: files of the folder ('2025-26-Q2/" in said
    assert "Materialise the whole job" in said

    whole = run_of_job(released, QUARTER, spoilt.folder)
    assert whole.success
    assert promised_bytes(released, QUARTER) == promised_bytes(second_release, QUARTER)


def test_a_selection_downstream_of_what_a_published_run_holds_is_materialised_and_releases_the_same(
    second_release: DataFolder, two_released: DataFolder, small_extracts: Path
) -> None:
    first = run_of_job(two_released, QUARTER, small_extracts / QUARTER)
    assert first.success
    with history(two_released):
        from dagster_project.definitions import defs

        behind = dg.AssetSelection.assets(*SCORED).downstream().resolve(defs.resolve_asset_graph())
    again = run_of_job(two_released, QUARTER, small_extracts / QUARTER, part=sorted(behind))
    assert again.success
    done = steps_done(two_released, again.run_id)
    assert {"score", "likely_ranges", "league_tables", "releases__release"} <= done
    assert not {"read", "seed", "measure"} & done
    # What lies behind a release and has no target doesn't fail because somebody asked for what is before it.
    assert not set(DELIVERIES) & {event.asset_key for event in again.get_asset_materialization_events()}
    assert promised_bytes(two_released, QUARTER) == promised_bytes(second_release, QUARTER)


KILLED = """
import os, signal, sys
from dagster_project.quarters import Quarter
from dagster_project.runs import stages
from dagster_project.runs.request import RunRequest
from dagster_project.launch import launch
from dagster_project.settings import DataFolder
stages.draw_likely_ranges = lambda _: os.kill(os.getpid(), signal.SIGKILL)
request = RunRequest(quarters=(Quarter.from_canonical(sys.argv[1]),), extracts_dir=sys.argv[2])
launch(request, DataFolder.from_environment())
"""


def test_what_a_killed_run_left_is_gone_on_with_and_releases_what_a_whole_run_does(
    released: DataFolder, small_extracts: Path, second_release: DataFolder
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, QUARTER, str(small_extracts / QUARTER)],
        env=os.environ | environment_of(released),
        check=False,
        capture_output=True,
    )
    assert ended.returncode == -signal.SIGKILL
    (kept,) = kept_candidates(released)
    assert list(kept.note["seconds"])[-1] == "score"
    with history(released):
        from dagster_project.definitions import defs

        drawn = dg.AssetSelection.groups("likely_ranges").downstream().resolve(defs.resolve_asset_graph())
    rest = run_of_job(released, QUARTER, small_extracts / QUARTER, part=sorted(drawn))
    assert rest.success
    assert promised_bytes(released, QUARTER) == promised_bytes(second_release, QUARTER)
    assert not list(released.candidates.iterdir())


def test_a_part_alone_is_done_in_a_candidate_that_the_next_part_goes_on_from(
    crashed: tuple[DataFolder, str], small_extracts: Path, second_release: DataFolder
) -> None:
    data, _ = crashed
    before = published_files(data)
    scored = run_of_job(data, QUARTER, small_extracts / QUARTER, part=SCORED)
    assert scored.success
    outcome = read_outcome(data, scored.run_id)
    assert (outcome["exit_code"], outcome["message"]) == (
        0,
        "A part of the flow was done; nothing was released.",
    )
    assert published_files(data) == before
    with history(data):
        from dagster_project.definitions import defs

        graph = defs.resolve_asset_graph()
        drawn = dg.AssetSelection.groups("likely_ranges").downstream().resolve(graph)
    rest = run_of_job(data, QUARTER, small_extracts / QUARTER, part=sorted(drawn))
    assert rest.success
    assert promised_bytes(data, QUARTER) == promised_bytes(second_release, QUARTER)


@pytest.mark.parametrize("part", [[LEAGUE_TABLE], [RELEASE]], ids=["the league table", "the release"])
def test_a_part_that_lacks_what_it_builds_on_is_refused_before_any_step_and_marks_nothing_as_failed(
    crashed: tuple[DataFolder, str], small_extracts: Path, part: list[dg.AssetKey]
) -> None:
    data, _ = crashed
    before = published_files(data), failed_partitions(data, SCORED[0])
    refused = run_of_job(data, QUARTER, small_extracts / QUARTER, part=part)
    assert not refused.success
    outcome = read_outcome(data, refused.run_id)
    assert outcome["exit_code"] == 2
    assert "hasn't done what that builds on: choose" in outcome["message"]
    with history(data) as instance:
        run = instance.get_run_by_id(refused.run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.CANCELED
        assert not instance.all_logs(refused.run_id, of_type=dg.DagsterEventType.STEP_START)
        said = [record.user_message or record.message for record in instance.all_logs(refused.run_id)]
    assert any(outcome["message"] in text for text in said)
    assert (published_files(data), failed_partitions(data, SCORED[0])) == before
    assert QUARTER not in failed_partitions(data, part[0])


def test_a_candidate_from_before_a_publication_is_refused_and_swept(
    crashed: tuple[DataFolder, str], small_extracts: Path
) -> None:
    data, failed = crashed
    assert [kept.candidate.run_id for kept in kept_candidates(data)] == [failed]
    ended = league("run", "2025-26-Q3", "--extracts", small_extracts / "2025-26-Q3", data=data)
    assert ended.code == 0, ended.err
    published = published_files(data)
    refused = run_of_job(data, QUARTER, small_extracts / QUARTER, after=failed)
    assert not refused.success
    assert "something was published since" in read_outcome(data, refused.run_id)["message"]
    assert published_files(data) == published
    assert not kept_candidates(data)


def test_a_run_asked_for_something_else_does_not_go_on_from_another(
    crashed: tuple[DataFolder, str], small_extracts: Path
) -> None:
    data, failed = crashed
    refused = run_of_job(data, QUARTER, small_extracts / QUARTER, after=failed, dry_run=True)
    assert (
        "was asked for something else (dry_run: False, now True)"
        in read_outcome(data, refused.run_id)["message"]
    )
    again = run_of_job(data, QUARTER, small_extracts / QUARTER, after=failed, by="somebody else", hold=True)
    assert again.success, os.environ
    assert list(release_ids(data)) == ["2025-26-Q1"]
