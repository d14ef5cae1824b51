"""One writer at a time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dagster_project.errors import ExitCode, LeagueError, Locked
from dagster_project.releases.writer_lock import require_writer_lock, writer_lock
from dagster_project.settings import PROJECT_ROOT, DataFolder

HOLD = """
import sys, time
from pathlib import Path
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder
with writer_lock(DataFolder(Path(sys.argv[1])), "other-run"):
    print("held", flush=True)
    time.sleep(60)
"""


def _holder(data: DataFolder) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data.root)], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_who_holds_the_lock(data: DataFolder) -> None:
    process = _holder(data)
    try:
        with (
            pytest.raises(
                Locked, match=rf"run other-run, process {process.pid}, host .+, started 20"
            ) as error,
            writer_lock(data, "mine"),
        ):
            pytest.fail("two writers at once")
        assert error.value.exit_code is ExitCode.LOCKED
        assert "other-run" in data.lock_file.read_text(), "the refused one must not touch the owner's words"
    finally:
        process.kill()
        process.communicate()


def test_the_lock_of_a_killed_process_is_free(data: DataFolder) -> None:
    process = _holder(data)
    process.kill()
    process.communicate()
    with writer_lock(data, "mine"):
        assert f"process {os.getpid()}\n" in data.lock_file.read_text()


def test_a_subprocess_that_outlives_its_run_does_not_keep_the_lock(data: DataFolder) -> None:
    with writer_lock(data, "first"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        with writer_lock(data, "second"):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_the_same_process_cannot_hold_it_twice(data: DataFolder) -> None:
    with writer_lock(data, "first"):
        with pytest.raises(Locked, match="run first"), writer_lock(data, "second"):
            pytest.fail("two writers at once")
        require_writer_lock(data)


def test_the_lock_is_free_again_after_a_failed_run(data: DataFolder) -> None:
    with pytest.raises(ZeroDivisionError), writer_lock(data, "first"):
        raise ZeroDivisionError
    assert data.lock_file.read_text() == ""
    with pytest.raises(LeagueError, match="expected this process to hold the writer lock"):
        require_writer_lock(data)
    with writer_lock(data, "second"):
        require_writer_lock(data)
