"""Runs the `league` command: in this process, which spares the imports, or as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quick_history import make_history_quick
from typer.testing import CliRunner

from dagster_project.cli import app
from dagster_project.settings import DataFolder

_AS_A_PROGRAM = [sys.executable, "-m", "dagster_project.cli"]


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """What `--json` printed; the whole of standard output must be JSON."""
        return json.loads(self.out)


def environment_of(data: DataFolder, **more: str) -> dict[str, str]:
    """The variables that make `data` the data folder of the command and of Dagster."""
    return {"LEAGUE_DATA_DIR": str(data.root), "DAGSTER_HOME": str(data.dagster_home), **more}


def league(*arguments: str | Path, data: DataFolder, columns: int | None = None) -> Ended:
    """The command in this process, on a terminal of so many columns; an exception that it lets through fails the
    test with its trace."""
    if arguments[:1] in (("run",), ("rebuild",)):
        make_history_quick()
    environment = {"COLUMNS": None if columns is None else str(columns), **environment_of(data)}
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def start_league(*arguments: str | Path, data: DataFolder, **environment: str) -> subprocess.Popen[str]:
    """The command as a process of its own, still running; `environment` overrides variables."""
    return subprocess.Popen(
        [*_AS_A_PROGRAM, *map(str, arguments)],
        env=os.environ | environment_of(data, **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def league_process(*arguments: str | Path, data: DataFolder, **environment: str) -> Ended:
    """The command as a process of its own, awaited."""
    process = start_league(*arguments, data=data, **environment)
    out, err = process.communicate(timeout=300)
    return Ended(process.returncode, out, err)
