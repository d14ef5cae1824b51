"""The whole archive against its hashes: what was pruned is known to be gone, and what lies there is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from fictional_files import data_file, data_line

from dagster_project.archive.archive import Archive, sha256_of
from dagster_project.extracts.load import load_folder
from dagster_project.verification.archived_files import check_whole

OLD, NEW = data_file(data_line()), data_file(data_line(value="1"))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive that saw two files, keeps what they cover, and had the first pruned."""
    (tmp_path / "in").mkdir()
    for name, raw in (("data.csv", OLD), ("data-v2.csv", NEW)):
        (tmp_path / "in" / name).write_bytes(raw)
    archive = Archive(tmp_path / "archive")
    load_folder(tmp_path / "in", archive)
    archive.prune(sha256_of(OLD), replaced_by=sha256_of(NEW))
    return archive


def found(archive: Archive) -> list[str]:
    return [finding.what for finding in check_whole(archive).findings]


def test_a_pruned_archive_is_whole(archive: Archive) -> None:
    assert archive.coverage.is_file()
    assert found(archive) == []


def test_a_file_that_was_not_pruned_is_missed(archive: Archive) -> None:
    archive.path_of(sha256_of(NEW)).unlink()
    assert found(archive) == [f"archive/{sha256_of(NEW)[:2]}/{sha256_of(NEW)}"]


def test_a_damaged_list_of_what_was_pruned_is_named_with_what_it_no_longer_explains(archive: Archive) -> None:
    archive.prunings.write_bytes(b"not a pruning\n")
    assert found(archive) == ["archive/pruned.jsonl", f"archive/{sha256_of(OLD)[:2]}/{sha256_of(OLD)}"]


def test_a_file_that_came_back_is_looked_at_again(archive: Archive) -> None:
    archive.store(OLD)
    path = archive.path_of(sha256_of(OLD))
    path.chmod(0o644)
    path.write_bytes(OLD + b"more")
    assert found(archive) == [f"archive/{sha256_of(OLD)[:2]}/{sha256_of(OLD)}"]
