"""The command on a machine that lacks something: a sentence and the right exit code, whatever the verb."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from league_command import environment_of, league, league_process
from published_state import published_files

from dagster_project.releases.writer_lock import writer_lock
from dagster_project.runs.record import mend_outcomes
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"
PROGRAM = [sys.executable, "-m", "dagster_project.cli"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("run", QUARTER, "--sample"),
        ("fetch", QUARTER),
        ("reconcile", QUARTER),
        ("verify", QUARTER),
        ("bundle", QUARTER),
        ("backup", "{tmp}/backups"),
        ("history",),
        ("prune",),
        ("explain", "RP6", QUARTER),
        ("diff", QUARTER),
        ("nowcast", QUARTER),
        ("withdraw", "0" * 16, "--reason", "x"),
        ("approve", "0" * 16),
        ("restore", "{tmp}/backups"),
        ("dev",),
    ],
)
@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_data_folder_that_can_not_be_made_is_2(
    tmp_path: Path, arguments: tuple[str, ...], place: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = league(*(text.format(tmp=tmp_path) for text in arguments), data=DataFolder(tmp_path / place))
    assert ended.code == 2
    assert "expected a folder, or a place where one can be made" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("bytes_left", [100_000, 20_000_000])
def test_a_full_disk_ends_a_run_with_3_and_readers_keep_what_they_had(
    released: DataFolder, small_extracts: Path, bytes_left: int
) -> None:
    before = published_files(released)
    # No file may grow beyond that: of the first not even Dagster's history, of the second not the candidate.
    ended = subprocess.run(
        [*PROGRAM, "run", QUARTER, "--extracts", small_extracts / QUARTER],
        env=os.environ | environment_of(released),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, bytes_left)),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 3, ended.stderr
    assert "The disk is full or failing" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert published_files(released) == before
    assert not list(released.candidates.glob("*"))


@pytest.mark.parametrize("kilobytes", [600_000, 1_000_000, 3_000_000])
def test_too_little_memory_ends_a_run_with_3_before_it_takes_the_lock(
    released: DataFolder, small_extracts: Path, kilobytes: int
) -> None:
    limit = kilobytes * 1024
    ended = subprocess.run(
        [*PROGRAM, "run", QUARTER, "--extracts", small_extracts / QUARTER, "--json"],
        env=os.environ | environment_of(released) | {"OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 3, ended.stderr
    assert "address space" in json.loads(ended.stdout)["message"]


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
@pytest.mark.parametrize("name", ["Zürich – données", 'd\'Arc "x" $(y) %s'])
def test_a_data_folder_of_any_name_is_read_under_any_locale(
    released: DataFolder, tmp_path: Path, locale: dict[str, str], name: str
) -> None:
    moved = DataFolder(tmp_path / name)
    shutil.move(released.root, moved.root)
    ended = league_process("status", "--json", data=moved, **locale)
    assert ended.code == 0, ended.err
    assert ended.answer["data_folder"] == str(moved.root)
    shown = league_process("reconcile", QUARTER, data=moved, **locale)
    assert shown.code == 0, shown.err


def test_a_run_in_a_folder_with_quotes_and_accents_succeeds_under_the_c_locale(
    small_extracts: Path, tmp_path: Path
) -> None:
    extracts = tmp_path / "où 'est'"
    shutil.copytree(small_extracts / QUARTER, extracts)
    data = DataFolder(tmp_path / 'd\'Arc "é"')
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = league_process("run", QUARTER, "--extracts", extracts, data=data, **plain)
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("arguments", ["status", "status --json", "rules check --json", "--help", "ledger"])
def test_a_pipe_that_is_closed_early_ends_the_command_quietly(released: DataFolder, arguments: str) -> None:
    command = " ".join(map(str, PROGRAM))
    ended = subprocess.run(
        ["bash", "-c", f"{command} {arguments} | (exec 0<&-; sleep 1); echo ${{PIPESTATUS[0]}}"],
        env=os.environ | environment_of(released),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    assert ended.stdout.split() in (["141"], ["0"])


def test_an_answer_that_can_not_be_written_is_3(released: DataFolder) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*PROGRAM, "status"],
            env=os.environ | environment_of(released),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 3
    assert len(ended.stderr.splitlines()) == 1
    assert "No space left" in ended.stderr


def test_what_nobody_expected_is_a_sentence_and_its_trace_comes_on_request(
    released: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise KeyError("nobody expected this")

    monkeypatch.setattr("dagster_project.runs.status.status_of", broken)
    ended = league("status", data=released)
    assert ended.code == 1
    assert "KeyError: 'nobody expected this'. That is a fault of ours" in ended.err
    assert len(ended.err.splitlines()) == 1
    monkeypatch.setenv("LEAGUE_DEBUG", "1")
    with pytest.raises(KeyError, match="nobody expected"):
        league("status", data=released)


@pytest.mark.parametrize("damage", [b"", b'{"exit_code": 0, "qu', b"\0" * 300, b"[]", b"\xff\xfe"])
def test_a_torn_outcome_is_told_and_mended_by_the_next_run(released: DataFolder, damage: bytes) -> None:
    (outcome,) = released.runs.glob("*/outcome.json")
    outcome.write_bytes(damage)
    ended = league("status", data=released)
    assert ended.code == 0, ended.err
    assert "outcome.json is damaged" in ended.out
    with writer_lock(released, "next"):
        assert mend_outcomes(released) == [outcome.parent.name]
        assert mend_outcomes(released) == []
    assert outcome.with_name("outcome.json.torn").read_bytes() == damage
    assert json.loads(outcome.read_bytes())["exit_code"] is None


def test_a_torn_line_of_the_manifest_is_told_by_status(released: DataFolder) -> None:
    manifest = released.archive / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join(lines) + lines[-1][:40])
    ended = league("status", data=released)
    assert ended.code == 0
    assert "the last line was cut off" in ended.err
    assert league("status", "--json", data=released).answer["archive"]


@pytest.mark.parametrize(
    "name", ["partial_parse.msgpack", "manifest.json", "column_lineage.json", "sums.json"]
)
def test_a_torn_parsed_project_is_parsed_again(released: DataFolder, name: str) -> None:
    for file in (released.root / "dbt").glob(f"*/{name}"):
        file.write_bytes(file.read_bytes()[:-100])
    ended = league("lineage", "league_table.rank", data=released)
    assert ended.code == 0, ended.err
