"""The vintage of a quarter: what makes a new one, and what doesn't."""

from __future__ import annotations

from dataclasses import replace

from dagster_project.archive.archive import Sighting
from dagster_project.automation.vintage import QuarterVintage, vintage_of
from dagster_project.quarters import Quarter

Q1, Q2 = Quarter(2025, 1), Quarter(2025, 2)


def seen(name: str, extract_id: str, *quarters: Quarter, source: str = "nof_data") -> Sighting:
    return Sighting(
        extract_id=extract_id,
        file_name=name,
        source=source,
        table_name="ambulance",
        quarters=tuple(map(str, quarters)),
        bytes=10,
        release_state="provisional",
        supersedes=None,
        is_sample=False,
        origin=f"https://publisher.example/{name}",
    )


DATA = seen("data.csv", "aa", Q1)
TABLE = seen("table.csv", "bb", Q1, source="nof_league_table")


def found(*sightings: Sighting, quarter: Quarter = Q1) -> QuarterVintage:
    vintage = vintage_of(quarter, sightings)
    assert vintage is not None
    return vintage


def test_without_a_data_file_there_is_no_vintage() -> None:
    assert vintage_of(Q1, []) is None
    assert vintage_of(Q1, [TABLE]) is None


def test_files_handed_over_in_a_folder_are_nobodys_publication() -> None:
    assert vintage_of(Q1, [replace(DATA, origin="/home/me/data.csv")]) is None


def test_the_key_is_the_same_until_a_file_is_added_or_changes() -> None:
    first = found(DATA, TABLE)
    assert first.key == found(TABLE, DATA).key
    assert first.key == found(DATA, TABLE, replace(DATA, etag="another")).key
    added = seen("data-v2.csv", "cc", Q1)
    assert found(DATA, TABLE, added).key != first.key
    assert found(DATA, TABLE, replace(DATA, extract_id="cc")).key != first.key


def test_bytes_that_come_back_after_others_are_a_vintage_again() -> None:
    other = replace(DATA, extract_id="cc")
    keys = {found(DATA).key, found(DATA, other).key, found(DATA, other, DATA).key}
    assert len(keys) == 3


def test_a_cumulative_data_file_counts_for_its_last_quarter_only() -> None:
    later = seen("data-q2.csv", "cc", Q1, Q2)
    assert found(DATA, later).key == found(DATA).key
    assert found(DATA, later, quarter=Q2).names == ("data-q2.csv",)


def test_statistics_count_for_every_quarter_they_cover() -> None:
    statistic = seen("cancer.xlsx", "dd", Q1, Q2, source="cancer_waiting_times")
    assert found(DATA, statistic).names == ("cancer.xlsx", "data.csv")


def test_sample_files_count_only_where_there_are_no_official_ones() -> None:
    fictional = replace(seen("sample.csv", "ee", Q1), is_sample=True)
    assert found(fictional).is_sample
    official = found(fictional, DATA)
    assert (official.is_sample, official.names) == (False, ("data.csv",))


def test_new_files_are_named_against_the_marks_of_the_vintage_before() -> None:
    before = found(DATA, TABLE)
    after = found(DATA, TABLE, replace(TABLE, extract_id="cc"))
    assert after.new_since(before.marks()) == ("table.csv",)
    assert before.new_since(before.marks()) == ()
