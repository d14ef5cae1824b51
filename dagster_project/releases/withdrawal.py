"""Withdraws a release, with or without an earlier one in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from dagster_project.errors import WrongUsage
from dagster_project.releases.correction import correcting
from dagster_project.releases.damage import refuse_damaged
from dagster_project.releases.folder import RELEASE_FILE, read_release_file, release_path
from dagster_project.releases.identity import release_id_of
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
from dagster_project.releases.publish import commit, current_release, make_current
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
    release_id_of(release_id, "RELEASE")
    if roll_back_to is not None:
        release_id_of(roll_back_to, "--roll-back-to")
    if not reason:
        raise WrongUsage("Say why with --reason: whoever has used the release will read it.")
    with correcting(data, "withdraw") as candidate:
        with candidate.connect() as connection:
            events = events_in(connection)
            done = _done_before(events, release_id, reason, roll_back_to, who)
            if done is not None:
                # Whoever was cut off asks again: opening the published state has mended links and tombstones.
                return _answer(data, events, done, was="withdrawn", reason=reason, by=who)
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
        commit(candidate, data)
    was = "current" if was_current else "replaced" if last.event == PUBLISHED else last.event
    return _answer(data, events, last, was=was, reason=reason, by=who)


def _answer(
    data: DataFolder, events: Sequence[ReleaseEvent], last: ReleaseEvent, *, was: str, reason: str, by: str
) -> dict[str, Any]:
    """`was` is what the release was before: `withdrawn` where the same had been done already."""
    instead = {release.quarter: release for release in current_release(data)}.get(last.quarter)
    return {
        "quarter": str(last.quarter),
        "release_id": last.release_id,
        "was": was,
        "reason": reason,
        "by": by,
        "current_release_id": instead.release_id if instead is not None else None,
        "built_on_it": _built_on(data, events, last),
        "exit_code": 0,
    }


def _done_before(
    events: Sequence[ReleaseEvent], release_id: str, reason: str, roll_back_to: str | None, who: str
) -> ReleaseEvent | None:
    """The event of exactly this withdrawal, if it stands: by the same person, for the same reason, with the same
    release in its place.
    """
    found = [event for key, event in last_events(events).items() if key[1] == release_id]
    if not found or (found[0].event, found[0].by, found[0].reason) != (WITHDRAWN, who, reason):
        return None
    current = current_after(events).get(found[0].quarter)
    instead = current.release_id if current is not None and current.how == "roll_back" else None
    return found[0] if instead == roll_back_to else None


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
