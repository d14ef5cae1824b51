"""One thing that nothing needs any more: what it is, where it lies, how large it is and why it may go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster_project.settings import DataFolder

RUN, CANDIDATE, UNFINISHED, PARSED, NOWCAST, ARCHIVED = (
    "run",
    "candidate",
    "unfinished",
    "parsed dbt project",
    "nowcast",
    "archived file",
)
KINDS = (RUN, CANDIDATE, UNFINISHED, PARSED, NOWCAST, ARCHIVED)


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
