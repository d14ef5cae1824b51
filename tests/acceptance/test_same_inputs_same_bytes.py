"""The same inputs give the same release id and bytes: at any thread count, in any folder and time zone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from league_command import league_process
from published_state import OUTSIDE_THE_PROMISE, links, promised_bytes, release_ids
from shared_folders import OwnRules
from staged_run import release_by_stages

from dagster_project.errors import LeagueError
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"


def scattered(source: Path, target: Path) -> Path:
    """The same files, each in a folder of its own at another depth."""
    for number, file in enumerate(sorted(source.rglob("*.csv"), reverse=True)):
        folder = target.joinpath(*[f"f {number}"] * (1 + number % 3))
        folder.mkdir(parents=True)
        shutil.copy(file, folder / file.name)
    return target


@pytest.fixture
def of_scattered_files(
    sample_extracts: Path, new_data: Callable[[Path], DataFolder], tmp_path: Path
) -> DataFolder:
    """The quarter alone, of files in folders of their own, by one thread of a process elsewhere."""
    data = new_data(tmp_path / "o'ne")
    extracts = scattered(sample_extracts, tmp_path / "extracts")
    ended = league_process(
        *("run", QUARTER, "--extracts", extracts, "--threads", "1"),
        data=data,
        TZ="Pacific/Kiritimati",
        LC_ALL="C",
        PYTHONHASHSEED="1",
    )
    assert ended.code == 0, ended.err
    return data


@pytest.mark.parametrize(
    "alone",
    ["of_scattered_files", "whole_quarter"],
    ids=["1 thread, files scattered", "4 threads, a deeper data folder"],
)
def test_a_quarter_alone_is_byte_for_byte_what_it_is_within_six(
    six_quarters: DataFolder, alone: str, request: pytest.FixtureRequest
) -> None:
    data: DataFolder = request.getfixturevalue(alone)
    assert release_ids(data) == {QUARTER: release_ids(six_quarters)[QUARTER]}
    assert promised_bytes(data, QUARTER) == promised_bytes(six_quarters, QUARTER)
    assert (data.releases / QUARTER / "current" / OUTSIDE_THE_PROMISE).is_file()


def test_a_release_says_nothing_of_the_machine(six_quarters: DataFolder, sample_extracts: Path) -> None:
    for file in (six_quarters.releases / QUARTER / "current").iterdir():
        if file.name != OUTSIDE_THE_PROMISE:
            content = file.read_bytes()
            for trace in (six_quarters.root, sample_extracts, Path.home() / "x", Path.cwd()):
                assert str(trace).encode() not in content, file.name


def test_a_release_that_somebody_changed_stops_the_run(released: DataFolder, small_extracts: Path) -> None:
    file = released.releases / QUARTER / release_ids(released)[QUARTER] / "league_table.csv"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b"ZUR", b"ZUS"))
    with pytest.raises(LeagueError, match="A release is never rewritten") as refused:
        release_by_stages(released, small_extracts / QUARTER, QUARTER)
    assert refused.value.exit_code == 1
    assert str(file) in str(refused.value)


def test_other_rules_give_another_release_and_stand_in_it(
    small_release: DataFolder, own_rules: OwnRules
) -> None:
    released, earlier = own_rules.data, release_ids(small_release)[QUARTER]
    fresh = release_ids(released)[QUARTER]
    assert fresh != earlier
    assert links(released) == {QUARTER: fresh}
    assert (released.releases / QUARTER / earlier / "release.json").is_file(), "the earlier release stays"
    old, new = (
        json.loads((released.releases / QUARTER / each / "release.json").read_bytes())
        for each in (earlier, fresh)
    )
    assert {name for name in new["rules"] if new["rules"][name] != old["rules"].get(name)} == {"metric.csv"}
    table = (released.releases / QUARTER / fresh / "metric.csv").read_text("utf-8")
    assert "Sickness absence by another name" in table
