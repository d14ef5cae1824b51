"""The folder of a publication: what is refused, what is kept, and how the next one takes its place."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from published_quarters import small_contents

from dagster_project.errors import WrongUsage
from dagster_project.publication.contents import Contents
from dagster_project.publication.folder import (
    RECORD,
    OfQuarter,
    Record,
    alone,
    being_made,
    keep,
    place_of,
    put_in_place,
    record_of,
    write,
)
from dagster_project.settings import DataFolder

QUARTER = "2025-26-Q1"
PAGES = {f"{QUARTER}/index.html": b"a quarter", "index.html": b"home"}


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    return small_contents(tmp_path / "releases")


def publish_by_hand(place: Path, contents: Contents, pages: dict[str, bytes] = PAGES) -> Record:
    """What publish does with a folder, without what it makes."""
    with alone(place):
        being_made(place).mkdir()
        written = write(being_made(place), pages.items())
        of_quarter = {path: digest for path, digest in written.items() if path.startswith(QUARTER)}
        record = Record(
            is_sample=contents.is_sample,
            is_embargoed=contents.is_embargoed,
            notice=contents.notice,
            releases={QUARTER: "0" * 16},
            quarters={QUARTER: OfQuarter(key="as it is", files=of_quarter)},
            files_of_all_quarters={
                path: digest for path, digest in written.items() if path not in of_quarter
            },
        )
        put_in_place(place, record)
    return record


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


def test_a_publication_is_known_by_its_record_and_takes_the_place_of_the_one_before(
    tmp_path: Path, contents: Contents
) -> None:
    place = tmp_path / "a place"
    assert record_of(place, contents) is None
    assert publish_by_hand(place, contents) == record_of(place, contents)
    publish_by_hand(place, contents, {f"{QUARTER}/index.html": b"other", "index.html": b"home"})
    assert files_in(place).keys() == {*PAGES, RECORD}
    assert files_in(place)[f"{QUARTER}/index.html"] == b"other"
    assert {path.name for path in tmp_path.iterdir()} == {"releases", "a place"}


@pytest.mark.parametrize("name", ["CNAME", ".git/config", "2025-26-Q1/notes.txt"])
def test_other_files_in_a_publication_are_refused_and_stay(
    tmp_path: Path, contents: Contents, name: str
) -> None:
    publish_by_hand(tmp_path / "place", contents)
    file = tmp_path / "place" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("somebody's", encoding="utf-8")
    with pytest.raises(WrongUsage, match=f"found {name}, which the next publication would remove"):
        record_of(tmp_path / "place", contents)
    assert file.read_text(encoding="utf-8") == "somebody's"


@pytest.mark.parametrize(
    "record", ['{"name": "my book"}', "{", "", '{"quarters": {}}', "[]", "\udcff"], ids=range(6)
)
def test_a_record_of_something_else_is_no_publication(
    tmp_path: Path, contents: Contents, record: str
) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / RECORD).write_bytes(record.encode(errors="surrogateescape"))
    (tmp_path / "place" / "thesis.docx").write_bytes(b"a thesis")
    with pytest.raises(WrongUsage, match="expected the record of a publication"):
        record_of(tmp_path / "place", contents)


def test_a_folder_of_other_files_is_refused(tmp_path: Path, contents: Contents) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "thesis.docx").write_bytes(b"a thesis")
    with pytest.raises(WrongUsage, match="expected an empty folder or a publication; found other files"):
        record_of(tmp_path / "place", contents)


def test_places_that_are_the_data_folders_own_are_refused(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "some" / "data")
    data.releases.mkdir(parents=True)
    (tmp_path / "file").touch()
    for own in (data.publication, data.publication_embargoed, tmp_path / "elsewhere"):
        assert place_of(own, data) == own
    for place in (data.root, data.releases, data.releases / "site", tmp_path / "some", tmp_path):
        with pytest.raises(WrongUsage, match="where the data folder has its own files"):
            place_of(place, data)
    with pytest.raises(WrongUsage, match="expected a folder; found a file"):
        place_of(tmp_path / "file", data)


def test_a_link_to_a_place_is_followed(tmp_path: Path, contents: Contents) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "disk" / "site")
    place = place_of(tmp_path / "site", DataFolder(tmp_path / "data"))
    publish_by_hand(place, contents)
    assert (tmp_path / "site").is_symlink()
    assert files_in(tmp_path / "site").keys() == {*PAGES, RECORD}


def test_where_the_last_rename_fails_the_publication_before_is_there(
    tmp_path: Path, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    publish_by_hand(place, contents)
    before = files_in(place)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self == being_made(place):
            raise OSError("no more room")
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", failing)
        with pytest.raises(OSError, match="no more room"):
            publish_by_hand(place, contents, {"index.html": b"new"})
    assert files_in(place) == before


def test_what_a_killed_publication_left_is_tidied_up_by_the_next(tmp_path: Path, contents: Contents) -> None:
    place = tmp_path / "place"
    publish_by_hand(place, contents)
    before = files_in(place)
    # Killed between both renames.
    place.rename(tmp_path / ".published-before-place")
    (tmp_path / ".publishing-place").mkdir()
    with alone(place):
        assert files_in(place) == before
    assert {path.name for path in tmp_path.iterdir()} == {"releases", "place"}


def test_a_second_publication_waits_for_the_first(tmp_path: Path, contents: Contents) -> None:
    place, second = tmp_path / "place", threading.Event()

    def other() -> None:
        publish_by_hand(place, contents, {"index.html": b"second"})
        second.set()

    with alone(place):
        thread = threading.Thread(target=other)
        thread.start()
        assert not second.wait(0.2)
        assert not place.exists()
    thread.join()
    assert files_in(place)["index.html"] == b"second"


def test_a_quarter_is_kept_only_as_it_was_written(
    tmp_path: Path, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    known = publish_by_hand(place, contents).quarters[QUARTER]
    assert not keep(place, tmp_path / "other key", known, "another")
    assert keep(place, tmp_path / "kept", known, "as it is")
    assert files_in(tmp_path / "kept") == {f"{QUARTER}/index.html": b"a quarter"}

    def another_disk(*_: object) -> None:
        raise OSError("Invalid cross-device link")

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", another_disk)
        assert keep(place, tmp_path / "copied", known, "as it is")
    assert files_in(tmp_path / "copied") == files_in(tmp_path / "kept")
    (place / QUARTER / "index.html").write_bytes(b"changed")
    assert not keep(place, tmp_path / "changed", known, "as it is")
    (place / QUARTER / "index.html").unlink()
    assert not keep(place, tmp_path / "gone", known, "as it is")
