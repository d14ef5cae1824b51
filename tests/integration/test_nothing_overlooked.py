"""A run that would hold less than what is released, and what a run says of files and rows that it didn't take."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from league_command import league
from published_state import promised_bytes, release_ids, rows_of
from shared_folders import MadeOnce, NewData

from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"
REASON = "The other tables come next week"


@pytest.fixture(scope="session")
def whole_quarter(made_once: MadeOnce, new_data: NewData, sample_extracts: Path) -> DataFolder:
    """2025-26-Q1 of the sample released with all its tables. Not to be changed."""

    def build(folder: Path) -> None:
        ended = league("run", QUARTER, "--extracts", sample_extracts / QUARTER, data=new_data(folder))
        assert ended.code == 0, ended.err

    return DataFolder(made_once("whole-quarter", build))


@pytest.fixture
def data(whole_quarter: DataFolder, tmp_path: Path) -> DataFolder:
    shutil.copytree(whole_quarter.root, tmp_path / "data", symlinks=True)
    return DataFolder(tmp_path / "data")


@pytest.fixture
def ambulance_alone(small_extracts: Path, tmp_path: Path) -> Path:
    """The ambulance table's files, and a text that no reader takes."""
    shutil.copytree(small_extracts / QUARTER, tmp_path / "ambulance")
    (tmp_path / "ambulance" / "notes.txt").write_text("Only one table so far", "utf-8")
    return tmp_path / "ambulance"


def journal(data: DataFolder) -> list[tuple[Any, ...]]:
    return rows_of(data, "select event, how, done_by, reason from league.release_event order by event_number")


def test_a_release_that_would_lose_tables_is_refused_by_run_dry_run_and_check(
    data: DataFolder, ambulance_alone: Path
) -> None:
    before = release_ids(data), promised_bytes(data, QUARTER)
    ended = league("run", QUARTER, "--extracts", ambulance_alone, data=data)
    assert ended.code == 5
    for words in (
        "the table acute is gone",
        "the table non_acute is gone",
        "--accept-fewer REASON",
        "notes.txt",
    ):
        assert words in ended.err
    dry = league("run", QUARTER, "--extracts", ambulance_alone, "--dry-run", data=data)
    assert (dry.code, "the table acute is gone" in dry.err) == (5, True)
    checked = league("check", ambulance_alone, data=data)
    assert (checked.code, "the table acute is gone" in checked.out) == (5, True)
    assert (release_ids(data), promised_bytes(data, QUARTER)) == before


def test_who_accepts_fewer_says_why_and_so_does_who_approves_it(
    data: DataFolder, ambulance_alone: Path
) -> None:
    (old,) = release_ids(data).values()
    accepting = ("--extracts", ambulance_alone, "--accept-fewer", REASON)
    held = league("run", QUARTER, *accepting, "--hold", "--by", "Ada", "--json", data=data)
    assert held.code == 0, held.err
    (new,) = held.answer["held"]
    assert release_ids(data) == {QUARTER: old}
    refused = league("approve", new, "--by", "Grace", data=data)
    assert (refused.code, "the table acute is gone" in refused.err) == (5, True)
    assert league("approve", new, "--by", "Grace", "--accept-fewer", " ", data=data).code == 2
    approved = league("approve", new, "--by", "Grace", "--accept-fewer", "Agreed", data=data)
    assert approved.code == 0, approved.err
    assert release_ids(data) == {QUARTER: new}
    by_hand, by_approval = journal(data)[-2:]
    assert by_hand[:3] == ("held", None, "Ada")
    assert by_hand[3].startswith(f"{REASON} (fewer than {old}: the table acute is gone")
    assert by_approval[:3] == ("published", "approval", "Grace")
    assert by_approval[3].startswith(f"Agreed (fewer than {old}: ")
    assert "Agreed (fewer than" in league("history", data=data).out
    # Back to more than there is: nothing is lost. And back to fewer, by a roll-back, which has a reason of its own.
    back = league("withdraw", new, "--reason", "Too early", "--roll-back-to", old, data=data)
    assert back.code == 0, back.err


def test_a_run_that_accepts_fewer_keeps_the_reason_with_the_release(
    data: DataFolder, ambulance_alone: Path
) -> None:
    accepting = ("--extracts", ambulance_alone, "--accept-fewer", REASON)
    ended = league("run", QUARTER, *accepting, data=data)
    assert ended.code == 0, ended.err
    assert "(accepted): the table acute is gone" in ended.out
    assert "passed over: notes.txt" in ended.out
    assert journal(data)[-1][3].startswith(REASON)
    outcome = json.loads(next(data.runs.glob("*/outcome.json")).read_bytes())
    assert "accepted_fewer" in outcome


def test_a_reason_that_says_nothing_is_wrong_usage(data: DataFolder, ambulance_alone: Path) -> None:
    ended = league("run", QUARTER, "--extracts", ambulance_alone, "--accept-fewer", "  ", data=data)
    assert (ended.code, "Say why with --accept-fewer" in ended.err) == (2, True)
