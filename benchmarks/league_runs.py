"""Whole commands beside their floor and beside the plain way: runs of one and of twenty quarters, start-up, memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from floor import IMPORTS
from many_years import write_years
from processes import Command, Used, in_turn, measured

from dagster_project.sample import SAMPLE_QUARTERS, generate_sample

_HERE = Path(__file__).parent
_LEAGUE = (sys.executable, "-m", "dagster_project.cli")
QUARTER = "2025-26-Q1"
YEARS = 5


def whole_runs(folder: Path, extracts: Path, times: int) -> dict[str, Used]:
    """A quarter warm, cold and again with nothing new; the imports alone, the floor, and the plain way."""
    data, cold, plain = folder / "data", folder / "cold", folder / "plain"
    run = ("run", QUARTER, "--extracts", extracts)
    _league(data, *run)
    compiled = folder / "compiled.json"
    subprocess.run([sys.executable, _HERE / "floor.py", "compile", data, compiled], check=True)
    commands = [
        Command("imports alone", (sys.executable, "-c", IMPORTS)),
        Command("imports and compiled SQL", (sys.executable, _HERE / "floor.py", "run", data, compiled)),
        Command("warm run", _arguments(data, *run, "--again")),
        Command("cold run", _arguments(cold, *run), before=_removed(cold)),
        Command("repeat with nothing new", _arguments(data, *run)),
        Command(
            "plain way",
            (sys.executable, _HERE / "plain_way.py", extracts, QUARTER, plain),
            before=_removed(plain),
        ),
    ]
    return in_turn(commands, times)


def twenty_quarters(folder: Path, times: int) -> dict[str, Used]:
    """One quarter and twenty of the same fictional files, each in one run."""
    quarters = write_years(folder / "years", YEARS)
    files = ("--extracts", folder / "years" / "extracts", "--rules", folder / "years" / "rules", "--again")
    found = {}
    for name, wanted in (("one quarter", quarters[:1]), ("twenty quarters", quarters)):
        data = folder / name.replace(" ", "-")
        command = Command(name, _arguments(data, "run", *map(str, wanted), *files))
        measured(command)
        found |= in_turn([command], max(1, times // 3))
    return found


def publications(folder: Path, times: int) -> dict[str, Used]:
    """Six quarters published anew, a sixth beside five that are kept, and all kept; beside a run of one."""
    data, site = folder / "data", folder / "site"
    sample = generate_sample(folder / "sample", quarters=list(SAMPLE_QUARTERS))
    wanted = [str(quarter) for quarter in SAMPLE_QUARTERS]
    _league(data, "run", *wanted, "--extracts", sample.extracts)

    def five() -> None:
        _removed(site)()
        _league(data, "publish", *wanted[:-1], "--to", site)

    commands = [
        Command(
            "run of one quarter",
            _arguments(data, "run", wanted[-1], "--extracts", sample.extracts, "--again"),
        ),
        Command("six quarters", _arguments(data, "publish", "--to", site), before=_removed(site)),
        Command("all six kept", _arguments(data, "publish", "--to", site)),
        Command("a new quarter beside five", _arguments(data, "publish", "--to", site), before=five),
    ]
    return in_turn(commands, times)


def start_up(folder: Path, organisation: str, times: int) -> dict[str, Used]:
    """What answers from a release: help, status, history and one explanation, on the data of `whole_runs`."""
    data = folder / "data"
    verbs = (("--help",), ("status",), ("history",), ("explain", organisation, QUARTER))
    return in_turn([Command(" ".join(verb), _arguments(data, *verb)) for verb in verbs], times)


def _league(data: Path, *arguments: str | Path) -> None:
    subprocess.run(_arguments(data, *arguments), check=True, stdout=subprocess.DEVNULL)


def _arguments(data: Path, *arguments: str | Path) -> list[str]:
    return [*_LEAGUE, "--data", str(data), *map(str, arguments)]


def _removed(folder: Path) -> Callable[[], None]:
    return lambda: shutil.rmtree(folder, ignore_errors=True)
