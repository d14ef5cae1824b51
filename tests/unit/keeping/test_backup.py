"""Backups: what is in them, that nothing is copied twice, and that damage and interruption are seen."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hand_made_data import EXTRACT, QUARTER, RELEASE, archived, hand_made_data, history, write
from published_state import files_below

from dagster_project.errors import InputMissing, InputRejected, LeagueError, Locked, WrongUsage
from dagster_project.keeping import restore
from dagster_project.keeping.backup import list_backups, make_backup
from dagster_project.keeping.backup_folder import BackupFolder
from dagster_project.keeping.restore import restore_backup
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import PROJECT_ROOT, DataFolder

_KILLED_AT_FILE = """
import os, signal, sys
from pathlib import Path
from dagster_project.keeping import backup_folder
from dagster_project.keeping.backup import make_backup
from dagster_project.settings import DataFolder
seal, sealed = backup_folder.seal_file, []
def seal_or_die(path):
    sealed.append(path)
    if len(sealed) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    seal(path)
backup_folder.seal_file = seal_or_die
make_backup(DataFolder(Path(sys.argv[1])), Path(sys.argv[2]))
"""


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return hand_made_data(tmp_path / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def spoil(path: Path) -> None:
    """Flips one bit of the first byte."""
    mode, raw = path.stat().st_mode, bytearray(path.read_bytes())
    raw[0] ^= 1
    path.chmod(0o644)
    path.write_bytes(raw)
    path.chmod(mode)


def killed_backup(data: DataFolder, folder: Path, at_file: int) -> int:
    """The exit status of a backup that kills itself before it has sealed its n-th file."""
    return subprocess.run(
        [sys.executable, "-c", _KILLED_AT_FILE, str(data.root), str(folder), str(at_file)],
        env={"PYTHONPATH": str(PROJECT_ROOT), "PATH": os.environ["PATH"]},
        check=False,
    ).returncode


def test_a_restored_folder_is_as_it_was_with_modes_links_and_times_but_for_what_is_made_anew(
    data: DataFolder, folder: Path, tmp_path: Path
) -> None:
    made = make_backup(data, folder)
    assert made["releases"] == {QUARTER: RELEASE}
    back = DataFolder(tmp_path / "back")
    restore_backup(folder, back)
    kept = ("archive", "releases", "warehouse", "runs", "ledger")
    there = {path.name for path in back.root.iterdir()}
    assert there == {*kept, "dagster", "writer.lock"}
    for name in kept:
        for path in sorted((data.root / name).rglob("*")):
            again = back.root / path.relative_to(data.root)
            assert again.lstat().st_mode == path.lstat().st_mode, path
            if path.is_symlink():
                assert again.readlink() == path.readlink()
            elif path.is_file():
                assert again.read_bytes() == path.read_bytes(), path
                assert again.stat().st_mtime_ns == path.stat().st_mtime_ns, path


def test_a_lake_on_this_disk_is_left_out_and_the_answer_says_so(
    data: DataFolder, folder: Path, tmp_path: Path
) -> None:
    assert make_backup(data, folder)["left_out"] == []
    write(data.spark / "metastore" / "service.properties", b"place=/here")
    write(data.lake_releases / QUARTER / f"{RELEASE}.json", b'{"extracts": {}, "run_id": "r"}')
    assert make_backup(data, folder)["left_out"] == ["spark"]
    back = DataFolder(tmp_path / "back")
    restore_backup(folder, back)
    assert (back.spark.exists(), back.lake_releases.is_dir()) == (False, True)


def test_the_second_backup_copies_only_what_changed(data: DataFolder, folder: Path) -> None:
    first = make_backup(data, folder)
    assert first["new_files"] > 0
    again = make_backup(data, folder)
    assert (again["new_files"], again["new_bytes"], again["files"]) == (0, 0, first["files"])
    archived(data, b"another file")
    third = make_backup(data, folder)
    manifest = (data.archive / "manifest.jsonl").stat().st_size
    assert (third["new_files"], third["new_bytes"]) == (2, len(b"another file") + manifest)


def test_every_backup_is_a_restore_point_of_its_own(data: DataFolder, folder: Path, tmp_path: Path) -> None:
    first = make_backup(data, folder)["backup_id"]
    run = data.runs / "run-1" / "outcome.json"
    before = run.read_bytes()
    run.write_bytes(b'{"run_id": "run-1", "exit_code": 5}')
    make_backup(data, folder)
    restore_backup(folder, DataFolder(tmp_path / "old"), backup_id=first)
    restore_backup(folder, DataFolder(tmp_path / "new"))
    assert (tmp_path / "old" / "runs" / "run-1" / "outcome.json").read_bytes() == before
    assert (tmp_path / "new" / "runs" / "run-1" / "outcome.json").read_bytes() == run.read_bytes()


def test_a_database_that_a_web_server_is_writing_to_is_copied_as_of_one_moment(
    data: DataFolder, folder: Path, tmp_path: Path
) -> None:
    path = history(data)
    with sqlite3.connect(path) as live:
        live.execute("insert into runs values ('committed, still in the write-ahead log')")
        live.commit()
        live.execute("insert into runs values ('under way')")
        assert path.with_name("runs.db-wal").stat().st_size > 0
        make_backup(data, folder)
        live.rollback()
    live.close()
    restore_backup(folder, DataFolder(tmp_path / "back"))
    there = tmp_path / "back" / "dagster" / "history"
    assert [file.name for file in there.iterdir()] == ["runs.db"]
    with sqlite3.connect(there / "runs.db") as restored:
        notes = [note for (note,) in restored.execute("select note from runs order by rowid")]
    restored.close()
    assert notes == ["run-1", "committed, still in the write-ahead log"]


def test_a_database_that_is_torn_already_is_named(data: DataFolder, folder: Path) -> None:
    path = history(data, *(f"run {number} {'x' * 500}" for number in range(50)))
    raw = bytearray(path.read_bytes())
    raw[4096:8192] = b"\xff" * 4096
    path.write_bytes(raw)
    with pytest.raises(LeagueError, match=r"runs\.db: expected .*database"):
        make_backup(data, folder)
    assert list_backups(folder)["backups"] == []


@pytest.mark.parametrize("what", ["archive", "release"])
def test_a_damaged_source_is_not_backed_up_and_the_good_bytes_of_an_earlier_backup_are_named(
    data: DataFolder, folder: Path, what: str
) -> None:
    make_backup(data, folder)
    damaged = (
        next(data.archive.glob("??/*"))
        if what == "archive"
        else data.releases / QUARTER / RELEASE / "league_table.csv"
    )
    good = damaged.read_bytes()
    spoil(damaged)
    with pytest.raises(InputRejected) as caught:
        make_backup(data, folder)
    assert caught.value.file == str(damaged)
    (named,) = (word for word in caught.value.remedy.split() if word.startswith(str(folder)))
    assert Path(named).read_bytes() == good
    assert len(list_backups(folder)["backups"]) == 1


def test_a_released_file_that_is_gone_is_named(data: DataFolder, folder: Path) -> None:
    (data.releases / QUARTER / RELEASE / "league_table.csv").unlink()
    with pytest.raises(InputMissing, match=r"league_table\.csv: expected this file"):
        make_backup(data, folder)


def damage(stored: Path) -> None:
    spoil(stored)


def lose(stored: Path) -> None:
    stored.unlink()


@pytest.mark.parametrize(("harm", "error"), [(damage, InputRejected), (lose, InputMissing)])
def test_a_backup_with_a_flipped_byte_or_a_lost_file_is_refused_before_anything_is_written(
    data: DataFolder, folder: Path, tmp_path: Path, harm: Callable[[Path], None], error: type[LeagueError]
) -> None:
    make_backup(data, folder)
    store = BackupFolder(folder)
    backup = store.choose()[1]
    for kept in backup.files:
        stored = store.path_of(kept.sha256)
        before = stored.read_bytes()
        harm(stored)
        with pytest.raises(error, match="Nothing was written") as caught:
            restore_backup(folder, DataFolder(tmp_path / "back"))
        assert kept.path in str(caught.value)
        assert not (tmp_path / "back").exists()
        write(stored, before, 0o444)
    assert restore_backup(folder, DataFolder(tmp_path / "back"))["files"] == len(backup.files)


def test_a_damaged_manifest_is_refused_and_the_backup_before_it_offered(
    data: DataFolder, folder: Path, tmp_path: Path
) -> None:
    first = make_backup(data, folder)["backup_id"]
    archived(data, b"another file")
    second = make_backup(data, folder)["backup_id"]
    store = BackupFolder(folder)
    manifest = store.manifest_of(second)
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes().replace(b'"mode": 292', b'"mode": 511', 1))
    with pytest.raises(InputRejected, match=f"--backup: {first}"):
        restore_backup(folder, DataFolder(tmp_path / "back"))
    assert not (tmp_path / "back").exists()
    listed = {backup["backup_id"]: backup for backup in list_backups(folder)["backups"]}
    assert "damaged" in listed[second]
    assert "damaged" not in listed[first]


def test_a_manifest_that_leads_out_of_the_data_folder_is_refused(
    data: DataFolder, folder: Path, tmp_path: Path
) -> None:
    make_backup(data, folder)
    store = BackupFolder(folder)
    backup = store.choose()[1]
    for links in ({"../outside": "x"}, {"releases/x": "/etc"}):
        forged = store.finish(type(backup)(backup.taken_at, backup.releases, backup.files, links))
        with pytest.raises(InputRejected, match="leads out of the data folder"):
            restore_backup(folder, DataFolder(tmp_path / "back"), backup_id=forged)


@pytest.mark.parametrize("at_file", [1, 3, 8])
def test_a_killed_backup_leaves_earlier_ones_and_the_next_one_goes_on(
    data: DataFolder, folder: Path, tmp_path: Path, at_file: int
) -> None:
    first = make_backup(data, folder)["backup_id"]
    before = files_below(data.archive)
    for number in range(10):
        archived(data, b"new file %d" % number)
    assert killed_backup(data, folder, at_file) == -signal.SIGKILL
    assert BackupFolder(folder).ids() == [first]
    assert any(path.name.startswith(".unfinished-") for path in folder.iterdir())
    restore_backup(folder, DataFolder(tmp_path / "back"))
    restored = files_below(tmp_path / "back" / "archive")
    assert sorted(restored.values()) == sorted(before.values())
    assert make_backup(data, folder)["new_files"] == 11 - (at_file - 1)
    assert not any(path.name.startswith(".unfinished-") for path in folder.iterdir())


def test_bytes_that_went_bad_in_the_backup_folder_are_replaced_by_the_next_backup(
    data: DataFolder, folder: Path, tmp_path: Path
) -> None:
    make_backup(data, folder)
    store = BackupFolder(folder)
    kept = next(file for file in store.choose()[1].files if file.bytes == len(EXTRACT))
    spoil(store.path_of(kept.sha256))
    assert make_backup(data, folder)["new_files"] == 1
    assert store.path_of(kept.sha256).read_bytes() == EXTRACT
    restore_backup(folder, DataFolder(tmp_path / "back"))


def test_a_restore_never_overwrites_and_a_killed_one_can_be_repeated(
    data: DataFolder, folder: Path, tmp_path: Path
) -> None:
    make_backup(data, folder)
    before = files_below(data.root)
    with pytest.raises(WrongUsage, match="isn't empty: it holds archive"):
        restore_backup(folder, data)
    assert files_below(data.root) == before
    back = DataFolder(tmp_path / "back")
    write(back.root / ".unfinished-restore" / "archive" / "half", b"written")
    restore_backup(folder, back)
    assert not (back.root / ".unfinished-restore").exists()


def test_a_restore_that_fails_before_all_is_copied_leaves_an_empty_folder(
    data: DataFolder, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(data, folder)

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("dagster_project.keeping.restore.copy_with_hash", full)
        with pytest.raises(LeagueError, match="No space left"):
            restore_backup(folder, DataFolder(tmp_path / "back"))
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["writer.lock"]


def restore_and_die(folder: Path, back: DataFolder, renames: int) -> None:
    """A restore in a process of its own, killed when it has put so many things in place."""
    child = os.fork()
    if child == 0:
        put, done = restore.put_in_place, []

        def put_or_die(finished: Path, path: Path) -> None:
            if len(done) == renames:
                os.kill(os.getpid(), signal.SIGKILL)
            done.append(path)
            put(finished, path)

        restore.put_in_place = put_or_die
        restore_backup(folder, back)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_restore_killed_while_it_puts_things_in_place_is_finished_by_the_same_restore(
    data: DataFolder, folder: Path, tmp_path: Path
) -> None:
    first = make_backup(data, folder)["backup_id"]
    write(data.runs / "run-9" / "outcome.json", b"{}")
    second = make_backup(data, folder)["backup_id"]
    whole = DataFolder(tmp_path / "whole")
    restore_backup(folder, whole)
    names = {path.name for path in whole.root.iterdir()} - {"writer.lock"}
    for renames in range(len(names)):
        back = DataFolder(tmp_path / f"back-{renames}")
        restore_and_die(folder, back, renames)
        assert not back.warehouse.exists(), "what publishes comes last"
        with pytest.raises(WrongUsage, match=f"--backup {second}"):
            restore_backup(folder, back, backup_id=first)
        assert restore_backup(folder, back)["backup_id"] == second
        assert {path.name for path in back.root.iterdir()} - {"writer.lock"} == names
        restored = {os.path.relpath(path, back.root): raw for path, raw in files_below(back.root).items()}
        wanted = {os.path.relpath(path, whole.root): raw for path, raw in files_below(whole.root).items()}
        assert restored == wanted


def test_a_restore_that_was_cut_off_overwrites_nothing_that_came_meanwhile(
    data: DataFolder, folder: Path, tmp_path: Path
) -> None:
    make_backup(data, folder)
    back = DataFolder(tmp_path / "back")
    restore_and_die(folder, back, 1)
    write(back.warehouse, b"made meanwhile")
    with pytest.raises(WrongUsage, match="warehouse"):
        restore_backup(folder, back)
    assert back.warehouse.read_bytes() == b"made meanwhile"


def test_only_the_newest_backups_stay_when_asked_and_they_stay_whole(
    data: DataFolder, folder: Path, tmp_path: Path
) -> None:
    store = BackupFolder(folder)
    run = data.runs / "run-1" / "outcome.json"
    run.write_bytes(b'{"state": "only the first backup has this"}')
    make_backup(data, folder)
    only_first = {file.sha256 for file in store.choose()[1].files if file.path.endswith("outcome.json")}
    run.write_bytes(b"{}")
    first = store.ids()
    made = make_backup(data, folder, keep=1)
    assert made["forgotten"] == first
    assert store.ids() == [made["backup_id"]]
    assert not any(store.path_of(sha256).exists() for sha256 in only_first)
    restore_backup(folder, DataFolder(tmp_path / "back"))


def test_a_run_that_is_writing_is_waited_for(data: DataFolder, folder: Path) -> None:
    with writer_lock(data, "a run"), pytest.raises(Locked, match="run a run"):
        make_backup(data, folder)
    assert list_backups(folder)["backups"] == []


def test_folders_that_make_no_sense_are_refused(data: DataFolder, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="within each other"):
        make_backup(data, data.root / "backups")
    with pytest.raises(WrongUsage, match="within each other"):
        make_backup(data, tmp_path)
    with pytest.raises(InputMissing, match="nothing to back up"):
        make_backup(DataFolder(tmp_path / "nowhere"), folder)
    write(tmp_path / "documents" / "letter.txt", b"Dear")
    with pytest.raises(WrongUsage, match="holds other things"):
        make_backup(data, tmp_path / "documents")
    with pytest.raises(WrongUsage, match="at least 1"):
        make_backup(data, folder, keep=0)
    with pytest.raises(InputMissing, match="holds no backup"):
        restore_backup(folder, DataFolder(tmp_path / "back"))
