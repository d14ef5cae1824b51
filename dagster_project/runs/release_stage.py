"""The last stage: the quality results, the release folders of every quarter, and the commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from dagster_project.errors import WrongUsage
from dagster_project.gates.outcome import GateOutcome
from dagster_project.interruption import to_the_end
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.fewer import (
    Fewer,
    accepted_in_words,
    fewer_than_current,
    refuse_fewer,
    tables_of_quarter_before,
)
from dagster_project.releases.folder import ReleaseFolder, write_release
from dagster_project.releases.holding import hold
from dagster_project.releases.journal import events_in, refuse_withdrawn
from dagster_project.releases.publish import current_release, publish
from dagster_project.runs.left_out import left_out_lines
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.summary import changes_against_published, summarise
from dagster_project.runs.unexplained_change import refuse_unexplained_changes
from dagster_project.warehouse.quality import record_quality


def release(run: QuarterlyRun) -> list[ReleaseFolder]:
    """Writes each quarter's release and makes the candidate the published warehouse; with `hold` they are
    written but none becomes current, and a dry run only says what would change. Raises WrongUsage if a gate
    didn't pass or a release was withdrawn, LeagueError if figures change though inputs and rules are the same,
    SuiteFailed if one would hold less than the one it replaces and the request doesn't accept it.
    """
    with run.stage("release", _says(run)):
        closed = [outcome.gate for outcome in run.outcomes if not outcome.passed]
        if closed:
            raise WrongUsage(f"The gate {closed[0]} is closed: nothing is released.")
        with run.candidate.connect() as connection:
            events = events_in(connection)
            for identity in run.identities:
                refuse_withdrawn(events, identity.quarter, identity.release_id)
            if not run.request.rebuild:
                refuse_unexplained_changes(connection, run.data, run.identities)
            fewer = fewer_than_current(connection, run.data, run.quarters)
            keep_fewer(run, connection, fewer)
            refuse_fewer(fewer, run.request.accept_fewer, beside=left_out_lines(run.record.content))
            record_quality(connection, run.scope, run.outcomes)
            run.record.note(
                summary=summarise(connection, run.quarters),
                changes=changes_against_published(connection, run),
            )
            if run.request.dry_run:
                run.record.note(exit_code=0, dry_run=True, held=[], seconds=run.seconds)
                return []
            for identity in run.identities:
                run.releases.append(
                    write_release(
                        connection,
                        run.data,
                        identity,
                        gates=_gates_of(run.outcomes, identity.quarter),
                        quality_page=_quality_page(run, identity.quarter),
                        provenance=_provenance(run, identity.quarter),
                    )
                )
        with to_the_end():
            held = _let_out(run, fewer)
        for folder in run.releases:
            waits = ", held" if folder.release_id in held else ""
            announce(f"  {folder.quarter}: release {folder.release_id}{waits}")
    # Again, as the stage's own time is known only now.
    run.record.note(seconds=run.seconds)
    return run.releases


def _let_out(run: QuarterlyRun, fewer: Sequence[Fewer]) -> list[str]:
    """Publishes the releases or holds them, and says so in the run's outcome; the ids of those that wait."""
    held: list[str] = []
    if run.request.hold:
        held = hold(
            run.candidate,
            run.data,
            run.releases,
            run_id=run.run_id,
            by=run.request.by,
            reasons=_accepted(run, fewer),
        )
    else:
        publish(
            run.candidate,
            run.data,
            run.quarters,
            how="rebuild" if run.request.rebuild else "run",
            by=run.request.by,
            accept_fewer=run.request.accept_fewer,
        )
    run.record.note(
        exit_code=0,
        dry_run=False,
        held=held,
        seconds=run.seconds,
        releases=[
            {
                "quarter": str(folder.quarter),
                "release_id": folder.release_id,
                "path": str(folder.path),
                "is_new": folder.is_new,
            }
            for folder in run.releases
        ],
    )
    return held


def keep_fewer(run: QuarterlyRun, connection: duckdb.DuckDBPyConnection, found: Sequence[Fewer]) -> None:
    """Notes in the run's outcome what each quarter lacks of the release it replaces and, for a quarter without one,
    the tables that the quarter before has.
    """
    released = {str(release.quarter): release.tables_loaded for release in current_release(run.data)}
    missing = {
        str(quarter): tables
        for quarter in run.quarters
        if str(quarter) not in released
        and (tables := tables_of_quarter_before(connection, quarter, released))
    }
    run.record.note(
        fewer=[item.as_record() for item in found],
        accepted_fewer=run.request.accept_fewer,
        tables_of_quarter_before_only=missing,
    )


def _accepted(run: QuarterlyRun, found: Sequence[Fewer]) -> dict[Quarter, str]:
    accepted = run.request.accept_fewer
    if accepted is None:
        return {}
    return {item.quarter: accepted_in_words(item, accepted) for item in found if item.refused}


def _says(run: QuarterlyRun) -> str:
    if run.request.dry_run:
        return "Dry run: comparing, not releasing"
    return "Releasing, to be held until it is approved" if run.request.hold else "Releasing"


def _gates_of(outcomes: list[GateOutcome], quarter: Quarter) -> list[dict[str, Any]]:
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


def _quality_page(run: QuarterlyRun, quarter: Quarter) -> bytes:
    from dagster_project.gates.quality_page import render_quality_page

    results = [r for outcome in run.outcomes for r in outcome.results if r.quarter == str(quarter)]
    return render_quality_page(results, is_sample={str(quarter): run.loaded.is_sample})


def _provenance(run: QuarterlyRun, quarter: Quarter) -> dict[str, Any]:
    """What differs by machine: which run, what it read, when the files were seen, where they came from."""
    from dagster_project.archive.archive import Archive

    used = next(identity.extracts for identity in run.identities if identity.quarter == quarter)
    return {
        "run_id": run.run_id,
        "read": list(run.ids_read),
        "seconds": {name: round(seconds, 3) for name, seconds in run.seconds.items()},
        "sightings": [
            {
                "extract_id": sighting.extract_id,
                "file_name": sighting.file_name,
                "origin": sighting.origin,
                "retrieved_at": sighting.retrieved_at,
            }
            for sighting in Archive(run.data.archive).sightings()
            if sighting.extract_id in used
        ],
    }
