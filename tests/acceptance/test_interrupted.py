"""Ctrl-C and SIGTERM at any moment: one line, exit code 130, nothing left behind, and the next run succeeds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from league_command import league, start_league
from published_state import files_below, left_in, published_files, what_may_be_gone_on_with

from dagster_project.errors import ExitCode
from dagster_project.interruption import SENTENCE
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"


def interrupt(
    process: subprocess.Popen[str], says: str, signals: tuple[signal.Signals, ...]
) -> tuple[int, str, list[str]]:
    """Sends the signals once the command says something; gives its exit code, output, and what it said after."""
    assert process.stderr is not None
    for line in process.stderr:
        if says in line:
            break
    for number in signals:
        time.sleep(0.2)
        process.send_signal(number)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err.splitlines()


def what_a_run_starts_from(data: DataFolder) -> dict[str, str]:
    """Everything in the data folder but what tells of runs or is left by them, and when the archive saw its files."""
    tells = ("runs", "candidates", "dagster", "archive/manifest.jsonl")
    found = {os.path.relpath(path, data.root): content for path, content in files_below(data.root).items()}
    return {path: content for path, content in found.items() if not path.startswith(tells)}


def runs_of(data: DataFolder) -> list[dict[str, object]]:
    return [json.loads(file.read_bytes()) for file in data.runs.glob("*/outcome.json")]


@pytest.mark.parametrize(
    ("says", "signals"),
    [
        ("Starting Dagster", (signal.SIGINT,)),
        ("Loading the rules", (signal.SIGTERM,)),
        ("Scoring and ranking", (signal.SIGINT, signal.SIGINT)),
    ],
)
def test_an_interrupted_run_ends_in_one_line_and_leaves_readers_and_folders_as_they_were(
    released: DataFolder, small_extracts: Path, says: str, signals: tuple[signal.Signals, ...]
) -> None:
    before, runs, built_on = (
        published_files(released),
        len(runs_of(released)),
        what_a_run_starts_from(released),
    )
    process = start_league("run", QUARTER, "--extracts", small_extracts / QUARTER, data=released)
    code, out, said = interrupt(process, says, signals)
    assert code == ExitCode.INTERRUPTED
    assert out == ""
    lines = [line for line in said if not line.lstrip()[:1].isdigit()]
    assert len(lines) == 1, said
    assert SENTENCE in lines[0]
    assert published_files(released) == before
    assert left_in(released) == what_may_be_gone_on_with(released)
    assert not list(released.root.rglob(".unfinished-*"))
    assert released.lock_file.read_text() == ""
    fresh = [run for run in runs_of(released) if run["exit_code"] == ExitCode.INTERRUPTED]
    assert len(fresh) == len(runs_of(released)) - runs
    if says != "Starting Dagster":
        assert [run["message"] for run in fresh] == [SENTENCE]
    # What the next run starts from is as it was; that it succeeds is shown where this one had gone furthest.
    assert what_a_run_starts_from(released) == built_on
    if says == "Scoring and ranking":
        again = league("run", QUARTER, "--extracts", small_extracts / QUARTER, data=released)
        assert again.code == 0, again.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("verify", QUARTER), "Making the release again"),
        (("rebuild", QUARTER), "Starting Dagster"),
        (("backup", "{elsewhere}"), "Checking what is there"),
        (("check", "{extracts}"), "Reading"),
        (("bundle", QUARTER, "--output", "{elsewhere}/b.zip"), "Writing the bundle"),
        (("what-if", "ZDJ", QUARTER, "OF5004=0"), ""),
    ],
)
def test_every_verb_ends_so(
    released: DataFolder,
    small_extracts: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    before = published_files(released)
    elsewhere, temporary = tmp_path / "elsewhere", tmp_path / "temporary"
    temporary.mkdir()
    named = [text.format(elsewhere=elsewhere, extracts=small_extracts / QUARTER) for text in arguments]
    process = start_league(*named, data=released, TMPDIR=str(temporary))
    code, out, said = interrupt(process, says, (signal.SIGINT,))
    if code == 0:
        # It was done before the signal came: then it says what it did.
        assert out
        return
    assert (code, out) == (ExitCode.INTERRUPTED, "")
    lines = [line for line in said if not line.lstrip()[:1].isdigit()]
    assert len(lines) == 1, said
    assert SENTENCE in lines[0]
    assert published_files(released) == before
    assert not list(temporary.glob("league-*"))
    assert left_in(released) == what_may_be_gone_on_with(released)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_answer_changes_nothing(number: signal.Signals) -> None:
    # Python takes its handlers out before it clears its modules, which is when `late` sends its signal.
    program = f"""
import os
from dagster_project import interruption

class Late:
    kill, process = staticmethod(os.kill), os.getpid()

    def __del__(self):
        self.kill(self.process, {number.value})

late = Late()
interruption.listen()
interruption.stop_listening()
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == 0


def test_as_json_the_answer_is_json(released: DataFolder) -> None:
    process = start_league("verify", QUARTER, "--json", data=released)
    code, out, _ = interrupt(process, "Making the release again", (signal.SIGTERM,))
    assert code == 130
    assert json.loads(out) == {"exit_code": 130, "message": SENTENCE}


@pytest.mark.parametrize("milliseconds", [60, 120, 250, 400])
def test_a_signal_while_the_command_starts_leaves_no_trace(
    milliseconds: int, league_program: Callable[..., subprocess.Popen[str]]
) -> None:
    process = league_program("status")
    time.sleep(milliseconds / 1000)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    if process.returncode == 1:
        # Python itself was still starting, on a slow machine: nothing of ours had begun.
        assert err.rstrip().endswith("KeyboardInterrupt")
        assert "dagster_project" not in err
        return
    assert process.returncode in (0, 130, -signal.SIGINT)
    if process.returncode == 130:
        assert err.splitlines() == [line for line in err.splitlines() if SENTENCE in line]
    if process.returncode == 0:
        assert "Data folder" in out


@pytest.fixture
def league_program(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts `league` as it is installed."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [Path(sys.executable).with_name("league"), *arguments],
            env=os.environ | {"LEAGUE_DATA_DIR": str(tmp_path / "data")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
