"""Files of patient-level pathways: which are taken, and what is said of those that can't be."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import InputMissing, InputRejected
from dagster_project.record_level.pathway_files import PATHWAY, RecordFiles, records_at

ROW = {
    "pathway_id": "1",
    "provider_code": "Z01",
    "provider_name": None,
    "commissioner_code": "01Z",
    "treatment_function_code": "C_100",
    "clock_start_date": date(2025, 6, 1),
    "clock_stop_date": None,
    "snapshot_date": date(2025, 6, 30),
}


def written(path: Path, table: pa.Table | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([ROW], schema=PATHWAY) if table is None else table, path)
    return path


def rejected(place: Path) -> InputRejected:
    with pytest.raises(InputRejected) as error:
        records_at(str(place))
    return error.value


def test_the_files_of_a_folder_are_found_below_it_in_order_and_others_passed_over(tmp_path: Path) -> None:
    second, first = written(tmp_path / "part=2" / "a.parquet"), written(tmp_path / "part=1" / "b.parquet")
    (tmp_path / "_SUCCESS").touch()
    found = records_at(str(tmp_path))
    assert isinstance(found, RecordFiles)
    assert found.files == (first, second)
    assert list(found.hashes()) == ["part=1/b.parquet", "part=2/a.parquet"]


def test_one_file_may_be_named_and_so_may_a_table_of_a_catalogue(tmp_path: Path) -> None:
    file = written(tmp_path / "records.parquet")
    assert records_at(str(file)) == RecordFiles(file, (file,))
    assert records_at("national.rtt_pathway") == "national.rtt_pathway"


@pytest.mark.parametrize("place", ["nothing", "no/such.folder/here"])
def test_a_place_where_nothing_is_is_missing(tmp_path: Path, place: str) -> None:
    with pytest.raises(InputMissing, match="isn't there"):
        records_at(str(tmp_path / place))


def test_a_folder_without_parquet_files_is_missing(tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text("pathway_id\n1\n", "utf-8")
    with pytest.raises(InputMissing, match=r"holds no \.parquet file"):
        records_at(str(tmp_path))


@pytest.mark.parametrize("name", PATHWAY.names)
def test_a_file_without_one_of_the_columns_is_rejected_with_its_name(tmp_path: Path, name: str) -> None:
    table = pa.Table.from_pylist([ROW], schema=PATHWAY).drop_columns([name])
    written(tmp_path / "whole.parquet")
    written(tmp_path / "without.parquet", table)
    error = rejected(tmp_path)
    assert (error.file, error.column) == ("without.parquet", name)


@pytest.mark.parametrize(
    ("name", "kind", "value", "expected"),
    [
        ("clock_start_date", pa.string(), "2025-06-01", "a date"),
        ("snapshot_date", pa.int32(), 20269, "a date"),
        ("pathway_id", pa.int64(), 1, "a text"),
    ],
)
def test_a_column_of_another_type_is_rejected_and_never_cast(
    tmp_path: Path, name: str, kind: pa.DataType, value: Any, expected: str
) -> None:
    schema = PATHWAY.set(PATHWAY.get_field_index(name), pa.field(name, kind))
    written(tmp_path / "records.parquet", pa.Table.from_pylist([{**ROW, name: value}], schema=schema))
    error = rejected(tmp_path)
    assert (error.column, error.expected, error.found) == (name, expected, str(kind))


def test_texts_may_be_long_or_looked_up_and_a_column_without_values_may_have_no_type(tmp_path: Path) -> None:
    schema = PATHWAY
    for name, kind in (
        ("pathway_id", pa.large_string()),
        ("provider_code", pa.dictionary(pa.int32(), pa.string())),
        ("clock_stop_date", pa.null()),
    ):
        schema = schema.set(schema.get_field_index(name), pa.field(name, kind))
    file = written(tmp_path / "records.parquet", pa.Table.from_pylist([ROW], schema=schema))
    assert records_at(str(file)) == RecordFiles(file, (file,))


def test_a_file_that_is_cut_off_is_rejected(tmp_path: Path) -> None:
    file = written(tmp_path / "records.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    assert rejected(tmp_path).expected == "a whole Parquet file"


@pytest.mark.parametrize("left", ["_temporary/0/part.parquet", "more.parquet.tmp", "more.parquet.crdownload"])
def test_a_folder_that_is_still_written_to_is_rejected(tmp_path: Path, left: str) -> None:
    written(tmp_path / "records.parquet")
    written(tmp_path / left)
    assert rejected(tmp_path).file == left


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        ("_delta_log/00000000000000000000.json", "Delta"),
        ("metadata/v1.metadata.json", "Iceberg"),
        ("part/.hoodie/hoodie.properties", "Hudi"),
    ],
)
def test_a_table_of_which_only_some_files_count_is_rejected(tmp_path: Path, log: str, kind: str) -> None:
    written(tmp_path / "data" / "records.parquet")
    (tmp_path / log).parent.mkdir(parents=True)
    (tmp_path / log).write_text("{}", "utf-8")
    error = rejected(tmp_path)
    assert error.file == log
    assert f"a table of {kind}" in error.found


@pytest.mark.parametrize("hidden", ["_old/records.parquet", ".records.parquet", "2025/_records.parquet"])
def test_a_file_that_one_engine_passes_over_and_another_does_not_is_rejected(
    tmp_path: Path, hidden: str
) -> None:
    written(tmp_path / "records.parquet")
    written(tmp_path / hidden)
    assert rejected(tmp_path).file == hidden


def test_files_are_told_by_the_columns_that_have_no_type_in_them(tmp_path: Path) -> None:
    untyped = PATHWAY.set(PATHWAY.get_field_index("clock_stop_date"), pa.field("clock_stop_date", pa.null()))
    first = written(tmp_path / "a.parquet", pa.Table.from_pylist([ROW], schema=untyped))
    second, third = written(tmp_path / "b.parquet"), written(tmp_path / "c.parquet")
    found = records_at(str(tmp_path))
    assert isinstance(found, RecordFiles)
    assert found.by_untyped() == {frozenset({"clock_stop_date"}): (first,), frozenset(): (second, third)}
