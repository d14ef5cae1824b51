"""What the machine lacks is told from our faults, in whatever words a library says it."""

from __future__ import annotations

import errno
import resource

import duckdb
import pytest

from dagster_project import machine
from dagster_project.errors import ExitCode, InputRejected, LeagueError, MachineFault


def caused(cause: BaseException) -> LeagueError:
    try:
        raise LeagueError("dbt seed failed") from cause
    except LeagueError as error:
        return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "The disk is full or failing"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "The disk is full or failing"),
        (OSError(errno.EFBIG, "File too large"), "The disk is full or failing"),
        (OSError(errno.EROFS, "Read-only file system", "/data"), "may not write there"),
        (PermissionError(errno.EACCES, "Permission denied", "/data"), "may not write there"),
        (
            NotADirectoryError(errno.ENOTDIR, "Not a directory", "/data/runs"),
            "A file is where a folder is needed",
        ),
        (FileExistsError(errno.EEXIST, "File exists", "/data"), "A file is where a folder is needed"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory enough"),
        (MemoryError(), "memory enough"),
        (RuntimeError("can't start new thread"), "memory enough"),
        (ImportError("x.so: failed to map segment from shared object"), "memory enough"),
        (duckdb.OutOfMemoryException("Out of Memory Error: Allocation failure"), "memory enough"),
        (
            duckdb.IOException("IO Error: Could not write file: No space left on device"),
            "The disk is full or failing",
        ),
        (RuntimeError("(sqlite3.OperationalError) database or disk is full"), "The disk is full or failing"),
        (RuntimeError("(sqlite3.OperationalError) disk I/O error"), "The disk is full or failing"),
        (RuntimeError("(sqlite3.OperationalError) unable to open database file"), "may not write there"),
        (LeagueError("dbt run failed:\n  - x: Out of Memory Error: Allocation failure"), "memory enough"),
        (caused(OSError(errno.ENOSPC, "No space left on device")), "The disk is full or failing"),
    ],
)
def test_it_is_a_sentence_that_ends_with_3(error: BaseException, says: str) -> None:
    fault = machine.machine_fault(error)
    assert fault is not None
    assert fault.exit_code == ExitCode.INPUT_MISSING
    assert says in str(fault)
    assert "\n" not in str(fault)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("permission denied"),
        KeyError("out of memory"),
        FileNotFoundError(errno.ENOENT, "No such file or directory"),
        ZeroDivisionError("division by zero"),
        LeagueError("the same inputs gave other bytes"),
        InputRejected(file="a.csv", expected="a ZIP", found="Permission denied in a cell", remedy="Look."),
    ],
)
def test_other_errors_stay_what_they_are(error: BaseException) -> None:
    assert machine.machine_fault(error) is None


def test_an_error_that_causes_itself_ends() -> None:
    one, other = RuntimeError("one"), RuntimeError("other")
    one.__cause__, other.__cause__ = other, one
    assert machine.machine_fault(one) is None


@pytest.mark.parametrize("gigabytes", [0.5, 1, 3.9])
def test_too_little_memory_is_refused_before_anything_begins(
    monkeypatch: pytest.MonkeyPatch, gigabytes: float
) -> None:
    limits = {resource.RLIMIT_AS: int(gigabytes * 1e9), resource.RLIMIT_DATA: resource.RLIM_INFINITY}
    monkeypatch.setattr(machine.resource, "getrlimit", lambda which: (limits[which], limits[which]))
    with pytest.raises(MachineFault, match="needs at least 4 GB of address space"):
        machine.require_memory()


def test_a_container_with_too_little_memory_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    limit = tmp_path_factory.mktemp("cgroup") / "memory.max"
    monkeypatch.setattr(machine, "_CGROUP_LIMITS", (limit,))
    limit.write_text("max\n")
    machine.require_memory()
    limit.write_text("536870912\n")
    with pytest.raises(MachineFault, match="needs at least 1 GB of memory"):
        machine.require_memory()
