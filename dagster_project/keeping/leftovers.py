"""What was left behind or is overtaken: candidates, half-written folders, parsed dbt projects, old nowcasts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from dagster_project import durable
from dagster_project.json_text import parsed_json
from dagster_project.keeping.removal import (
    CANDIDATE,
    NOWCAST,
    PARSED,
    UNFINISHED,
    Removal,
    removal_of,
    written_at,
)
from dagster_project.releases.publish import current_release
from dagster_project.releases.writer_lock import require_writer_lock
from dagster_project.scenarios.nowcast.folder import NOWCAST_FILE
from dagster_project.settings import DataFolder
from dagster_project.warehouse.dbt_project import checkout_project

# Nowcasts, summaries, Dagster's settings and dbt's parser work without the writer's lock: what is younger may be
# somebody's work of now.
_AT_WORK = timedelta(days=1)


def leftovers(data: DataFolder, now: datetime) -> list[Removal]:
    """What dead runs left; needs the writer lock, as whoever holds it is the only run alive."""
    require_writer_lock(data)
    found = [
        removal_of(CANDIDATE, path, data, "its run is dead: this process holds the writer's lock")
        for path in sorted(data.candidates.glob("*"))
    ]
    without_lock = (data.nowcasts, data.runs, data.dagster_home)
    for folder in (data.root, data.archive, data.releases, data.ledger, *without_lock):
        for path in sorted(
            {*folder.glob(f"{durable.UNFINISHED}*"), *folder.glob(f"*/{durable.UNFINISHED}*")}
        ):
            is_at_work = path.is_relative_to(data.root) and any(map(path.is_relative_to, without_lock))
            # A restore that was cut off while it put things in place is finished by the same restore.
            if (path / "placing.json").exists():
                continue
            if not is_at_work or now - written_at(path) > _AT_WORK:
                found.append(removal_of(UNFINISHED, path, data, "never finished"))
    unique = {removal.name: removal for removal in found}
    return list(unique.values())


def parsed_projects(data: DataFolder, now: datetime) -> list[Removal]:
    """Parsed dbt projects of other code than the checkout's, and parsings that never ended."""
    project = checkout_project(data)
    if not project.target_dir.is_dir():
        return []
    as_it_stands = project.fingerprint()
    return [
        removal_of(PARSED, path, data, "not of the dbt project as it stands, and older than a day")
        for path in sorted(project.target_dir.iterdir())
        if not path.name.startswith(as_it_stands) and now - written_at(path) > _AT_WORK
    ]


def overtaken_nowcasts(data: DataFolder) -> list[Removal]:
    """Nowcasts of quarters that are released by now, official ones and the sample's apart."""
    current = {
        (str(release.quarter), release.is_sample): release.release_id for release in current_release(data)
    }
    return [
        removal_of(NOWCAST, folder, data, f"{quarter} is released: {current[quarter, is_sample]}")
        for quarter, is_sample, folder in _nowcasts(data)
        if (quarter, is_sample) in current
    ]


def _nowcasts(data: DataFolder) -> Iterator[tuple[str, bool, Path]]:
    for path in sorted(data.nowcasts.glob(f"*/[0-9a-f]*/{NOWCAST_FILE}")):
        content = parsed_json(path.read_bytes())
        yield str(content["quarter"]), bool(content["is_sample"]), path.parent
