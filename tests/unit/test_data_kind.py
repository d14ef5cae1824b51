"""A data folder is official or fictional: how it comes to say so, and that the other kind is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import hand_made_run as hand_made
import pytest
from fictional_files import data_file, data_line
from hand_made_data import QUARTER, RELEASE, archived, hand_made_data, published, released, write
from hypothesis import given
from hypothesis import strategies as st
from league_command import league
from published_state import files_below

from dagster_project import settings
from dagster_project.archive.archive import Archive, Sighting, archive_of
from dagster_project.data_kind import KIND_FILE, Kind, kind_held, kind_in_words, kind_of, require_kind
from dagster_project.errors import ExitCode, InputRejected, LeagueError, WrongUsage
from dagster_project.extracts.load import load_folder
from dagster_project.keeping.backup import make_backup
from dagster_project.keeping.restore import restore_backup
from dagster_project.releases.candidate import open_candidate
from dagster_project.releases.publish import publish
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


def said(data: DataFolder) -> str:
    return str(json.loads((data.root / KIND_FILE).read_text())["kind"])


def seen(data: DataFolder, *, is_sample: bool, source: str = "nof_data") -> None:
    extract_id = Archive(data.archive).store(b"fictional" if is_sample else b"official")
    name = f"{kind_of(is_sample)}.csv"
    sighting = Sighting(
        extract_id, name, source, "acute", (QUARTER,), 8, "provisional", None, is_sample, f"/{name}"
    )
    Archive(data.archive).record([sighting])


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_the_first_kind_stays_and_every_other_attempt_is_refused(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[bool]
) -> None:
    data = DataFolder(tmp_path_factory.mktemp("data") / "new")
    for is_sample in kinds:
        if is_sample == kinds[0]:
            require_kind(data, is_sample, write=True)
        else:
            with pytest.raises(WrongUsage, match="never both"):
                require_kind(data, is_sample, write=True)
        assert (kind_held(data), said(data)) == (kind_of(kinds[0]), str(kind_of(kinds[0])))


def test_the_refusal_says_what_is_there_and_what_to_do(data: DataFolder) -> None:
    require_kind(data, False, write=True)
    with pytest.raises(WrongUsage) as caught:
        require_kind(data, True, write=False)
    message = str(caught.value)
    assert f"{data.root} holds official data" in message
    assert "league --data DIR" in message
    assert caught.value.exit_code == ExitCode.WRONG_USAGE


def test_asking_without_writing_leaves_an_empty_folder_open_for_both(data: DataFolder) -> None:
    for is_sample in (True, False):
        require_kind(data, is_sample, write=False)
    assert (kind_held(data), kind_in_words(data)) == (None, None)
    assert not data.root.exists()


def _warehouse(data: DataFolder) -> None:
    published(data, (QUARTER, RELEASE))


def _release(data: DataFolder) -> None:
    released(data, QUARTER, RELEASE, "ab" * 32, "run-1")


def _nowcast(data: DataFolder) -> None:
    write(data.nowcasts / QUARTER / RELEASE / "nowcast.json", b'{"is_sample": false}')


def _archive(data: DataFolder) -> None:
    seen(data, is_sample=False)


@pytest.mark.parametrize("holds", [_warehouse, _release, _nowcast, _archive])
def test_a_folder_from_before_goes_by_what_it_holds_and_then_says_so(
    data: DataFolder, holds: Callable[[DataFolder], None]
) -> None:
    holds(data)
    assert kind_held(data) is Kind.OFFICIAL
    with pytest.raises(WrongUsage, match="holds official data"):
        require_kind(data, True, write=True)
    with writer_lock(data, "run-1"):
        open_candidate(data, "run-1")
    assert said(data) == "official"


def test_files_that_no_reader_reads_say_nothing_of_the_kind(data: DataFolder) -> None:
    archived(data, b"somebody's notes")
    assert kind_held(data) is None
    require_kind(data, True, write=True)


def test_releases_tell_the_kind_whatever_else_lies_in_the_archive(data: DataFolder) -> None:
    _release(data)
    seen(data, is_sample=True)
    assert kind_held(data) is Kind.OFFICIAL


def test_a_folder_of_both_kinds_from_before_is_read_and_gets_nothing_more(data: DataFolder) -> None:
    _release(data)
    hand_made_release = data.releases / "2025-26-Q2" / "fedcba9876543210" / "release.json"
    write(hand_made_release, b'{"is_sample": true}')
    assert (kind_held(data), kind_in_words(data)) == (None, "both")
    for is_sample in (True, False):
        with pytest.raises(WrongUsage, match=f"official: release {RELEASE}.*{KIND_FILE}"):
            require_kind(data, is_sample, write=True)
    write(data.root / KIND_FILE, b'{"kind": "official"}')
    require_kind(data, False, write=True)
    with pytest.raises(WrongUsage, match="never both"):
        require_kind(data, True, write=True)


@pytest.mark.parametrize("content", [b"", b'{"kind"', b"[]", b'{"kind": "real"}', b"\xff"])
def test_a_torn_or_foreign_kind_is_told_and_never_guessed(data: DataFolder, content: bytes) -> None:
    write(data.root / KIND_FILE, content)
    with pytest.raises(InputRejected, match=KIND_FILE):
        require_kind(data, True, write=True)
    assert (data.root / KIND_FILE).read_bytes() == content


def test_the_archive_of_a_folder_takes_files_of_its_kind_alone(data: DataFolder, tmp_path: Path) -> None:
    for name, line in (("official", data_line("R0Z")), ("fictional", data_line("Z01"))):
        write(tmp_path / name / "data.csv", data_file(line))
    load_folder(tmp_path / "fictional", archive_of(data))
    before = files_below(data.archive)
    with pytest.raises(WrongUsage, match="holds fictional sample data"):
        load_folder(tmp_path / "official", archive_of(data))
    assert files_below(data.archive) == before


@pytest.mark.parametrize("is_sample", [True, False])
def test_a_release_of_the_other_kind_never_becomes_current(data: DataFolder, is_sample: bool) -> None:
    require_kind(data, not is_sample, write=True)
    identity = hand_made.identity_of("1.50", is_sample=is_sample)
    with writer_lock(data, "run-1"):
        candidate = open_candidate(data, "run-1")
        with candidate.connect() as connection:
            hand_made.build_tables(connection, identity, "1.50")
            hand_made.write_hand_made_release(connection, data, identity)
        with pytest.raises(WrongUsage, match="never both"):
            publish(candidate, data, [hand_made.Q1])
    assert not data.warehouse.exists()


def test_a_backup_is_not_restored_into_a_folder_for_the_other_kind(tmp_path: Path) -> None:
    make_backup(hand_made_data(tmp_path / "data"), tmp_path / "backups")
    other, same = DataFolder(tmp_path / "other"), DataFolder(tmp_path / "same")
    require_kind(other, True, write=True)
    require_kind(same, False, write=True)
    with pytest.raises(LeagueError, match="holds fictional sample data"):
        restore_backup(tmp_path / "backups", other)
    assert {path.name for path in other.root.iterdir()} == {KIND_FILE, other.lock_file.name}
    restore_backup(tmp_path / "backups", same)
    assert (kind_held(same), same.warehouse.is_file()) == (Kind.OFFICIAL, True)


def test_without_a_name_the_sample_has_a_folder_of_its_own_beside_the_official_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEAGUE_DATA_DIR", raising=False)
    monkeypatch.setattr(settings, "PROJECT_ROOT", tmp_path)
    official, sample = DataFolder(tmp_path / "data"), DataFolder(tmp_path / "data-sample")
    assert DataFolder.to_write(is_sample=False) == official
    assert DataFolder.to_write(is_sample=True) == sample
    assert DataFolder.from_environment() == official
    sample.root.mkdir()
    write(official.root / "dbt" / "manifest.json", b"{}")
    assert DataFolder.from_environment() == sample
    require_kind(official, False, write=True)
    assert DataFolder.from_environment() == official


def test_of_an_installed_package_these_are_in_the_folder_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEAGUE_DATA_DIR", raising=False)
    monkeypatch.setattr(settings, "IS_INSTALLED", True)
    monkeypatch.chdir(tmp_path)
    assert DataFolder.to_write(is_sample=False) == DataFolder(tmp_path / "data")
    assert DataFolder.to_write(is_sample=True) == DataFolder(tmp_path / "data-sample")


def test_a_named_folder_is_used_for_either_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAGUE_DATA_DIR", str(tmp_path))
    folders = (
        DataFolder.from_environment(),
        DataFolder.to_write(is_sample=True),
        DataFolder.to_write(is_sample=False),
    )
    assert folders == (DataFolder(tmp_path),) * 3


def test_the_option_data_names_the_folder_of_any_verb(data: DataFolder, tmp_path: Path) -> None:
    named = DataFolder(tmp_path / "named")
    require_kind(named, False, write=True)
    ended = league("--data", named.root, "status", "--json", data=data)
    assert (ended.answer["data_folder"], ended.answer["kind"]) == (str(named.root), "official")
