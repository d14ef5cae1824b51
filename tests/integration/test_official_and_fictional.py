"""Official and fictional data never touch: every verb and way in refuses the kind that a data folder doesn't hold.

The official files here are the sample's without the mark in their names: codes tell nothing.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fictional_statistics import ae_file, ae_line
from hand_made_data import write
from league_command import league
from local_publisher import catalogue_of, hasty, local_publisher
from published_state import files_below

from dagster_project.catalogue.catalogue import Source, load_catalogue
from dagster_project.data_kind import KIND_FILE, require_kind
from dagster_project.errors import ExitCode, WrongUsage
from dagster_project.fetch.quarter import fetch_quarter
from dagster_project.launch import launch
from dagster_project.presentation import show_check
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"
# What a run that was refused leaves of itself.
_MAY_CHANGE = ("runs/", "dagster/", "writer.lock")


def kept(data: DataFolder) -> dict[str, str]:
    below = {
        str(Path(path).relative_to(data.root)): content for path, content in files_below(data.root).items()
    }
    return {path: content for path, content in below.items() if not path.startswith(_MAY_CHANGE)}


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("way", ["--sample", "--extracts"])
def test_no_run_of_the_sample_touches_an_official_release(
    official: DataFolder, small_extracts: Path, way: str, before: bool
) -> None:
    """Nor one of a folder from before kinds were written down."""
    if before:
        (official.root / KIND_FILE).unlink()
    there = kept(official)
    more = [small_extracts / QUARTER] if way == "--extracts" else []
    ended = league("run", QUARTER, way, *more, data=official)
    assert ended.code == ExitCode.WRONG_USAGE
    assert "holds official data" in ended.err
    assert "league --data DIR" in ended.err
    after = kept(official)
    after.pop(KIND_FILE, None)
    there.pop(KIND_FILE, None)
    assert after == there
    assert [release.is_sample for release in current_release(official)] == [False]


def test_no_run_of_official_files_touches_the_sample(released: DataFolder, official_files: Path) -> None:
    there = kept(released)
    ended = league("run", QUARTER, "--extracts", official_files, data=released)
    assert ended.code == ExitCode.WRONG_USAGE
    assert "holds fictional sample data" in ended.err
    assert kept(released) == there


def test_a_dry_run_is_refused_as_well(official: DataFolder, small_extracts: Path) -> None:
    ended = league("run", QUARTER, "--extracts", small_extracts / QUARTER, "--dry-run", data=official)
    assert ended.code == ExitCode.WRONG_USAGE


def test_dagster_refuses_the_sample_in_an_official_folder(official: DataFolder) -> None:
    outcome = launch(RunRequest(quarters=(Quarter(2025, 1),), sample=True), official)
    assert outcome["exit_code"] == ExitCode.WRONG_USAGE
    assert "never both" in outcome["message"]


def test_a_nowcast_takes_no_statistics_of_the_other_kind(official: DataFolder, tmp_path: Path) -> None:
    write(tmp_path / "statistics" / "ae.csv", ae_file(ae_line(period="MSitAE-JULY-2025")))
    ended = league("nowcast", "2025-26-Q2", "--extracts", tmp_path / "statistics", data=official)
    assert ended.code == ExitCode.WRONG_USAGE
    assert not official.nowcasts.exists()


def test_fetch_refuses_official_publishers_before_it_asks_them(released: DataFolder) -> None:
    there = kept(released)
    ended = league("fetch", QUARTER, data=released)
    assert ended.code == ExitCode.WRONG_USAGE
    assert "holds fictional sample data" in ended.err
    assert kept(released) == there


def test_fetch_keeps_no_file_of_the_other_kind(tmp_path: Path, small_extracts: Path) -> None:
    data = DataFolder(tmp_path / "data")
    require_kind(data, False, write=True)
    (file,) = (small_extracts / QUARTER).glob("*ambulance*data.csv")
    address = f"/wp-content/uploads/2025/09/{file.name}"
    with local_publisher() as site:
        site.put(address, file.read_bytes())
        index = site.put_page("/league-tables/", {address: f"{file.stem.replace('-', ' ')} (CSV)"})
        page = {"index_pages": [{"address": index, "checked": True}], "hosts": ["127.0.0.1"]}
        source = Source.model_validate(load_catalogue().sources["nof_data"].model_dump() | page)
        with pytest.raises(WrongUsage, match="holds official data"):
            fetch_quarter(Quarter(2025, 1), data, catalogue=catalogue_of(source), patience=hasty())
        assert site.asked(address)
    assert not [path for path in data.archive.rglob("*") if path.is_file()]


def test_an_approval_makes_no_release_of_the_other_kind_current(
    first_held: DataFolder, tmp_path: Path
) -> None:
    shutil.copytree(first_held.root, tmp_path / "data", symlinks=True)
    data = DataFolder(tmp_path / "data")
    (folder,) = (data.releases / QUARTER).iterdir()
    release_id = folder.name
    write(data.root / KIND_FILE, b'{"kind": "fictional"}')
    ended = league("approve", release_id, "--by", "B", data=data)
    assert ended.code == ExitCode.WRONG_USAGE
    assert current_release(data) == []
    write(data.root / KIND_FILE, b'{"kind": "official"}')
    assert league("approve", release_id, "--by", "B", data=data).code == 0


def test_check_judges_files_of_the_other_kind_by_themselves_and_says_so(
    official: DataFolder, small_extracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = league("check", small_extracts / QUARTER, "--json", data=official)
    assert ended.code == 0, ended.err
    answer = ended.answer
    show_check(answer)
    assert "judged by themselves" in " ".join(capsys.readouterr().out.split())
    assert (answer["kind"], answer["data_folder_kind"], answer["compared_with_releases"]) == (
        "fictional",
        "official",
        False,
    )


@pytest.mark.parametrize("verb", ["status", "history", "ledger"])
def test_verbs_say_which_kind_it_is(official: DataFolder, released: DataFolder, verb: str) -> None:
    for data, kind, words in (
        (official, "official", "Unofficial recomputation"),
        (released, "fictional", "Fictional sample data"),
    ):
        assert league(verb, "--json", data=data).answer["kind"] == kind
        assert words in league(verb, data=data).out


def test_a_folder_from_before_with_both_kinds_is_read_and_gets_nothing_more(
    official: DataFolder, released: DataFolder, official_files: Path
) -> None:
    (official.root / KIND_FILE).unlink()
    shutil.copytree(released.releases / QUARTER, official.releases / "2025-26-Q2", symlinks=True)
    assert league("status", "--json", data=official).answer["kind"] == "both"
    ended = league("run", QUARTER, "--extracts", official_files, data=official)
    assert ended.code == ExitCode.WRONG_USAGE
    assert "from before they were kept apart" in ended.err
