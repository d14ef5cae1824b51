"""Health and numbers: silence of the daemon, a storage or a code server that is gone, a warehouse that is held."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from dagster_project.dagster_home import dagster_home
from dagster_project.keeping.backup import make_backup
from dagster_project.monitoring.health import LONGEST_SILENCE, health_of
from dagster_project.monitoring.metrics import BACKUP_VARIABLE, metrics_text
from dagster_project.releases.writer_lock import run_that_writes, writer_lock
from dagster_project.run_launcher import WatchedRunLauncher
from dagster_project.runs.record import RunRecord
from dagster_project.settings import DataFolder
from dagster_project.web_server import Watched


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path)


@pytest.fixture
def instance(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("LEAGUE_DATA_DIR", str(data.root))
    dagster_home(data)
    with dg.DagsterInstance.get() as opened:
        yield opened


def heard(instance: dg.DagsterInstance, seconds_ago: float) -> None:
    """A sign of life of every part of the daemon. Dagster has no public name for its class."""
    for kind in instance.get_required_daemon_types():
        beat = {"__class__": "DaemonHeartbeat", "timestamp": time.time() - seconds_ago, "daemon_type": kind}
        said = dg.deserialize_value(json.dumps({**beat, "daemon_id": "it", "errors": None}))
        instance.add_daemon_heartbeat(said)  # type: ignore[arg-type]


def checks(health: dict[str, Any]) -> dict[str, bool]:
    return {check["name"]: check["healthy"] for check in health["checks"]}


def test_a_daemon_is_well_as_long_as_all_of_it_gives_signs_of_life(
    data: DataFolder, instance: dg.DagsterInstance
) -> None:
    never = health_of(data, lambda: instance)
    assert checks(never) == {"data folder": True, "storage": True, "daemon": False}
    assert not never["healthy"]
    heard(instance, 10)
    assert health_of(data, lambda: instance)["healthy"]
    heard(instance, LONGEST_SILENCE + 60)
    assert checks(health_of(data, lambda: instance))["daemon"] is False


def test_a_storage_that_is_gone_is_a_sentence(data: DataFolder) -> None:
    def gone() -> dg.DagsterInstance:
        raise ConnectionError("no route\nto it")

    found = health_of(data, gone)
    assert [check["says"] for check in found["checks"] if not check["healthy"]] == [
        "ConnectionError: no route to it"
    ]


@pytest.mark.parametrize(("loaded", "answers"), [(True, True), (True, False), (False, True)])
def test_code_is_well_if_it_is_loaded_and_its_server_answers(
    data: DataFolder, instance: dg.DagsterInstance, loaded: bool, answers: bool
) -> None:
    def ping(_: str) -> None:
        if not answers:
            raise ConnectionError("refused")

    location = SimpleNamespace(client=SimpleNamespace(ping=ping)) if loaded else None
    entry = SimpleNamespace(code_location=location, load_error=None)
    found = health_of(data, lambda: instance, lambda: {"nhs_league_tables": entry})
    assert checks(found)["code server"] is (loaded and answers)


def test_a_data_folder_that_is_gone_or_opened_by_others_is_not_well(
    data: DataFolder, instance: dg.DagsterInstance
) -> None:
    data.warehouse.parent.mkdir()
    data.warehouse.with_name(f"{data.warehouse.name}.wal").touch()
    assert checks(health_of(data, lambda: instance))["data folder"] is False
    assert checks(health_of(DataFolder(data.root / "no"), lambda: instance))["data folder"] is False


def test_numbers_say_what_is_released_which_gate_is_closed_and_who_writes(
    second_release: DataFolder, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    text = metrics_text(second_release, instance, health_of(second_release, lambda: instance)).decode()
    for quarter in ("2025-26-Q1", "2025-26-Q2"):
        assert f'league_release_published_timestamp_seconds{{quarter="{quarter}"}} 1.' in text
        assert f'league_gate_closed{{gate="extracts",quarter="{quarter}"}} 0.0' in text
    (size,) = (line.split()[1] for line in text.splitlines() if line.startswith("league_warehouse_bytes"))
    assert float(size) == second_release.warehouse.stat().st_size
    assert 'league_healthy{check="daemon"} 0.0' in text
    assert 'league_runs{status="queued"} 0.0' in text
    assert "league_writer_lock_held 0.0" in text

    empty = DataFolder(tmp_path)
    gate = {"gate": "metrics", "passed": False}
    RunRecord(empty, "a-run").note(quarters=["2025-26-Q3"], exit_code=5, gates=[gate])
    with writer_lock(empty, "a-run"):
        text = metrics_text(empty, instance, health_of(empty, lambda: instance)).decode()
    assert 'league_gate_closed{gate="metrics",quarter="2025-26-Q3"} 1.0' in text
    assert "league_writer_lock_held 1.0" in text
    assert "league_newest_release_age_seconds 0" not in text
    assert 'league_quarter_late{quarter="' in text


def test_the_newest_backup_of_each_part_is_a_number_and_a_missing_one_is_none(
    data: DataFolder,
    instance: dg.DagsterInstance,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backups = tmp_path_factory.mktemp("backups")

    def shown() -> dict[str, str]:
        text = metrics_text(data, instance, health_of(data, lambda: instance)).decode()
        lines = [line for line in text.splitlines() if line.startswith("league_newest_backup")]
        return dict(line.rsplit(" ", 1) for line in lines)

    assert shown() == {}
    monkeypatch.setenv(BACKUP_VARIABLE, str(backups))
    assert shown() == {}
    data.archive.mkdir()
    make_backup(data, backups / "data")
    (backups / "dagster.dump").touch()
    assert shown().keys() == {
        f'league_newest_backup_timestamp_seconds{{part="{part}"}}' for part in ("data", "dagster")
    }


def test_pages_answer_at_their_own_addresses_and_leave_the_others_alone(
    instance: dg.DagsterInstance,
) -> None:
    sent: list[MutableMapping[str, Any]] = []
    passed_on: list[str] = []

    async def application(scope: MutableMapping[str, Any], *_: Any) -> None:
        passed_on.append(scope["path"])

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    context = SimpleNamespace(
        instance=instance, create_request_context=lambda: SimpleNamespace(get_code_location_entries=dict)
    )
    watched = Watched(application, context)
    for path in ("/health", "/metrics", "/runs"):
        asyncio.run(watched({"type": "http", "path": path}, None, send))
    asyncio.run(watched({"type": "websocket", "path": "/health"}, None, send))
    assert passed_on == ["/runs", "/health"]
    statuses = [message["status"] for message in sent if message["type"] == "http.response.start"]
    # The daemon never gave a sign of life here.
    assert statuses == [503, 200]
    bodies = [message["body"] for message in sent if message["type"] == "http.response.body"]
    assert json.loads(bodies[0])["healthy"] is False
    assert b"league_runs" in bodies[1]


def test_who_writes_is_asked_without_taking_the_lock(data: DataFolder) -> None:
    assert run_that_writes(data) is None
    with writer_lock(data, "some-run"):
        assert run_that_writes(data) == "some-run"
    assert run_that_writes(data) is None
    # The name of one that was killed is still there.
    data.lock_file.write_text("run killed-run\nprocess 1\n")
    assert run_that_writes(data) is None
    with writer_lock(data, "next-run"):
        assert run_that_writes(data) == "next-run"


def test_a_command_that_was_killed_is_gone_once_its_lock_was_free_for_a_while(
    data: DataFolder, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dg.job
    def anything() -> None:
        """Nothing."""

    launcher = WatchedRunLauncher()
    launcher.register_instance(instance)
    run = instance.create_run_for_job(anything)
    instance.report_dagster_event(_began(run), run.run_id, timestamp=time.time() - 3600)
    started = instance.get_run_by_id(run.run_id)
    assert started is not None
    assert started.status == dg.DagsterRunStatus.STARTED
    with writer_lock(data, run.run_id):
        assert launcher.check_run_worker_health(started).status.value == "RUNNING"
    # It may be about to take the lock, or have given it back to say how it ended.
    assert launcher.check_run_worker_health(started).status.value == "RUNNING"
    monkeypatch.setattr("dagster_project.run_launcher.SECONDS_WITHOUT_LOCK", 0.0)
    gone = launcher.check_run_worker_health(started)
    assert gone.status.value == "FAILED"
    assert "it was killed" in str(gone)


def _began(run: dg.DagsterRun) -> dg.DagsterEvent:
    return dg.DagsterEvent(event_type_value="PIPELINE_START", job_name=run.job_name)
