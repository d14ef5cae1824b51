"""The `league` command: what each verb says, to people and to programs, and what it leaves alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from league_command import league, league_process
from published_state import files_below, links, published_files, release_ids
from sample_copy import SampleCopy
from shared_folders import Answered

from dagster_project.settings import METHODOLOGY_DIR, DataFolder

QUARTER = "2025-26-Q1"
# What a run leaves of itself, and Dagster's own history.
MAY_CHANGE = ("runs/", "dagster/")

_HOLDER = """
import sys
from pathlib import Path
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder
with writer_lock(DataFolder(Path(sys.argv[1])), "the-other-run"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_writer(data: DataFolder) -> Iterator[int]:
    """Another process holds the writer lock; gives its process id."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, data.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder.pid
    finally:
        holder.communicate()


def files_that_must_stay(data: DataFolder) -> dict[str, str]:
    files = {os.path.relpath(path, data.root): content for path, content in files_below(data.root).items()}
    return {path: content for path, content in files.items() if not path.startswith(MAY_CHANGE)}


@pytest.fixture(scope="module")
def dry_run(
    small_release: DataFolder, small_extracts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Answered:
    """A dry run of two quarters, one of them `small_release`'s. Not to be changed."""
    folder = tmp_path_factory.mktemp("dry-run")
    both = SampleCopy(folder / "both", [small_extracts / QUARTER, small_extracts / "2025-26-Q2"])
    shutil.copytree(small_release.root, folder / "data", symlinks=True)
    data = DataFolder(folder / "data")
    ended = league(
        *("run", QUARTER, "2025-26-Q2", "--extracts", both.folder, "--dry-run", "--json"), data=data
    )
    assert ended.code == 0, ended.err
    return Answered(data, ended.answer)


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    dry_run: Answered, small_release: DataFolder
) -> None:
    answer, earlier = dry_run.answer, release_ids(small_release)[QUARTER]
    assert answer["dry_run"] is True
    replaced, new = answer["changes"]
    assert (replaced["quarter"], replaced["change"], replaced["release_id"]) == (QUARTER, "replaces", earlier)
    assert (replaced["ranks"], replaced["segments"], replaced["organisations_out"]) == (0, 0, 0)
    assert new == {"quarter": "2025-26-Q2", "change": "new"}
    assert [gate["passed"] for gate in answer["gates"]] == [True, True, True]
    assert files_that_must_stay(dry_run.data) == files_that_must_stay(small_release)


def test_a_dry_run_tells_a_person_that_nothing_was_released(
    released: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    both = SampleCopy(tmp_path / "both", [small_extracts / QUARTER, small_extracts / "2025-26-Q2"])
    asked = ("run", QUARTER, "2025-26-Q2", "--extracts", both.folder, "--dry-run")
    ended = league(*asked, "--verbose", data=released)
    assert ended.code == 0, ended.err
    # However wide the terminal is.
    said = " ".join(ended.out.split())
    # Of several quarters each is told whole, and nothing is left to ask for.
    assert "--verbose" not in said
    assert "Dry run: nothing was released" in said
    assert "0 ranks, 0 segments and 0 averages change" in said
    assert "Fictional sample data" in said


def test_a_second_writer_ends_with_7_and_names_the_owner(released: DataFolder, small_extracts: Path) -> None:
    before = published_files(released)
    with another_writer(released) as process:
        ended = league("run", QUARTER, "--extracts", small_extracts / QUARTER, data=released)
    assert ended.code == 7
    assert "run the-other-run" in ended.err
    assert f"process {process}" in ended.err
    assert "Wait until it ends" in ended.err
    assert published_files(released) == before


def test_reading_verbs_work_while_another_run_writes(released: DataFolder) -> None:
    with another_writer(released):
        assert league("status", data=released).code == 0
        assert league("reconcile", QUARTER, data=released).code == 0


def test_a_run_without_a_folder_never_takes_the_archived_sample_for_official_files(
    released: DataFolder,
) -> None:
    before = published_files(released)
    ended = league("run", QUARTER, data=released)
    assert ended.code == 3
    assert "holds only the fictional sample's extracts: use --sample, or name a folder" in ended.err
    assert published_files(released) == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("run", QUARTER, "--extracts", "/nowhere"), 3, "isn't a folder"),
        (
            ("run", "next quarter"),
            2,
            "'next quarter' isn't written like a quarter, so it isn't a financial quarter.",
        ),
        (("run", QUARTER, "--scale", "2"), 2, "--scale goes with --sample"),
        (("run", QUARTER, "--sample", "--threads", "0"), 2, "--threads"),
        (("run", QUARTER), 3, "holds no extracts"),
        (("run", QUARTER, "--sample", "--extracts", "."), 2, "leave out --extracts"),
        (("run", QUARTER, "--as-of", "yesterday"), 2, "a day such as 2025-09-30"),
        (("run", QUARTER, "--as-of", "2025-02-30"), 2, "a day such as 2025-09-30"),
        (("run", QUARTER, "--as-of", "2025-09-30", "--extracts", "."), 2, "leave out --extracts"),
        (("run", QUARTER, "--as-of", "2025-09-30", "--release", "0" * 16), 2, "leave out --as-of"),
        (("run", QUARTER, "--release", "0" * 16, "--sample"), 2, "leave out --sample"),
        (("run", QUARTER, "2025-26-Q2", "--release", "0" * 16), 2, "of one quarter"),
        (("run", QUARTER, "--release", "../elsewhere"), 2, "a release's id"),
        (("run", QUARTER, "--release", "0" * 16), 3, "expected the release"),
        (("reconcile", QUARTER), 3, "Released: none"),
        (("reconcile", "Q1 2025"), 2, "can be read in two ways"),
        (("check", "/nowhere"), 3, "isn't a folder"),
    ],
)
def test_a_request_that_cant_be_met_says_why(
    fresh_data: DataFolder, arguments: tuple[str, ...], code: int, says: str
) -> None:
    ended = league(*arguments, data=fresh_data)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
    as_json = league(*arguments, "--json", data=fresh_data)
    assert as_json.code == as_json.answer["exit_code"] == code
    assert says in as_json.answer["message"]


def test_an_empty_folder_is_3(fresh_data: DataFolder, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = league("run", QUARTER, "--extracts", tmp_path / "empty", data=fresh_data)
    assert ended.code == 3
    assert "The folder is empty" in ended.err


def test_check_says_what_is_in_the_files_and_that_they_would_pass(
    checked: Answered, small_release: DataFolder
) -> None:
    data, answer = checked
    files = {file["source"]: file for file in answer["files"]}
    assert (files["nof_data"]["table"], files["nof_data"]["organisations"]) == ("ambulance", 10)
    assert files["nof_league_table"]["quarters"] == [QUARTER]
    (quarter,) = answer["quarters"]
    assert (quarter["quarter"], quarter["exit_code"]) == (QUARTER, 0)
    assert [gate["gate"] for gate in quarter["gates"]] == ["extracts", "metrics", "league_tables"]
    assert "different" not in quarter["summary"]["reconciliation"]
    assert files_that_must_stay(data) == files_that_must_stay(small_release)


def test_check_says_which_quarter_would_not_pass_and_why(
    fresh_data: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    spoilt = SampleCopy(tmp_path / "spoilt", [small_extracts / QUARTER])
    (spoilt.folder / "readme.txt").write_text("about these files", "utf-8")
    spoilt.change_text("ambulance-trust-data", lambda text: text.replace(",ZDJ,", ",99X,"))
    spoilt.change_text("league-table", lambda text: text.replace(",ZDJ,", ",99X,"))
    ended = league("check", spoilt.folder, data=fresh_data)
    assert ended.code == 5
    assert "2025-26-Q1 would not pass" in ended.out
    assert "organisation_code_is_known" in ended.out
    assert "passed over: readme.txt" in ended.out
    assert not fresh_data.archive.exists()
    assert not fresh_data.warehouse.exists()


def test_status_lists_releases_archive_and_runs(released: DataFolder) -> None:
    ended = league("status", "--json", data=released)
    assert ended.code == 0
    (release,) = ended.answer["releases"]
    assert (release["quarter"], release["organisations"], release["tables"]) == (QUARTER, 10, ["ambulance"])
    assert release["is_sample"] is True
    assert Path(release["path"]).resolve().name == release["release_id"] == links(released)[QUARTER]
    assert [(item["quarter"], item["table"]) for item in ended.answer["archive"]] == [(QUARTER, "ambulance")]
    assert [run["exit_code"] for run in ended.answer["runs"]] == [0]
    shown = league("status", data=released)
    assert shown.code == 0
    assert release["release_id"] in shown.out
    assert "fictional sample" in shown.out


def test_status_of_an_empty_data_folder_is_no_error(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    ended = league("status", "--json", data=data)
    assert ended.code == 0
    assert (ended.answer["releases"], ended.answer["archive"], ended.answer["runs"]) == ([], [], [])
    assert not data.root.exists()


def test_reconcile_counts_figures_by_kind(released: DataFolder) -> None:
    ended = league("reconcile", QUARTER, "--json", data=released)
    assert ended.code == 0
    assert ended.answer["release_id"] == release_ids(released)[QUARTER]
    kinds = {(item["figure"], item["outcome"]): item["figures"] for item in ended.answer["counts"]}
    assert kinds["adjusted segment", "equal"] == 10
    assert kinds["metric value", "not_computable"] > 0
    assert sum(figures for (kind, _), figures in kinds.items() if kind == "league table rank") == 10
    listed = [item["outcome"] for item in ended.answer["not_equal"]]
    counted = [figures for (_, outcome), figures in kinds.items() if outcome in listed]
    assert len(listed) == sum(counted)
    assert all(item["reason"] and item["published"] is not None for item in ended.answer["not_equal"])
    shown = league("reconcile", QUARTER, data=released)
    assert shown.code == 0
    assert "league table rank" in shown.out
    reasons = ended.answer["not_computable"]
    assert sum(item["figures"] for item in reasons) == sum(
        figures for (_, outcome), figures in kinds.items() if outcome == "not_computable"
    )
    assert reasons
    assert all(item["reason"] in shown.out for item in reasons)
    equal = sum(figures for kind, figures in kinds.items() if kind == ("metric score", "equal"))
    assert sum(ended.answer["equal_scores"].values()) == equal
    assert f"Equal metric scores: {equal}, of which" in shown.out


def test_sample_writes_the_same_files_each_time_and_says_how_to_use_them(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    ended = league("sample", tmp_path / "one", "--json", data=data)
    assert (ended.code, ended.answer["files"]) == (0, 44)
    shown = league("sample", tmp_path / "two", data=data)
    assert shown.code == 0
    assert f"--extracts {tmp_path / 'two' / 'extracts'}" in shown.out
    one, two = (
        {os.path.relpath(path, tmp_path / name): content for path, content in files.items()}
        for name, files in ((name, files_below(tmp_path / name)) for name in ("one", "two"))
    )
    assert one == two


def test_rules_check_of_the_bundled_rules_says_what_the_second_year_lacks(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    ended = league("rules", "check", "--json", data=data)
    assert (ended.code, ended.answer["faults"]) == (0, [])
    unknown = {item["framework"]: item["unknown"] for item in ended.answer["frameworks"]}
    assert unknown["2025-26"] == unknown["2026-27-illustrative"] == []
    assert any("threshold" in text or "segment_boundary" in text for text in unknown["2026-27"])
    shown = league("rules", "check", data=data)
    assert shown.code == 0
    assert "2026-27: not complete" in shown.out
    assert "The rules are consistent." in shown.out


def test_rules_check_of_rules_that_lack_something_is_3(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    lines = (METHODOLOGY_DIR / "segment_boundary.csv").read_text("utf-8").splitlines()
    own = [lines[0], *(line for line in lines if line.startswith("2026-27,"))]
    (rules / "segment_boundary.csv").write_text("\n".join(own) + "\n", "utf-8")
    ended = league("rules", "check", rules, "--json", data=DataFolder(tmp_path / "data"))
    assert ended.code == 3
    (framework,) = ended.answer["frameworks"]
    assert framework["framework"] == "2026-27"
    assert framework["unknown"]


def test_the_command_as_a_program_prints_json_alone_on_standard_output(released: DataFolder) -> None:
    ended = league_process("status", "--json", data=released)
    assert ended.code == 0
    assert json.loads(ended.out)["releases"]
    assert ended.err == ""


def test_a_data_folder_can_be_moved(released: DataFolder, tmp_path: Path) -> None:
    moved = DataFolder(tmp_path / "elsewhere" / "d a t a")
    moved.root.parent.mkdir()
    shutil.move(released.root, moved.root)
    assert league("reconcile", QUARTER, data=moved).code == 0
    assert (moved.releases / QUARTER / "current" / "release.json").is_file()
