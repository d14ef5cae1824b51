"""A checkout of its own for a test that changes code, and the `league` command run from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from league_command import Ended, environment_of

from dagster_project.settings import PROJECT_ROOT, DataFolder

_CODE = ("dagster_project", "dbt", "expectations")
_INSTALLED_WITH = ("LICENSE", "Makefile", "README.md", "pyproject.toml", "requirements.lock")


def copy_checkout(folder: Path) -> Path:
    """The code that a release is made with, and what installs it, below `folder`."""
    ignored = shutil.ignore_patterns("__pycache__", "target", "logs", ".user.yml")
    for name in _CODE:
        shutil.copytree(PROJECT_ROOT / name, folder / name, ignore=ignored)
    for name in _INSTALLED_WITH:
        shutil.copy(PROJECT_ROOT / name, folder / name)
    return folder


def league_of(checkout: Path, *arguments: str | Path, data: DataFolder, cwd: Path, path: str = "") -> Ended:
    """The command of that checkout as a process that works in `cwd`; `path` stands before it on PYTHONPATH."""
    python_path = os.pathsep.join(filter(None, (path, str(checkout))))
    ended = subprocess.run(
        [sys.executable, "-m", "dagster_project.cli", *map(str, arguments)],
        env=os.environ | environment_of(data, PYTHONPATH=python_path, PYTHONDONTWRITEBYTECODE="1"),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def flip_a_byte(path: Path, position: int | None = None) -> None:
    """Changes one bit of one byte, by default in the middle."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 if position is None else position] ^= 1
    path.chmod(0o644)
    path.write_bytes(raw)
