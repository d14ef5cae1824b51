"""The contract of extract rows, and its Parquet."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fictional_files import data_file, data_line

from dagster_project.extracts import rows
from dagster_project.extracts.readers.nof_data import read_nof_data


@pytest.mark.parametrize(
    "schema",
    [
        rows.EXTRACT_ROW,
        rows.EXTRACT,
        rows.ROW_SET_ASIDE,
        rows.REVISION,
        rows.STATISTIC_ROW,
        rows.ORGANISATION_REFERENCE,
    ],
)
def test_an_empty_frame_is_written_and_read_with_all_its_types(schema: pa.Schema, tmp_path: Path) -> None:
    rows.write_parquet(rows.empty_frame(schema), tmp_path / "empty.parquet", schema)
    assert pq.read_schema(tmp_path / "empty.parquet").equals(schema)


def test_the_same_rows_in_any_order_give_the_same_bytes_sorted_and_exact(tmp_path: Path) -> None:
    raw = data_file(data_line(value="75.55"), data_line("Z02", rank=""), data_line("Z03"))
    frame = read_nof_data(raw, file_name="a.csv", extract_id="a" * 64).extract_row
    rows.write_parquet(frame, tmp_path / "one.parquet")
    rows.write_parquet(frame.iloc[::-1], tmp_path / "other.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "other.parquet").read_bytes()
    table = pq.read_table(tmp_path / "one.parquet")
    assert table.schema.equals(rows.EXTRACT_ROW)
    assert table["source_row"].to_pylist() == [2, 3, 4]
    assert table["value"].to_pylist()[0] == Decimal("75.55")
    assert table["published_rank"].to_pylist() == [3, None, 3]


def test_columns_other_than_the_contracts_are_refused() -> None:
    with pytest.raises(KeyError, match="extra"):
        rows.frame_of({**{name: [] for name in rows.EXTRACT.names}, "extra": []}, rows.EXTRACT)
