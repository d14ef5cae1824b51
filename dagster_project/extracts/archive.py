"""The archive: raw bytes of every extract by sha256, append-only, and a manifest of when each was seen.

`archive/<first two hex>/<sha256>` is written once and never again; `archive/manifest.jsonl` gets one
line per sighting; `archive/pruned.jsonl` gets one per file whose bytes were removed. Writers hold the writer
lock, so there is one at a time. `archive/coverage.json` (`extracts/coverage.py`) can be made anew at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.data_kind import require_kind
from dagster_project.errors import InputMissing, InputRejected
from dagster_project.settings import DataFolder

_UNFINISHED = ".unfinished-"


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
        return self.manifest, self.prunings, self.coverage

    def path_of(self, extract_id: str) -> Path:
        """Where the bytes of that id are or would be."""
        return self.root / extract_id[:2] / extract_id

    def store(self, raw: bytes) -> str:
        """Keeps the bytes and gives their id; bytes already there are checked, not written again.

        Raises InputRejected where the archived file of that id is damaged.
        """
        self.clean()
        extract_id = sha256_of(raw)
        target = self.path_of(extract_id)
        if target.exists():
            self.read(extract_id)
            return extract_id
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.root / f"{_UNFINISHED}{extract_id}"
        with unfinished.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        unfinished.chmod(0o444)
        unfinished.rename(target)
        _sync_folder(target.parent)
        return extract_id

    @contextlib.contextmanager
    def unfinished(self) -> Iterator[Path]:
        """A path to stream a file to, for `adopt`; what isn't adopted is removed."""
        self.clean()
        self.root.mkdir(parents=True, exist_ok=True)
        path = self.root / f"{_UNFINISHED}{secrets.token_hex(8)}"
        try:
            yield path
        finally:
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
        target.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.chmod(0o444)
        unfinished.rename(target)
        _sync_folder(target.parent)
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
        self.root.mkdir(parents=True, exist_ok=True)
        stamped = [replace(sighting, retrieved_at=self._now_text()) for sighting in new]
        rows = [json.dumps(asdict(sighting), sort_keys=True) for sighting in stamped]
        with self.manifest.open("ab") as file:
            file.write("".join(row + "\n" for row in rows).encode())
            file.flush()
            os.fsync(file.fileno())

    def sightings(self) -> list[Sighting]:
        """All sightings in the order they were recorded; raises InputRejected for a damaged manifest.

        A last line without its line end was never finished and doesn't count.
        """
        if not self.manifest.exists():
            return []
        finished = self.manifest.read_bytes().split(b"\n")[:-1]
        return [self._sighting(line, number) for number, line in enumerate(finished, 1)]

    def pruned(self) -> dict[str, str]:
        """The id of each file whose bytes were pruned and haven't come back, to the id of what replaced it."""
        if not self.prunings.exists():
            return {}
        finished = self.prunings.read_bytes().split(b"\n")[:-1]
        try:
            rows = [json.loads(line) for line in finished]
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
        with self.prunings.open("ab") as file:
            file.write((json.dumps(row, sort_keys=True) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
        self.path_of(extract_id).unlink()

    def clean(self) -> None:
        """Removes what an interrupted write left behind."""
        if not self.root.is_dir():
            return
        for unfinished in self.root.glob(f"{_UNFINISHED}*"):
            unfinished.unlink()
        for lines in (self.manifest, self.prunings):
            with contextlib.suppress(FileNotFoundError), lines.open("r+b") as file:
                written = file.read()
                if not written.endswith(b"\n"):
                    file.truncate(written.rfind(b"\n") + 1)

    def _now_text(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="seconds")

    def _sighting(self, line: bytes, number: int) -> Sighting:
        try:
            row = json.loads(line)
            return Sighting(**(row | {"quarters": tuple(row["quarters"])}))
        except (ValueError, TypeError, KeyError) as error:
            raise InputRejected(
                file=str(self.manifest),
                row=number,
                expected="a sighting as written by the archive",
                found=f"something else ({error})",
                remedy="Restore the manifest from a backup, or move the archive away and load again.",
            ) from None


def sha256_of_file(path: Path) -> str:
    """As `sha256_of`, for a file that needn't fit into memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _place(sighting: Sighting) -> tuple[str, str]:
    return sighting.origin, sighting.file_name


def _timeless(sighting: Sighting) -> Sighting:
    return replace(sighting, retrieved_at="")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def archive_of(data: DataFolder) -> Archive:
    """The archive of a data folder to write to: it admits files of the folder's kind alone."""
    return Archive(data.archive, admits=lambda is_sample: require_kind(data, is_sample, write=True))
