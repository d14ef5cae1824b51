"""Released quarters made again under the current code, one after the other, held, compared and shown.

Each quarter is a run of its own on exactly the extracts that its release used, as files of two quarters would
correct each other in one pass. It follows the rebuilt release of the quarter before, so that the whole chain can
be approved in one commit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from dagster_project import presentation
from dagster_project.errors import ExitCode, InputMissing
from dagster_project.notices import notice_of
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.comparison import compare_releases
from dagster_project.releases.folder import release_path
from dagster_project.releases.publish import CurrentRelease, current_release
from dagster_project.runs.left_out import left_out_lines
from dagster_project.runs.record import RunRecord
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder
from dagster_project.shown import Terminal

COMPARISON_FILE = "comparison.json"
_FIRST_SHOWN = 3
_out = Terminal()
Run = Callable[[RunRequest, DataFolder], Mapping[str, Any]]


def rebuild(
    data: DataFolder,
    quarters: Sequence[Quarter],
    run: Run,
    *,
    rules_dir: Path | None = None,
    by: str | None = None,
    accept_fewer: str | None = None,
    threads: int = 2,
) -> dict[str, Any]:
    """Makes the current releases of these quarters (all, where none is named) again and holds what differs.

    `run` makes one release, as `launch` does, and returns its outcome. The first run that fails ends the chain:
    its exit code and message are the result's, and what was held before it stays held. Raises InputMissing
    where a quarter has no release.
    """
    result: dict[str, Any] = {"quarters": [], "left_out": [], "exit_code": int(ExitCode.DONE), "message": ""}
    rebuilt: dict[tuple[Quarter, bool], str] = {}
    for old in _chosen(current_release(data), quarters):
        announce(f"Rebuilding {old.quarter}: release {old.release_id}")
        request = RunRequest(
            quarters=(old.quarter,),
            release=old.release_id,
            rebuild=True,
            follows=rebuilt.get((old.quarter.shifted(-1), old.is_sample)),
            hold=True,
            rules_dir=rules_dir,
            by=by,
            accept_fewer=accept_fewer,
            threads=threads,
        )
        outcome = run(request, data)
        if outcome.get("exit_code") != ExitCode.DONE:
            code = outcome.get("exit_code")
            result["exit_code"] = int(ExitCode.OUR_FAULT) if code is None else int(code)
            result["message"] = f"{old.quarter} can't be rebuilt: {outcome.get('message')}"
            break
        new = str(outcome["releases"][0]["release_id"])
        rebuilt[old.quarter, old.is_sample] = new
        result["quarters"].append(_compared(data, old, new, str(outcome["run_id"])))
        result["left_out"].append(_left_out(outcome, data, old.quarter))
    result["held"] = [
        found["release_id"] for found in result["quarters"] if found["release_id"] != found["was"]
    ]
    return result


def _chosen(current: Sequence[CurrentRelease], quarters: Sequence[Quarter]) -> list[CurrentRelease]:
    """The current releases to make again, in time."""
    missing = sorted(set(quarters) - {release.quarter for release in current})
    if missing or not current:
        there = ", ".join(str(release.quarter) for release in current) or "none"
        asked = ", ".join(map(str, missing)) or "any quarter"
        raise InputMissing(f"There is no release of {asked} to rebuild. Released: {there}.")
    chosen = [release for release in current if not quarters or release.quarter in quarters]
    return sorted(chosen, key=lambda release: (release.quarter, release.is_sample))


def _left_out(outcome: Mapping[str, Any], data: DataFolder, quarter: Quarter) -> dict[str, Any]:
    """What the run noticed of the files it read and of what its release lacks, and where the lists are."""
    names = ("ignored", "notes", "rows_set_aside", "set_aside", "fewer")
    return {
        "quarter": str(quarter),
        **{name: outcome[name] for name in names if name in outcome},
        "listed_in": str(data.runs / str(outcome["run_id"])),
    }


def _compared(data: DataFolder, old: CurrentRelease, new: str, run_id: str) -> dict[str, Any]:
    """What the rebuilt release changes; kept beside the run too, for the person who is to approve it."""
    before, after = (release_path(data, old.quarter, release_id) for release_id in (old.release_id, new))
    found = {
        "quarter": str(old.quarter),
        "is_sample": old.is_sample,
        "was": old.release_id,
        "release_id": new,
        "run_id": run_id,
        **compare_releases(before, after),
    }
    text = json.dumps(found, indent=2, ensure_ascii=False, sort_keys=True)
    RunRecord(data, run_id).keep(COMPARISON_FILE, (text + "\n").encode())
    return found


def show_rebuild(result: Mapping[str, Any]) -> None:
    """What each rebuilt quarter changes, and how what is held becomes current."""
    for quarter, left_out in zip(result["quarters"], result["left_out"], strict=True):
        _show_quarter(quarter)
        for line in left_out_lines(left_out, listed_in=left_out["listed_in"]):
            _out.print(f"  {escape(line)}")
    if result["exit_code"] != 0:
        presentation.failure(result["message"])
    if result["held"]:
        _out.print(
            "Nothing current has changed. Another person makes the rebuilt releases current, in one commit: "
            f"league approve {' '.join(result['held'])}"
        )
    elif result["exit_code"] == 0:
        _out.print("Every release came out as it is, byte for byte: there is nothing to approve.")
    kinds = {quarter["is_sample"] for quarter in result["quarters"]}
    for is_sample in sorted(kinds):
        _out.print(notice_of(is_sample=is_sample))


def _show_quarter(quarter: Mapping[str, Any]) -> None:
    if quarter["release_id"] == quarter["was"]:
        _out.print(f"[bold]{quarter['quarter']}[/bold]: release {quarter['was']} as it is")
        return
    counts = ", ".join(f"{item['changed']:,} {name}" for name, item in quarter["figures"].items())
    moved = any(item["changed"] for item in quarter["figures"].values())
    _out.print(
        f"[bold]{quarter['quarter']}[/bold]: release {quarter['was']} -> {quarter['release_id']}: "
        f"{counts} changed" + ("" if moved else "; no figure moved")
    )
    for name, item in quarter["figures"].items():
        for first in item["first"][:_FIRST_SHOWN]:
            place = " ".join(str(value) for key, value in first.items() if key not in ("before", "after"))
            _out.print(escape(f"  {name}: {place}: {first['before']} -> {first['after']}"))
        if item["changed"] > _FIRST_SHOWN:
            _out.print(f"  {name}: ... and {item['changed'] - _FIRST_SHOWN:,} more")
    for direction, codes in quarter["organisations"].items():
        if codes:
            _out.print(f"  organisations {direction}: {escape(', '.join(codes))}")
    if moved:
        _out.print(f"  why: league diff {quarter['was']} {quarter['release_id']}")
    for table in quarter["tables"]:
        _out.print(f"  table {table['table']}: {_difference(table)}")


def _difference(table: Mapping[str, Any]) -> str:
    if "only_in" in table:
        return f"only in the release {table['only_in']}"
    said = [f"{table['rows_gone']:,} rows gone, {table['rows_new']:,} rows new"]
    said += [
        f"columns {name}: {', '.join(table[f'columns_{name}'])}"
        for name in ("in", "out")
        if table[f"columns_{name}"]
    ]
    return "; ".join(said)
