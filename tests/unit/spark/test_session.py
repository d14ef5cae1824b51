"""What a session on Spark is told by its surroundings, before any Java is started."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from dagster_project.errors import WrongUsage
from dagster_project.settings import DataFolder
from dagster_project.spark import session as sessions
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


@pytest.mark.parametrize(
    ("master", "given", "taken"),
    [
        ("spark://host:7077", "./environment/bin/python", "./environment/bin/python"),
        ("spark://host:7077", "", sys.executable),
        ("", "./environment/bin/python", sys.executable),
    ],
    ids=["cluster", "cluster, not given", "here"],
)
def test_workers_of_a_cluster_have_the_python_that_is_named_and_those_here_this_one(
    master: str, given: str, taken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", given)
    monkeypatch.setenv("LEAGUE_SPARK_MASTER", master)
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    seen = []
    monkeypatch.setattr(sessions, "_started", lambda *_: seen.append(os.environ["PYSPARK_PYTHON"]))
    with spark_session(DataFolder(tmp_path)):
        pass
    assert seen == [taken]
    assert os.environ["PYSPARK_PYTHON"] == given


@pytest.mark.parametrize(
    ("remote", "says"),
    [
        ("local", r"SPARK_REMOTE is local: .* named as in sc://host:15002"),
        ("http://host", r"SPARK_REMOTE is http://host: .* named as in sc://host:15002"),
        ("sc://host:15002;token=hush", r"SPARK_REMOTE is sc://host:15002;\.\.\.: .* named as in"),
        ("sc://127.0.0.1:1", r"SPARK_REMOTE is sc://127.0.0.1:1: .* that answers; found none"),
        ("sc://127.0.0.1:1/;token=hush", r"SPARK_REMOTE is sc://127.0.0.1:1/;\.\.\.: .* that answers"),
        ("sc://somebody:hush@127.0.0.1:1", r"SPARK_REMOTE is sc://\.\.\.@127.0.0.1:1: .* that answers"),
    ],
)
def test_an_address_where_no_server_answers_is_refused_and_no_secret_in_it_is_shown(
    remote: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_REMOTE", remote)
    monkeypatch.setattr(sessions, "_ANSWER_SECONDS", 0.5)
    with pytest.raises(WrongUsage, match=says) as refused, spark_session(DataFolder(tmp_path)):
        pass
    assert "hush" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.RETRIES_EXCEEDED")
def test_a_server_that_was_asked_in_vain_is_asked_no_more_when_a_run_is_tidied_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import grpc
    from pyspark.sql.connect.client.retries import Retrying

    monkeypatch.setattr(sessions, "_ATTEMPTS", 3)
    policy, waits, asked = sessions._patience(), list[float](), list[str]()

    def ask(why: str) -> None:
        with grpc.insecure_channel("127.0.0.1:1") as channel:
            for attempt in Retrying(policy, sleep=waits.append):
                with attempt:
                    asked.append(why)
                    channel.unary_unary("/nobody/is.there")(b"", timeout=20)

    for why in ("a model", "tidying up"):
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            ask(why)
    assert asked == [*["a model"] * 4, "tidying up"]
    assert len(waits) == 3
