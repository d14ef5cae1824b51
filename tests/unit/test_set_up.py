"""Which Python `make` takes to set up."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_ROOT

RUNS = f'exec {shlex.quote(sys.executable)} "$@"\n'
DOES_NOT_RUN = "echo not among the chosen versions >&2; exit 127\n"


def _set_up(folder: Path, **pythons: str) -> subprocess.CompletedProcess[str]:
    """What `make setup` would do where these programs are all the Pythons on the path."""
    folder.mkdir()
    for name in ("sh", "make"):
        (folder / name).symlink_to(str(shutil.which(name)))
    for name, script in pythons.items():
        program = folder / name.replace("_", ".")
        program.write_text(f"#!/bin/sh\n{script}")
        program.chmod(0o755)
    command = [str(folder / "make"), "--dry-run", "--always-make", "setup"]
    environment = {"PATH": str(folder), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["python3_11", "python3_12", "python3_13", "python3"])
def test_whichever_python_is_there_is_taken(name: str, tmp_path: Path) -> None:
    said = _set_up(tmp_path / "path", **{name: RUNS}).stdout
    assert f"{tmp_path}/path/{name.replace('_', '.')} -m venv .venv" in said


def test_a_stand_in_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    said = _set_up(
        tmp_path / "path", python3_11=DOES_NOT_RUN, python3_12=DOES_NOT_RUN, python3_13=RUNS
    ).stdout
    assert f"{tmp_path}/path/python3.13 -m venv .venv" in said


def test_a_python_of_another_version_is_not_taken(tmp_path: Path) -> None:
    old = "exit 1  # as the question for its version ends\n"
    assert f"{tmp_path}/path/python3" not in _set_up(tmp_path / "path", python3=old).stdout
