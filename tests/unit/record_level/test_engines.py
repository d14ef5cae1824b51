"""Where a count works: in databases that are gone afterwards, if need be with the help of a later count."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import InputRejected
from dagster_project.record_level.engines import left_databases, refuse_other_rows
from dagster_project.record_level.pathway_files import PATHWAY, RecordFiles


def test_databases_of_a_count_that_was_killed_are_known_by_their_name_and_no_others() -> None:
    names = [
        "count_20251124120000_0a1b2c3d__records",
        "count_20251124120000_0a1b2c3d__record_level",
        # perhaps still at work
        "count_20251126115959_0a1b2c3d__records",
        # somebody else's
        "count_20251199120000_0a1b2c3d__records",
        "count_dracula",
        "my_count_20251124120000_0a1b2c3d__records",
    ]
    assert left_databases(names, datetime(2025, 11, 26, 12, tzinfo=UTC)) == names[:2]


def test_files_of_which_a_server_reads_others_on_its_own_disk_are_not_counted(tmp_path: Path) -> None:
    row = dict.fromkeys(PATHWAY.names)
    files = (tmp_path / "one.parquet", tmp_path / "two.parquet")
    for number, file in enumerate(files, start=1):
        pq.write_table(pa.Table.from_pylist([row] * number, PATHWAY), file)
    records = RecordFiles(tmp_path, files)
    refuse_other_rows(records, 3)
    with pytest.raises(InputRejected, match=r"expected the 3 rows that it has here.*found 0 there"):
        refuse_other_rows(records, 0)
