"""Writes that survive a power cut or a kill: whole files, lines at the end of one, folders, sealing and removing."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

READ_ONLY = 0o444
# The start of the name of whatever isn't finished; sweeping, pruning and backups know it by that.
UNFINISHED = ".unfinished-"
_TORN = ".torn"


def flush(path: Path) -> None:
    """Waits until a file's bytes and mode, or a folder's list of names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Creates a folder and its parents where they are missing, each name flushed to the disk."""
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    path.mkdir(exist_ok=True)
    flush(path.parent)


def write_whole(path: Path, content: bytes | str) -> None:
    """Puts a file in the place of whatever is there: readers, and whoever comes after a kill, see all of the old
    one or all of the new one. Text is written as UTF-8 with the line ends that it has.
    """
    raw = content.encode() if isinstance(content, str) else content
    make_folder(path.parent)
    fresh = path.with_name(f"{UNFINISHED}{secrets.token_hex(4)}-{path.name}")
    try:
        write_new_file(fresh, raw)
        flush(fresh)
        put_in_place(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def put_in_place(finished: Path, path: Path) -> None:
    """Gives a finished file, link or folder its name by a rename, and waits until the name is on the disk."""
    finished.replace(path)
    flush(path.parent)


def append_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Adds lines, given without their ends, to a file of lines, which is made if need be; on the disk at the end.

    A last line that an earlier writer didn't finish is repaired first (`mend_last_line`).
    """
    make_folder(path.parent)
    is_new = not path.exists()
    mend_last_line(path)
    with path.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        flush(path.parent)


def finished_lines(path: Path) -> list[bytes]:
    """The lines of a file of JSON lines; none where there is no file.

    A last line without its line end counts only if it is whole all the same.
    """
    if not path.exists():
        return []
    *lines, last = path.read_bytes().split(b"\n")
    return [*lines, last] if _is_whole(last) else lines


def torn_line(path: Path) -> bytes:
    """What stands after the last whole line of a file of JSON lines; empty if nothing does."""
    last = path.read_bytes().rpartition(b"\n")[2] if path.exists() else b""
    return b"" if _is_whole(last) else last


def mend_last_line(path: Path) -> bytes:
    """Ends the last line if it only lacks its end. One that was cut off is moved to `<name>.torn` beside it.

    Returns what was moved. Nobody may write to the file meanwhile.
    """
    if not path.exists():
        return b""
    before, newline, last = path.read_bytes().rpartition(b"\n")
    if not last:
        return b""
    if _is_whole(last):
        with path.open("ab") as file:
            file.write(b"\n")
        flush(path)
        return b""
    kept = path.with_name(path.name + _TORN)
    with kept.open("ab") as file:
        file.write(last + b"\n")
    flush(kept)
    with path.open("r+b") as file:
        file.truncate(len(before + newline))
    flush(path)
    flush(path.parent)
    return last


def write_new_file(path: Path, content: bytes) -> None:
    """Writes a file that doesn't exist yet; `seal_file` makes it lasting."""
    with path.open("xb") as file:
        file.write(content)


def seal_file(path: Path) -> None:
    """Makes a finished file read-only and waits until it is on the disk."""
    path.chmod(READ_ONLY)
    flush(path)


def remove(path: Path) -> None:
    """Removes a file, a link (not what it points at) or a folder with all it holds."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_whole(line: bytes) -> bool:
    """Whether a line is a JSON object: no beginning of one is."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
