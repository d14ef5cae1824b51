"""A run's plain summary for people who weren't there: written beside the run, and sent to a webhook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dagster_project.durable import write_whole
from dagster_project.errors import ExitCode
from dagster_project.notices import SAMPLE_NOTICE
from dagster_project.runs.left_out import left_out_lines
from dagster_project.runs.record import QUALITY_PAGE, read_outcome
from dagster_project.settings import DataFolder
from dagster_project.shown import visible

SUMMARY_FILE = "summary.txt"
WEBHOOK_VARIABLE = "LEAGUE_WEBHOOK_URL"
_SECONDS_FOR_WEBHOOK = 10.0
_LONGEST_MESSAGE = 2000
_WORDS = {
    ExitCode.DONE: "released",
    ExitCode.OUR_FAULT: "failed unexpectedly",
    ExitCode.WRONG_USAGE: "not run: the request makes no sense",
    ExitCode.INPUT_MISSING: "not released: input is missing",
    ExitCode.INPUT_REJECTED: "not released: a file was rejected",
    ExitCode.SUITE_FAILED: "not released: a gate closed",
    ExitCode.RECONCILIATION_DIFFERENT: "not released: figures differ from the publisher's",
    ExitCode.LOCKED: "not run: another run was writing",
    ExitCode.INTERRUPTED: "interrupted: nothing was released",
}


def summary_text(data: DataFolder, run_id: str, *, reason: str = "", fallback: str = "") -> str:
    """The summary in plain lines; `fallback` is the message of a run that left no outcome."""
    outcome = read_outcome(data, run_id)
    lines = [
        f"Quarter: {', '.join(outcome.get('quarters', [])) or 'not known'}",
        f"Outcome: {_outcome(outcome)}",
        f"Run: {run_id}",
    ]
    if reason:
        lines.append(f"Reason: {reason}")
    if outcome.get("is_sample"):
        lines.append(SAMPLE_NOTICE)
    if outcome.get("exit_code") == 0 and not outcome.get("dry_run"):
        for release in outcome.get("releases", []):
            state = "new" if release.get("is_new", True) else "as it was"
            lines.append(f"Release of {release['quarter']}: {release['release_id']} ({state})")
    lines += [_gate(gate) for gate in outcome.get("gates", [])]
    lines += left_out_lines(outcome, listed_in=str(data.runs / run_id))
    for item in outcome.get("fewer", []):
        lines += [f"Fewer than release {item['release_id']}: {loss['says']}" for loss in item["losses"]]
    for item in outcome.get("summary", []):
        counts = ", ".join(f"{count} {name}" for name, count in item["reconciliation"].items())
        lines.append(f"Reconciliation of {item['quarter']}: {counts or 'nothing to compare'}")
    message = str(outcome.get("message") or ("" if outcome.get("exit_code") == 0 else fallback))
    if message and outcome.get("exit_code") != 0:
        lines.append(f"Message: {message[:_LONGEST_MESSAGE]}")
    page = data.runs / run_id / QUALITY_PAGE
    if page.exists():
        lines.append(f"Quality page: {page}")
    return visible("\n".join(lines) + "\n")


def write_summary(data: DataFolder, run_id: str, *, reason: str = "", fallback: str = "") -> str:
    """Writes `runs/<run id>/summary.txt` anew and returns its text. Raises OSError where it can't be written."""
    text = summary_text(data, run_id, reason=reason, fallback=fallback)
    path: Path = data.runs / run_id / SUMMARY_FILE
    write_whole(path, text)
    return text


def deliver(text: str, *, seconds: float = _SECONDS_FOR_WEBHOOK) -> str | None:
    """Posts the text to LEAGUE_WEBHOOK_URL as JSON, if there is one.

    Returns why it couldn't be delivered, without the address, which may hold a secret; None otherwise.
    """
    address = os.environ.get(WEBHOOK_VARIABLE, "").strip()
    if not address:
        return None
    import httpx

    try:
        answer = httpx.post(address, json={"text": text}, timeout=seconds)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"The summary wasn't delivered to {WEBHOOK_VARIABLE}: {type(error).__name__}."
    if not answer.is_success:
        return f"The summary wasn't delivered to {WEBHOOK_VARIABLE}: HTTP {answer.status_code}."
    return None


def _outcome(outcome: dict[str, Any]) -> str:
    code = outcome.get("exit_code")
    if outcome.get("damaged"):
        return "not known: its outcome.json is damaged"
    if code is None:
        return "failed before it had begun, or ended without an outcome"
    if outcome.get("dry_run"):
        return "dry run: nothing was released"
    if outcome.get("is_part"):
        return "a part of the flow was done, nothing was released"
    if outcome.get("held"):
        return f"held, not current until another person approves: league approve {' '.join(outcome['held'])}"
    return f"{_WORDS[ExitCode(code)]} (exit code {code})"


def _gate(gate: dict[str, Any]) -> str:
    state = "passed" if gate["passed"] else "CLOSED"
    return (
        f"Gate {gate['gate']}: {state} ({gate['expectations']} expectations, {gate['failures']} failures, "
        f"{gate['warnings']} warnings)"
    )
