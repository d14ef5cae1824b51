"""Dagster's web server as somebody at a browser sees it, after a run of the sample by the command.

In headless Chromium, with `playwright` of the `dev` extra and the system's browser (`apt-get install chromium`).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from league_command import environment_of
from published_state import release_ids, rows_of
from sample_copy import SampleCopy

from dagster_project.run_history import CODE_LOCATION
from dagster_project.settings import DataFolder

JOB = "quarterly_league_tables"
JOB_PAGE = f"/locations/{CODE_LOCATION}/jobs/{JOB}"
Q1, Q2 = "2025-26-Q1", "2025-26-Q2"
# Patience for a machine that has other work; a test ends as soon as what it waits for is there.
SECONDS = 600
FINISHED = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass(frozen=True)
class Served:
    """`league dev` on a copy of the six sample quarters."""

    data: DataFolder
    address: str

    def ask(self, query: str, **variables: Any) -> Any:
        """The answer to a query of GraphQL."""
        answer = httpx.post(
            f"{self.address}/graphql", json={"query": query, "variables": variables}, timeout=SECONDS
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def runs(self) -> list[dict[str, Any]]:
        """The runs, the latest first."""
        asked = self.ask("{runsOrError{... on Runs{results{runId status startTime}}}}")
        return list(asked["runsOrError"]["results"])

    def launch(self, quarter: str, config: dict[str, Any]) -> str:
        """Launches the job as the launchpad does; returns the run's id."""
        launched = self.ask(
            "mutation($p: ExecutionParams!) {launchRun(executionParams: $p) {... on LaunchRunSuccess {run {runId}}}}",
            p={
                "selector": {
                    "repositoryLocationName": CODE_LOCATION,
                    "repositoryName": "__repository__",
                    "jobName": JOB,
                },
                "runConfigData": {"resources": {"quarterly_run": {"config": config}}},
                "executionMetadata": {"tags": [{"key": "dagster/partition", "value": quarter}]},
            },
        )
        return str(launched["launchRun"]["run"]["runId"])

    def re_execute_from_failure(self, run_id: str) -> str:
        """What the button of that name on a run's page does; returns the new run's id."""
        launched = self.ask(
            "mutation($p: ReexecutionParams!) {launchRunReexecution(reexecutionParams: $p) "
            "{... on LaunchRunSuccess {run {runId}}}}",
            p={"parentRunId": run_id, "strategy": "FROM_FAILURE"},
        )
        return str(launched["launchRunReexecution"]["run"]["runId"])

    def ended(self, run_id: str) -> str:
        """How a run ended, once it has."""
        return str(until(lambda: next(r["status"] for r in self.runs() if r["runId"] == run_id), FINISHED))


def until(look: Callable[[], Any], wanted: set[Any]) -> Any:
    """What a look sees, as soon as it is wanted."""
    last = time.monotonic() + SECONDS
    while (seen := look()) not in wanted:
        assert time.monotonic() < last, seen
        time.sleep(1)
    return seen


@pytest.fixture(scope="module")
def served(six_quarters: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(six_quarters.root, folder, symlinks=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, address = DataFolder(folder), f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).with_name("league")), "dev", "--port", str(port)]
    with subprocess.Popen(command, env=os.environ | environment_of(data)) as server:
        try:
            until(lambda: _answers(server, address), {True})
            yield Served(data, address)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(SECONDS)


def _answers(server: subprocess.Popen[bytes], address: str) -> bool:
    assert server.poll() is None, "league dev has ended"
    try:
        return httpx.get(f"{address}/server_info", timeout=SECONDS).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def page(served: Served, browser: Any) -> Iterator[Any]:
    opened = browser.new_page(base_url=served.address, viewport={"width": 1400, "height": 900})
    opened.set_default_timeout(SECONDS * 1000)
    yield opened
    opened.close()


def test_partitions_row_counts_and_checks_are_those_of_each_release(served: Served) -> None:
    counted = dict(rows_of(served.data, "select quarter, count(*) from league.league_table group by all"))
    asked = served.ask(
        '{assetNodeOrError(assetKey: {path: ["league", "league_table"]}) {... on AssetNode {'
        "partitionKeys partitionStats {numMaterialized numPartitions numFailed}"
        "latestMaterializationByPartition {partition metadataEntries {label ... on IntMetadataEntry {intValue}}}"
        "}}}"
    )["assetNodeOrError"]
    assert asked["partitionKeys"] == sorted(release_ids(served.data)) == sorted(counted)
    assert asked["partitionStats"] == {"numMaterialized": 6, "numPartitions": 6, "numFailed": 0}
    shown = {
        made["partition"]: entry["intValue"]
        for made in asked["latestMaterializationByPartition"]
        for entry in made["metadataEntries"]
        if entry["label"] == "dagster/row_count"
    }
    assert shown == counted


def test_each_gate_is_shown_as_passed_in_each_quarter(page: Any) -> None:
    for asset, gate in (
        ("landing/extract_row", "extracts_gate"),
        ("metrics/metric_value", "metrics_gate"),
        ("league/league_table", "league_tables_gate"),
    ):
        page.goto(f"/assets/{asset}?view=checks")
        page.get_by_text(gate, exact=True).first.click()
        page.get_by_text("Latest execution").wait_for()
        # The asset has a tab of that name too.
        page.get_by_role("tab", name="Partitions").last.click()
        page.get_by_text("Passed (6)").wait_for()
        for other in ("Skipped", "Missing", "Failed"):
            assert page.get_by_text(f"{other} (0)").count() >= 1


def test_the_timeline_has_the_run_of_the_command_and_nobody_is_asked_for_an_address(page: Any) -> None:
    page.goto("/overview/activity/timeline")
    page.get_by_role("link", name=JOB).wait_for()
    assert page.get_by_text(CODE_LOCATION).count() >= 1
    assert page.get_by_text("Join the Dagster community").count() == 0


def test_a_quarter_launched_as_it_stands_is_released_as_it_was(served: Served, page: Any) -> None:
    before, runs = release_ids(served.data), {run["runId"] for run in served.runs()}
    page.goto(JOB_PAGE)
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_text("Select a partition or create one").click()
    page.get_by_role("menuitem").filter(has_text=Q1).click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Launch 1 run").click()
    until(lambda: len(served.runs()) - len(runs), {1})
    (run_id,) = {run["runId"] for run in served.runs()} - runs
    assert served.ended(run_id) == "SUCCESS"
    assert release_ids(served.data) == before


def test_the_page_of_a_run_that_a_gate_ended_says_what_does_not_hold(
    served: Served, page: Any, small_extracts: Path, tmp_path: Path
) -> None:
    spoilt = SampleCopy(tmp_path / "spoilt", [small_extracts / Q2])
    spoilt.change_text("ambulance-trust-data", lambda text: text.replace(",ZDJ,", ",99X,"))
    spoilt.change_text("league-table", lambda text: text.replace(",ZDJ,", ",99X,"))
    run_id = served.launch(Q2, {"extracts_dir": str(spoilt.folder)})
    assert served.ended(run_id) == "FAILURE"
    page.goto(f"/runs/{run_id}")
    said = first_said(page, "organisation_code_is_known")
    assert "Gate extracts, 2025-26-Q2: 1 of" in said
    assert "quality_page" in said
    assert page.get_by_text("DagsterAssetCheckFailedError").count() == 0
    # What was read is still there: the same gate is asked again, and nothing is read twice.
    again = served.re_execute_from_failure(run_id)
    assert served.ended(again) == "FAILURE"
    page.goto(f"/runs/{again}")
    assert "Gate extracts, 2025-26-Q2: 1 of" in first_said(page, "organisation_code_is_known")
    assert f"Going on from run {run_id}" in page.inner_text("body")
    assert page.get_by_text("read", exact=True).count() == 0


def test_the_page_of_a_run_that_makes_no_sense_names_the_fields_to_change(served: Served, page: Any) -> None:
    run_id = served.launch(Q2, {"sample": True, "extracts_dir": "/somewhere"})
    assert served.ended(run_id) == "FAILURE"
    page.goto(f"/runs/{run_id}")
    said = first_said(page, "leave out `extracts_dir`, or leave out `sample: true`")
    assert "Change the configuration in the launchpad" in said
    assert page.get_by_text("--extracts").count() == 0


def first_said(page: Any, text: str) -> str:
    """What the page of a run says of its failed step up to Dagster's stack trace, once it says the text."""
    page.get_by_text(text).first.wait_for()
    shown = str(page.inner_text("body"))
    said, _, _ = shown[shown.index("STEP_FAILURE") :].partition("Stack Trace")
    assert text in said
    return said
