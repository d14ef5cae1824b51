"""The last stage: the quality results, the release folders of every quarter, and the commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from dagster_project.archive.archive import Archive
from dagster_project.errors import WrongUsage
from dagster_project.gates.outcome import GateOutcome
from dagster_project.interruption import to_the_end
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import Candidate
from dagster_project.releases.fewer import (
    Fewer,
    accepted_in_words,
    fewer_than_current,
    refuse_fewer,
    tables_of_quarter_before,
)
from dagster_project.releases.folder import ReleaseFolder, write_release
from dagster_project.releases.holding import hold
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.releases.journal import events_in, refuse_withdrawn
from dagster_project.releases.publish import current_release, keep_state_of_releases, publish
from dagster_project.runs.left_out import left_out_lines
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.read import Read
from dagster_project.runs.request import RunRequest
from dagster_project.runs.stages import quality_page
from dagster_project.runs.summary import changes_against_published, summarise
from dagster_project.runs.unexplained_change import refuse_unexplained_changes
from dagster_project.settings import DataFolder
from dagster_project.warehouse.descriptions import describe
from dagster_project.warehouse.quality import record_quality


def release(
    run: QuarterlyRun, found: Read, outcomes: Sequence[GateOutcome], seconds: Mapping[str, float]
) -> list[ReleaseFolder]:
    """Writes each quarter's release and makes the candidate the published warehouse; with `hold` they are
    written but none becomes current, and a dry run only says what would change. Raises WrongUsage if a gate
    didn't pass or a release was withdrawn, LeagueError if figures change though inputs and rules are the same,
    SuiteFailed if one would hold less than the one it replaces and the request doesn't accept it.
    """
    closed = [outcome.gate for outcome in outcomes if not outcome.passed]
    if closed:
        raise WrongUsage(f"The gate {closed[0]} is closed: nothing is released.")
    request, record = run.request, run.record
    with run.candidate.connect() as connection:
        fewer = _refuse_what_may_not_be_released(connection, run, found)
        record_quality(connection, found.scope, outcomes)
        keep_state_of_releases(connection)
        describe(connection, found.project.manifest)
        record.note(
            summary=summarise(connection, run.quarters),
            changes=changes_against_published(connection, run.data, run.quarters),
        )
        if request.dry_run:
            record.note(exit_code=0, dry_run=True, held=[], seconds=seconds)
            return []
        folders = [
            write_release(
                connection,
                run.data,
                identity,
                gates=_gates_of(outcomes, identity.quarter),
                quality_page=quality_page(
                    outcomes, [item for item in found.scope if item.quarter == identity.quarter]
                ),
                provenance=_provenance(run, found, identity, seconds),
            )
            for identity in found.identities
        ]
    with to_the_end():
        # Half of what follows can't be gone on with: who is cut off here runs the whole.
        run.candidate.forget()
        held = _let_out(run.candidate, run.data, request, run.run_id, folders, fewer)
        record.note(
            exit_code=0,
            dry_run=False,
            held=held,
            seconds=seconds,
            releases=[
                {
                    "quarter": str(folder.quarter),
                    "release_id": folder.release_id,
                    "path": str(folder.path),
                    "is_new": folder.is_new,
                }
                for folder in folders
            ],
        )
    for folder in folders:
        waits = ", held" if folder.release_id in held else ""
        announce(f"  {folder.quarter}: release {folder.release_id}{waits}")
    return folders


def says_of_release(request: RunRequest) -> str:
    """What the stage announces."""
    if request.dry_run:
        return "Dry run: comparing, not releasing"
    return "Releasing, to be held until it is approved" if request.hold else "Releasing"


def _refuse_what_may_not_be_released(
    connection: duckdb.DuckDBPyConnection, run: QuarterlyRun, found: Read
) -> list[Fewer]:
    """Raises where a release was withdrawn, changes unexplained or holds fewer; returns what is accepted."""
    events = events_in(connection)
    for identity in found.identities:
        refuse_withdrawn(events, identity.quarter, identity.release_id)
    if not run.request.rebuild:
        refuse_unexplained_changes(connection, run.data, found.identities)
    fewer = fewer_than_current(connection, run.data, run.quarters)
    run.record.note(
        fewer=[item.as_record() for item in fewer],
        accepted_fewer=run.request.accept_fewer,
        tables_of_quarter_before_only=_only_before(connection, run.data, run.quarters),
    )
    refuse_fewer(fewer, run.request.accept_fewer, beside=left_out_lines(run.record.content))
    return fewer


def _only_before(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, quarters: Sequence[Quarter]
) -> dict[str, Any]:
    """Of each quarter without a release, the tables that only the quarter before has."""
    released = {str(release.quarter): release.tables_loaded for release in current_release(data)}
    return {
        str(quarter): tables
        for quarter in quarters
        if str(quarter) not in released
        and (tables := tables_of_quarter_before(connection, quarter, released))
    }


def _let_out(
    candidate: Candidate,
    data: DataFolder,
    request: RunRequest,
    run_id: str,
    folders: Sequence[ReleaseFolder],
    fewer: Sequence[Fewer],
) -> list[str]:
    """Publishes the releases or holds them; returns the ids of those that wait."""
    accepted = request.accept_fewer
    if request.hold:
        reasons = (
            {}
            if accepted is None
            else {item.quarter: accepted_in_words(item, accepted) for item in fewer if item.refused}
        )
        return hold(candidate, data, folders, run_id=run_id, by=request.by, reasons=reasons)
    publish(
        candidate,
        data,
        request.in_time,
        how="rebuild" if request.rebuild else "run",
        by=request.by,
        accept_fewer=accepted,
    )
    return []


def _gates_of(outcomes: Sequence[GateOutcome], quarter: Quarter) -> list[dict[str, Any]]:
    """Each gate's outcome in one quarter, as release.json holds it."""
    found = []
    for outcome in outcomes:
        results = [result for result in outcome.results if result.quarter == str(quarter)]
        found.append(
            {
                "gate": outcome.gate,
                "expectations": len(results),
                "passed": all(result.success or result.severity != "critical" for result in results),
                "warnings": sum(not result.success and result.severity == "warning" for result in results),
            }
        )
    return found


def _provenance(
    run: QuarterlyRun, found: Read, identity: ReleaseIdentity, seconds: Mapping[str, float]
) -> dict[str, Any]:
    """What differs by machine: which run, what it read, when the files were seen, where they came from."""
    return {
        "run_id": run.run_id,
        "read": list(found.ids_read),
        "seconds": {name: round(took, 3) for name, took in seconds.items()},
        "sightings": [
            {
                "extract_id": sighting.extract_id,
                "file_name": sighting.file_name,
                "origin": sighting.origin,
                "retrieved_at": sighting.retrieved_at,
            }
            for sighting in Archive(run.data.archive).sightings()
            if sighting.extract_id in identity.extracts
        ],
    }
