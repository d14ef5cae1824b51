"""A second run killed at any moment: readers stay on one complete state, and the next run succeeds."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import killed_run
import pytest
from league_command import league, start_league
from published_state import (
    assert_of_one_piece,
    files_below,
    links,
    published_files,
    release_ids,
    rows_of,
    tables_holding,
)
from staged_run import release_by_stages

from dagster_project.quarters import Quarter
from dagster_project.releases.publish import mend_current_links
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder

FIRST, SECOND = killed_run.QUARTERS
STAGES = (*killed_run.BEFORE_THE_COMMIT, *killed_run.AFTER_THE_COMMIT)


@pytest.fixture(scope="session")
def two_quarters(small_extracts: Path, made_once: Callable[..., Path]) -> Path:
    """Extracts of a second run: they give the first quarter anew and add the second."""

    def build(folder: Path) -> None:
        for quarter in killed_run.QUARTERS:
            shutil.copytree(small_extracts / quarter, folder / quarter)

    return made_once("two-quarters", build)


@pytest.fixture(scope="session")
def killed(small_release: DataFolder, two_quarters: Path, made_once: Callable[..., Path]) -> Path:
    """A data folder per stage, as a second run left it that was killed there."""

    def build(folder: Path) -> None:
        shutil.copytree(small_release.root, folder / killed_run.RUNNING, symlinks=True)
        done = subprocess.run(
            [sys.executable, killed_run.__file__, folder, two_quarters],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(killed_run.__file__).parent,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert {path.name for path in folder.iterdir()} == {killed_run.RUNNING, *STAGES}
        last = files_below(folder / STAGES[-1])
        assert below(
            DataFolder(folder / killed_run.RUNNING), files_below(folder / killed_run.RUNNING)
        ) == below(DataFolder(folder / STAGES[-1]), last), "what was copied must be what a kill leaves"

    return made_once("killed", build)


@pytest.fixture
def after(killed: Path, tmp_path: Path) -> Callable[[str], DataFolder]:
    """A copy of what a run left that was killed at a stage."""

    def copy(stage: str) -> DataFolder:
        shutil.copytree(killed / stage, tmp_path / "data", symlinks=True)
        return DataFolder(tmp_path / "data")

    return copy


def below(data: DataFolder, files: dict[str, str]) -> dict[str, str]:
    return {str(Path(path).relative_to(data.root)): content for path, content in files.items()}


@pytest.mark.parametrize("stage", killed_run.BEFORE_THE_COMMIT)
def test_a_run_killed_before_the_commit_leaves_readers_on_the_previous_release(
    small_release: DataFolder, killed: Path, stage: str
) -> None:
    data = DataFolder(killed / stage)
    assert (data.candidates / "killed").is_dir(), "the run must have died at work"
    before = below(small_release, published_files(small_release))
    now = below(data, published_files(data))
    assert {path: now.get(path) for path in before} == before
    assert_of_one_piece(data, release_ids(small_release))
    assert links(data) == release_ids(small_release)
    assert tables_holding(data, SECOND) == []


@pytest.mark.parametrize("stage", killed_run.AFTER_THE_COMMIT)
def test_a_run_killed_after_the_commit_leaves_readers_on_the_new_release(
    small_release: DataFolder, killed: Path, stage: str
) -> None:
    data = DataFolder(killed / stage)
    ids = release_ids(data)
    assert list(ids) == [FIRST, SECOND]
    assert ids[FIRST] != release_ids(small_release)[FIRST]
    assert_of_one_piece(data, ids)
    assert links(data) == release_ids(small_release), "links are derived, and mended at the next start"
    # Whoever follows the link still reads a whole release, the one before.
    current = data.releases / FIRST / "current"
    assert below(data, files_below(current.resolve())) == below(
        small_release, files_below((small_release.releases / FIRST / "current").resolve())
    )


# What a next run starts from is the same after others, as the tests below show: these stand for them.
@pytest.mark.parametrize("stage", ["after read", "before the swap", killed_run.AFTER_THE_COMMIT[0]])
def test_the_next_run_after_a_killed_one_succeeds_and_tidies_up(
    after: Callable[[str], DataFolder], two_quarters: Path, stage: str
) -> None:
    data = after(stage)
    ids = release_by_stages(data, two_quarters, FIRST, SECOND, run_id="next")
    assert list(ids) == [FIRST, SECOND]
    assert_of_one_piece(data, ids)
    assert links(data) == ids
    assert not list(data.candidates.iterdir())
    assert not list(data.releases.glob("*/.unfinished*"))
    assert not list(data.warehouse.parent.glob("*.wal"))


@pytest.fixture(scope="module")
def started(
    killed: Path, two_quarters: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, str]]:
    """What a next run has before it once it has started after one that was killed at a stage, but for its own."""

    @cache
    def start(stage: str) -> dict[str, str]:
        data = DataFolder(tmp_path_factory.mktemp("started") / "data")
        shutil.copytree(killed / stage, data.root, symlinks=True)
        quarters = tuple(map(Quarter.from_canonical, killed_run.QUARTERS))
        with QuarterlyRun(RunRequest(quarters=quarters, extracts_dir=two_quarters), data, "next"):
            assert [path.name for path in data.candidates.iterdir()] == ["next"]
            found = below(data, files_below(data.root))
        own = ("candidates/", "runs/", "writer.lock")
        return {path: content for path, content in found.items() if not path.startswith(own)}

    return start


@pytest.mark.parametrize("stage", killed_run.BEFORE_THE_COMMIT[1:-2])
def test_the_next_run_starts_from_the_same_after_whatever_stage_the_killed_one_died(
    started: Callable[[str], dict[str, str]], stage: str
) -> None:
    assert stage.startswith("after ")
    assert started(stage) == started("after read")


def test_the_next_run_starts_from_the_same_wherever_the_killed_one_died_after_its_commit(
    started: Callable[[str], dict[str, str]],
) -> None:
    first, last = killed_run.AFTER_THE_COMMIT
    assert started(first) == started(last)


def test_of_releases_that_were_being_written_the_next_run_starts_from_the_whole_ones(
    started: Callable[[str], dict[str, str]],
) -> None:
    """Which it finds as they are after "before the swap", where both are."""
    none, some, both = map(started, ("after read", "during the export", "before the swap"))
    assert none.items() < some.items() < both.items()
    written = [
        {str(Path(path).parent) for path in found.keys() - none.keys() if path.startswith("releases/")}
        for found in (some, both)
    ]
    assert [len(folders) for folders in written] == [1, 2]


@pytest.mark.parametrize("stage", killed_run.AFTER_THE_COMMIT)
def test_links_are_mended_at_the_next_start_whatever_that_run_builds(
    after: Callable[[str], DataFolder], stage: str
) -> None:
    data = after(stage)
    with writer_lock(data, "next"):
        mend_current_links(data)
    assert links(data) == release_ids(data)


def test_the_command_killed_while_it_scores_leaves_no_trace_for_readers(
    released: DataFolder, two_quarters: Path
) -> None:
    before, ids = published_files(released), release_ids(released)
    process = start_league("run", FIRST, SECOND, "--extracts", two_quarters, data=released)
    assert process.stderr is not None
    for line in process.stderr:
        if "Scoring and ranking" in line:
            break
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.communicate()
    assert published_files(released) == before
    assert_of_one_piece(released, ids)
    again = league("run", FIRST, SECOND, "--extracts", two_quarters, "--json", data=released)
    assert again.code == 0, again.err
    fresh = {release["quarter"]: release["release_id"] for release in again.answer["releases"]}
    assert links(released) == fresh
    assert_of_one_piece(released, fresh)
    assert rows_of(released, "select count(*) from league.league_table") == [(20,)]
