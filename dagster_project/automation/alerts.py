"""What somebody must be told at once: a run that failed, a gate that closed, a delivery that failed, a late quarter.

When Dagster asks and how it is told isn't here (`telling.py`); the summary of every run is `run_summary.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dagster_project.assets.failures import what_to_do
from dagster_project.assets.quarterly_run_resource import STARTED_BY_COMMANDS, STARTED_BY_TAG
from dagster_project.automation.publication import late_quarters
from dagster_project.automation.watching import catalogue_in_use, watched_sources
from dagster_project.errors import ExitCode
from dagster_project.notices import SAMPLE_NOTICE
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.runs.record import QUALITY_PAGE, read_outcome
from dagster_project.settings import DataFolder
from dagster_project.shown import visible

WEB_VARIABLE = "LEAGUE_WEB_URL"
RUN_FAILED, GATE_CLOSED, DELIVERY_FAILED, QUARTER_LATE = (
    *("run_failed", "gate_closed", "delivery_failed"),
    "quarter_late",
)
_LONGEST_MESSAGE = 1000
# Dagster's key of a step is that of its asset in one word.
_PUBLICATION_STEP = "publication__publication"


@dataclass(frozen=True)
class Alert:
    """One thing to tell: what happened, to which quarters, at which gate, what to do, where to look."""

    kind: str
    title: str
    quarters: tuple[str, ...]
    what: str
    to_do: str
    gate: str | None = None
    run_id: str | None = None
    link: str | None = None
    page: str | None = None
    notice: str | None = None

    def as_text(self) -> str:
        """In plain lines, the title first."""
        lines = [
            self.title,
            *([] if self.notice is None else [self.notice]),
            f"What: {self.what}",
            *([] if self.gate is None else [f"Gate: {self.gate}"]),
            f"What to do: {self.to_do}",
            *(
                f"{name}: {value}"
                for name, value in (("Quality page", self.page), ("Look at", self.link))
                if value
            ),
        ]
        return visible("\n".join(lines) + "\n")

    def as_json(self) -> dict[str, Any]:
        """For a webhook: `text`, which chat programs show, and each part of it by its name."""
        return {"text": self.as_text(), **vars(self), "quarters": list(self.quarters)}


def alert_of_failure(
    data: DataFolder,
    run_id: str,
    tags: Mapping[str, str],
    *,
    job: str,
    steps: Sequence[str],
    message: str,
    exit_code: int | None = None,
) -> Alert | None:
    """What to tell of a failed run; None where a person ended their own command. `steps` are those that failed;
    `message` and `exit_code` are Dagster's word of a run that left no outcome of its own.
    """
    outcome = read_outcome(data, run_id)
    code = outcome.get("exit_code") or exit_code
    if code == ExitCode.INTERRUPTED and tags.get(STARTED_BY_TAG) in STARTED_BY_COMMANDS:
        return None
    # Monitoring ends a run that hangs as a person would: only Dagster knows why.
    said = message if code == ExitCode.INTERRUPTED else outcome.get("message") or message
    quarters = tuple(outcome.get("quarters") or _quarters_in(tags))
    closed = [gate["gate"] for gate in outcome.get("gates") or () if not gate["passed"]]
    page = data.runs / run_id / QUALITY_PAGE
    of = ", ".join(quarters) or job
    if closed:
        kind, title = GATE_CLOSED, f"{of}: the gate {closed[0]} closed, nothing was released"
    elif any("deliver" in name for name in (job, *steps)):
        where = ", ".join(name.rpartition("__")[2] for name in steps)
        kind, title = DELIVERY_FAILED, f"Delivery failed: {where or job}; what is released is as it was"
    elif _PUBLICATION_STEP in steps:
        kind, title = RUN_FAILED, "The publication failed: its pages are as they were before"
    else:
        kind, title = RUN_FAILED, f"{of}: a run failed, readers keep what was published before"
    return Alert(
        kind,
        title,
        quarters,
        what=" ".join(str(said or "The run left no word.").split())[:_LONGEST_MESSAGE],
        to_do=what_to_do(ExitCode(code) if code else None),
        gate=closed[0] if closed else None,
        run_id=run_id,
        link=_link(f"/runs/{run_id}"),
        page=str(page) if page.exists() else None,
        notice=SAMPLE_NOTICE if outcome.get("is_sample") else None,
    )


def alert_of_late(quarter: Quarter) -> Alert:
    """What to tell of a quarter whose usual publication weeks are over and that has no release."""
    return Alert(
        QUARTER_LATE,
        f"{quarter} is late: its usual publication weeks are over, and it has no release",
        (str(quarter),),
        what="Either the publisher is late, or its pages have changed so that nothing is found, or no run released it.",
        to_do=f"`league status` says what is archived of it; `league fetch {quarter}` looks at the publisher's pages.",
        link=_link("/automation"),
    )


def late_on(day: date, data: DataFolder) -> list[Quarter]:
    """The quarters that should have a release on a day by the publisher's calendar, and have none."""
    framework, _ = watched_sources(catalogue_in_use())
    return late_quarters(day, framework, [release.quarter for release in current_release(data)])


def _quarters_in(tags: Mapping[str, str]) -> list[str]:
    """Of a run that died before it said anything: what its tags name."""
    named = tags.get("league/quarters") or tags.get("dagster/partition") or ""
    return [name for name in named.split(",") if name]


def _link(path: str) -> str | None:
    base = os.environ.get(WEB_VARIABLE, "").strip().rstrip("/")
    return f"{base}{path}" if base else None
