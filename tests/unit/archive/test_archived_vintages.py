"""Which archived files stand: hand-made manifests, and two files in an archive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from fictional_files import data_file, data_line

from dagster_project.archive.archive import Archive, Sighting, sha256_of
from dagster_project.archive.archived_vintages import names_of, replaced_later, seen_by, without_pruned
from dagster_project.errors import InputMissing
from dagster_project.extracts.load import load_archived, load_folder, load_listed


def seen(
    extract_id: str, day: int, name: str = "x.csv", origin: str = "/in/x.csv", supersedes: str | None = None
) -> Sighting:
    return Sighting(
        extract_id=extract_id,
        file_name=name,
        source="nof_data",
        table_name="acute",
        quarters=("2025-26-Q1",),
        bytes=1,
        release_state="provisional",
        supersedes=supersedes,
        is_sample=False,
        origin=origin,
        retrieved_at=f"2025-09-{day:02}T23:59:59+00:00",
    )


def replaced(*sightings: Sighting) -> dict[str, str]:
    return replaced_later(sightings, {one.extract_id: "one table of one quarter" for one in sightings})


def test_a_day_ends_at_midnight_in_utc() -> None:
    both = [seen("a", 1), seen("b", 2)]
    assert seen_by(both, date(2025, 9, 1)) == both[:1]
    assert seen_by(both, None) == both


def test_the_least_name_stands_for_the_same_bytes() -> None:
    assert names_of([seen("b", 1), seen("a", 1, "z.csv"), seen("a", 2, "y.csv")]) == {
        "a": "y.csv",
        "b": "x.csv",
    }


def test_later_bytes_under_the_same_name_or_at_the_same_address_take_the_place() -> None:
    assert replaced(seen("a", 1), seen("b", 2), seen("c", 3, origin="/out/x.csv")) == {"a": "c", "b": "c"}
    url = "https://example.org/download"
    assert replaced(seen("a", 1, "a.csv", url), seen("b", 2, "b.csv", url)) == {"a": "b"}


def test_bytes_that_come_back_take_the_place_again() -> None:
    assert replaced(seen("a", 1), seen("b", 2), seen("a", 3)) == {"b": "a"}


def test_files_seen_together_or_of_other_series_or_names_stay() -> None:
    assert replaced(seen("a", 1, origin="/in/1/x.csv"), seen("b", 1, origin="/in/2/x.csv")) == {}
    assert replaced(seen("a", 1), seen("b", 2, "y.csv", "/in/y.csv")) == {}
    assert replaced_later([seen("a", 1), seen("b", 2)], {"a": "acute", "b": "ambulance"}) == {}
    assert replaced_later([seen("a", 1), seen("b", 2)], {}) == {}


def test_the_manifest_says_what_is_superseded_where_names_say_nothing() -> None:
    other = seen("b", 2, "y.csv", "/in/y.csv", supersedes="a")
    assert replaced(seen("a", 1), other) == {"a": "b"}
    # A re-issue that its name tells stays beside what it supersedes, as in a folder.
    assert replaced(seen("a", 1), seen("b", 2, "x-v2.csv", "/in/x-v2.csv", supersedes="a")) == {}


@pytest.fixture
def changed(tmp_path: Path) -> tuple[Archive, bytes, bytes]:
    """An archive that saw one file on two days, its bytes changed; the later sorts first by id."""
    days: Iterator[int] = count(1)
    archive = Archive(tmp_path / "archive", clock=lambda: datetime(2025, 9, next(days), 12, tzinfo=UTC))
    raws = sorted((data_file(data_line(value=value)) for value in ("1", "2")), key=sha256_of, reverse=True)
    for raw in raws:
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / "data.csv").write_bytes(raw)
        load_folder(tmp_path / "in", archive)
    return archive, raws[0], raws[1]


def test_a_changed_file_under_the_same_name_wins(changed: tuple[Archive, bytes, bytes]) -> None:
    archive, first, second = changed
    now, then = load_archived(archive), load_archived(archive, as_of=date(2025, 9, 1))
    assert now.extract["extract_id"].tolist() == [sha256_of(second)]
    assert then.extract["extract_id"].tolist() == [sha256_of(first)]
    assert now.extract_row["value"].tolist() != then.extract_row["value"].tolist()
    assert {*now.extract_row["value"], *then.extract_row["value"]} >= {Decimal(1), Decimal(2)}
    assert [note.file for note in now.notes if sha256_of(first) in note.text] == ["data.csv"]
    assert then.notes == load_listed(archive, {sha256_of(first): "data.csv"}).notes


def test_files_are_read_by_id_under_the_names_given(changed: tuple[Archive, bytes, bytes]) -> None:
    archive, first, _ = changed
    assert load_listed(archive, {sha256_of(first): "old.csv"}).extract["file_name"].tolist() == ["old.csv"]
    with pytest.raises(InputMissing, match="never saw new"):
        load_listed(archive, {"0" * 64: "new.csv"})


def test_a_day_without_files_says_when_the_first_came(changed: tuple[Archive, bytes, bytes]) -> None:
    with pytest.raises(InputMissing, match="the first was archived at 2025-09-01T12"):
        load_archived(changed[0], as_of=date(2025, 8, 31))
    with pytest.raises(InputMissing, match="only the fictional sample's extracts: use --sample"):
        load_archived(changed[0], is_sample=False)


def test_a_pruned_file_is_passed_over_where_another_had_its_place_and_missed_where_none_had(
    tmp_path: Path,
) -> None:
    archive = Archive(tmp_path / "archive")
    ids = [archive.store(content) for content in (b"first", b"second", b"third")]
    sightings = [seen(extract_id, day) for day, extract_id in enumerate(ids, 1)]
    archive.prune(ids[0], replaced_by=ids[1])
    assert without_pruned(archive, sightings) == sightings[1:]
    assert without_pruned(archive, sightings[:2]) == sightings[1:2]
    with pytest.raises(InputMissing, match=r"x\.csv .* was pruned from the archive"):
        without_pruned(archive, sightings[:1])
    archive.prune(ids[1], replaced_by=ids[2])
    assert without_pruned(archive, sightings) == sightings[2:]
    with pytest.raises(InputMissing, match="was pruned"):
        without_pruned(archive, sightings[:2])
