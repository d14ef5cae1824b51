"""The services of `deploy/systemd`, started as their unit files say, on a data folder and a PostgreSQL of a test."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from dagster_project.run_history import CODE_LOCATION
from dagster_project.settings import DataFolder

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
# Patience for a machine that has other work.
SECONDS = 1800
_REPOSITORY = {"repositoryLocationName": CODE_LOCATION, "repositoryName": "__repository__"}


@dataclass
class Production:
    """Code server, daemon and web server on one data folder; each can be killed and started again."""

    data: DataFolder
    folder: Path
    environment: dict[str, str]
    port: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The web server's."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, *names: str) -> None:
        """Starts services; their output goes to files of the folder."""
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    self.command(name), env=self.environment, stdout=log, stderr=log, start_new_session=True
                )
            if name == "code":
                until((self.folder / "code.sock").exists)

    def command(self, name: str) -> list[str]:
        """What the unit of that name starts, with the places of this test."""
        unit = (DEPLOY / "systemd" / f"league-{name}.service").read_text()
        (said,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        workspace = self.folder / "workspace.yaml"
        workspace.write_text((DEPLOY / "workspace.yaml").read_text().replace("/run/league", str(self.folder)))
        places = {
            "/opt/league/venv/bin/python": sys.executable,
            "/opt/league/venv/bin": str(Path(sys.executable).parent),
            "/opt/league/deploy/workspace.yaml": str(workspace),
            "/run/league": str(self.folder),
            "--port 3000": f"--port {self.port}",
        }
        for place, here in places.items():
            said = said.replace(place, here)
        return shlex.split(said)

    def kill(self, name: str) -> None:
        """SIGKILL to a service and, as systemd and containers do, to its children."""
        os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running.pop(name).wait()
        if name == "code":
            (self.folder / "code.sock").unlink()

    def ask(self, query: str, **variables: Any) -> Any:
        """The answer to a query of GraphQL."""
        asked = {"query": query, "variables": variables}
        answer = httpx.post(f"{self.address}/graphql", json=asked, timeout=SECONDS).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def runs(self) -> list[dict[str, Any]]:
        """The runs, the oldest first."""
        asked = self.ask("{runsOrError{... on Runs{results{runId status parentRunId tags{key value}}}}}")
        return list(reversed(asked["runsOrError"]["results"]))

    def in_state(self, *states: str) -> list[str]:
        """The ids of runs in one of the states."""
        return [run["runId"] for run in self.runs() if run["status"] in states]

    def launch(self, quarter: str, config: dict[str, Any]) -> str:
        """Launches the job as the launchpad does; returns the run's id."""
        launched = self.ask(
            "mutation($p: ExecutionParams!) {launchRun(executionParams: $p) {... on LaunchRunSuccess {run {runId}}}}",
            p={
                "selector": {**_REPOSITORY, "jobName": "quarterly_league_tables"},
                "runConfigData": {"resources": {"quarterly_run": {"config": config}}},
                "executionMetadata": {"tags": [{"key": "dagster/partition", "value": quarter}]},
            },
        )
        return str(launched["launchRun"]["run"]["runId"])

    def said_of(self, run_id: str) -> str:
        """The messages of a run's events."""
        asked = self.ask(
            "query($r: ID!) {logsForRun(runId: $r) {... on EventConnection {events {... on MessageEvent {message}}}}}",
            r=run_id,
        )
        return "\n".join(event.get("message") or "" for event in asked["logsForRun"]["events"])

    def partitions(self) -> list[str]:
        """The quarters that Dagster knows."""
        asked = self.ask(
            "query($r: RepositorySelector!) {dynamicPartitionsOrError: partitionSetOrError(repositorySelector: $r, "
            'partitionSetName: "quarterly_league_tables_partition_set") {... on PartitionSet {partitionsOrError '
            "{... on Partitions {results {name}}}}}}",
            r=_REPOSITORY,
        )
        found = asked["dynamicPartitionsOrError"]["partitionsOrError"]["results"]
        return [one["name"] for one in found]

    def add_partition(self, quarter: str) -> None:
        """Makes a quarter known."""
        self.ask(
            "mutation($r: RepositorySelector!, $k: String!) {addDynamicPartition(repositorySelector: $r, "
            'partitionsDefName: "quarter", partitionKey: $k) {__typename}}',
            r=_REPOSITORY,
            k=quarter,
        )

    def backfill(self, quarters: list[str], config: dict[str, Any]) -> str:
        """A run of the job for each quarter, in their order; returns the backfill's id."""
        launched = self.ask(
            "mutation($p: LaunchBackfillParams!) {launchPartitionBackfill(backfillParams: $p) {__typename "
            "... on LaunchBackfillSuccess {backfillId} ... on PythonError {message}}}",
            p={
                "selector": {
                    "partitionSetName": "quarterly_league_tables_partition_set",
                    "repositorySelector": _REPOSITORY,
                },
                "partitionNames": quarters,
                "runConfigData": {"resources": {"quarterly_run": {"config": config}}},
                "title": "Eight quarters",
            },
        )["launchPartitionBackfill"]
        assert "backfillId" in launched, launched
        return str(launched["backfillId"])


def until(look: Callable[[], Any]) -> Any:
    """What a look sees, as soon as it is something."""
    last = time.monotonic() + SECONDS
    while not (seen := look()):
        assert time.monotonic() < last
        time.sleep(2)
    return seen


@contextmanager
def production(data: DataFolder, folder: Path, database: str, **environment: str) -> Iterator[Production]:
    """The three services on the settings of `deploy/`, with Dagster's history in `database` (an address).

    Monitoring looks every five seconds, which is half a minute in `deploy/dagster.yaml`.
    """
    folder.mkdir(parents=True)
    data.dagster_home.mkdir(parents=True, exist_ok=True)
    settings = (DEPLOY / "dagster.yaml").read_text()
    assert "poll_interval_seconds: 30" in settings
    quicker = settings.replace("poll_interval_seconds: 30", "poll_interval_seconds: 5")
    (data.dagster_home / "dagster.yaml").write_text(quicker)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = {
        "LEAGUE_DATA_DIR": str(data.root),
        "DAGSTER_HOME": str(data.dagster_home),
        "LEAGUE_DAGSTER_DB": database,
        "LEAGUE_WEB_HOSTS": "",
        # As a service without a home.
        "HOME": "/nonexistent",
    }
    services = Production(data, folder, os.environ | variables() | here | environment, port)
    try:
        services.start("code", "daemon", "web")
        yield services
    finally:
        for name in list(services.running):
            services.kill(name)


def variables() -> dict[str, str]:
    """The variables of `deploy/league.env`."""
    lines = (DEPLOY / "league.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
