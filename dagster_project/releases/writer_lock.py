"""One writer at a time: the lock that a run's process holds on the data folder from start to end."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.durable import make_folder
from dagster_project.errors import LeagueError, Locked
from dagster_project.settings import DataFolder

_held_by_this_process: set[Path] = set()


@contextmanager
def writer_lock(data: DataFolder, run_id: str) -> Iterator[None]:
    """Holds the data folder for one run; raises Locked, naming the owner, while another holds it.

    The operating system frees the lock when the process ends, however it ends. The file is never
    removed: a second process could otherwise lock a file that has already lost its name.
    """
    make_folder(data.lock_file.parent)
    descriptor = os.open(data.lock_file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(_refusal(data.lock_file, descriptor)) from None
        _write(descriptor, _owner(run_id))
        _held_by_this_process.add(data.lock_file)
        try:
            yield
        finally:
            _held_by_this_process.discard(data.lock_file)
            _write(descriptor, "")
    finally:
        os.close(descriptor)


def run_that_writes(data: DataFolder) -> str | None:
    """Who holds the lock, as the holder named itself; None while nobody does. Takes no lock that somebody waits for.

    A holder that was killed leaves its name: whether it is still there is then asked by a lock that others may share
    and that is given back at once. Only a run that starts in that very moment would find it.
    """
    try:
        descriptor = os.open(data.lock_file, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        named = os.pread(descriptor, 4096, 0).decode(errors="replace").partition("\n")[0].removeprefix("run ")
        if not named:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return named
        return None
    finally:
        os.close(descriptor)


def require_writer_lock(data: DataFolder) -> None:
    """Raises LeagueError unless this process holds the lock; without it, a live run could be swept away."""
    if data.lock_file not in _held_by_this_process:
        raise LeagueError(
            f"{data.root}: expected this process to hold the writer lock; it doesn't. "
            "Wrap the run in writer_lock(); nothing was changed."
        )


def _owner(run_id: str) -> str:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return f"run {run_id}\nprocess {os.getpid()}\nhost {socket.gethostname()}\nstarted {started}\n"


def _refusal(lock_file: Path, descriptor: int) -> str:
    owner = ", ".join(os.pread(descriptor, 4096, 0).decode(errors="replace").split("\n")).strip(", ")
    return (
        f"{lock_file}: expected no other run to be writing; found "
        f"{owner or 'one that has only just started'}. "
        "Wait until it ends, or end that process: the lock goes with it."
    )


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)
