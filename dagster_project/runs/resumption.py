"""Going on where an earlier run ended: the note of what is done in its candidate, and whether another may use it.

A run's first stage and the gates give values that later ones take; the note has them, beside the tables that are in the
candidate. It says as well what the run was asked for and what it was made from, as only a run of the same may go on.
Which steps there are isn't here (`flow.py`), nor how long a candidate is kept (`releases/candidate.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dagster_project.durable import write_whole
from dagster_project.errors import WrongUsage
from dagster_project.gates.outcome import ExpectationResult, GateOutcome
from dagster_project.json_text import parsed_json
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import (
    Candidate,
    Kept,
    kept_candidates,
    open_candidate,
    published_file,
    take_over,
)
from dagster_project.releases.identity import ReleaseIdentity, hash_code, hash_rules, locked_versions
from dagster_project.runs import flow
from dagster_project.runs.read import Read, project_again
from dagster_project.runs.record import QUALITY_PAGE, RunRecord
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder
from dagster_project.warehouse.landing import QuarterInScope, landed

LEFT_FILE = "done.json"
_LISTINGS = ("rows_set_aside.csv", "revisions.csv", QUALITY_PAGE)
# Who asks, and what only the release is told: they may change between a run and the one that goes on.
_OF_THE_RELEASE = ("by", "threads", "accept_fewer", "hold")
_FACTS = (
    *("is_sample", "extracts", "revisions", "missing", "ignored", "notes", "rows_set_aside", "set_aside"),
    *("releases", "other_quarters", "gates"),
)
_RUNS_LOOKED_AT = 20
_SHOWN = 3


class NothingToGoOnWithError(WrongUsage):
    """A part of the flow was asked for, and no earlier run left what it builds on."""


@dataclass
class Done:
    """What is done of a run: seconds by step, what the gates found, what was read, and what it was read from."""

    seconds: dict[str, float] = field(default_factory=dict)
    outcomes: list[GateOutcome] = field(default_factory=list)
    found: Read | None = None
    made_from: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> list[str]:
        """The steps that others may build on: a gate that is closed isn't one."""
        closed = {f"gate {outcome.gate}" for outcome in self.outcomes if not outcome.passed}
        return [name for name in self.seconds if name not in closed]

    def forget_from(self, step: flow.Step) -> bool:
        """What a step and those behind it gave counts no more; whether there was any of it."""
        gone = {step.step, *flow.behind(step)} & self.seconds.keys()
        for name in gone:
            del self.seconds[name]
        self.outcomes[:] = [outcome for outcome in self.outcomes if f"gate {outcome.gate}" not in gone]
        return bool(gone)

    def as_note(self, request: RunRequest, data: DataFolder, record: RunRecord) -> dict[str, Any]:
        """As JSON, with all that another run must know to go on; needs what was read."""
        if self.found is None:
            raise ValueError("nothing was read yet that another run could go on with")
        return {
            "run_id": record.run_id,
            "quarters": [str(quarter) for quarter in request.in_time],
            "request": _asked(request),
            "published": published_file(data),
            "made_from": self.made_from,
            "seconds": self.seconds,
            "outcomes": [asdict(outcome) for outcome in self.outcomes],
            "ids_read": list(self.found.ids_read),
            "identities": [identity.components for identity in self.found.identities],
            "scope": [_scope_as_json(item) for item in self.found.scope],
            "facts": {name: record.content[name] for name in _FACTS if name in record.content},
        }


@dataclass(frozen=True)
class Resumed:
    """An earlier run's candidate in the hands of another: `run_id` is the earlier one, `done` what is done in it."""

    candidate: Candidate
    run_id: str
    done: Done


def made_from(request: RunRequest, data: DataFolder) -> dict[str, Any]:
    """What a run is made from besides the published warehouse, to be taken before it reads.

    Files of a folder go by size and times: cheaper than their bytes, and a file written anew is never taken for the
    one that was read.
    """
    folder = request.extracts_dir
    return {
        "files": None if folder is None else _files(folder.resolve()),
        "rules": None if request.rules_dir is None else hash_rules(request.rules_dir),
        "code": hashlib.sha256(json.dumps(hash_code(), sort_keys=True).encode()).hexdigest(),
        "versions": locked_versions(),
        "archive": archive_now(data),
    }


def archive_now(data: DataFolder) -> dict[str, str]:
    """The archive's lists by hash; reading a folder adds to them, so that they are taken again behind it."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.archive.glob("*.jsonl"))
    }


def leave_published(done: Done, request: RunRequest, data: DataFolder, record: RunRecord) -> None:
    """Notes in the run's folder what the warehouse that it published holds, for a run of a part of the flow.

    A disk without room for the note costs that run its way, and this one nothing.
    """
    note = done.as_note(request, data, record)
    with suppress(OSError):
        write_whole(record.folder / LEFT_FILE, json.dumps(note))


def goes_from_the_start(steps: Sequence[str]) -> bool:
    """Whether a run of these steps reads its own extracts; raises NothingToGoOnWithError where it then leaves out what
    it builds on.
    """
    if flow.FLOW[0].step not in steps:
        return False
    missing = flow.lacking(steps, ())
    if missing:
        raise NothingToGoOnWithError(
            f"The chosen steps build on {_named(missing)}, which isn't chosen. Nothing was changed. Choose it too, or "
            "materialise the whole job quarterly_league_tables."
        )
    return True


def resume(steps: Sequence[str], request: RunRequest, data: DataFolder, record: RunRecord) -> Resumed:
    """Takes over the candidate of the latest run of these quarters, for a run of `steps`; needs the writer's lock.

    Raises NothingToGoOnWithError where there is none, where it was asked for or made from something else, or where it
    lacks what the steps build on; nothing is changed then.
    """
    reasons = []
    for left in _left(request, data):
        reason = _why_not(left.note, steps, request, data)
        if reason is None:
            return _taken(left, request, data, record)
        reasons.append(reason)
    quarters = ", ".join(map(str, request.in_time))
    why = (
        reasons[0]
        if reasons
        else (f"no earlier run of {quarters} left anything to go on with, or something was published since")
    )
    raise NothingToGoOnWithError(
        f"Only a part of the flow was chosen, from '{steps[0]}' on, and {why}. Nothing was changed. "
        "Materialise the whole job quarterly_league_tables."
    )


def _left(request: RunRequest, data: DataFolder) -> Iterator[Kept]:
    """What runs of these quarters left: candidates of those that ended early, then the published warehouse itself."""
    quarters = [str(quarter) for quarter in request.in_time]
    yield from (kept for kept in kept_candidates(data) if kept.note.get("quarters") == quarters)
    notes = sorted(data.runs.glob(f"*/{LEFT_FILE}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in notes[:_RUNS_LOOKED_AT]:
        try:
            note = parsed_json(path.read_bytes())
        except (OSError, ValueError):
            continue
        if note.get("quarters") == quarters and note.get("published") == published_file(data):
            yield Kept(Candidate(path.parent.name, data.warehouse), note)


def _why_not(
    note: Mapping[str, Any], steps: Sequence[str], request: RunRequest, data: DataFolder
) -> str | None:
    """Why a run of these steps can't go on from what a run left; None if it can."""
    of = f"run {str(note['run_id'])[:8]} of {', '.join(note['quarters'])}"
    asked, before = _asked(request), note["request"]
    other = sorted(name for name in {*asked, *before} if asked.get(name) != before.get(name))
    if other:
        said = "; ".join(f"{name}: {before.get(name)}, now {asked.get(name)}" for name in other)
        return f"{of} was asked for something else ({said})"
    changed = list(_changed(note["made_from"], made_from(request, data)))
    if changed:
        return f"what {of} was made from has changed since: {'; '.join(changed)}"
    done = Done(dict(note["seconds"]), [_outcome(content) for content in note["outcomes"]])
    missing = flow.lacking(steps, done.steps)
    if missing:
        return f"{of} hasn't done what that builds on: choose {_named(missing)} too"
    return None


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What a run was made from and is other now, in words."""
    if before["files"] != now["files"]:
        old, new = before["files"] or {}, now["files"] or {}
        names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        yield f"files of the folder ({_named(names)})"
    for name, said in (
        ("rules", "the rules"),
        ("code", "the code"),
        ("versions", "installed packages"),
        ("archive", "the archive"),
    ):
        if before[name] != now[name]:
            yield said


def _taken(left: Kept, request: RunRequest, data: DataFolder, record: RunRecord) -> Resumed:
    """The candidate, now this run's, and what is done in it; the record has what the earlier run's had of it."""
    note = left.note
    if left.candidate.warehouse == data.warehouse:
        candidate = open_candidate(data, record.run_id)
    else:
        candidate = take_over(left, data, record.run_id)
    try:
        return _resumed(note, candidate, request, data, record)
    except BaseException:
        candidate.let_go()
        raise


def _resumed(
    note: Mapping[str, Any], candidate: Candidate, request: RunRequest, data: DataFolder, record: RunRecord
) -> Resumed:
    outcomes = [_outcome(content) for content in note["outcomes"]]
    earlier = str(note["run_id"])
    for name in _LISTINGS:
        listing = data.runs / earlier / name
        if listing.is_file():
            record.keep(name, listing.read_bytes())
    record.note(**note["facts"], goes_on_from={"run_id": earlier, "done": list(note["seconds"])})
    done = Done(
        dict(note["seconds"]), outcomes, _read_again(note, request, data, candidate), note["made_from"]
    )
    return Resumed(candidate, earlier, done)


def _read_again(note: Mapping[str, Any], request: RunRequest, data: DataFolder, candidate: Candidate) -> Read:
    """What the first stage gave: its rows as they were landed, the rest as noted."""
    with candidate.connect() as connection:
        extracts = landed(connection)
    return Read(
        extracts,
        tuple(note["ids_read"]),
        project_again(request, data, candidate.warehouse.parent),
        tuple(_identity(components) for components in note["identities"]),
        tuple(_scope(item) for item in note["scope"]),
    )


def _asked(request: RunRequest) -> dict[str, Any]:
    """The request as it must be the same for another run to go on."""
    asked = request.configuration()
    return {name: value for name, value in asked.items() if name not in _OF_THE_RELEASE}


def _files(folder: Path) -> dict[str, list[int]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            stat = path.stat()
            found[path.relative_to(folder).as_posix()] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
    return found


def _outcome(content: Mapping[str, Any]) -> GateOutcome:
    results = (ExpectationResult(**{**one, "examples": tuple(one["examples"])}) for one in content["results"])
    return GateOutcome(content["gate"], tuple(results))


def _identity(components: Mapping[str, Any]) -> ReleaseIdentity:
    return ReleaseIdentity(**{**components, "quarter": Quarter.from_canonical(components["quarter"])})


def _scope_as_json(item: QuarterInScope) -> dict[str, Any]:
    return vars(item) | {"quarter": str(item.quarter), "previous_quarter": str(item.previous_quarter)}


def _scope(content: Mapping[str, Any]) -> QuarterInScope:
    quarters = {name: Quarter.from_canonical(content[name]) for name in ("quarter", "previous_quarter")}
    return QuarterInScope(**{**content, **quarters})


def _named(names: Collection[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in list(names)[:_SHOWN]) + more
