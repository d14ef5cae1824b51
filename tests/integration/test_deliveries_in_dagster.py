"""Deliveries as assets: behind the release, to configured targets alone, and without a credential in any history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import polars as pl
import pytest
from dagster_history import history
from postgresql_server import PostgresqlServer
from published_quarters import Rows
from releases_by_hand import ReleasesByHand

from dagster_project.assets.deliveries import DELIVERIES, VARIABLES
from dagster_project.automation.sensors import deliveries_sensor
from dagster_project.definitions import DELIVERIES_JOB, JOB_NAME, defs
from dagster_project.settings import DataFolder

pytestmark = pytest.mark.xdist_group("postgresql")

Q1, FIRST, SECOND = "2025-26-Q1", "1" * 16, "2" * 16
ROLE, PASSWORD = "loader", "s3cret-of-the-loader"
ROWS: dict[str, Rows] = {
    "league_table": [
        {"table_name": "acute", "organisation_code": "RAA", "average_metric_score": Decimal("1.50")}
    ]
}
POSTGRESQL, ICEBERG, DELTA = DELIVERIES


@pytest.fixture
def by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleasesByHand]:
    """A data folder with a current release; no target is configured yet."""
    made = ReleasesByHand(tmp_path / "data")
    made.release(Q1, FIRST, ROWS)
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    # A folder, which a test reads afterwards.
    made.data.dagster_home.mkdir()
    with history(made.data):
        yield made


def launched(data: DataFolder, *keys: dg.AssetKey) -> dg.ExecuteInProcessResult:
    """A run of the job of deliveries, or of a part of it, with the history of the data folder."""
    with history(data) as instance:
        return defs.resolve_job_def(DELIVERIES_JOB).execute_in_process(
            instance=instance, asset_selection=keys or None, raise_on_error=False
        )


def metadata_of(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    [event] = [one for one in result.get_asset_materialization_events() if one.asset_key == key]
    return {name: said.value for name, said in event.materialization.metadata.items()}


def failures(result: dg.ExecuteInProcessResult) -> dict[str, tuple[str, int]]:
    """Message and exit code of each step that failed."""
    found = {}
    for event in result.filter_events(lambda event: event.is_step_failure):
        said = event.step_failure_data.user_failure_data
        assert said is not None, event.step_failure_data.error
        found[str(event.step_key)] = (str(said.description), int(said.metadata["exit_code"].value))
    return found


def texts_below(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes().decode("latin-1")


def asked(by_hand: ReleasesByHand, hour: int = 9) -> dg.RunRequest | str:
    """What the sensor asks for, or why it asks for nothing."""
    sensor = deliveries_sensor(DELIVERIES_JOB, lambda: datetime(2026, 5, 1, hour, 30, tzinfo=UTC))
    with history(by_hand.data) as instance:
        answer = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
    if answer.run_requests:
        [request] = answer.run_requests
        return request
    return str(answer.skip_message)


def keys_of(request: dg.RunRequest | str) -> Sequence[dg.AssetKey]:
    assert isinstance(request, dg.RunRequest), request
    return list(request.asset_selection or ())


def test_deliveries_stand_behind_the_release_and_are_no_part_of_a_quarters_run() -> None:
    graph = defs.resolve_asset_graph()
    for key in DELIVERIES:
        assert graph.get(key).parent_keys == {dg.AssetKey(["releases", "release"])}
        # How it is configured is said where it is looked for.
        assert VARIABLES[key.path[-1]] in str(graph.get(key).description)
    assert not set(DELIVERIES) & set(defs.resolve_job_def(JOB_NAME).asset_layer.selected_asset_keys)
    # Nothing to configure in the launchpad: what is configured there is kept for ever.
    job = defs.resolve_job_def(DELIVERIES_JOB)
    assert {resource for node in job.nodes for resource in node.definition.required_resource_keys} == set()


def test_a_lake_that_is_configured_is_delivered_to_and_the_others_fail_with_what_to_do(
    by_hand: ReleasesByHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAGUE_DELIVER_DELTA", str(tmp_path / "lake"))
    result = launched(by_hand.data)
    assert pl.scan_delta(str(tmp_path / "lake" / "league_table")).collect()["release_id"].to_list() == [FIRST]
    said = metadata_of(result, DELTA)
    assert (said["delivered"], said["kept"], said["withdrawn"]) == (Q1, "none", "none")
    assert (said["rows"], said["target"]) == (1, f"delta:{tmp_path / 'lake'}")
    assert FIRST in said["releases"]
    assert {step: code for step, (_, code) in failures(result).items()} == {
        "delivery__postgresql": 3,
        "delivery__iceberg": 3,
    }
    assert failures(result)["delivery__postgresql"][0].startswith(
        "LEAGUE_DELIVER_POSTGRESQL: expected where to deliver; found nothing. Set it in the environment"
    )


def test_a_password_in_the_environment_is_in_no_event_and_no_file_of_the_history(
    by_hand: ReleasesByHand, postgresql_server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql_server.query("drop database if exists behind_the_release")
    postgresql_server.query(f"drop role if exists {ROLE}")
    postgresql_server.query(f"create role {ROLE} login password '{PASSWORD}'")
    postgresql_server.query(f"create database behind_the_release owner {ROLE}")
    address = f"postgresql://{ROLE}@127.0.0.1:{postgresql_server.port}/behind_the_release"
    monkeypatch.setenv("LEAGUE_DELIVER_POSTGRESQL", address)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    result = launched(by_hand.data, POSTGRESQL)
    assert failures(result) == {}
    assert metadata_of(result, POSTGRESQL)["delivered"] == Q1
    found = postgresql_server.query(
        "select release_id from league.league_table", database="behind_the_release"
    )
    assert found == [(FIRST,)]

    # A password that the server refuses, and one in the address.
    monkeypatch.setenv("PGPASSWORD", f"{PASSWORD}-of-old")
    refused = failures(launched(by_hand.data, POSTGRESQL))
    monkeypatch.setenv("LEAGUE_DELIVER_POSTGRESQL", address.replace(f"{ROLE}@", f"{ROLE}:{quote(PASSWORD)}@"))
    in_address = failures(launched(by_hand.data, POSTGRESQL))
    assert [code for _, code in (*refused.values(), *in_address.values())] == [3, 2]
    assert "expected an address without a password" in in_address["delivery__postgresql"][0]

    # A store that isn't there, with a key to it.
    monkeypatch.setenv("LEAGUE_DELIVER_DELTA", "s3://no-such-bucket-of-ours/lake")
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "AKIA-of-the-loader"),
        ("AWS_SECRET_ACCESS_KEY", PASSWORD),
        ("AWS_REGION", "eu-west-2"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ALLOW_HTTP", "true"),
    ):
        monkeypatch.setenv(name, value)
    assert [code for _, code in failures(launched(by_hand.data, DELTA)).values()] == [3]

    read = dict(texts_below(by_hand.data.root))
    assert any(path.suffix == ".db" for path in read)
    assert [path for path, text in read.items() if PASSWORD in text] == []
    with history(by_hand.data) as instance:
        for run in instance.get_runs():
            assert (run.run_config, PASSWORD in json.dumps(run.tags)) == ({}, False)
            for record in instance.all_logs(run.run_id):
                assert PASSWORD not in str(record), record


def test_the_sensor_asks_for_what_is_behind_what_is_published_and_again_each_hour_until_it_is_there(
    by_hand: ReleasesByHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(asked(by_hand)).startswith("No target is configured: set LEAGUE_DELIVER_POSTGRESQL or")
    monkeypatch.setenv("LEAGUE_DELIVER_DELTA", str(tmp_path / "lake"))
    request = asked(by_hand)
    assert keys_of(request) == [DELTA]
    # The same hour, the same key, by which Dagster knows that it was asked for; then another.
    assert isinstance(request, dg.RunRequest)
    assert [getattr(asked(by_hand, hour), "run_key", None) == request.run_key for hour in (9, 10)] == [
        True,
        False,
    ]

    assert failures(launched(by_hand.data, DELTA)) == {}
    assert asked(by_hand) == "What is published is delivered."
    by_hand.release(Q1, SECOND, ROWS, is_held=True)
    assert asked(by_hand) == "What is published is delivered."

    # No event of Dagster's: the release is taken back by hand.
    by_hand.withdraw(Q1, FIRST, "The publisher's file had last year's values")
    assert keys_of(asked(by_hand)) == [DELTA]
    result = launched(by_hand.data, DELTA)
    assert metadata_of(result, DELTA)["withdrawn"] == Q1
    assert pl.scan_delta(str(tmp_path / "lake" / "league_table")).collect().is_empty()
    assert asked(by_hand) == "What is published is delivered."

    # Another target is behind, although the other one wasn't.
    monkeypatch.setenv("LEAGUE_DELIVER_DELTA", str(tmp_path / "another"))
    assert keys_of(asked(by_hand)) == [DELTA]


def test_a_run_that_died_unseen_keeps_the_sensor_from_asking_for_hours_and_not_for_ever(
    by_hand: ReleasesByHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAGUE_DELIVER_DELTA", str(tmp_path / "lake"))
    with history(by_hand.data) as instance:
        instance.create_run_for_job(defs.resolve_job_def(DELIVERIES_JOB), status=dg.DagsterRunStatus.STARTED)
        for hours, is_asked in ((0, False), (4, True)):
            later = datetime.now(UTC) + timedelta(hours=hours)
            sensor = deliveries_sensor(DELIVERIES_JOB, lambda later=later: later)
            answer = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
            assert bool(answer.run_requests) == is_asked, answer.skip_message


def test_a_lake_is_named_by_a_whole_path(by_hand: ReleasesByHand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAGUE_DELIVER_DELTA", "lake")
    message, code = failures(launched(by_hand.data, DELTA))["delivery__delta"]
    assert (code, "expected a whole path" in message) == (2, True)
