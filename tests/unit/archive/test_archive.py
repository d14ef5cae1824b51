"""The archive of raw bytes: written once, checked at every read, never half there."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dagster_project.archive.archive import Archive, Sighting, sha256_of
from dagster_project.errors import InputMissing, InputRejected

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def sighting(extract_id: str = "a" * 64, file_name: str = "data.csv") -> Sighting:
    return Sighting(
        extract_id=extract_id,
        file_name=file_name,
        source="nof_data",
        table_name="acute",
        quarters=("2025-26-Q1",),
        bytes=5,
        release_state="provisional",
        supersedes=None,
        is_sample=True,
        origin="/somewhere/data.csv",
    )


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive", clock=lambda: NOON)


def test_bytes_come_back_as_they_were_from_a_read_only_file_named_by_hash(archive: Archive) -> None:
    extract_id = archive.store(b"bytes")
    path = archive.root / extract_id[:2] / extract_id
    assert extract_id == sha256_of(b"bytes")
    assert archive.read(extract_id) == b"bytes"
    assert path.stat().st_mode & 0o777 == 0o444


def test_bytes_already_there_are_not_written_again(archive: Archive) -> None:
    path = archive.path_of(archive.store(b"bytes"))
    before = path.stat()
    archive.store(b"bytes")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_damaged_bytes_are_reported_at_reading_and_at_storing(archive: Archive) -> None:
    extract_id = archive.store(b"bytes")
    path = archive.path_of(extract_id)
    path.chmod(0o644)
    path.write_bytes(b"other")
    for attempt in (lambda: archive.read(extract_id), lambda: archive.store(b"bytes")):
        with pytest.raises(InputRejected, match="damaged"):
            attempt()
    assert path.read_bytes() == b"other"


def test_an_id_that_is_not_there_is_missing(archive: Archive) -> None:
    with pytest.raises(InputMissing, match="has no file"):
        archive.read("0" * 64)


def test_an_interrupted_write_leaves_no_extract_and_is_cleaned_next_time(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(KeyboardInterrupt):
        archive.store(b"bytes")
    monkeypatch.undo()
    assert not archive.path_of(sha256_of(b"bytes")).exists()
    # What a power cut leaves, which no process is there to remove.
    (archive.root / f".unfinished-{sha256_of(b'bytes')}").write_bytes(b"byt")
    archive.store(b"other")
    assert not list(archive.root.glob(".unfinished-*"))
    assert archive.read(archive.store(b"bytes")) == b"bytes"


def test_each_sighting_is_recorded_once_with_its_time(archive: Archive) -> None:
    archive.record([sighting(), sighting(file_name="copy.csv")])
    archive.record([sighting()])
    assert [seen.file_name for seen in archive.sightings()] == ["data.csv", "copy.csv"]
    assert archive.sightings()[0].retrieved_at == "2026-01-02T12:00:00+00:00"
    assert archive.sightings()[0].quarters == ("2025-26-Q1",)


def test_a_sighting_that_was_never_finished_does_not_count_and_is_cleaned(archive: Archive) -> None:
    archive.record([sighting()])
    with archive.manifest.open("ab") as file:
        file.write(b'{"extract_id": "b')
    assert len(archive.sightings()) == 1
    archive.record([sighting(file_name="next.csv")])
    assert [seen.file_name for seen in archive.sightings()] == ["data.csv", "next.csv"]


@pytest.mark.parametrize("line", [b"not json\n", b"{}\n", b"[]\n", b'{"quarters": [], "more": 1}\n'])
def test_a_damaged_manifest_is_reported_with_its_line(archive: Archive, line: bytes) -> None:
    archive.record([sighting()])
    with archive.manifest.open("ab") as file:
        file.write(line)
    with pytest.raises(InputRejected, match="row 2"):
        archive.sightings()


def test_an_archive_that_was_never_used_has_no_sightings_and_makes_no_folder(archive: Archive) -> None:
    assert archive.sightings() == []
    assert not archive.root.exists()


def test_a_pruned_file_is_gone_and_written_down_until_its_bytes_come_back(archive: Archive) -> None:
    old, new = archive.store(b"old"), archive.store(b"new")
    archive.prune(old, replaced_by=new)
    assert archive.pruned() == {old: new}
    with pytest.raises(InputMissing):
        archive.read(old)
    assert archive.read(new) == b"new"
    archive.store(b"old")
    assert archive.pruned() == {}


def test_a_line_of_the_prunings_that_was_never_finished_does_not_count_and_damage_is_named(
    archive: Archive,
) -> None:
    old, new = archive.store(b"old"), archive.store(b"new")
    archive.prunings.write_bytes(b'{"extract_id": "')
    assert archive.pruned() == {}
    archive.prune(old, replaced_by=new)
    assert archive.pruned() == {old: new}
    archive.prunings.write_bytes(b"{}\n")
    with pytest.raises(InputRejected, match=r"pruned\.jsonl"):
        archive.pruned()
