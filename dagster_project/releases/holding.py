"""Releases that wait: written by one person's run, current only when another person has approved them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import Candidate, open_candidate
from dagster_project.releases.correction import correcting
from dagster_project.releases.damage import refuse_damaged
from dagster_project.releases.folder import ReleaseFolder, read_release, release_path
from dagster_project.releases.identity import release_id_of
from dagster_project.releases.journal import (
    HELD,
    PUBLISHED,
    ReleaseEvent,
    add_event,
    current_after,
    events_in,
    last_events,
    now,
    person,
    refuse_withdrawn,
)
from dagster_project.releases.publish import commit, current_release, make_current
from dagster_project.releases.reload import forget_quarter, keep_league_tables, reload_release
from dagster_project.settings import DataFolder

_SEEDS = ("resource_type:seed,fqn:nhs_league_tables.reference",)
_VIEWS = (
    "config.materialized:view,fqn:nhs_league_tables.audit",
    "config.materialized:view,fqn:nhs_league_tables.history",
    "config.materialized:view,fqn:nhs_league_tables.insight",
)


def hold(
    candidate: Candidate,
    data: DataFolder,
    releases: Sequence[ReleaseFolder],
    *,
    run_id: str,
    by: str | None = None,
    reasons: Mapping[Quarter, str] | None = None,
) -> list[str]:
    """Leaves the published state as it is, but for the journal, which says that the releases are held.

    The candidate is thrown away for a fresh copy of the published warehouse; where there is none yet, its
    rows of the quarters are. A release that is current or held already stays so. Returns the ids of those
    that wait for approval now. `reasons` says of a quarter's release why it may hold less than the current one.
    Raises WrongUsage for one that was withdrawn.
    """
    if not data.warehouse.exists():
        return _hold_in(candidate, data, releases, by=by, reasons=reasons)
    candidate.discard()
    fresh = open_candidate(data, run_id)
    try:
        return _hold_in(fresh, data, releases, by=by, reasons=reasons)
    except BaseException:
        # Whoever leads the run knows the other one only.
        fresh.discard()
        raise


def _hold_in(
    candidate: Candidate,
    data: DataFolder,
    releases: Sequence[ReleaseFolder],
    *,
    by: str | None,
    reasons: Mapping[Quarter, str] | None,
) -> list[str]:
    at, who = now(), person(by)
    waiting = []
    with candidate.connect() as connection:
        events = events_in(connection)
        current, latest = current_after(events), last_events(events)
        for release in releases:
            refuse_withdrawn(events, release.quarter, release.release_id)
            if not current:
                forget_quarter(connection, release.quarter)
            before = latest.get((release.quarter, release.release_id))
            if before is not None and before == current.get(release.quarter):
                continue
            waiting.append(release.release_id)
            if before is None or before.event != HELD:
                reason = (reasons or {}).get(release.quarter)
                add_event(connection, release.quarter, release.release_id, HELD, at=at, by=who, reason=reason)
    commit(candidate, data)
    return waiting


def approve(
    data: DataFolder,
    release_ids: Sequence[str],
    *,
    by: str | None = None,
    accept_fewer: str | None = None,
) -> dict[str, Any]:
    """Makes held or withdrawn releases current, all in one commit; says which and what they replace. Those that the
    same person made current before stay so: an approval that was killed is finished by asking again.

    Raises WrongUsage where a release isn't waiting, where the person who approves is one of those who built
    it, or where the earlier quarter's release that it was gated against isn't current; InputRejected where
    a file of its folder isn't as `release.json` says; SuiteFailed where it holds less than what it replaces and
    `accept_fewer` doesn't say why: what the builder accepted, the second person accepts too.
    """
    if accept_fewer is not None and not accept_fewer.strip():
        raise WrongUsage("Say why with --accept-fewer: whoever uses the release will read it.")
    who = person(by)
    for release_id in release_ids:
        release_id_of(release_id, "RELEASE")
    with correcting(data, "approve") as candidate:
        with candidate.connect() as connection:
            events = events_in(connection)
        current = current_after(events)
        approved = [event for event in current.values() if _is_done(event, release_ids, who)]
        done = {event.release_id for event in approved}
        wanted = sorted(
            (_waiting(events, each) for each in dict.fromkeys(release_ids) if each not in done),
            key=lambda event: event.quarter,
        )
        _refuse_two_of_a_quarter(wanted)
        for event in wanted:
            _refuse_builder(events, event, who)
            refuse_damaged(release_path(data, event.quarter, event.release_id))
        _refuse_other_earlier_release(data, wanted, current)
        if wanted:
            _bring_back(candidate, data, wanted)
            with candidate.connect() as connection:
                quarters = [event.quarter for event in wanted]
                make_current(
                    connection, data, quarters, how="approval", by=who, at=now(), accept_fewer=accept_fewer
                )
            commit(candidate, data)
        published = {release.quarter: release for release in current_release(data)}
    return {
        "by": who,
        "is_sample": all(published[event.quarter].is_sample for event in (*wanted, *approved)),
        "approved": [
            {
                "quarter": str(event.quarter),
                "release_id": event.release_id,
                "was": event.event,
                "replaces": current[event.quarter].release_id if event.quarter in current else None,
            }
            for event in wanted
        ],
        "approved_before": [
            {
                "quarter": str(event.quarter),
                "release_id": event.release_id,
                "at": f"{event.at.isoformat()}Z",
            }
            for event in approved
        ],
        "exit_code": 0,
    }


def _bring_back(candidate: Candidate, data: DataFolder, wanted: Sequence[ReleaseEvent]) -> None:
    """Puts the releases' rows into the marts, which follow the contracts of the code that is here; so do the views
    over releases, as the candidate of a run that was held is thrown away.
    """
    # Only here: a run that holds needs neither, and dbt takes two seconds.
    from dagster_project.warehouse.dbt_project import checkout_project
    from dagster_project.warehouse.mart_columns import follow_contracts

    project = checkout_project(data)
    with candidate.connect() as connection:
        follow_contracts(connection, project.manifest)
        for event in wanted:
            forget_quarter(connection, event.quarter)
            reload_release(connection, event.quarter, release_path(data, event.quarter, event.release_id))
        keep_league_tables(connection, data)
    project.build("seed", _SEEDS, candidate.warehouse, threads=1)
    project.build("run", _VIEWS, candidate.warehouse, threads=1)


def _is_done(event: ReleaseEvent, release_ids: Sequence[str], who: str) -> bool:
    """Whether the same person's approval is there already: whoever was cut off asks again, and is done."""
    return event.release_id in release_ids and (event.how, event.by) == ("approval", who)


def _waiting(events: Sequence[ReleaseEvent], release_id: str) -> ReleaseEvent:
    """The latest event of a release that waits for approval."""
    found = [event for key, event in last_events(events).items() if key[1] == release_id]
    if found and found[0].event != PUBLISHED:
        return found[0]
    waiting = [
        f"{event.release_id} of {event.quarter}"
        for event in last_events(events).values()
        if event.event == HELD
    ]
    why = f"was published on {found[0].at:%-d %B %Y}" if found else "isn't in the journal"
    raise WrongUsage(
        f"Release {release_id} {why}: expected one that is held or withdrawn. Held: "
        f"{', '.join(waiting) or 'none'}. To have a replaced release back: `league withdraw` the current one "
        "with --roll-back-to."
    )


def _refuse_two_of_a_quarter(wanted: Sequence[ReleaseEvent]) -> None:
    by_quarter: dict[Quarter, str] = {}
    for event in wanted:
        if event.quarter in by_quarter:
            raise WrongUsage(
                f"{by_quarter[event.quarter]} and {event.release_id} are both of {event.quarter}: one release "
                "of a quarter can be current. Name one of them."
            )
        by_quarter[event.quarter] = event.release_id


def _refuse_builder(events: Sequence[ReleaseEvent], wanted: ReleaseEvent, who: str) -> None:
    """A second person approves: not one whose run built the release."""
    for event in events:
        is_built = event.event == HELD or (event.event == PUBLISHED and event.how in ("run", "rebuild"))
        if (
            is_built
            and event.release_id == wanted.release_id
            and (event.by or "").strip().casefold() == who.strip().casefold()
        ):
            raise WrongUsage(
                f"Release {wanted.release_id} of {wanted.quarter} was built by {event.by}: expected another "
                "person to approve it. Have a second person run `league approve`, or give their name with --by."
            )


def _refuse_other_earlier_release(
    data: DataFolder, wanted: Sequence[ReleaseEvent], current: Mapping[Quarter, ReleaseEvent]
) -> None:
    """What a release was gated against must be current beside it, or become so with it."""
    after = {quarter: event.release_id for quarter, event in current.items()}
    after |= {event.quarter: event.release_id for event in wanted}
    for event in wanted:
        earlier = read_release(data, event.quarter, event.release_id)["previous_release_id"]
        before = event.quarter.shifted(-1)
        if earlier is not None and after.get(before) != earlier:
            raise WrongUsage(
                f"Release {event.release_id} of {event.quarter} was gated against release {earlier} of {before}; "
                f"current there is {after.get(before, 'none')}. Nothing was approved. Where that one waits too, "
                f"approve both together: `league approve {earlier} {event.release_id}`; otherwise run "
                f"{event.quarter} again."
            )
