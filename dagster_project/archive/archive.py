"""The archive: raw bytes of every extract by sha256, append-only, and a manifest of when each was seen.

`archive/<first two hex>/<sha256>` is written once and never again; `archive/manifest.jsonl` gets one
line per sighting; `archive/pruned.jsonl` gets one per file whose bytes were removed. Writers hold the writer
lock, so there is one at a time. `archive/coverage.json` (`extracts/known_quarters.py`) can be made anew at any time. A
last line that was cut off is told and kept beside its file (`manifest.jsonl.torn`) by whoever writes next.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.data_kind import require_kind
from dagster_project.durable import (
    UNFINISHED,
    append_lines,
    finished_lines,
    make_folder,
    mend_last_line,
    put_in_place,
    seal_file,
    torn_line,
)
from dagster_project.errors import InputMissing, InputRejected
from dagster_project.files import sha256_of_file
from dagster_project.json_text import parsed_json
from dagster_project.progress import announce
from dagster_project.settings import DataFolder


@dataclass(frozen=True)
class Sighting:
    """One time that a file was seen. `origin` is where: a path, or the address it was fetched from.

    Quarters are canonical. What a file from a folder can't have is empty: the page with the link and its
    words, and the headers of the answer. Manifests from before these were kept are read the same way.
    """

    extract_id: str
    file_name: str
    source: str
    table_name: str | None
    quarters: tuple[str, ...]
    bytes: int
    release_state: str
    supersedes: str | None
    is_sample: bool
    origin: str
    retrieved_at: str = ""
    found_on: str = ""
    link_text: str = ""
    etag: str = ""
    last_modified: str = ""
    content_type: str = ""

    @property
    def url(self) -> str | None:
        """The address it was fetched from; None for a file from a folder."""
        return self.origin if self.origin.startswith(("https://", "http://")) else None


def sha256_of(raw: bytes) -> str:
    """The extract's id."""
    return hashlib.sha256(raw).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)


class Archive:
    """Raw bytes below `root`; the folder is made with the first file."""

    def __init__(
        self,
        root: Path,
        clock: Callable[[], datetime] = _now,
        *,
        admits: Callable[[bool], None] | None = None,
    ) -> None:
        self.root = root
        self._clock = clock
        self._admits = admits

    def admit(self, is_sample: bool) -> None:
        """Raises what `admits` raises where such files, fictional or official, have no place in this archive."""
        if self._admits is not None:
            self._admits(is_sample)

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.jsonl"

    @property
    def prunings(self) -> Path:
        return self.root / "pruned.jsonl"

    @property
    def coverage(self) -> Path:
        return self.root / "coverage.json"

    @property
    def records(self) -> tuple[Path, ...]:
        """What the archive itself writes of its files: all that lies in it besides them."""
        lines = (self.manifest, self.prunings)
        return (*lines, *(path.with_name(path.name + ".torn") for path in lines), self.coverage)

    def path_of(self, extract_id: str) -> Path:
        """Where the bytes of that id are or would be."""
        return self.root / extract_id[:2] / extract_id

    def store(self, raw: bytes) -> str:
        """Keeps the bytes and gives their id; bytes already there are checked, not written again.

        Raises InputRejected where the archived file of that id is damaged.
        """
        self.clean()
        extract_id = sha256_of(raw)
        if self.path_of(extract_id).exists():
            self.read(extract_id)
            return extract_id
        with self.unfinished() as unfinished:
            unfinished.write_bytes(raw)
            return self.adopt(unfinished)

    @contextlib.contextmanager
    def unfinished(self) -> Iterator[Path]:
        """An empty file to write to, for `adopt`; what isn't adopted is removed.

        Needs no writer lock: another writer's `clean` leaves the file alone while this process lives.
        """
        make_folder(self.root)
        path = self.root / f"{UNFINISHED}{secrets.token_hex(8)}"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield path
        finally:
            os.close(handle)
            path.unlink(missing_ok=True)

    def adopt(self, unfinished: Path) -> str:
        """Keeps a finished file of `unfinished()` and gives its id; bytes already there are checked.

        Raises InputRejected where the archived file of that id is damaged.
        """
        extract_id = sha256_of_file(unfinished)
        target = self.path_of(extract_id)
        if target.exists():
            if sha256_of_file(target) != extract_id:
                self.read(extract_id)
            return extract_id
        make_folder(target.parent)
        seal_file(unfinished)
        put_in_place(unfinished, target)
        return extract_id

    def read(self, extract_id: str) -> bytes:
        """The bytes of that id; InputMissing if there are none, InputRejected if they are damaged."""
        path = self.path_of(extract_id)
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            raise InputMissing(
                f"the archive has no file {extract_id} ({path}): load the folder with the original file again"
            ) from None
        found = sha256_of(raw)
        if found != extract_id:
            raise InputRejected(
                file=str(path),
                expected=f"bytes with the sha256 {extract_id}",
                found=f"{len(raw)} bytes with the sha256 {found}: the archived file is damaged",
                remedy="Remove it and load the folder with the original file again, or restore a backup.",
            )
        return raw

    def record(self, sightings: Iterable[Sighting]) -> None:
        """Appends sightings with the time of now (UTC); one that only differs in time from the latest of
        the same file in the same place isn't repeated. Bytes that come back after others are a new sighting.
        """
        self.clean()
        latest = {_place(seen): _timeless(seen) for seen in self.sightings()}
        new = []
        for sighting in sightings:
            if latest.get(_place(sighting)) != _timeless(sighting):
                new.append(sighting)
            latest[_place(sighting)] = _timeless(sighting)
        if not new:
            return
        stamped = [replace(sighting, retrieved_at=self._now_text()) for sighting in new]
        rows = [json.dumps(asdict(sighting), sort_keys=True).encode() for sighting in stamped]
        append_lines(self.manifest, rows)

    def sightings(self) -> list[Sighting]:
        """All sightings in the order they were recorded; raises InputRejected for a damaged manifest.

        A last line that was cut off doesn't count; `torn` tells of it.
        """
        return [self._sighting(line, number) for number, line in enumerate(finished_lines(self.manifest), 1)]

    def torn(self) -> list[str]:
        """A sentence for each file of lines whose last one was cut off: the next writer sets it aside."""
        return [
            f"{lines}: the last line was cut off ({len(torn)} bytes) and doesn't count; the next run that "
            f"archives a file sets it aside in {lines.name}.torn. What it told of is archived again where it is "
            "still there."
            for lines in (self.manifest, self.prunings)
            if (torn := torn_line(lines))
        ]

    def pruned(self) -> dict[str, str]:
        """The id of each file whose bytes were pruned and haven't come back, to the id of what replaced it."""
        try:
            rows = [parsed_json(line) for line in finished_lines(self.prunings)]
            replaced = {row["extract_id"]: row["replaced_by"] for row in rows}
        except (ValueError, TypeError, KeyError) as error:
            raise InputRejected(
                file=str(self.prunings),
                expected="a line for each pruned file, as written by the archive",
                found=f"something else ({error})",
                remedy="Restore it from a backup.",
            ) from None
        return {old: new for old, new in replaced.items() if not self.path_of(old).exists()}

    def unpruned_sightings(self) -> list[Sighting]:
        """Every sighting of a file whose bytes are meant to be there, oldest first."""
        gone = self.pruned()
        return [seen for seen in self.sightings() if seen.extract_id not in gone]

    def prune(self, extract_id: str, *, replaced_by: str) -> None:
        """Removes the bytes of a file, once it is written down what took its place. Its sightings stay."""
        self.clean()
        row = {"extract_id": extract_id, "replaced_by": replaced_by, "pruned_at": self._now_text()}
        append_lines(self.prunings, [json.dumps(row, sort_keys=True).encode()])
        self.path_of(extract_id).unlink()

    def clean(self) -> None:
        """Removes what an interrupted write left behind; a line that was cut off is set aside, and said."""
        if not self.root.is_dir():
            return
        for unfinished in self.root.glob(f"{UNFINISHED}*"):
            if not _is_being_written(unfinished):
                unfinished.unlink(missing_ok=True)
        for lines in (self.manifest, self.prunings):
            if torn := mend_last_line(lines):
                announce(
                    f"{lines}: the last line was cut off; its {len(torn)} bytes are in {lines.name}.torn"
                )

    def _now_text(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="seconds")

    def _sighting(self, line: bytes, number: int) -> Sighting:
        try:
            row = parsed_json(line)
            return Sighting(**(row | {"quarters": tuple(row["quarters"])}))
        except (ValueError, TypeError, KeyError) as error:
            raise InputRejected(
                file=str(self.manifest),
                row=number,
                expected="a sighting as written by the archive",
                found=f"something else ({error})",
                remedy="Restore the manifest from a backup, or move the archive away and load again.",
            ) from None


def _place(sighting: Sighting) -> tuple[str, str]:
    return sighting.origin, sighting.file_name


def _timeless(sighting: Sighting) -> Sighting:
    return replace(sighting, retrieved_at="")


def _is_being_written(unfinished: Path) -> bool:
    """Whether a living process holds the file; the operating system frees it when that ends."""
    try:
        handle = os.open(unfinished, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def archive_of(data: DataFolder) -> Archive:
    """The archive of a data folder to write to: it admits files of the folder's kind alone."""
    return Archive(data.archive, admits=lambda is_sample: require_kind(data, is_sample, write=True))
