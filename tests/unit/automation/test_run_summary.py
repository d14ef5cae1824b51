"""The plain summary of a run, and its delivery."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dagster_project.automation.run_summary import deliver, write_summary
from dagster_project.runs.record import RunRecord
from dagster_project.settings import DataFolder

RELEASED = {
    "quarters": ["2025-26-Q1"],
    "exit_code": 0,
    "dry_run": False,
    "is_sample": True,
    "releases": [{"quarter": "2025-26-Q1", "release_id": "0123456789abcdef", "path": "x", "is_new": True}],
    "gates": [{"gate": "extracts", "passed": True, "expectations": 9, "failures": 0, "warnings": 1}],
    "summary": [{"quarter": "2025-26-Q1", "reconciliation": {"equal": 20, "reproduced": 1}}],
}


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path)


@contextmanager
def webhook(status: int = 200) -> Iterator[tuple[str, list[object]]]:
    """A receiver on 127.0.0.1: its address, and what it received."""
    received: list[object] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A test's output is its own."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/secret-token", received
        finally:
            server.shutdown()


def test_a_released_quarter_says_release_gates_counts_and_where_the_quality_page_lies(
    data: DataFolder,
) -> None:
    record = RunRecord(data, "run-1")
    record.note(**RELEASED)
    page = record.keep("quality.html", b"<html></html>")
    write_summary(data, "run-1", reason="First files of the quarter: data.csv")
    assert (data.runs / "run-1" / "summary.txt").read_text().splitlines() == [
        "Quarter: 2025-26-Q1",
        "Outcome: released (exit code 0)",
        "Run: run-1",
        "Reason: First files of the quarter: data.csv",
        "Fictional sample data: every organisation is invented.",
        "Release of 2025-26-Q1: 0123456789abcdef (new)",
        "Gate extracts: passed (9 expectations, 0 failures, 1 warnings)",
        "Reconciliation of 2025-26-Q1: 20 equal, 1 reproduced",
        f"Quality page: {page}",
    ]


def test_a_closed_gate_says_so_and_names_no_release(data: DataFolder) -> None:
    gates = [{"gate": "extracts", "passed": False, "expectations": 9, "failures": 1, "warnings": 0}]
    RunRecord(data, "run-2").note(**RELEASED | {"exit_code": 5, "message": "units", "gates": gates})
    text = write_summary(data, "run-2")
    assert "Outcome: not released: a gate closed (exit code 5)" in text
    assert "Gate extracts: CLOSED" in text
    assert "Message: units" in text
    assert "0123456789abcdef" not in text


def test_a_run_of_a_part_of_the_flow_says_that_it_released_nothing(data: DataFolder) -> None:
    RunRecord(data, "run-4").note(**RELEASED | {"is_part": True, "releases": []})
    text = write_summary(data, "run-4")
    assert "Outcome: a part of the flow was done, nothing was released" in text
    assert "Release of" not in text


def test_a_dry_run_names_no_release(data: DataFolder) -> None:
    RunRecord(data, "run-3").note(**RELEASED | {"dry_run": True})
    text = write_summary(data, "run-3")
    assert "dry run: nothing was released" in text
    assert "0123456789abcdef" not in text


def test_a_run_that_left_no_outcome_gives_what_dagster_says(data: DataFolder) -> None:
    text = write_summary(data, "run-4", fallback="the process died")
    assert "Outcome: failed before it had begun" in text
    assert "Message: the process died" in text


def test_the_webhook_receives_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as (address, received):
        monkeypatch.setenv("LEAGUE_WEBHOOK_URL", address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert deliver("Quarter: 2025-26-Q1\n") is None
    assert received == [{"text": "Quarter: 2025-26-Q1\n"}]


def test_without_a_webhook_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEAGUE_WEBHOOK_URL", raising=False)
    assert deliver("text") is None


def test_a_webhook_that_fails_is_said_without_its_secret_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with webhook(status=500) as (address, _):
        monkeypatch.setenv("LEAGUE_WEBHOOK_URL", address)
        refused = deliver("text")
    gone = deliver("text", seconds=1)
    monkeypatch.setenv("LEAGUE_WEBHOOK_URL", "not an address: secret-token")
    senseless = deliver("text")
    assert refused is not None
    assert "HTTP 500" in refused
    for said in (refused, gone, senseless):
        assert said is not None
        assert "secret-token" not in said
