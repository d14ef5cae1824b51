"""Two releases side by side: figures, organisations, rows and columns that differ."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dagster_project.errors import InputMissing
from dagster_project.releases.comparison import compare_releases

_PLACES = "('acute', 'ZAA', {0}, 2, {1}), ('acute', 'ZBB', 1.50, 1, 2)"


def release(folder: Path, places: str, scores: str = "('ZAA', 'OF1', 3.0, 2.50)", more: str = "") -> Path:
    """A release of two tables; its id is in every row."""
    folder.mkdir()
    (folder / "release.json").write_text("{}")
    for name, columns, rows in (
        (
            "league_table",
            "table_name, organisation_code, average_metric_score, adjusted_segment, rank",
            places,
        ),
        ("metric_score", "organisation_code, metric_id, value, metric_score", scores),
    ):
        duckdb.sql(
            f"copy (select *, '{folder.name}' as release_id{more} from (values {rows}) as rows({columns})) "
            f"to '{folder / name}.parquet' (format parquet)"
        )
    return folder


def test_releases_that_differ_in_their_id_alone_are_the_same(tmp_path: Path) -> None:
    one, other = (release(tmp_path / name, _PLACES.format("2.00", 1)) for name in ("a", "b"))
    found = compare_releases(one, other)
    assert found["same"] is True
    assert {name: item["changed"] for name, item in found["figures"].items()} == {
        "values": 0,
        "scores": 0,
        "averages": 0,
        "segments": 0,
        "ranks": 0,
    }


def test_each_changed_figure_is_counted_and_shown_with_both_values(tmp_path: Path) -> None:
    one = release(tmp_path / "a", _PLACES.format("2.00", 1))
    other = release(tmp_path / "b", _PLACES.format("2.10", 3), "('ZAA', 'OF1', 3.0, 2.60)")
    found = compare_releases(one, other)
    assert {name: item["changed"] for name, item in found["figures"].items()} == {
        "values": 0,
        "scores": 1,
        "averages": 1,
        "segments": 0,
        "ranks": 1,
    }
    assert found["figures"]["averages"]["first"] == [
        {"table_name": "acute", "organisation_code": "ZAA", "before": "2.00", "after": "2.10"}
    ]
    assert [(table["table"], table["rows_gone"], table["rows_new"]) for table in found["tables"]] == [
        ("league_table", 1, 1),
        ("metric_score", 1, 1),
    ]
    assert found["same"] is False


def test_organisations_and_columns_that_came_and_went_are_named(tmp_path: Path) -> None:
    one = release(tmp_path / "a", "('acute', 'ZAA', 1.00, 1, 1)", more=", 1 as old_column")
    other = release(tmp_path / "b", "('acute', 'ZCC', 1.00, 1, 1)", more=", 1 as new_column")
    found = compare_releases(one, other)
    assert found["organisations"] == {"in": ["ZCC"], "out": ["ZAA"]}
    assert found["figures"]["ranks"]["changed"] == 2
    (table,) = (table for table in found["tables"] if table["table"] == "metric_score")
    assert (table["rows_gone"], table["columns_in"], table["columns_out"]) == (
        0,
        ["new_column"],
        ["old_column"],
    )


def test_a_table_that_only_one_release_has_is_named_and_a_folder_that_is_none_refused(tmp_path: Path) -> None:
    one, other = (release(tmp_path / name, _PLACES.format("2.00", 1)) for name in ("a", "b"))
    duckdb.sql(f"copy (select 'ZAA' as organisation_code) to '{other}/domain_score.parquet' (format parquet)")
    assert compare_releases(one, other)["tables"] == [{"table": "domain_score", "only_in": "after"}]
    with pytest.raises(InputMissing, match=r"release\.json"):
        compare_releases(one, tmp_path)
