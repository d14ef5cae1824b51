"""Processes measured from outside: processor and wall seconds and peak memory, in turn with a baseline."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Used:
    """What one process and its children used: seconds of processor and clock, MB of its largest process."""

    processor: float
    wall: float
    peak_mb: float


@dataclass(frozen=True)
class Command:
    """A command to measure; `before` prepares each run and isn't measured. A run must end with one of `codes`."""

    name: str
    arguments: Sequence[str | Path]
    environment: Mapping[str, str] | None = None
    before: Callable[[], object] | None = None
    codes: tuple[int, ...] = (0,)


def measured(command: Command) -> Used:
    """Runs the command once; raises RuntimeError with the end of what it said where it failed."""
    if command.before is not None:
        command.before()
    started = time.perf_counter()
    with subprocess.Popen(
        [str(argument) for argument in command.arguments],
        env={**os.environ, **(command.environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        said = process.stdout.read() if process.stdout is not None else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode not in command.codes:
        raise RuntimeError(f"{command.name} ended with {process.returncode}:\n{said[-2000:]}")
    return Used(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def in_turn(commands: Sequence[Command], times: int) -> dict[str, Used]:
    """The medians of each command, run `times` times after one run that isn't counted, one after the other.

    In turn, so that a machine that slows down slows all of them.
    """
    runs: dict[str, list[Used]] = {command.name: [] for command in commands}
    for turn in range(times + 1):
        for command in commands:
            used = measured(command)
            if turn:
                runs[command.name].append(used)
    return {
        name: Used(
            statistics.median(each.processor for each in used),
            statistics.median(each.wall for each in used),
            max(each.peak_mb for each in used),
        )
        for name, used in runs.items()
    }
