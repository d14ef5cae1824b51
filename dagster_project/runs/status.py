"""What is there: releases, each quarter's standing, archived files, the latest runs."""

from __future__ import annotations

from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.data_kind import kind_in_words
from dagster_project.releases.journal import HELD, WITHDRAWN, last_events, read_events
from dagster_project.releases.publish import current_release
from dagster_project.runs.quarter_status import quarters_of
from dagster_project.runs.record import OUTCOME_FILE, read_outcome
from dagster_project.settings import DataFolder

_RUNS_SHOWN = 5


def status_of(data: DataFolder) -> dict[str, Any]:
    """Current releases, each quarter's standing, what archived files cover, and the latest runs, newest first."""
    current = sorted(current_release(data), key=lambda item: item.quarter)
    return {
        "data_folder": str(data.root),
        "kind": kind_in_words(data),
        "releases": [
            {
                "quarter": str(release.quarter),
                "release_id": release.release_id,
                "framework": release.framework,
                "is_sample": release.is_sample,
                "release_state": release.release_state,
                "organisations": release.organisations,
                "tables": list(release.tables_loaded),
                "path": str(data.releases / str(release.quarter) / "current"),
            }
            for release in current
        ],
        "not_current": _not_current(data),
        "quarters": quarters_of(data, current),
        "archive": _archived(data),
        "runs": _latest_runs(data),
        "damaged": Archive(data.archive).torn(),
    }


def _not_current(data: DataFolder) -> list[dict[str, Any]]:
    """Releases that wait for approval and withdrawn ones, by quarter; replaced ones are for the history."""
    return [
        {
            "quarter": str(quarter),
            "release_id": release_id,
            "standing": event.event,
            "since": f"{event.at.isoformat()}Z",
            "by": event.by,
            "reason": event.reason,
        }
        for (quarter, release_id), event in sorted(last_events(read_events(data)).items())
        if event.event in (HELD, WITHDRAWN)
    ]


def _archived(data: DataFolder) -> list[dict[str, Any]]:
    files: dict[tuple[str, str, bool], set[str]] = {}
    for sighting in Archive(data.archive).unpruned_sightings():
        for quarter in sighting.quarters:
            key = (quarter, sighting.table_name or sighting.source, sighting.is_sample)
            files.setdefault(key, set()).add(sighting.extract_id)
    return [
        {"quarter": quarter, "table": table, "is_sample": is_sample, "files": len(ids)}
        for (quarter, table, is_sample), ids in sorted(files.items())
    ]


def _latest_runs(data: DataFolder) -> list[dict[str, Any]]:
    outcomes = sorted(
        data.runs.glob(f"*/{OUTCOME_FILE}") if data.runs.is_dir() else [],
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    runs = []
    for path in outcomes[:_RUNS_SHOWN]:
        content = {"run_id": path.parent.name, **read_outcome(data, path.parent.name)}
        runs.append({key: content.get(key) for key in ("run_id", "quarters", "exit_code", "message")})
    return runs
