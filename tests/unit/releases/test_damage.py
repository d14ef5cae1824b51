"""A damaged release is refused by the name of what is damaged, whichever byte it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import hand_made_run as hand_made
import pytest

from dagster_project.errors import InputRejected
from dagster_project.releases.damage import faults_of_form, refuse_damaged
from dagster_project.releases.folder import read_release_file, release_file_bytes
from dagster_project.settings import DataFolder
from dagster_project.verification.released_files import check_release_file

IDENTITY = hand_made.identity_of("1.50")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one release. Not to be changed."""
    root = tmp_path_factory.mktemp("written")
    with duckdb.connect(":memory:") as connection:
        hand_made.build_tables(connection, IDENTITY, "1.50")
        hand_made.write_hand_made_release(connection, DataFolder(root), IDENTITY)
    return root


@pytest.fixture
def release(written: Path, data: DataFolder) -> Path:
    """A copy of the release's folder, to be changed."""
    shutil.copytree(written, data.root)
    folder = data.releases / str(hand_made.Q1) / IDENTITY.release_id
    for file in folder.iterdir():
        file.chmod(0o644)
    return folder


def test_a_flipped_byte_of_release_json_is_named(release: Path) -> None:
    path = release / "release.json"
    whole = path.read_bytes()
    assert not check_release_file(release, hand_made.Q1, release.name)[1].findings
    files = read_release_file(release)["files"]
    for position in range(0, len(whole), len(whole) // 300):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        content, check = check_release_file(release, hand_made.Q1, release.name)
        # What is said of the files is looked at with the files.
        assert check.findings or (content or {})["files"] != files, whole[position - 20 : position + 20]
        if content is None:
            with pytest.raises(InputRejected, match=r"release\.json"):
                refuse_damaged(release)


def form(content: Any) -> list[tuple[str, str]]:
    return [(place, found) for place, _, found in faults_of_form(release_file_bytes(content))]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda said: said["gates"][0].pop("gate"), "gates, 0, gate"),
        (lambda said: said["gates"][0].update(gate="mart"), "gates, 0, gate"),
        (lambda said: said["gates"][0].update(passed="yes"), "gates, 0, passed"),
        (lambda said: said.pop("framework"), "framework"),
        (lambda said: said.update(more=1), "more"),
        (lambda said: said.update(quarter="2025-26-Q5"), "quarter"),
        (lambda said: said.update(previous_release_id="../../../../"), "previous_release_id"),
        (lambda said: said["code"].update({"dbt/../../x.py": "0" * 64}), "code, dbt/../../x.py, [key]"),
        (lambda said: said["code"].update({"/etc/x.py": "0" * 64}), "code, /etc/x.py, [key]"),
        (lambda said: said["rules"].update({"..": "0" * 64}), "rules, .., [key]"),
        (
            lambda said: said["files"].update({"a/b.csv": {"sha256": "0" * 64, "bytes": 1}}),
            "files, a/b.csv, [key]",
        ),
        (lambda said: said["files"]["lineage.csv"].update(bytes="1"), "files, lineage.csv, bytes"),
        (lambda said: said["extracts"].update({"../x": "x.csv"}), "extracts, ../x, [key]"),
    ],
)
def test_the_place_of_what_has_another_form_is_named(release: Path, change: Any, place: str) -> None:
    content = read_release_file(release)
    assert form(content) == []
    change(content)
    assert [found for found, _ in form(content)] == [place]
    (release / "release.json").write_bytes(release_file_bytes(content))
    with pytest.raises(InputRejected, match=r"release\.json, column"):
        refuse_damaged(release)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"[]", b"{}", b'{"quarter": "2025-26-Q1"}'])
def test_what_is_no_release_json_is_refused_wherever_it_is_read(release: Path, raw: bytes) -> None:
    (release / "release.json").write_bytes(raw)
    assert faults_of_form(raw)
    for read in (read_release_file, refuse_damaged):
        with pytest.raises(InputRejected) as caught:
            read(release)
        assert caught.value.file == str(release / "release.json")
        assert "backup" in caught.value.remedy


def test_a_file_changed_gone_added_or_put_behind_a_link_is_named(release: Path, tmp_path: Path) -> None:
    refuse_damaged(release)
    (release / "provenance.json").write_text(json.dumps({"host": "another"}))
    refuse_damaged(release)
    kept = (release / "lineage.csv").read_bytes()
    for change in ("changed", "gone", "link"):
        (release / "lineage.csv").unlink(missing_ok=True)
        if change == "changed":
            (release / "lineage.csv").write_bytes(kept + b"\n")
        if change == "link":
            (tmp_path / "elsewhere.csv").write_bytes(kept)
            (release / "lineage.csv").symlink_to(tmp_path / "elsewhere.csv")
        with pytest.raises(InputRejected, match=r"lineage\.csv"):
            refuse_damaged(release)
    (release / "lineage.csv").unlink()
    (release / "lineage.csv").write_bytes(kept)
    (release / "league_table.xlsx").write_bytes(b"added")
    with pytest.raises(InputRejected, match=r"a file that release\.json doesn't name"):
        refuse_damaged(release)
