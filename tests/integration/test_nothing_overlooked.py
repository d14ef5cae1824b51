"""A run that would hold less than what is released, and what a run says of files and rows that it didn't take."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from league_command import league
from published_state import promised_bytes, release_ids, rows_of
from shared_folders import MadeOnce
from staged_run import copy_to_go_on_with, do_steps, request_of

from dagster_project.presentation import show_run
from dagster_project.runs.flow import RELEASE
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"
REASON = "The other tables come next week"


@pytest.fixture(scope="session")
def ambulance_alone(made_once: MadeOnce, small_extracts: Path) -> Path:
    """The ambulance table's files, and a text that no reader takes. Not to be changed."""

    def build(folder: Path) -> None:
        shutil.copytree(small_extracts / QUARTER, folder)
        (folder / "notes.txt").write_text("Only one table so far", "utf-8")

    return made_once("ambulance-alone", build)


class Refused(NamedTuple):
    """A data folder in which a run was refused, and how that ended."""

    data: DataFolder
    code: int
    err: str


@pytest.fixture(scope="session")
def refused(made_once: MadeOnce, whole_quarter: DataFolder, ambulance_alone: Path) -> Refused:
    """`whole_quarter` after a run of one table, which was refused and left its candidate. Not to be changed."""

    def build(folder: Path) -> None:
        shutil.copytree(whole_quarter.root, folder / "data", symlinks=True)
        ended = league("run", QUARTER, "--extracts", ambulance_alone, data=DataFolder(folder / "data"))
        (folder / "ended.json").write_text(json.dumps([ended.code, ended.err]))

    folder = made_once("would-lose-tables", build)
    return Refused(DataFolder(folder / "data"), *json.loads((folder / "ended.json").read_bytes()))


@pytest.fixture
def data(refused: Refused, tmp_path: Path) -> DataFolder:
    """A copy of the folder in which the run was refused, from which others may go on."""
    return copy_to_go_on_with(refused.data, tmp_path / "data")


def released_all_the_same(data: DataFolder, extracts: Path, **asked: Any) -> dict[str, Any]:
    """The outcome of the run once more, asked for otherwise: only what it was refused at is left to do."""
    request = request_of(QUARTER, extracts_dir=extracts, accept_fewer=REASON, **asked)
    return dict(do_steps([RELEASE], data, request).content)


def journal(data: DataFolder) -> list[tuple[Any, ...]]:
    return rows_of(data, "select event, how, done_by, reason from league.release_event order by event_number")


def test_a_release_that_would_lose_tables_is_refused_by_run_dry_run_and_check(
    refused: Refused, data: DataFolder, whole_quarter: DataFolder, ambulance_alone: Path
) -> None:
    before = release_ids(whole_quarter), promised_bytes(whole_quarter, QUARTER)
    assert refused.code == 5
    for words in (
        "the table acute is gone",
        "the table non_acute is gone",
        "--accept-fewer REASON",
        "notes.txt",
    ):
        assert words in refused.err
    assert (release_ids(data), promised_bytes(data, QUARTER)) == before
    dry = league("run", QUARTER, "--extracts", ambulance_alone, "--dry-run", data=data)
    assert (dry.code, "the table acute is gone" in dry.err) == (5, True)
    checked = league("check", ambulance_alone, data=data)
    assert (checked.code, "the table acute is gone" in checked.out) == (5, True)
    assert (release_ids(data), promised_bytes(data, QUARTER)) == before


def test_who_accepts_fewer_says_why_and_so_does_who_approves_it(
    data: DataFolder, ambulance_alone: Path
) -> None:
    (old,) = release_ids(data).values()
    (new,) = released_all_the_same(data, ambulance_alone, hold=True, by="Ada")["held"]
    assert release_ids(data) == {QUARTER: old}
    without = league("approve", new, "--by", "Grace", data=data)
    assert (without.code, "the table acute is gone" in without.err) == (5, True)
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
    data: DataFolder, ambulance_alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = released_all_the_same(data, ambulance_alone)
    show_run(outcome, data)
    said = capsys.readouterr().out
    assert "(accepted): the table acute is gone" in said
    assert "passed over: notes.txt" in said
    assert journal(data)[-1][3].startswith(REASON)
    assert outcome["accepted_fewer"] == REASON


def test_a_reason_that_says_nothing_is_wrong_usage(data: DataFolder, ambulance_alone: Path) -> None:
    ended = league("run", QUARTER, "--extracts", ambulance_alone, "--accept-fewer", "  ", data=data)
    assert (ended.code, "Say why with --accept-fewer" in ended.err) == (2, True)
