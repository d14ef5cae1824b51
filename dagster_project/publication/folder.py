"""The folder of a publication: what its record says of it, which files are kept, and how the next one takes its place.

Nothing is made here (publish). A folder holds a publication and nothing else: whatever else lies in it is refused, as
it would be gone with the next publication.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from dagster_project.errors import WrongUsage
from dagster_project.files import sha256_of_file
from dagster_project.progress import announce
from dagster_project.publication.contents import Contents
from dagster_project.settings import DataFolder
from dagster_project.shown import json_text

RECORD = "publication.json"
_SHOWN = 3


class OfQuarter(BaseModel):
    """A quarter's files by path, each with its sha256, and the key of all that decides them."""

    model_config = ConfigDict(extra="forbid")

    key: str
    files: dict[str, str]


class Record(BaseModel):
    """What `publication.json` says: which releases are shown, and the sha256 of every file but itself."""

    model_config = ConfigDict(extra="forbid")

    is_sample: bool
    is_embargoed: bool
    notice: str
    releases: dict[str, str]
    quarters: dict[str, OfQuarter]
    files_of_all_quarters: dict[str, str]

    @property
    def files(self) -> set[str]:
        """Every file of the publication, its record included."""
        of_quarters = {path for quarter in self.quarters.values() for path in quarter.files}
        return {RECORD, *self.files_of_all_quarters, *of_quarters}


def place_of(folder: Path, data: DataFolder) -> Path:
    """Where the publication goes, links followed; raises WrongUsage for a place within the data folder that is
    something else, and for one that can't be a folder.
    """
    place = folder.resolve()
    own = (data.publication.resolve(), data.publication_embargoed.resolve())
    root = data.root.resolve()
    if place not in own and (place == root or place.is_relative_to(root) or root.is_relative_to(place)):
        raise WrongUsage(
            f"{folder}: that is where the data folder has its own files. Name a folder apart from it with --to."
        )
    if place.exists() and not place.is_dir():
        raise WrongUsage(f"{folder}: expected a folder; found a file. Name another with --to.")
    return place


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Holds the folder above the place for one publication at a time, and tidies up what an earlier one that was broken
    off left there; waits while another is at work.

    The operating system frees the lock when the process ends, however it ends.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(place.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            announce(f"Waiting for another publication that is being made in {place.parent}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        _tidy(place)
        yield
    finally:
        os.close(descriptor)


def being_made(place: Path) -> Path:
    """The folder in which the next publication is made, beside its place."""
    return place.with_name(f".publishing-{place.name}")


def _before(place: Path) -> Path:
    return place.with_name(f".published-before-{place.name}")


def _tidy(place: Path) -> None:
    if not place.exists() and _before(place).exists():
        _before(place).rename(place)
    for left in (being_made(place), _before(place)):
        shutil.rmtree(left, ignore_errors=True)


def record_of(place: Path, contents: Contents) -> Record | None:
    """What the place's publication says of itself; None where the place is empty or missing.

    Raises WrongUsage where other files are in it, where its record isn't one, and where its publication is of the other
    kind of data or isn't as embargoed as the contents.
    """
    if not place.exists() or not any(place.iterdir()):
        return None
    file = place / RECORD
    if not file.is_file():
        raise WrongUsage(
            f"{place}: expected an empty folder or a publication; found other files. Name another with --to."
        )
    try:
        record = Record.model_validate_json(file.read_bytes())
    except (ValidationError, UnicodeDecodeError):
        raise WrongUsage(
            f"{file}: expected the record of a publication of this program; found something else. Name another "
            "folder with --to; if that is a publication, remove it first."
        ) from None
    _refuse_others(place, record)
    for is_so, wanted, word in (
        (record.is_sample, contents.is_sample, "fictional"),
        (record.is_embargoed, contents.is_embargoed, "embargoed"),
    ):
        if is_so != wanted:
            raise WrongUsage(
                f"{place}: its publication is {'' if is_so else 'not '}{word}, this one is "
                f"{'' if wanted else 'not '}{word}. Name another folder with --to."
            )
    return record


def _refuse_others(place: Path, record: Record) -> None:
    known = record.files
    others = sorted(
        path.relative_to(place).as_posix()
        for path in place.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path.relative_to(place).as_posix() not in known
    )
    if others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        raise WrongUsage(
            f"{place}: expected the files of a publication alone; found {', '.join(others[:_SHOWN])}{more}, which the "
            "next publication would remove. Move them away; what a host needs goes into the copy that it serves."
        )


def keep(place: Path, fresh: Path, known: OfQuarter, key: str) -> bool:
    """Takes a quarter's files over into `fresh` if nothing that decides them has changed and they are as they were
    written; says whether it did.
    """
    if known.key != key:
        return False
    for path, digest in known.files.items():
        file = place / path
        if not file.is_file() or sha256_of_file(file) != digest:
            return False
    for path in known.files:
        there = fresh / path
        there.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(place / path, there)
        except OSError:
            shutil.copyfile(place / path, there)
    return True


def write(folder: Path, produced: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Writes files below the folder, none of which is there yet; returns the sha256 of each by its path."""
    written = {}
    for path, content in produced:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as out:
            out.write(content)
        written[path] = hashlib.sha256(content).hexdigest()
    return written


def put_in_place(place: Path, record: Record) -> None:
    """Writes the record of what was made and gives it the place, by two renames: a reader in between finds no
    publication, and never half of one. Where the second fails, what was there is there again.
    """
    fresh, before = being_made(place), _before(place)
    text = json_text(record.model_dump(), indent=1, sort_keys=True)
    (fresh / RECORD).write_text(f"{text}\n", encoding="utf-8")
    if place.exists():
        place.rename(before)
    try:
        fresh.rename(place)
    except BaseException:
        if before.exists():
            before.rename(place)
        raise
    shutil.rmtree(before, ignore_errors=True)


def sizes(folder: Path, files: Iterable[str]) -> Mapping[str, int]:
    """The size of each file in bytes."""
    return {path: (folder / path).stat().st_size for path in files}
