"""What may go from a data folder, thing by thing with its reason: old runs, leftovers, nowcasts, replaced files.

What a release on the disk needs is in `listings.py`; the removing itself is in `prune.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from dagster_project import durable
from dagster_project.archive.archive import Archive
from dagster_project.json_text import parsed_json
from dagster_project.releases.candidate import kept_candidates
from dagster_project.releases.publish import current_release
from dagster_project.releases.writer_lock import require_writer_lock
from dagster_project.runs.record import OUTCOME_FILE
from dagster_project.scenarios.nowcast.folder import NOWCAST_FILE
from dagster_project.settings import DataFolder
from dagster_project.warehouse.dbt_project import checkout_project

RUN, CANDIDATE, UNFINISHED, PARSED, NOWCAST, ARCHIVED = (
    "run",
    "candidate",
    "unfinished",
    "parsed dbt project",
    "nowcast",
    "archived file",
)
KINDS = (RUN, CANDIDATE, UNFINISHED, PARSED, NOWCAST, ARCHIVED)
# Nowcasts, summaries, Dagster's settings and dbt's parser work without the writer's lock: what is younger may be
# somebody's work of now.
_AT_WORK = timedelta(days=1)
_GONE_ON_WITH = timedelta(days=7)


@dataclass(frozen=True)
class Removal:
    """`name` is a run's id, or a path below the data folder; `paths` is what is removed from the disk.

    `replaced_by` is the id of the archived file that took the place of this one.
    """

    kind: str
    name: str
    paths: tuple[Path, ...]
    why: str
    replaced_by: str | None = None

    @property
    def bytes(self) -> int:
        """What the disk gets back."""
        return sum(size_of(path) for path in self.paths)


def removal_of(kind: str, path: Path, data: DataFolder, why: str, **more: Any) -> Removal:
    """The removal of one path, named by where it lies."""
    return Removal(kind, path.relative_to(data.root).as_posix(), (path,), why, **more)


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files below a folder; links don't count."""
    if path.is_symlink() or not path.exists():
        return 0
    if path.is_file():
        return path.stat().st_size
    return sum(size_of(below) for below in path.iterdir())


def written_at(path: Path) -> datetime:
    """When a file or folder was last written (UTC)."""
    return datetime.fromtimestamp(path.lstat().st_mtime, UTC)


class RunHistory(Protocol):
    """The orchestrator's own memory of runs."""

    def finished(self) -> Mapping[str, datetime]:
        """When each run that has ended did so (UTC), by its id."""

    def unfinished(self) -> Collection[str]:
        """The ids of runs that wait, start or run."""

    def paths_of(self, run_id: str) -> list[Path]:
        """What `delete` removes from the disk."""

    def delete(self, run_id: str) -> None:
        """Removes all memory of a run."""


def old_runs(
    data: DataFolder,
    history: RunHistory,
    needed: Collection[str],
    *,
    keep_runs: int,
    older_than: timedelta | None,
    now: datetime,
) -> list[Removal]:
    """The runs beyond the `keep_runs` newest and, where given, older than that; newest first.

    A run is what `runs/` or the history knows of it. Those in `needed`, and those that haven't ended, stay.
    """
    ended = dict(history.finished())
    for folder in data.runs.iterdir() if data.runs.is_dir() else ():
        if folder.is_dir():
            outcome = folder / OUTCOME_FILE
            at = written_at(outcome if outcome.exists() else folder)
            ended[folder.name] = max(at, ended.get(folder.name, at))
    newest_first = sorted(ended, key=lambda run_id: (ended[run_id], run_id), reverse=True)
    stay = {*needed, *history.unfinished()}
    return [
        Removal(
            RUN,
            run_id,
            (data.runs / run_id, *history.paths_of(run_id)),
            f"ended {ended[run_id]:%Y-%m-%d}, {position} runs are newer, no release on the disk is from it",
        )
        for position, run_id in enumerate(newest_first)
        if position >= keep_runs
        and run_id not in stay
        and (older_than is None or now - ended[run_id] > older_than)
    ]


def leftovers(data: DataFolder, now: datetime) -> list[Removal]:
    """What dead runs left; needs the writer lock, as whoever holds it is the only run alive. Candidates that
    another run may go on from stay for a week.
    """
    require_writer_lock(data)
    of_use = {
        kept.candidate.run_id
        for kept in kept_candidates(data)
        if now.timestamp() - kept.written_at < _GONE_ON_WITH.total_seconds()
    }
    found = [
        removal_of(CANDIDATE, path, data, "its run is dead, and none can go on from it or did so for a week")
        for path in sorted(data.candidates.glob("*"))
        if path.name not in of_use
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


def replaced_files(data: DataFolder, needed: Collection[str]) -> list[Removal]:
    """Files that a run on the archive passes over, as it says itself, and that no id in `needed` names.

    Every file is read: the months that a statistic covers stand only in it. What no reader knows stays.
    """
    from dagster_project.archive.archived_vintages import without_pruned
    from dagster_project.catalogue.catalogue import reader_names
    from dagster_project.extracts.read_files import read_vintages

    archive = Archive(data.archive)
    known = without_pruned(archive, (seen for seen in archive.sightings() if seen.source in reader_names()))
    names = {seen.extract_id: seen.file_name for seen in known}
    replaced: dict[str, tuple[str, ...]] = {}
    for is_sample in (False, True):
        seen = [one for one in known if one.is_sample == is_sample]
        if seen:
            replaced |= read_vintages(archive, seen)[1]
    return [
        removal_of(
            ARCHIVED,
            archive.path_of(old),
            data,
            f"{names[old]}: {names[new[-1]]} ({new[-1]}) took its place, and no release on the disk is made of it",
            # The first that did: on a day before the newest came, that one stood.
            replaced_by=new[0],
        )
        for old, new in sorted(replaced.items())
        if old not in needed
    ]
