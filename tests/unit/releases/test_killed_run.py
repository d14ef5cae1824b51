"""A run killed at any step: readers see the state before or the one after, and the next run succeeds."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from pathlib import Path

import duckdb
import hand_made_run as hand_made
import pytest

from dagster_project.releases.publish import current_release, mend_current_links
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder

BEFORE, AFTER = "1.50", "1.60"
STEPS = {
    "after the copy": BEFORE,
    "in the middle of the export": BEFORE,
    "before the release folder has its name": BEFORE,
    "after the release folder has its name": BEFORE,
    "before the swap": BEFORE,
    "after the swap": AFTER,
}


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which a run published BEFORE. Not to be changed."""
    root = tmp_path_factory.mktemp("first")
    hand_made.run(DataFolder(root), "run-1", BEFORE)
    return root


@pytest.fixture
def published(first_run: Path, data: DataFolder) -> DataFolder:
    """A copy of what the first run published."""
    shutil.copytree(first_run, data.root, symlinks=True)
    return data


def _kill_a_run(data: DataFolder, step: str) -> None:
    status = hand_made.run_in_another_process(data, "killed-run", AFTER, dies=step)
    assert status == -signal.SIGKILL


def _assert_readers_see(data: DataFolder, average: str) -> None:
    """Warehouse, current release and its folder are of one piece."""
    (current,) = current_release(data)
    assert current.release_id == hand_made.identity_of(average).release_id
    with duckdb.connect(str(data.warehouse), read_only=True) as reader:
        rows = reader.execute(
            "select distinct average_metric_score::varchar, release_id from league.league_table"
        )
        assert rows.fetchall() == [(average, current.release_id)]
    folder = data.releases / str(current.quarter) / current.release_id
    for name, described in json.loads((folder / "release.json").read_bytes())["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == described["sha256"], name


def _assert_tidy(data: DataFolder, average: str) -> None:
    quarter = data.releases / str(hand_made.Q1)
    assert str((quarter / "current").readlink()) == hand_made.identity_of(average).release_id
    assert not list(quarter.glob(".*"))
    assert not list(data.candidates.iterdir())


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_second_run_leaves_one_complete_state_and_the_next_succeeds(
    published: DataFolder, step: str
) -> None:
    data = published
    _kill_a_run(data, step)
    assert (data.candidates / "killed-run").exists(), "the run must have died at work"
    _assert_readers_see(data, STEPS[step])
    hand_made.run(data, "run-3", AFTER)
    _assert_readers_see(data, AFTER)
    _assert_tidy(data, AFTER)


@pytest.mark.parametrize("step", ["in the middle of the export", "after the release folder has its name"])
def test_a_killed_first_run_leaves_nothing_published_and_the_next_succeeds(
    data: DataFolder, step: str
) -> None:
    _kill_a_run(data, step)
    assert current_release(data) == []
    hand_made.run(data, "run-2", AFTER)
    _assert_readers_see(data, AFTER)
    _assert_tidy(data, AFTER)


def test_half_written_releases_are_swept_by_a_run_that_releases_something_else(data: DataFolder) -> None:
    _kill_a_run(data, "before the release folder has its name")
    assert list((data.releases / str(hand_made.Q1)).glob(".unfinished-*"))
    hand_made.run(data, "run-2", BEFORE)
    _assert_tidy(data, BEFORE)


def test_links_are_mended_at_the_next_start_even_if_that_run_publishes_nothing(
    published: DataFolder,
) -> None:
    data = published
    _kill_a_run(data, "after the swap")
    link = data.releases / str(hand_made.Q1) / "current"
    assert str(link.readlink()) == hand_made.identity_of(BEFORE).release_id
    with writer_lock(data, "run-2"):
        mend_current_links(data)
    assert str(link.readlink()) == hand_made.identity_of(AFTER).release_id


def test_a_failed_run_that_is_not_killed_leaves_readers_where_they_were(
    published: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = published

    def disk_full(*_: object, **__: object) -> int:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("dagster_project.releases.folder.export_table", disk_full)
        with pytest.raises(OSError, match="no space"):
            hand_made.run(data, "run-2", AFTER)
    _assert_readers_see(data, BEFORE)
    hand_made.run(data, "run-3", AFTER)
    _assert_tidy(data, AFTER)
