"""Dagster's settings: telemetry stays off whatever became of the file, and an operator's own words stay."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from dagster_project.dagster_home import NO_TELEMETRY, SETTINGS_FILE, dagster_home, is_stored_elsewhere
from dagster_project.progress import listening
from dagster_project.settings import PROJECT_ROOT, DataFolder


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    for name in ("DAGSTER_HOME", *NO_TELEMETRY):
        monkeypatch.setenv(name, "")
    return DataFolder(tmp_path)


EARLIER = (
    b"telemetry:\n  enabled: false\n",
    b"telemetry:\n  enabled: false\nconcurrency:\n  runs:\n    max_concurrent_runs: 1\n"
    b"run_retries:\n  enabled: true\n  max_retries: 0\n",
)


def mended(data: DataFolder, raw: bytes) -> tuple[bytes, list[str]]:
    """What becomes of settings, and what is said of it."""
    said: list[str] = []
    data.dagster_home.mkdir(exist_ok=True)
    (data.dagster_home / SETTINGS_FILE).write_bytes(raw)
    with listening(said.append):
        dagster_home(data)
    return (data.dagster_home / SETTINGS_FILE).read_bytes(), said


def test_settings_cut_off_at_any_byte_are_written_anew(data: DataFolder) -> None:
    dagster_home(data)
    own = (data.dagster_home / SETTINGS_FILE).read_bytes()
    assert yaml.safe_load(own)["telemetry"] == {"enabled": False}
    for cut in range(len(own)):
        for tail in (b"", b"\0\0\0"):
            again, said = mended(data, own[:cut] + tail)
            assert again == own
            # What an earlier version wrote is no cut.
            assert bool(said) is (own[:cut] + tail not in EARLIER)
    assert mended(data, own) == (own, [])
    assert [path.name for path in data.dagster_home.iterdir()] == [SETTINGS_FILE]


@pytest.mark.parametrize(
    "edited",
    [
        b"telemetry:\n  enabled: false\n# ours\nconcurrency:\n  runs:\n    max_concurrent_runs: 2\n",
        b"telemetry: {enabled: true}\n",
    ],
)
def test_an_operators_settings_stay_byte_for_byte(data: DataFolder, edited: bytes) -> None:
    assert mended(data, edited) == (edited, [])


def test_settings_that_say_nothing_of_telemetry_get_that_and_keep_the_rest(data: DataFolder) -> None:
    edited = b"# by the keeper\nschedules:\n  use_threads: true"
    after, said = mended(data, edited)
    assert after.startswith(edited)
    assert yaml.safe_load(after) == {"schedules": {"use_threads": True}, "telemetry": {"enabled": False}}
    assert "telemetry" in said[0]


@pytest.mark.parametrize(
    "raw",
    [
        b"telemetry: [",
        b"\xff\xfe\x00",
        b"just words",
        b"- a\n- b\n",
        b"telemetry: on\n",
        b"telemetry:\n  enabled:\nx: 1\n",
    ],
)
def test_what_is_no_settings_is_kept_aside_and_said(data: DataFolder, raw: bytes) -> None:
    after, said = mended(data, raw)
    assert yaml.safe_load(after)["telemetry"] == {"enabled": False}
    assert (data.dagster_home / f"{SETTINGS_FILE}.damaged-1").read_bytes() == raw
    assert "dagster.yaml.damaged-1" in said[0]
    mended(data, raw)
    assert (data.dagster_home / f"{SETTINGS_FILE}.damaged-2").read_bytes() == raw


def test_dagster_sends_nothing_with_its_variable_set_whatever_its_settings_say(data: DataFolder) -> None:
    # Dagster's upload has no public name.
    upload = import_module("dagster._core.telemetry_upload")
    mended(data, b"telemetry: {enabled: true}\n")
    assert {name: os.environ[name] for name in NO_TELEMETRY} == NO_TELEMETRY
    assert upload.is_running_in_test(), "the switch that Dagster's upload looks for"


@pytest.mark.parametrize("earlier", EARLIER)
def test_settings_of_an_earlier_version_are_brought_up_to_date_without_a_word(
    data: DataFolder, earlier: bytes
) -> None:
    after, said = mended(data, earlier)
    assert yaml.safe_load(after)["nux"] == {"enabled": False}
    assert said == []


def test_a_history_in_postgresql_is_not_taken_for_none(data: DataFolder) -> None:
    assert not is_stored_elsewhere(data)
    dagster_home(data)
    assert not is_stored_elsewhere(data)
    mended(data, (PROJECT_ROOT / "deploy" / SETTINGS_FILE).read_bytes())
    assert is_stored_elsewhere(data)
    (data.dagster_home / SETTINGS_FILE).write_bytes(b"storage: [")
    assert not is_stored_elsewhere(data)
