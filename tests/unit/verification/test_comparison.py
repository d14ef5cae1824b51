"""Where two tables differ, the rows and columns are named by the table's key."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dagster_project.verification.released_files import check_rebuilt, differing_rows

ROWS = [("Z01", "metric a", 1), ("Z01", "metric b", 2), ("Z02", "metric a", 3)]


def table(folder: Path, rows: list[tuple[str, str, int]], form: str = "parquet", options: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"metric_score.{form}"
    values = ", ".join(str(row) for row in rows)
    duckdb.sql(
        f"copy (select * from (values {values}) as t (organisation_code, metric_id, value)) "
        f"to '{path}' (format {form}{options})"
    )
    return path


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_changed_a_new_and_a_missing_row_are_told_apart(tmp_path: Path, form: str) -> None:
    released = table(tmp_path / "released", ROWS, form)
    rebuilt = table(tmp_path / "rebuilt", [("Z01", "metric a", 9), ROWS[1], ("Z03", "metric a", 3)], form)
    assert differing_rows(released, rebuilt) == [
        "row Z01, metric a: value 1 released, 9 rebuilt",
        "row Z02, metric a: released, not rebuilt",
        "row Z03, metric a: rebuilt, not released",
    ]


def test_only_the_first_rows_are_shown_and_the_others_counted(tmp_path: Path) -> None:
    many = [(f"Z{number:02}", "metric a", 1) for number in range(9)]
    released = table(tmp_path / "released", many)
    found = differing_rows(released, table(tmp_path / "rebuilt", [(*row[:2], 2) for row in many]))
    assert len(found) == 6
    assert found[-1] == "and 4 more rows"


def test_the_same_rows_in_other_bytes_are_said_to_be_so(tmp_path: Path) -> None:
    released = table(tmp_path / "released", ROWS)
    rebuilt = table(tmp_path / "rebuilt", ROWS, options=", compression zstd")
    (found,) = check_rebuilt(released.parent, rebuilt.parent).findings
    assert found.what == "metric_score.parquet"
    assert found.details == ("the same rows, written in another way",)


def test_what_is_no_table_and_what_is_only_on_one_side_are_named(tmp_path: Path) -> None:
    released = table(tmp_path / "released", ROWS)
    table(tmp_path / "rebuilt", ROWS)
    released.write_bytes(b"PAR1 no more")
    (tmp_path / "rebuilt" / "more.csv").write_text("a\n")
    (tmp_path / "rebuilt" / "provenance.json").write_text("{}")
    first, second = check_rebuilt(released.parent, tmp_path / "rebuilt").findings
    assert "can't be read as a table" in first.details[0]
    assert (second.what, second.expected) == ("more.csv", "no such file, as released")
