"""Dagster as `deploy/` sets it up: three services on PostgreSQL, a queue with one writer, and what is killed."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from postgresql_server import PostgresqlServer
from production_services import Production, production, until
from published_state import release_ids
from shared_folders import MadeOnce, NewData

from dagster_project.quarters import Quarter
from dagster_project.sample import generate_sample
from dagster_project.sample.generator import LAST_QUARTER

QUARTERS = [str(LAST_QUARTER.shifted(number)) for number in range(-7, 1)]


@dataclass
class Receiver:
    """A webhook on 127.0.0.1, and what it received."""

    address: str
    received: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A test's output is its own."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


@pytest.fixture(scope="module")
def eight_quarters(made_once: MadeOnce) -> Path:
    """The ambulance table's extracts of the sample's two years."""

    def build(folder: Path) -> None:
        whole = folder / "whole"
        generate_sample(whole, quarters=[Quarter.from_canonical(quarter) for quarter in QUARTERS])
        for path in (whole / "extracts").glob("*/*ambulance*.csv"):
            (folder / "small" / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / "small" / path.parent.name)
        shutil.rmtree(whole)

    return made_once("eight-quarters", build) / "small"


@pytest.fixture(scope="module")
def services(
    postgresql_server: PostgresqlServer,
    new_data: NewData,
    receiver: Receiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Production]:
    folder = tmp_path_factory.mktemp("production")
    database = postgresql_server.new_database("dagster").replace("postgresql://", "postgresql+psycopg2://")
    environment = {"LEAGUE_ALERT_WEBHOOK": receiver.address, "LEAGUE_WEB_URL": "https://league.example"}
    with production(new_data(folder / "data"), folder / "run", database, **environment) as started:
        until(lambda: _health(started).get("healthy"))
        yield started


def _health(services: Production) -> dict[str, Any]:
    try:
        return dict(httpx.get(f"{services.address}/health").json())
    except httpx.TransportError:
        return {}


def metrics(services: Production) -> dict[str, float]:
    """The lines of /metrics that aren't comments, by what stands before the number."""
    answer = httpx.get(f"{services.address}/metrics", timeout=60)
    assert answer.status_code == 200, answer.text
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_a_backfill_of_eight_quarters_goes_through_the_queue_whatever_is_killed_meanwhile(
    services: Production, eight_quarters: Path
) -> None:
    _offer(services)
    config = {"extracts_dir": str(eight_quarters)}
    backfill = services.backfill(QUARTERS, config)
    (first,) = until(lambda: services.in_state("STARTED"))
    second = services.launch(QUARTERS[0], config)
    until(lambda: second in services.in_state("QUEUED"))
    assert metrics(services)["league_queue_length"] == 1

    # The daemon dies: the run goes on, as it isn't a child of it, and what waits goes on waiting.
    services.kill("daemon")
    until(lambda: first in services.in_state("SUCCESS"))
    assert services.in_state("QUEUED") == [second]
    assert sorted(release_ids(services.data)) == QUARTERS
    before = release_ids(services.data)
    services.start("daemon")
    until(lambda: second in services.in_state("STARTED"))
    asked = services.ask(
        "query($b: String!) {partitionBackfillOrError(backfillId: $b) {... on PartitionBackfill {status title "
        "partitionNames}}}",
        b=backfill,
    )["partitionBackfillOrError"]
    assert (asked["title"], sorted(asked["partitionNames"])) == ("Eight quarters", QUARTERS)

    # The code server dies with its children: the run is found to be gone, and another one does its work.
    services.kill("code")
    services.start("code")
    until(lambda: second in services.in_state("FAILURE"))
    until(lambda: len(services.in_state("SUCCESS")) == 2)
    (again,) = [run for run in services.runs() if run["parentRunId"] == second]
    assert again["status"] == "SUCCESS"
    assert "The code server knows of no process of this run" in services.said_of(second)
    assert release_ids(services.data) == before
    until(
        lambda: (
            services.ask(
                "query($b: String!) {partitionBackfillOrError(backfillId: $b) {... on PartitionBackfill {status}}}",
                b=backfill,
            )["partitionBackfillOrError"]["status"]
            == "COMPLETED_SUCCESS"
        )
    )
    shown = metrics(services)
    assert shown['league_runs{status="success"}'] == 2
    assert shown[f'league_release_published_timestamp_seconds{{quarter="{QUARTERS[-1]}"}}'] > 0
    assert shown["league_writer_lock_held"] == shown["league_queue_length"] == 0


def test_a_failed_run_is_told_once_with_what_to_do_and_where_to_look(
    services: Production, receiver: Receiver
) -> None:
    _offer(services)
    run_id = services.launch(QUARTERS[0], {"sample": True, "extracts_dir": "/somewhere"})
    until(lambda: run_id in services.in_state("FAILURE"))
    told = until(lambda: [one for one in receiver.received if one["run_id"] == run_id])
    assert [one["kind"] for one in told] == ["run_failed"]
    assert told[0]["quarters"] == [QUARTERS[0]]
    assert told[0]["link"] == f"https://league.example/runs/{run_id}"
    assert "Change the configuration" in told[0]["to_do"]
    # The one that is tried again isn't told: nobody has to do anything.
    assert {one["run_id"] for one in receiver.received if one["kind"] != "quarter_late"} == {run_id}


def test_only_known_names_are_answered_about_health_and_numbers(services: Production) -> None:
    for path in ("/health", "/metrics"):
        assert httpx.get(f"{services.address}{path}", timeout=60).status_code == 200
        foreign = httpx.get(f"{services.address}{path}", headers={"host": "evil.example"})
        assert foreign.status_code == 403


def _offer(services: Production) -> None:
    """Makes the quarters known, as their files would."""
    have = services.partitions()
    for quarter in QUARTERS:
        if quarter not in have:
            services.add_partition(quarter)
