"""Withdraws a release, with or without an earlier one in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from dagster_project.errors import WrongUsage
from dagster_project.releases.correction import correcting
from dagster_project.releases.damage import refuse_damaged
from dagster_project.releases.folder import RELEASE_FILE, read_release_file, release_path
from dagster_project.releases.journal import (
    PUBLISHED,
    WITHDRAWN,
    ReleaseEvent,
    add_event,
    current_after,
    events_in,
    last_events,
    now,
    person,
)
from dagster_project.releases.publish import commit, make_current
from dagster_project.releases.reload import forget_quarter, reload_release
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder


def withdraw(
    data: DataFolder,
    release_id: str,
    *,
    reason: str,
    roll_back_to: str | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """Takes a release back, current or not, and names the releases of later quarters that were built on it.

    The quarter of a current one has no release afterwards, or that of `roll_back_to`, which was current
    before. The folder stays. Raises WrongUsage where there is no such release, it is withdrawn already, no
    reason is given or the other release was never current; InputRejected where that one's folder is damaged.
    """
    reason, who = " ".join(reason.split()), person(by)
    if not reason:
        raise WrongUsage("Say why with --reason: whoever has used the release will read it.")
    with correcting(data, "withdraw") as candidate:
        with candidate.connect() as connection:
            events = events_in(connection)
            last = _standing(events, release_id)
            current = current_after(events).get(last.quarter)
            was_current = current is not None and current.release_id == release_id
            if roll_back_to is not None:
                _refuse_roll_back(data, events, last, roll_back_to, was_current=was_current)
            at = now()
            add_event(connection, last.quarter, release_id, WITHDRAWN, at=at, by=who, reason=reason)
            if was_current:
                forget_quarter(connection, last.quarter)
                _forget_current(connection, last)
            if roll_back_to is not None:
                folder = release_path(data, last.quarter, roll_back_to)
                reload_release(connection, last.quarter, folder)
                make_current(connection, data, [last.quarter], how="roll_back", by=who, at=at, reason=reason)
        published = {release.quarter: release for release in commit(candidate, data)}
    instead = published.get(last.quarter)
    return {
        "quarter": str(last.quarter),
        "release_id": release_id,
        "was": "current" if was_current else "replaced" if last.event == PUBLISHED else last.event,
        "reason": reason,
        "by": who,
        "current_release_id": instead.release_id if instead is not None else None,
        "built_on_it": _built_on(data, events, last),
        "exit_code": 0,
    }


def _standing(events: Sequence[ReleaseEvent], release_id: str) -> ReleaseEvent:
    """The latest event of a release that can be withdrawn."""
    found = [event for key, event in last_events(events).items() if key[1] == release_id]
    if not found:
        known = ", ".join(
            f"{event.release_id} of {quarter}" for quarter, event in current_after(events).items()
        )
        raise WrongUsage(
            f"Release {release_id} isn't in the journal. Current: {known or 'none'}; `league history` has all."
        )
    if found[0].event == WITHDRAWN:
        raise WrongUsage(
            f"Release {release_id} of {found[0].quarter} was withdrawn by {found[0].by} on "
            f"{found[0].at:%-d %B %Y} already: {found[0].reason}"
        )
    return found[0]


def _refuse_roll_back(
    data: DataFolder,
    events: Sequence[ReleaseEvent],
    withdrawn: ReleaseEvent,
    wanted: str,
    *,
    was_current: bool,
) -> None:
    if not was_current:
        raise WrongUsage(
            f"Release {withdrawn.release_id} of {withdrawn.quarter} isn't current, so there is nothing to roll "
            "back: leave out --roll-back-to."
        )
    last = last_events(events)
    earlier = {
        event.release_id
        for event in events
        if event.quarter == withdrawn.quarter
        and event.event == PUBLISHED
        and last[event.quarter, event.release_id].event != WITHDRAWN
    } - {withdrawn.release_id}
    if wanted not in earlier:
        raise WrongUsage(
            f"{wanted} isn't an earlier release of {withdrawn.quarter} to roll back to: expected one that was "
            f"current and isn't withdrawn: {', '.join(sorted(earlier)) or 'there is none'}."
        )
    refuse_damaged(release_path(data, withdrawn.quarter, wanted))


def _forget_current(connection: duckdb.DuckDBPyConnection, event: ReleaseEvent) -> None:
    connection.execute(
        f"delete from {WAREHOUSE_SCHEMA}.current_release where quarter = ?", [str(event.quarter)]
    )


def _built_on(
    data: DataFolder, events: Sequence[ReleaseEvent], withdrawn: ReleaseEvent
) -> list[dict[str, str]]:
    """Releases of later quarters, current or held, that read the release, or one that did, as the quarter before."""
    current = current_after(events)
    reached, found = {withdrawn.release_id}, []
    for (quarter, release_id), event in sorted(last_events(events).items(), key=lambda item: item[0]):
        folder = release_path(data, quarter, release_id)
        stands = event == current.get(quarter) or event.event not in (PUBLISHED, WITHDRAWN)
        if quarter <= withdrawn.quarter or not stands or not (folder / RELEASE_FILE).is_file():
            continue
        if read_release_file(folder)["previous_release_id"] in reached:
            reached.add(release_id)
            found.append({"quarter": str(quarter), "release_id": release_id})
    return found
