"""Runs as Dagster sees them: history, materialisations by quarter, row counts, gates as checks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster_history import history
from league_command import environment_of, league
from published_state import published_files, release_ids, rows_of
from sample_copy import SampleCopy

from dagster_project.assets.partitions import offer
from dagster_project.dagster_home import dagster_home
from dagster_project.quarters import Quarter
from dagster_project.runs.record import read_outcome
from dagster_project.runs.resumption import LEFT_FILE
from dagster_project.settings import PROJECT_ROOT, DataFolder

QUARTER = "2025-26-Q1"
RELEASE = dg.AssetKey(["releases", "release"])
LEAGUE_TABLE = dg.AssetKey(["league", "league_table"])
DRAWN = dg.AssetKey(["likely_ranges", "likely_range_end"])
VIEW = dg.AssetKey(["staging", "stg_organisation_reference"])
NOT_BEHIND_THE_RELEASE = 'not (group:"publication" or group:"delivery")'
GATES = {"extracts_gate", "metrics_gate", "league_tables_gate"}


def job() -> dg.JobDefinition:
    from dagster_project.definitions import JOB_NAME, defs

    return defs.resolve_job_def(JOB_NAME)


def configured(extracts: Path) -> dict[str, object]:
    return {"resources": {"quarterly_run": {"config": {"extracts_dir": str(extracts)}}}}


@pytest.fixture(scope="session")
def by_both_ways(
    small_release: DataFolder, small_extracts: Path, made_once: Callable[..., Path]
) -> DataFolder:
    """The quarter of `small_release` once more, launched as the web server does: by a run of the job."""

    def build(folder: Path) -> None:
        shutil.copytree(small_release.root, folder, symlinks=True)
        data = DataFolder(folder)
        program = Path(sys.executable).with_name("dagster")
        config = json.dumps(configured(small_extracts / QUARTER))
        done = subprocess.run(
            [
                *(program, "asset", "materialize", "-m", "dagster_project.definitions"),
                *("--select", NOT_BEHIND_THE_RELEASE, "--partition", QUARTER, "--config-json", config),
            ],
            env=os.environ | environment_of(data),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    return DataFolder(made_once("by-both-ways", build))


def test_a_run_of_the_command_and_one_of_dagster_release_the_same(
    small_release: DataFolder, by_both_ways: DataFolder
) -> None:
    assert release_ids(by_both_ways) == release_ids(small_release)
    with history(by_both_ways) as instance:
        runs = instance.get_runs()
        assert [run.status for run in runs] == [dg.DagsterRunStatus.SUCCESS] * 2
        outcomes = [read_outcome(by_both_ways, run.run_id) for run in runs]
    assert [outcome["exit_code"] for outcome in outcomes] == [0, 0]
    ids = {release["release_id"] for outcome in outcomes for release in outcome["releases"]}
    assert ids == set(release_ids(small_release).values())
    assert sorted(release["is_new"] for outcome in outcomes for release in outcome["releases"]) == [
        False,
        True,
    ]


def test_both_runs_show_every_asset_materialised_for_the_quarter(by_both_ways: DataFolder) -> None:
    assets = set(job().asset_layer.selected_asset_keys)
    # The table's own two files, and no statistic: a source without files isn't materialised.
    read = {dg.AssetKey(["sources", name]) for name in ("nof_data", "nof_league_table")}
    assets = {key for key in assets if key.path[0] != "sources"} | read
    with history(by_both_ways) as instance:
        for run in instance.get_runs():
            logged = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
            events = [record.get_dagster_event() for record in logged]
            assert {event.partition for event in events} == {QUARTER}
            assert {event.asset_key for event in events} == assets


def test_a_materialisation_tells_rows_and_columns(by_both_ways: DataFolder) -> None:
    metadata = latest_metadata(by_both_ways, LEAGUE_TABLE)
    assert metadata["dagster/row_count"].value == 10
    assert {"organisation_code", "rank", "adjusted_segment", "release_id"} <= column_names(metadata)
    releases = latest_metadata(by_both_ways, RELEASE)["releases"]
    assert release_ids(by_both_ways)[QUARTER] in str(releases.value)


def test_what_numpy_draws_between_two_stages_of_dbt_is_materialised_with_its_rows(
    by_both_ways: DataFolder,
) -> None:
    metadata = latest_metadata(by_both_ways, DRAWN)
    assert metadata["dagster/row_count"].value == 10
    assert {"average_low", "rank_high"} <= column_names(metadata)
    drawn = job().asset_layer.get(DRAWN)
    assert {key.path[0] for key in drawn.child_keys} == {"league"}
    # The models that numpy reads are steps, so that it stands behind what those are made from.
    assert {key.path[0] for key in drawn.parent_keys} == {"likely_ranges", "methodology", "scoring"}


def test_a_view_tells_its_columns_and_is_not_worked_out_for_its_rows(by_both_ways: DataFolder) -> None:
    metadata = latest_metadata(by_both_ways, VIEW)
    assert "dagster/row_count" not in metadata
    assert {"organisation_code", "organisation_name"} <= column_names(metadata)


def latest_metadata(data: DataFolder, asset: dg.AssetKey) -> Mapping[str, dg.MetadataValue[Any]]:
    with history(data) as instance:
        event = instance.get_latest_materialization_event(asset)
    assert event is not None
    assert event.asset_materialization is not None
    return event.asset_materialization.metadata


def column_names(metadata: Mapping[str, dg.MetadataValue[Any]]) -> set[str]:
    schema = metadata["dagster/column_schema"].value
    assert isinstance(schema, dg.TableSchema)
    return {column.name for column in schema.columns}


def test_both_runs_show_all_three_gates_as_passed_checks(by_both_ways: DataFolder) -> None:
    with history(by_both_ways) as instance:
        for run in instance.get_runs():
            logged = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
            every = [record.get_dagster_event().asset_check_evaluation_data for record in logged]
            checks = [check for check in every if check.blocking]
            assert {check.check_name for check in checks} == GATES
            assert all(check.passed for check in every)
            for check in checks:
                rows = check.metadata["expectations"].records
                assert rows
                assert {row.data["quarter"] for row in rows} == {QUARTER}


def test_one_pass_over_six_quarters_materialises_and_judges_each_of_them(six_quarters: DataFolder) -> None:
    every = set(release_ids(six_quarters))
    with history(six_quarters) as instance:
        (run,) = instance.get_runs()
        assert list(instance.get_dynamic_partitions("quarter")) == sorted(every)
        for key in (LEAGUE_TABLE, RELEASE):
            assert instance.get_materialized_partitions(key) == every
        checks = evaluations(instance, run.run_id)
    assert set(checks) == {(gate, quarter) for gate in GATES for quarter in every}
    assert all(check.passed for check in checks.values())
    for (_, quarter), check in checks.items():
        assert {row.data["quarter"] for row in check.metadata["expectations"].records} == {quarter}
        assert check.target_materialization_data is not None


def test_the_row_count_of_each_quarter_is_that_of_its_release(six_quarters: DataFolder) -> None:
    released = dict(rows_of(six_quarters, "select quarter, count(*) from league.league_table group by all"))
    assert len(set(released.values())) > 1
    with history(six_quarters) as instance:
        for quarter, count in released.items():
            wanted = dg.AssetRecordsFilter(asset_key=LEAGUE_TABLE, asset_partitions=[quarter])
            (latest,) = instance.fetch_materializations(wanted, limit=1).records
            assert latest.asset_materialization is not None
            assert latest.asset_materialization.metadata["dagster/row_count"].value == count


def test_a_run_of_the_command_is_one_of_the_web_server_s_code_location(six_quarters: DataFolder) -> None:
    workspace = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text())
    (served,) = workspace["load_from"]
    with history(six_quarters) as instance:
        (run,) = instance.get_runs()
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == served["python_module"]["location_name"]
    assert run.remote_job_origin.job_name == job().name


def evaluations(instance: dg.DagsterInstance, run_id: str) -> dict[tuple[str, str | None], Any]:
    """What the gates of a run found, by gate and partition."""
    logged = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    judged = [record.get_dagster_event().asset_check_evaluation_data for record in logged]
    # Beside the gates, which block, each released table's columns are looked at.
    found = [check for check in judged if check.blocking]
    assert len({(check.check_name, check.partition) for check in found}) == len(found)
    return {(check.check_name, check.partition): check for check in found}


def failure(instance: dg.DagsterInstance, run_id: str) -> tuple[str, Any]:
    """The step that ended a run, and what Dagster shows of its error."""
    (record,) = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    event = record.get_dagster_event()
    return str(event.step_key), event.step_failure_data


def test_quarters_with_a_gap_between_them_are_one_run_that_names_both(
    fresh_data: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    apart = SampleCopy(tmp_path / "apart", [small_extracts / QUARTER, small_extracts / "2025-26-Q4"])
    ended = league("run", QUARTER, "2025-26-Q4", "--extracts", apart.folder, data=fresh_data)
    assert ended.code == 0, ended.err
    assert list(release_ids(fresh_data)) == [QUARTER, "2025-26-Q4"]
    assert rows_of(fresh_data, "select distinct quarter from league.league_table order by all") == [
        (QUARTER,),
        ("2025-26-Q4",),
    ]
    with history(fresh_data) as instance:
        assert len(instance.get_runs()) == 1
        (run,) = instance.get_runs()
        assert instance.get_materialized_partitions(RELEASE) == {QUARTER, "2025-26-Q4"}
        assert set(evaluations(instance, run.run_id)) == {
            (gate, quarter) for gate in GATES for quarter in (QUARTER, "2025-26-Q4")
        }


def test_a_closed_gate_fails_the_run_and_its_check_and_skips_what_is_behind_it(
    released: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    spoilt = SampleCopy(tmp_path / "spoilt", [small_extracts / "2025-26-Q2"])
    spoilt.change_text("ambulance-trust-data", lambda text: text.replace(",ZDJ,", ",99X,"))
    spoilt.change_text("league-table", lambda text: text.replace(",ZDJ,", ",99X,"))
    ended = league("run", "2025-26-Q2", "--extracts", spoilt.folder, data=released)
    assert ended.code == 5
    with history(released) as instance:
        run = instance.get_runs()[0]
        assert run.status == dg.DagsterRunStatus.FAILURE
        ((named, check),) = evaluations(instance, run.run_id).items()
        assert (named, check.passed) == (("extracts_gate", "2025-26-Q2"), False)
        assert "organisation_code_is_known" in (check.description or "")
        step, failed = failure(instance, run.run_id)
        assert step == "extracts_gate"
        assert "organisation_code_is_known" in failed.user_failure_data.description
        assert failed.user_failure_data.metadata["exit_code"].value == 5
        assert Path(failed.user_failure_data.metadata["quality_page"].value).is_file()
        assert (failed.error.cause, failed.error.context) == (None, None)
        assert "2025-26-Q2" not in instance.get_materialized_partitions(LEAGUE_TABLE)
        assert "2025-26-Q2" not in instance.get_materialized_partitions(RELEASE)
        assert instance.get_materialized_partitions(dg.AssetKey(["landing", "extract_row"])) == {
            QUARTER,
            "2025-26-Q2",
        }


@pytest.mark.parametrize(
    "part",
    [
        pytest.param([LEAGUE_TABLE], id="the league table"),
        pytest.param([RELEASE], id="the release"),
        pytest.param([dg.AssetKey(["metrics", "metric_value"])], id="metric values"),
    ],
)
def test_a_part_of_the_flow_is_refused_with_the_reason_where_no_run_left_what_it_builds_on(
    released: DataFolder, small_extracts: Path, part: list[dg.AssetKey]
) -> None:
    for left in released.runs.glob(f"*/{LEFT_FILE}"):
        left.unlink()
    before = published_files(released)
    with history(released) as instance:
        result = job().execute_in_process(
            instance=instance,
            partition_key=QUARTER,
            asset_selection=part,
            run_config=configured(small_extracts / QUARTER),
            raise_on_error=False,
        )
    assert not result.success
    outcome = read_outcome(released, result.run_id)
    assert outcome["exit_code"] == 2
    assert "Only a part of the flow was chosen" in outcome["message"]
    assert "Materialise the whole job" in outcome["message"]
    assert published_files(released) == before


def test_a_run_without_a_partition_is_refused_with_the_reason(released: DataFolder) -> None:
    with history(released) as instance:
        result = job().execute_in_process(instance=instance, raise_on_error=False)
        _, failed = failure(instance, result.run_id)
    assert not result.success
    assert "Choose the quarters to build" in failed.user_failure_data.description


def test_configuration_that_contradicts_itself_is_a_message_about_its_fields(released: DataFolder) -> None:
    config: dict[str, Any] = {"quarterly_run": {"config": {"sample": True, "extracts_dir": "somewhere"}}}
    with history(released) as instance:
        result = job().execute_in_process(
            instance=instance, partition_key=QUARTER, run_config={"resources": config}, raise_on_error=False
        )
        step, failed = failure(instance, result.run_id)
    assert step == "read"
    assert "leave out `extracts_dir`, or leave out `sample: true`" in failed.user_failure_data.description
    assert "--" not in failed.user_failure_data.description
    assert (failed.error.cause, failed.error.context) == (None, None)


def test_a_launch_that_names_no_files_reads_the_archive_whatever_kind_the_folder_is(
    released: DataFolder,
) -> None:
    before = release_ids(released)
    with history(released) as instance:
        result = job().execute_in_process(instance=instance, partition_key=QUARTER, raise_on_error=False)
    assert result.success, read_outcome(released, result.run_id)
    assert release_ids(released) == before


def test_a_launch_in_an_empty_folder_says_how_files_come_there(fresh_data: DataFolder) -> None:
    dagster_home(fresh_data)
    with history(fresh_data) as instance:
        offer(instance, [Quarter.from_canonical(QUARTER)])
        result = job().execute_in_process(instance=instance, partition_key=QUARTER, raise_on_error=False)
        step, failed = failure(instance, result.run_id)
    assert step == "read"
    said = failed.user_failure_data.description
    assert "name a folder of downloaded files with `extracts_dir`" in said
    assert "`league fetch QUARTER`" in said


def test_a_quarter_of_which_nothing_is_known_leaves_no_partition_behind(released: DataFolder) -> None:
    ended = league("run", "2034-35-Q4", "--sample", data=released)
    assert ended.code == 3, ended.err
    with history(released) as instance:
        assert list(instance.get_dynamic_partitions("quarter")) == [QUARTER]


def test_the_release_shows_its_folder_its_quality_page_and_its_league_tables(
    by_both_ways: DataFolder,
) -> None:
    metadata = latest_metadata(by_both_ways, RELEASE)
    folder = by_both_ways.releases / QUARTER / release_ids(by_both_ways)[QUARTER]
    assert metadata["folder"].value == str(folder)
    assert Path(str(metadata["quality page"].value)).is_file()
    lines = str(metadata["league_table_ambulance"].value).splitlines()
    assert lines[0] == "| rank | code | organisation | segment | average metric score |"
    assert len(lines) == 2 + 10
    ranks = [int(line.split("|")[1]) for line in lines[2:]]
    assert ranks == sorted(ranks)
    # The quarter's files are of one table.
    assert "league_table_icb" not in metadata


def test_a_source_is_materialised_with_its_files_and_one_without_files_is_not(
    by_both_ways: DataFolder,
) -> None:
    metadata = latest_metadata(by_both_ways, dg.AssetKey(["sources", "nof_data"]))
    assert "ambulance" in str(metadata["files"].value)
    assert metadata["dagster/row_count"].value > 0
    with history(by_both_ways) as instance:
        rtt = dg.AssetKey(["sources", "rtt_waiting_times"])
        assert instance.get_latest_materialization_event(rtt) is None
