"""A backup folder: bytes by their hash, each once, and one manifest per backup that says what lay where.

`bytes/<first two hex>/<sha256>` is written once; `backups/<taken at>-<hash>.json` names every file of a data
folder. The hash in a manifest's name is that of its own content, so that a damaged manifest is seen too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dagster_project.durable import UNFINISHED, flush, make_folder, remove, seal_file
from dagster_project.errors import InputMissing, InputRejected, LeagueError, WrongUsage
from dagster_project.files import sha256_of_file
from dagster_project.json_text import parsed_json

_FORMAT = 1
_HASH_SHOWN = 16
_DAMAGES_SHOWN = 5
_BLOCK = 1 << 20
_BACKUP_ID = re.compile(r"[0-9]{8}T[0-9]{6}[.][0-9]{3}Z-([0-9a-f]{16})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class KeptFile:
    """A file of the data folder: path below it, hash and size of its bytes, mode bits, time of change (ns)."""

    path: str
    sha256: str
    bytes: int
    mode: int
    modified_ns: int


@dataclass(frozen=True)
class Backup:
    """One state of a data folder. `links` maps a link's path to where it leads; `releases` is what was current,
    release id by quarter.
    """

    taken_at: str
    releases: Mapping[str, str]
    files: tuple[KeptFile, ...]
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(file.bytes for file in self.files)

    def content(self) -> bytes:
        """The manifest as it is written."""
        values = {"format": _FORMAT, **asdict(self)}
        return (json.dumps(values, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()

    @property
    def backup_id(self) -> str:
        """When it was taken (UTC), and the first digits of the manifest's hash."""
        moment = re.sub("[-:]", "", self.taken_at.removesuffix("+00:00")) + "Z"
        return f"{moment}-{hashlib.sha256(self.content()).hexdigest()[:_HASH_SHOWN]}"


@dataclass(frozen=True)
class Stored:
    """Bytes in the folder; `is_new` unless they were there, unharmed, before."""

    sha256: str
    bytes: int
    is_new: bool


class BackupFolder:
    """The backups below `root`; nothing is made before the first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._checked: set[str] = set()

    def path_of(self, sha256: str) -> Path:
        """Where the bytes of that hash are or would be."""
        return self.root / "bytes" / sha256[:2] / sha256

    def manifest_of(self, backup_id: str) -> Path:
        """Where the manifest of that backup is or would be."""
        return self.root / "backups" / f"{backup_id}.json"

    def ids(self) -> list[str]:
        """The ids of the finished backups, oldest first."""
        found = (path.stem for path in self.root.glob("backups/*.json"))
        return sorted(backup_id for backup_id in found if _BACKUP_ID.fullmatch(backup_id))

    def unfinished(self) -> Path:
        """A path of its own to write something to."""
        make_folder(self.root)
        return self.root / f"{UNFINISHED}{secrets.token_hex(8)}"

    def clean(self) -> None:
        """Removes what an interrupted backup left half-written; needs the lock of the folder."""
        for leftover in self.root.glob(f"{UNFINISHED}*"):
            remove(leftover)

    def store(self, source: Path) -> Stored:
        """Keeps the bytes of a file. What is there already is read again, and replaced where it is damaged."""
        sha256 = sha256_of_file(source)
        if self._is_sound(sha256):
            return Stored(sha256, source.stat().st_size, is_new=False)
        copied = self.unfinished()
        try:
            # A log that a live web server writes to may have grown since: what counts is what was copied.
            sha256 = copy_with_hash(source, copied)
            size = copied.stat().st_size
            if self._is_sound(sha256):
                return Stored(sha256, size, is_new=False)
            seal_file(copied)
            if sha256_of_file(copied) != sha256:
                raise LeagueError(
                    f"{copied}: expected the bytes just written; found others. The disk of {self.root} is "
                    "failing: back up to another one. Earlier backups weren't touched."
                )
            target = self.path_of(sha256)
            make_folder(target.parent)
            copied.replace(target)
            flush(target.parent)
        finally:
            remove(copied)
        self._checked.add(sha256)
        return Stored(sha256, size, is_new=True)

    def finish(self, backup: Backup) -> str:
        """Writes the manifest, by which the backup exists; gives its id."""
        target = self.manifest_of(backup.backup_id)
        make_folder(target.parent)
        unfinished = self.unfinished()
        unfinished.write_bytes(backup.content())
        seal_file(unfinished)
        unfinished.replace(target)
        flush(target.parent)
        return backup.backup_id

    def choose(self, backup_id: str | None = None) -> tuple[str, Backup]:
        """The backup of that id, or the newest, with its id; raises as `read` does."""
        ids = self.ids()
        if not ids:
            raise InputMissing(f"{self.root} holds no backup: name a folder that `league backup` wrote to.")
        if backup_id is not None and not _BACKUP_ID.fullmatch(backup_id):
            raise WrongUsage(f"--backup is a backup's id, such as {ids[-1]}, not {backup_id!r}.")
        chosen = backup_id or ids[-1]
        return chosen, self.read(chosen)

    def read(self, backup_id: str) -> Backup:
        """A backup; raises InputMissing where there is none of that id, InputRejected where it is damaged."""
        path = self.manifest_of(backup_id)
        if backup_id not in self.ids():
            raise InputMissing(
                f"{self.root} holds no backup {backup_id}. There are: {', '.join(self.ids()) or 'none'}."
            )
        raw = path.read_bytes()
        try:
            named = _BACKUP_ID.fullmatch(backup_id)
            if named is None or hashlib.sha256(raw).hexdigest()[:_HASH_SHOWN] != named[1]:
                raise ValueError("its bytes aren't those that its name says")
            return _backup_of(parsed_json(raw))
        except (ValueError, TypeError, KeyError) as error:
            raise InputRejected(
                file=str(path),
                expected="a backup's manifest as it was written",
                found=f"something else ({error})",
                remedy=self._earlier(backup_id),
            ) from None

    def check(self, backup_id: str, backup: Backup) -> None:
        """Reads every byte of a backup. Raises InputRejected or InputMissing, naming what is damaged or gone."""
        damaged, gone = [], []
        for file in backup.files:
            stored = self.path_of(file.sha256)
            if not stored.is_file():
                gone.append(f"{file.path} ({stored} is missing)")
            elif not self._is_sound(file.sha256):
                damaged.append(f"{file.path} ({stored} holds other bytes)")
        if damaged:
            raise InputRejected(
                file=str(self.manifest_of(backup_id)),
                expected="every file of the backup with the bytes that its manifest says",
                found=_listed([*damaged, *gone]),
                remedy=f"Nothing was written. {self._earlier(backup_id)}",
            )
        if gone:
            raise InputMissing(
                f"{self.manifest_of(backup_id)}: expected every file of the backup; {_listed(gone)}. "
                f"Nothing was written. {self._earlier(backup_id)}"
            )

    def forget_older(self, keep: int) -> list[str]:
        """Removes all but the `keep` newest backups, and the bytes that none of those names.

        Gives the ids removed. Raises as `read` does before anything is removed.
        """
        ids = self.ids()
        kept = [self.read(backup_id) for backup_id in ids[-keep:]]
        forgotten = ids[:-keep]
        for backup_id in forgotten:
            remove(self.manifest_of(backup_id))
        needed = {file.sha256 for backup in kept for file in backup.files}
        for stored in self.root.glob("bytes/??/*"):
            if forgotten and stored.name not in needed:
                remove(stored)
        return forgotten

    def _is_sound(self, sha256: str) -> bool:
        if sha256 not in self._checked:
            stored = self.path_of(sha256)
            if not stored.is_file() or sha256_of_file(stored) != sha256:
                return False
            self._checked.add(sha256)
        return True

    def _earlier(self, backup_id: str) -> str:
        others = [other for other in self.ids() if other != backup_id]
        if not others:
            return f"{self.root} holds no other backup."
        return f"Choose another one with --backup: {', '.join(others)}."


def copy_with_hash(source: Path, target: Path) -> str:
    """Copies bytes to a new file; gives the hash of what was copied."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("xb") as written:
        while block := read.read(_BLOCK):
            digest.update(block)
            written.write(block)
        written.flush()
        os.fsync(written.fileno())
    return digest.hexdigest()


def _backup_of(values: Any) -> Backup:
    if values["format"] != _FORMAT:
        raise ValueError(f"format {values['format']!r}; this code reads format {_FORMAT}")
    files = tuple(KeptFile(**file) for file in values["files"])
    links: dict[str, str] = values["links"]
    _refuse_paths_outside([*(file.path for file in files), *links, *links.values()])
    if not all(_SHA256.fullmatch(file.sha256) for file in files):
        raise ValueError("a file without a sha256")
    return Backup(values["taken_at"], values["releases"], files, links)


def _refuse_paths_outside(paths: Iterable[str]) -> None:
    for path in paths:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts:
            raise ValueError(f"the path {path!r} leads out of the data folder")


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - _DAMAGES_SHOWN} more" if len(texts) > _DAMAGES_SHOWN else ""
    return "; ".join(texts[:_DAMAGES_SHOWN]) + more
