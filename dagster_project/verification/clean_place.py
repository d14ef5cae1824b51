"""A release made again in a clean place: an own data folder that holds its inputs and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.durable import remove
from dagster_project.errors import LeagueError
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import open_candidate
from dagster_project.releases.folder import PROVENANCE_FILE, RELEASE_FILE, release_path
from dagster_project.releases.publish import publish
from dagster_project.releases.reload import reload_release
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import PROJECT_ROOT, DataFolder
from dagster_project.verification.archived_files import manifest_of, sources_in
from dagster_project.warehouse.dbt_project import parse_alone

_RUN = "verification"


def lay_out(place: DataFolder, source: DataFolder, content: Mapping[str, Any]) -> None:
    """Copies what a release is made of: its archived files, its release.json, the earlier release it read."""
    archive, copied = Archive(source.archive), Archive(place.archive)
    for extract_id in content["extracts"]:
        copied.path_of(extract_id).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(archive.path_of(extract_id), copied.path_of(extract_id))
    copied.manifest.write_bytes(manifest_of(archive, content, sources_in(archive)))
    quarter = Quarter.from_canonical(content["quarter"])
    asked = release_path(place, quarter, content["release_id"])
    asked.mkdir(parents=True)
    shutil.copyfile(release_path(source, quarter, content["release_id"]) / RELEASE_FILE, asked / RELEASE_FILE)
    if content["previous_release_id"] is not None:
        earlier = quarter.shifted(-1), content["previous_release_id"]
        shutil.copytree(
            release_path(source, *earlier),
            release_path(place, *earlier),
            ignore=shutil.ignore_patterns(PROVENANCE_FILE),
        )


def make_again(place: DataFolder, quarter: Quarter, release_id: str, rules_dir: Path | None) -> Path:
    """Runs the whole flow on what `lay_out` put there; returns the folder of the release that came out.

    Raises what a run raises: InputMissing where code, rules or versions aren't those of the release.
    """
    from dagster_project.runs.passage import Passage
    from dagster_project.runs.quarterly_run import QuarterlyRun
    from dagster_project.runs.rebuild import old_release
    from dagster_project.runs.request import RunRequest

    parse_alone(place)
    earlier = old_release(place, quarter, release_id).previous_release_id
    if earlier is not None:
        _bring_back(place, quarter.shifted(-1), earlier)
    request = RunRequest(quarters=(quarter,), release=release_id, rules_dir=rules_dir)
    with QuarterlyRun(request, place, _RUN) as run:
        passage = Passage(run)
        passage.up_to_release()
        # It told the run what to read; now it makes room for the release that comes out.
        remove(release_path(place, quarter, release_id))
        (folder,) = passage.release()
        return folder.path


def make_again_by(
    code: Path, place: DataFolder, quarter: Quarter, release_id: str, rules_dir: Path | None
) -> Path:
    """As `make_again`, by the code below `code` in a process of its own. Raises LeagueError if it fails."""
    if code == PROJECT_ROOT:
        return make_again(place, quarter, release_id, rules_dir)
    announce(f"Making the release again with the code in {code}")
    rules = [str(rules_dir)] if rules_dir else []
    run_in(code, place, "dagster_project.verification", str(place.root), str(quarter), release_id, *rules)
    return release_path(place, quarter, release_id)


def run_in(code: Path, place: DataFolder, module: str, *arguments: str) -> None:
    """Runs a module of the code below `code`, in a process of its own. Raises LeagueError if it fails."""
    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=code,
        env={
            **os.environ,
            "PYTHONPATH": str(code),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LEAGUE_DATA_DIR": str(place.root),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise LeagueError(f"The release's own code ended with {ended.returncode}: {ended.stderr.strip()}")


def _bring_back(place: DataFolder, quarter: Quarter, release_id: str) -> None:
    """Makes an earlier release the current one of its quarter in the warehouse of the clean place."""
    with writer_lock(place, _RUN):
        candidate = open_candidate(place, _RUN)
        with candidate.connect() as connection:
            reload_release(connection, quarter, release_path(place, quarter, release_id))
        publish(candidate, place, [quarter])
