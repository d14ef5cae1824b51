"""The commit by one rename, what it refuses, and what readers see."""

from __future__ import annotations

from pathlib import Path

import duckdb
import hand_made_run as hand_made
import pytest

from dagster_project.errors import ExitCode, LeagueError
from dagster_project.releases.candidate import Candidate, open_candidate, wal_of
from dagster_project.releases.publish import CurrentRelease, current_release, mend_current_links, publish
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder

Q1, Q2 = hand_made.Q1, hand_made.Q2


def _link(data: DataFolder, quarter: object = Q1) -> Path:
    return data.releases / str(quarter) / "current"


def _id(average: str, quarter: object = Q1) -> str:
    return hand_made.identity_of(average, quarter).release_id  # type: ignore[arg-type]


def _built(data: DataFolder, run_id: str, average: str) -> Candidate:
    candidate = open_candidate(data, run_id)
    with candidate.connect() as connection:
        hand_made.build_tables(connection, hand_made.identity_of(average), average)
        hand_made.write_hand_made_release(connection, data, hand_made.identity_of(average))
    return candidate


def test_nothing_is_current_before_the_first_run(data: DataFolder) -> None:
    assert current_release(data) == []
    with writer_lock(data, "run-1"):
        assert mend_current_links(data) == []


def test_a_run_publishes_its_quarters_and_leaves_nothing_else_behind(data: DataFolder) -> None:
    expected = CurrentRelease(Q1, _id("1.50"), "2025-26", True, "revised", 3, ("acute", "ambulance"))
    assert hand_made.run(data, "run-1", "1.50") == [expected]
    assert current_release(data) == [expected]
    assert _link(data).readlink() == Path(_id("1.50"))
    assert data.warehouse.stat().st_mode & 0o777 == 0o444
    assert [path.name for path in data.warehouse.parent.iterdir()] == ["nhs_league_tables.duckdb"]
    assert list(data.candidates.iterdir()) == []


def test_the_catalogue_keeps_its_name_from_candidate_to_published_file(data: DataFolder) -> None:
    with writer_lock(data, "run-1"):
        candidate = _built(data, "run-1", "1.50")
        with candidate.connect() as connection:
            connection.execute(
                "create view league.best as select * from nhs_league_tables.league.league_table"
            )
        publish(candidate, data, [Q1])
    with duckdb.connect(str(data.warehouse), read_only=True) as reader:
        assert len(reader.execute("select * from league.best").fetchall()) == 3


def test_a_later_run_replaces_only_its_own_quarters(data: DataFolder) -> None:
    hand_made.run(data, "run-1", "1.50", Q1, Q2)
    hand_made.run(data, "run-2", "1.60", Q2)
    assert [release.release_id for release in current_release(data)] == [_id("1.50"), _id("1.60", Q2)]
    assert _link(data, Q2).readlink() == Path(_id("1.60", Q2))
    assert (data.releases / str(Q2) / _id("1.50", Q2) / "release.json").exists(), "old releases stay"


def test_the_same_run_again_changes_nothing(data: DataFolder) -> None:
    before = hand_made.run(data, "run-1", "1.50")
    assert hand_made.run(data, "run-2", "1.50") == before


def test_an_open_reader_keeps_its_state_and_the_next_one_sees_the_new(data: DataFolder) -> None:
    hand_made.run(data, "run-1", "1.50")
    query = "select distinct average_metric_score::varchar from league.league_table"
    with duckdb.connect(str(data.warehouse), read_only=True) as reader:
        assert reader.execute(query).fetchall() == [("1.50",)]
        hand_made.run(data, "run-2", "1.60")
        assert reader.execute(query).fetchall() == [("1.50",)]
        assert current_release(data)[0].release_id == _id("1.60"), "even in the reader's own process"
        assert _link(data).readlink() == Path(_id("1.60"))
    with duckdb.connect(str(data.warehouse), read_only=True) as reader:
        assert reader.execute(query).fetchall() == [("1.60",)]


def test_a_foreign_wal_stops_the_swap_and_what_was_published_stays(data: DataFolder) -> None:
    before = hand_made.run(data, "run-1", "1.50")
    content = data.warehouse.read_bytes()
    wal = data.warehouse.with_name("nhs_league_tables.duckdb.wal")
    with writer_lock(data, "run-2"):
        candidate = _built(data, "run-2", "1.60")
        wal.write_bytes(b"foreign")
        with pytest.raises(LeagueError, match=r"duckdb\.wal: .* Close that program") as error:
            publish(candidate, data, [Q1])
    assert error.value.exit_code is ExitCode.OUR_FAULT
    assert data.warehouse.read_bytes() == content
    assert wal.read_bytes() == b"foreign", "it is not ours to remove"
    wal.unlink()
    assert current_release(data) == before
    assert hand_made.run(data, "run-3", "1.60")[0].release_id == _id("1.60")


@pytest.mark.parametrize("use", ["select 1", "begin; create table league.x as select 1 as y"])
def test_a_connection_left_open_stops_the_swap(data: DataFolder, use: str) -> None:
    hand_made.run(data, "run-1", "1.50")
    with writer_lock(data, "run-2"):
        candidate = _built(data, "run-2", "1.60")
        with candidate.connect() as forgotten:
            forgotten.execute(use)
            with pytest.raises(LeagueError, match="expected every connection to be closed"):
                publish(candidate, data, [Q1])
    assert current_release(data)[0].release_id == _id("1.50")


def test_everything_written_is_in_the_one_file_before_the_swap(data: DataFolder) -> None:
    with writer_lock(data, "run-1"):
        candidate = _built(data, "run-1", "1.50")
        candidate.close()
        assert [path.name for path in candidate.warehouse.parent.iterdir()] == ["nhs_league_tables.duckdb"]


def test_a_release_that_was_not_written_is_not_published(data: DataFolder) -> None:
    with writer_lock(data, "run-1"):
        candidate = open_candidate(data, "run-1")
        with candidate.connect() as connection:
            hand_made.build_tables(connection, hand_made.identity_of("1.50"), "1.50")
        with pytest.raises(LeagueError, match=r"release\.json: expected the release to be written"):
            publish(candidate, data, [Q1])
    assert not data.warehouse.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("delete from league.league_table", "found 0"),
        ("update league.league_table set framework = 'x' where organisation_code = 'ZA1'", "found 2"),
        ("update league.league_table set release_state = 'draft'", "found draft"),
    ],
)
def test_a_league_table_that_is_not_of_one_release_is_not_published(
    data: DataFolder, change: str, message: str
) -> None:
    with writer_lock(data, "run-1"):
        candidate = _built(data, "run-1", "1.50")
        with candidate.connect() as connection:
            connection.execute(change)
        with pytest.raises(LeagueError, match=message):
            publish(candidate, data, [Q1])
    assert not data.warehouse.exists()


def test_links_follow_the_warehouse_whatever_they_said(data: DataFolder) -> None:
    hand_made.run(data, "run-1", "1.50", Q1, Q2)
    _link(data, Q1).unlink()
    _link(data, Q2).unlink()
    _link(data, Q2).symlink_to("elsewhere")
    stale = data.releases / "2025-26-Q3" / "current"
    stale.parent.mkdir()
    stale.symlink_to("0" * 16)
    with writer_lock(data, "run-2"):
        mend_current_links(data)
    assert _link(data, Q1).readlink() == Path(_id("1.50", Q1))
    assert _link(data, Q2).readlink() == Path(_id("1.50", Q2))
    assert not stale.is_symlink()


def test_a_folder_in_the_links_place_is_named(data: DataFolder) -> None:
    hand_made.run(data, "run-1", "1.50")
    _link(data).unlink()
    _link(data).mkdir()
    with writer_lock(data, "run-2"), pytest.raises(LeagueError, match="current: expected a link to release"):
        mend_current_links(data)


def test_a_file_that_is_not_our_warehouse_is_named(data: DataFolder) -> None:
    data.warehouse.parent.mkdir(parents=True)
    data.warehouse.write_bytes(b"not a database")
    with pytest.raises(LeagueError, match=r"nhs_league_tables\.duckdb: expected a published warehouse"):
        current_release(data)


def test_without_the_lock_nothing_is_opened_swept_or_published(data: DataFolder) -> None:
    living = data.candidates / "living-run"
    living.mkdir(parents=True)
    with pytest.raises(LeagueError, match="writer lock"):
        open_candidate(data, "run-1")
    with pytest.raises(LeagueError, match="writer lock"):
        publish(Candidate("run-1", living / data.warehouse.name), data, [Q1])
    with pytest.raises(LeagueError, match="writer lock"):
        mend_current_links(data)
    assert living.exists()


@pytest.mark.parametrize("run_id", ["", "..", "a/b", ".hidden"])
def test_a_run_id_that_is_no_folder_name_is_refused(data: DataFolder, run_id: str) -> None:
    with writer_lock(data, "run-1"), pytest.raises(LeagueError, match="run id"):
        open_candidate(data, run_id)


def test_a_candidate_that_is_discarded_leaves_no_trace(data: DataFolder) -> None:
    with writer_lock(data, "run-1"):
        open_candidate(data, "run-1").discard()
    assert list(data.candidates.iterdir()) == []


def test_a_candidate_stays_open_between_its_connections_and_is_one_file_once_it_is_let_go(
    data: DataFolder,
) -> None:
    with writer_lock(data, "test"):
        candidate = open_candidate(data, "run-1")
        with candidate.connect() as connection:
            connection.execute("create table kept as select 1 as number")
        assert wal_of(candidate.warehouse).exists()
        candidate.let_go()
        assert not wal_of(candidate.warehouse).exists()
        with candidate.connect() as connection:
            assert connection.execute("select number from kept").fetchall() == [(1,)]
        candidate.discard()
    assert not list(data.candidates.iterdir())
