"""Backup, restore and prune of a data folder that runs made, as the consumers of its releases see them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from dagster_history import history
from league_command import league
from published_state import files_below, links, promised_bytes, published_files, release_ids, rows_of
from sample_copy import SampleCopy
from staged_run import release_by_stages

from dagster_project.archive.archive import Archive
from dagster_project.settings import DataFolder

QUARTER, NEXT = "2025-26-Q1", "2025-26-Q2"
# The archive of a sample is read by naming a day.
_LAST_DAY = "2999-12-31"
_RANKS = "select organisation_code, rank, average_metric_score from league.league_table order by all"


def below(data: DataFolder, found: dict[str, str]) -> dict[str, str]:
    """The same paths as they lie below the data folder."""
    return {path.removeprefix(str(data.root)): content for path, content in found.items()}


def test_readers_of_a_restored_folder_see_what_they_saw_and_the_next_run_goes_on_from_there(
    released: DataFolder, small_extracts: Path, tmp_path: Path
) -> None:
    backups = tmp_path / "backups"
    made = league("backup", backups, "--json", data=released)
    assert made.code == 0, made.err
    before, ranks = below(released, published_files(released)), rows_of(released, _RANKS)
    runs_before = [run["run_id"] for run in league("status", "--json", data=released).answer["runs"]]

    back = DataFolder(tmp_path / "back")
    ended = league("restore", backups, "--into", back.root, "--json", data=released)
    assert ended.code == 0, ended.err
    assert below(back, published_files(back)) == before
    assert rows_of(back, _RANKS) == ranks
    assert links(back) == links(released) == release_ids(back)
    assert promised_bytes(back, QUARTER) == promised_bytes(released, QUARTER)

    status = league("status", "--json", data=back).answer
    assert [run["run_id"] for run in status["runs"]] == runs_before
    assert status["quarters"][0]["newer_vintage"] is False
    reconciled = league("reconcile", QUARTER, "--json", data=back)
    assert reconciled.code == 0, reconciled.err
    assert reconciled.answer == league("reconcile", QUARTER, "--json", data=released).answer
    with history(back) as instance:
        assert {record.dagster_run.run_id for record in instance.get_run_records()} == set(runs_before)

    again = league("run", QUARTER, "--as-of", _LAST_DAY, "--json", data=back)
    assert again.code == 0, again.err
    assert [release["is_new"] for release in again.answer["releases"]] == [False]
    release_by_stages(back, small_extracts / NEXT, NEXT)
    assert set(release_ids(back)) == {QUARTER, NEXT}


@pytest.fixture
def reissued(
    corrected: DataFolder, small_release: DataFolder, small_extracts: Path, tmp_path: Path
) -> tuple[DataFolder, set[str]]:
    """The quarter's data file came three times under one name, and a release was made of each. And the files' ids."""
    released, first = corrected, release_ids(small_release)[QUARTER]
    manifest = Archive(released.archive).manifest
    days = ["2025-09-10", "2025-09-20", "2025-10-20"]
    copy = SampleCopy(tmp_path / "downloads", [small_extracts / QUARTER])
    copy.change_text("ambulance-trust-data", lambda text: text.replace("Ambulance", "Ambulance Services", 1))
    release_by_stages(released, copy.folder, QUARTER, run_id="third")
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    seen = list(dict.fromkeys(row["retrieved_at"] for row in rows))
    for row in rows:
        row["retrieved_at"] = f"{days[seen.index(row['retrieved_at'])]}T12:00:00+00:00"
    manifest.write_text("".join(json.dumps(row, sort_keys=True) + "\n" for row in rows))
    ids = {row["extract_id"] for row in rows if "ambulance-trust-data" in row["file_name"]}
    assert len(ids) == 3
    assert release_ids(released)[QUARTER] != first
    return released, ids


def files_in_status(data: DataFolder) -> int:
    return sum(item["files"] for item in league("status", "--json", data=data).answer["archive"])


def test_a_replaced_file_goes_only_when_no_release_is_left_that_it_made_and_earlier_days_then_say_so(
    reissued: tuple[DataFolder, set[str]],
) -> None:
    data, ids = reissued
    archive = Archive(data.archive)
    rows = [seen for seen in archive.sightings() if seen.extract_id in ids]
    newest = rows[-1].extract_id
    second = next(seen.extract_id for seen in rows if seen.retrieved_at.startswith("2025-09-20"))

    pruned = league("prune", "--keep-runs", "0", "--archive", "--remove", "--json", data=data)
    assert pruned.code == 0, pruned.err
    assert all(item["kind"] != "archived file" for item in pruned.answer["removed"])
    assert all(archive.path_of(extract_id).exists() for extract_id in ids)

    # The folder of the release made of the second file is moved away, as nobody but a person may.
    for folder in (data.releases / QUARTER).iterdir():
        listing = folder / "release.json"
        if not folder.is_symlink() and second in json.loads(listing.read_bytes())["extracts"]:
            shutil.move(folder, data.root.parent / "moved-away")
    without = league("prune", "--keep-runs", "0", "--remove", "--json", data=data)
    assert all(item["kind"] != "archived file" for item in without.answer["removed"])
    shown = league("prune", "--keep-runs", "0", "--archive", "--json", data=data).answer
    (listed,) = (item for item in shown["removed"] if item["kind"] == "archived file")
    assert (listed["name"].endswith(second), newest in listed["why"]) == (True, True)
    assert archive.path_of(second).exists()
    before = files_in_status(data)
    league("prune", "--keep-runs", "0", "--archive", "--remove", data=data)
    assert not archive.path_of(second).exists()
    assert files_in_status(data) == before - 1
    assert archive.path_of(newest).exists()

    before = published_files(data)
    ended = league("run", QUARTER, "--as-of", "2025-09-25", data=data)
    assert ended.code == 3
    assert "was pruned from the archive" in ended.err
    assert published_files(data) == before
    current, folders = release_ids(data), sorted((data.releases / QUARTER).iterdir())
    assert release_by_stages(data, None, QUARTER, run_id="newest-again", as_of=_LAST_DAY) == current
    assert sorted((data.releases / QUARTER).iterdir()) == folders
    first = next(
        folder.name
        for folder in (data.releases / QUARTER).iterdir()
        if not folder.is_symlink() and folder.name not in release_ids(data).values()
    )
    assert release_by_stages(data, None, QUARTER, run_id="first-again", release=first) == {QUARTER: first}


def test_the_history_of_pruned_runs_is_gone_from_dagster_and_that_of_the_releases_run_is_not(
    released: DataFolder,
) -> None:
    made_by = json.loads((released.releases / QUARTER / "current" / "provenance.json").read_bytes())["run_id"]
    failed = league("run", "2026-27-Q2", "--json", data=released)
    assert failed.code == 3
    (gone,) = {path.name for path in released.runs.iterdir()} - {made_by}
    before = files_below(released.releases, released.archive, released.warehouse.parent)

    ended = league("prune", "--keep-runs", "0", "--remove", "--json", data=released)
    assert ended.code == 0, ended.err
    assert [item["name"] for item in ended.answer["removed"] if item["kind"] == "run"] == [gone]
    assert files_below(released.releases, released.archive, released.warehouse.parent) == before
    assert {path.name for path in released.runs.iterdir()} == {made_by}
    with history(released) as instance:
        assert [record.dagster_run.run_id for record in instance.get_run_records()] == [made_by]
        assert instance.all_logs(made_by)
        assert not instance.all_logs(gone)
    assert not (released.dagster_home / "storage" / gone).exists()
    again = league("prune", "--keep-runs", "0", "--json", data=released)
    assert [item for item in again.answer["removed"] if item["kind"] == "run"] == []


def test_the_command_says_what_is_wrong_with_a_backup_and_ends_with_its_code(
    released: DataFolder, tmp_path: Path
) -> None:
    backups, back = tmp_path / "backups", tmp_path / "back"
    assert league("restore", backups, "--into", back, data=released).code == 3
    assert league("backup", backups, data=released).code == 0
    assert league("restore", backups, data=released).code == 2
    checked = league("restore", backups, "--dry-run", "--into", back, data=released)
    assert (checked.code, "is whole" in checked.out, back.exists()) == (0, True, False)
    released_table = released.releases / QUARTER / "current" / "league_table.parquet"
    (stored,) = (
        path for path in backups.glob("bytes/??/*") if path.read_bytes() == released_table.read_bytes()
    )
    raw = bytearray(stored.read_bytes())
    raw[-1] ^= 1
    stored.chmod(0o644)
    stored.write_bytes(raw)
    ended = league("restore", backups, "--into", back, data=released)
    assert (ended.code, back.exists()) == (4, False)
    assert "league_table.parquet" in ended.err
    stored.unlink()
    ended = league("restore", backups, "--into", back, data=released)
    assert (ended.code, back.exists()) == (3, False)
    assert "league_table.parquet" in ended.err


def test_a_backup_while_the_web_server_has_the_history_open_takes_along_what_it_has_committed(
    released: DataFolder, tmp_path: Path
) -> None:
    import dagster as dg

    with history(released) as instance:
        run = instance.create_run_for_job(job_def=_nothing_to_do(), tags={"written": "a moment ago"})
        assert league("backup", tmp_path / "backups", data=released).code == 0
    back = DataFolder(tmp_path / "back")
    assert league("restore", tmp_path / "backups", "--into", back.root, data=released).code == 0
    with history(back) as instance:
        found = instance.get_run_by_id(run.run_id)
        assert found is not None
        assert found.tags["written"] == "a moment ago"
        assert found.status == dg.DagsterRunStatus.NOT_STARTED


def _nothing_to_do() -> object:
    import dagster as dg

    @dg.op
    def nothing() -> None:
        return None

    @dg.job
    def nothing_to_do() -> None:
        nothing()

    return nothing_to_do
