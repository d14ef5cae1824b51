"""What a publication knows of its quarters."""

from __future__ import annotations

from pathlib import Path

from published_quarters import FIRST, SECOND, small_contents


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


def test_a_table_that_a_release_was_made_without_has_no_rows(tmp_path: Path) -> None:
    newest = small_contents(tmp_path, without=["segment_probability"]).newest
    assert newest.rows("segment_probability") == []
    assert newest.rows("metric_variation") == []
