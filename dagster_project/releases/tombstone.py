"""What consumers see of a withdrawn release: a row of `league.withdrawn_release`, and a file beside its folder.

Both follow from the journal: the table is made anew before each commit, the files are mended after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.durable import READ_ONLY, UNFINISHED, flush, make_folder, remove
from dagster_project.json_text import parsed_json
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, read_release_file, release_path
from dagster_project.releases.journal import (
    EVENT_TABLE,
    WITHDRAWN,
    ReleaseEvent,
    current_after,
    last_events,
    read_events,
)
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.shown import json_text

_TABLE = f"{WAREHOUSE_SCHEMA}.withdrawn_release"
_PREFIX = f"{WITHDRAWN}-"


def record_withdrawn(connection: duckdb.DuckDBPyConnection) -> None:
    """Fills `league.withdrawn_release` anew: who withdrew what, when and why, and what is current instead.

    The table itself stays, and with it its comments.
    """
    connection.execute(
        f"create table if not exists {_TABLE} (quarter varchar, release_id varchar, withdrawn_at timestamp, "
        "withdrawn_by varchar, reason varchar, current_release_id varchar)"
    )
    connection.execute(f"delete from {_TABLE}")
    connection.execute(
        f"""
        insert into {_TABLE}
        select
            event.quarter,
            event.release_id,
            event.happened_at as withdrawn_at,
            event.done_by as withdrawn_by,
            event.reason,
            current_release.release_id as current_release_id
        from {EVENT_TABLE} as event
        left join {WAREHOUSE_SCHEMA}.current_release as current_release
            on event.quarter = current_release.quarter
        where
            event.event = '{WITHDRAWN}'
            and event.event_number = (
                select max(later.event_number) from {EVENT_TABLE} as later
                where later.quarter = event.quarter and later.release_id = event.release_id
            )
        order by event.quarter, event.release_id
        """
    )


def mend_tombstones(data: DataFolder) -> None:
    """Writes `releases/<quarter>/withdrawn-<release id>.json` of each withdrawn release; removes all others."""
    events = read_events(data)
    current = current_after(events)
    wanted = {
        _tombstone(data, quarter, release_id): _content(data, event, current)
        for (quarter, release_id), event in last_events(events).items()
        if event.event == WITHDRAWN
    }
    if data.releases.is_dir():
        for file in data.releases.glob(f"*/{_PREFIX}*.json"):
            if file not in wanted:
                remove(file)
    for file, content in wanted.items():
        if file.is_file() and file.read_bytes() == content:
            continue
        make_folder(file.parent)
        fresh = file.with_name(UNFINISHED + file.name)
        fresh.write_bytes(content)
        fresh.chmod(READ_ONLY)
        flush(fresh)
        fresh.replace(file)
        flush(file.parent)


def read_tombstone(data: DataFolder, quarter: Quarter, release_id: str) -> dict[str, Any] | None:
    """What the file beside a withdrawn release says; None of a release that isn't withdrawn."""
    file = _tombstone(data, quarter, release_id)
    return parsed_json(file.read_bytes()) if file.is_file() else None


def withdrawal_in_words(tombstone: Mapping[str, Any]) -> str:
    """Who withdrew a release, when, why, and what is current instead, in a sentence or two."""
    day = datetime.fromisoformat(tombstone["withdrawn_at"]).strftime("%-d %B %Y")
    instead = tombstone["current_release_id"]
    return (
        f"WITHDRAWN by {tombstone['withdrawn_by']} on {day}: {tombstone['reason']}. "
        f"Current instead: {instead or 'nothing'}."
    )


def _tombstone(data: DataFolder, quarter: Quarter, release_id: str) -> Path:
    return data.releases / str(quarter) / f"{_PREFIX}{release_id}.json"


def _content(data: DataFolder, event: ReleaseEvent, current: dict[Quarter, ReleaseEvent]) -> bytes:
    folder = release_path(data, event.quarter, event.release_id)
    instead = current.get(event.quarter)
    content = {
        "quarter": str(event.quarter),
        "release_id": event.release_id,
        "withdrawn_at": f"{event.at.isoformat()}Z",
        "withdrawn_by": event.by,
        "reason": event.reason,
        "current_release_id": instead.release_id if instead is not None else None,
    }
    if (folder / RELEASE_FILE).is_file():
        content["notice"] = read_release_file(folder)["notice"]
    return (json_text(content, indent=2, sort_keys=True) + "\n").encode()
