"""What a session on Spark is told by its surroundings, before any Java is started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dagster_project.errors import WrongUsage
from dagster_project.settings import DataFolder
from dagster_project.spark.session import folder_id, spark_session, table_format


def test_a_data_folder_keeps_its_id_and_a_copy_draws_its_own(tmp_path: Path) -> None:
    data, other = DataFolder(tmp_path / "data"), DataFolder(tmp_path / "other")
    drawn = folder_id(data)
    assert folder_id(data) == drawn
    assert folder_id(other) != drawn
    copy = DataFolder(tmp_path / "copy")
    shutil.copytree(data.root, copy.root)
    assert folder_id(copy) not in (drawn, folder_id(other))


def test_thrift_is_refused_as_dbt_would_build_elsewhere_than_rows_are_landed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAGUE_SPARK_METHOD", "thrift")
    with (
        pytest.raises(WrongUsage, match="LEAGUE_SPARK_METHOD is 'thrift'"),
        spark_session(DataFolder(tmp_path)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["", "  ", "Parquet"])
def test_dbt_is_told_a_format_that_it_can_write_whatever_stands_there(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAGUE_SPARK_FORMAT", given)
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost:1")
    seen = []
    monkeypatch.setattr(
        "dagster_project.spark.session._connected", lambda: seen.append(os.environ["LEAGUE_SPARK_FORMAT"])
    )
    with spark_session(DataFolder(tmp_path)):
        pass
    assert seen == [table_format()] == ["parquet"]
    assert os.environ["LEAGUE_SPARK_FORMAT"] == given
