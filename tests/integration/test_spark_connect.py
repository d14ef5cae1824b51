"""`league run --target spark` on a Spark Connect server: every released cell is DuckDB's, and nothing else is left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from league_command import Ended, league
from shared_folders import SAMPLE_QUARTERS
from spark_command import league_on_spark
from spark_connect_server import running_connect_server

from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder
from dagster_project.spark.lake import Lake
from dagster_project.spark.session import spark_folder, spark_session

QUARTER = SAMPLE_QUARTERS[0]


@dataclass(frozen=True)
class OnServer:
    """A server's address, a copy of `small_release`, and how a run of the same rows ended there."""

    address: str
    data: DataFolder
    run: Ended


@pytest.fixture(scope="module")
def on_server(
    tmp_path_factory: pytest.TempPathFactory, small_release: DataFolder, small_extracts: Path
) -> Iterator[OnServer]:
    """A server for as long as the module's tests last, on which a quarter was released once."""
    folder = tmp_path_factory.mktemp("connect")
    data, rows = DataFolder(folder / "data"), folder / "rows"
    with running_connect_server(folder / "server") as address:
        shutil.copytree(small_release.root, data.root, symlinks=True)
        landed = league("land", QUARTER, "--extracts", small_extracts / QUARTER, "--to", rows, data=data)
        assert landed.code == 0, landed.err
        run = league_on_spark("run", QUARTER, "--extract-rows", rows, data=data, SPARK_REMOTE=address)
        assert run.code == 0, f"{run.out[-3000:]} {run.err[-3000:]}"
        yield OnServer(address, data, run)


def test_every_cell_of_a_run_on_a_server_is_that_of_the_release_folder(on_server: OnServer) -> None:
    (release,) = current_release(on_server.data)
    (compared,) = on_server.run.answer["compared"]
    assert (compared["quarter"], compared["release_id"]) == (QUARTER, release.release_id)
    assert (compared["differing"], compared["differences"]) == (0, [])
    assert compared["cells"] > 10_000
    assert [gate["passed"] for gate in on_server.run.answer["gates"]] == [True, True, True]


def test_a_run_on_a_server_says_nothing_but_what_it_does_and_starts_no_spark_here(
    on_server: OnServer,
) -> None:
    assert "arning" not in on_server.run.err
    assert not (spark_folder(on_server.data) / "warehouse").exists()


def test_the_server_has_the_release_until_it_is_withdrawn_and_nothing_of_the_candidate(
    on_server: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (release,) = current_release(on_server.data)
    monkeypatch.setenv("SPARK_REMOTE", on_server.address)
    with spark_session(on_server.data) as session:
        assert [row[0] for row in session.sql("show databases").collect()] == [
            "default",
            "league",
            "league_lake",
        ]
        assert session.table("league.league_table").count() == release.organisations
        assert Lake(session).current() == [release]
    withdrawn = league(
        *("withdraw", release.release_id, "--reason", "A trial", "--target", "spark", "--json"),
        data=on_server.data,
    )
    assert (withdrawn.code, withdrawn.answer["current_release_id"]) == (0, None)
    with spark_session(on_server.data) as session:
        assert session.table("league.league_table").count() == 0
    # Of a server nothing is left that a local session would look for.
    assert "SPARK_CONNECT_MODE_ENABLED" not in os.environ
