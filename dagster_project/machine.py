"""What the machine may lack, said in a sentence: room on the disk, the right to write, memory."""

from __future__ import annotations

import errno
import re
import resource
from collections.abc import Iterator
from pathlib import Path

from dagster_project.errors import LeagueError, MachineFault

# Measured on two cores: the libraries of a run map this much, and hold this much at most. With less they end in
# ways of their own, one of them never (docs/operations.md).
_ADDRESS_SPACE = 4_000_000_000
_MEMORY = 1_000_000_000
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MAY_NOT = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_FOLDER = (errno.ENOTDIR, errno.EEXIST, errno.EISDIR)
_WORDS = {
    "full": re.compile(
        r"no space left|disk is full|quota exceeded|file too large|disk i/o error", re.IGNORECASE
    ),
    "denied": re.compile(
        r"read-only file system|permission denied|readonly database|unable to open database file|"
        r"operation not permitted",
        re.IGNORECASE,
    ),
    "memory": re.compile(
        r"out of memory|cannot allocate memory|bad_alloc|can't start new thread|failed to map segment|"
        r"could not allocate|unable to allocate",
        re.IGNORECASE,
    ),
}
_REMEDIES = {
    "full": "The disk is full or failing, or a limit on the size of files was reached. Make room, then run the "
    "command again",
    "denied": "This user may not write there, or the disk is mounted read-only. Mend that, or name another folder "
    "with LEAGUE_DATA_DIR",
    "folder": "A file is where a folder is needed, or the other way round. Move it away, or name another folder "
    "with LEAGUE_DATA_DIR",
    "memory": "There isn't memory enough. Lift the limit or end other programs, then run the command again",
}


def require_memory() -> None:
    """Raises MachineFault where a limit of this process is too low for a run, before the heavy libraries load."""
    space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if space != resource.RLIM_INFINITY and space < _ADDRESS_SPACE:
        raise _too_little("address space (ulimit -v)", space, _ADDRESS_SPACE)
    held, _ = resource.getrlimit(resource.RLIMIT_DATA)
    limits = [held] if held != resource.RLIM_INFINITY else []
    for file in _CGROUP_LIMITS:
        text = file.read_text().strip() if file.is_file() else ""
        limits += [int(text)] if text.isdigit() else []
    if limits and min(limits) < _MEMORY:
        raise _too_little("memory", min(limits), _MEMORY)


def machine_fault(error: BaseException) -> MachineFault | None:
    """What an error, or one that it came from, says of the machine; None where it says nothing of it.

    Libraries wrap the system's own errors in texts of theirs: those are known by their words.
    """
    if isinstance(error, MachineFault):
        return error
    for cause in _chain(error):
        if isinstance(cause, LeagueError) and cause.exit_code != LeagueError.exit_code:
            return None
        kind = _kind(cause)
        if kind is not None:
            said = " ".join(str(cause).split())[:300] or type(cause).__name__
            return MachineFault(f"{said}. {_REMEDIES[kind]}. What was published before is as it was.")
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)


def _kind(error: BaseException) -> str | None:
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, OSError) and error.errno is not None:
        for kind, numbers in (("full", _FULL), ("denied", _MAY_NOT), ("folder", _NO_FOLDER)):
            if error.errno in numbers:
                return kind
        return "memory" if error.errno == errno.ENOMEM else None
    if isinstance(error, (ArithmeticError, LookupError, TypeError, ValueError)):
        return None
    return next((kind for kind, words in _WORDS.items() if words.search(str(error))), None)


def _too_little(of_what: str, found: int, needed: int) -> MachineFault:
    return MachineFault(
        f"A run needs at least {needed / 1e9:.2g} GB of {of_what}; this process may have {found / 1e9:.2g} GB. "
        "Lift the limit. Nothing was begun."
    )
