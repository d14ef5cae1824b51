"""What a publication knows of its quarters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
from published_quarters import FIRST, SECOND, small_contents
from read_page import read_page

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, QuarterContent, contents_of
from dagster_project.publication.pages import organisation
from dagster_project.publication.publish import Chosen, keys_of
from dagster_project.publication.words import ALL_RELEASED


def test_a_quarter_knows_those_before_it_and_none_after(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    first, second = contents.quarters
    assert (first.quarter, second.quarter) == (FIRST, SECOND)
    assert first.before is None
    assert first.earlier == ()
    assert second.before is first


def test_rows_are_found_by_any_of_their_columns(tmp_path: Path) -> None:
    newest = small_contents(tmp_path).newest
    assert [row["organisation_code"] for row in newest.find("league_table", table_name="acute", rank=1)] == [
        "ZA2"
    ]
    assert newest.one("league_table", organisation_code="ZA8") is None
    assert newest.tables == ("acute", "ambulance")
    assert list(newest.places)[:3] == ["ZA2", "ZA1", "ZA3"]


VIEWS = ("metric_variation", "segment_persistence")


def with_a_warehouse(contents: Contents, *, released: Sequence[str], counted: Sequence[str]) -> Contents:
    """The contents with a warehouse of these released quarters; its views have a row of ZA1 for each `counted`."""
    warehouse = contents.newest.warehouse
    warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema league")
        for view in VIEWS:
            connection.execute(
                f"create table league.{view} as select unnest(?) as quarter, 'ZA1' as organisation_code",
                [list(counted)],
            )
        connection.execute(
            "create table league.current_release as select unnest(?) as quarter", [list(released)]
        )
    releases = [(replace(one.release, is_current=True), False) for one in contents.quarters]
    return contents_of(releases, warehouse)


def shown(content: QuarterContent) -> tuple[int, int]:
    """How many rows of each view are shown; what isn't shown is withheld."""
    variation, persistence = (len(content.rows(view)) for view in VIEWS)
    assert [content.withholds(view, "ZA1") for view in VIEWS] == [not variation, not persistence]
    return variation, persistence


def test_rows_over_all_quarters_are_shown_where_all_that_they_count_are_here(tmp_path: Path) -> None:
    both = [FIRST, SECOND]
    contents = with_a_warehouse(small_contents(tmp_path), released=both, counted=both)
    assert shown(contents.newest) == (1, 1)
    assert not contents.newest.withholds(VIEWS[0], "ZA2")


def test_rows_that_count_a_later_quarter_arent_shown(tmp_path: Path) -> None:
    """The first quarter's row of how long it has been where it is counts none but itself."""
    both = [FIRST, SECOND]
    contents = with_a_warehouse(small_contents(tmp_path), released=both, counted=both)
    assert shown(contents.quarters[0]) == (0, 1)


def test_one_that_is_in_no_later_quarter_keeps_its_rows(tmp_path: Path) -> None:
    contents = with_a_warehouse(small_contents(tmp_path), released=[FIRST, SECOND], counted=[FIRST])
    assert shown(contents.quarters[0]) == (1, 1)


def test_rows_that_count_an_earlier_quarter_that_isnt_here_arent_shown(tmp_path: Path) -> None:
    both = [FIRST, SECOND]
    contents = with_a_warehouse(small_contents(tmp_path), released=both, counted=both)
    newest = contents.newest
    (alone,) = contents_of([(newest.release, False)], newest.warehouse).quarters
    assert shown(alone) == (0, 0)
    text = read_page(organisation.of_quarter(alone), addresses.organisation(SECOND, "ZA1")).text
    assert f"How long has it been in its segment? {ALL_RELEASED}" in text
    lasting = read_page(organisation.of_all(Contents((alone,))), addresses.organisation_in_all("ZA1"))
    assert f"Is a metric getting better or worse? {ALL_RELEASED}" in lasting.text


def test_a_quarter_is_made_again_once_an_earlier_one_is_released_that_isnt_shown() -> None:
    third = "2025-26-Q3"
    chosen = (Chosen(SECOND, "0" * 16), Chosen(third, "1" * 16))
    keys = keys_of(chosen, [SECOND, third])
    assert keys_of(chosen, [SECOND, third, "2025-26-Q4"]) == keys
    again = keys_of(chosen, [FIRST, SECOND, third])
    assert not set(again.values()) & set(keys.values())


def test_a_table_that_a_release_was_made_without_has_no_rows(tmp_path: Path) -> None:
    newest = small_contents(tmp_path, without=["segment_probability"]).newest
    assert newest.rows("segment_probability") == []
    assert newest.rows("metric_variation") == []
