"""Delivery into a real PostgreSQL server: first, again, corrected, withdrawn, hindered, and beside readers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from league_command import Ended, league
from postgresql_server import PostgresqlServer, running_server
from published_quarters import Rows
from published_state import release_ids
from releases_by_hand import ReleasesByHand

from dagster_project.delivery.delivered import Wanted, content_hash, offer
from dagster_project.delivery.postgresql import PostgreSQL, delivery
from dagster_project.delivery.report import Report
from dagster_project.files import sha256_of_file
from dagster_project.json_text import parsed_json
from dagster_project.releases.folder import release_file_bytes
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DataFolder

pytestmark = pytest.mark.xdist_group("postgresql")

Q1, Q2 = "2025-26-Q1", "2025-26-Q2"
A, B, C, D = "a" * 16, "b" * 16, "c" * 16, "d" * 16
_numbers = count(1)


class Database:
    """An empty database of the server."""

    def __init__(self, server: PostgresqlServer, options: str = "") -> None:
        self.server = server
        self.name = f"d{next(_numbers)}"
        self.address = server.new_database(self.name, options)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.server.query(statement, database=self.name)

    def current(self) -> dict[str, str]:
        return dict(self.rows("select quarter, release_id from league.current_release order by 1"))

    def everything(self) -> dict[str, list[str]]:
        """The rows of every table of the schema, as texts."""
        tables = self.rows(
            "select table_name::text from information_schema.tables where table_schema = 'league'"
        )
        return {
            name: sorted(row[0] for row in self.rows(f'select t::text from league."{name}" as t'))
            for (name,) in sorted(tables)
        }

    def staged(self) -> list[str]:
        return [
            row[0]
            for row in self.rows(
                "select table_name::text from information_schema.tables where table_schema = 'league_staging'"
            )
        ]


@pytest.fixture
def database(postgresql_server: PostgresqlServer) -> Database:
    return Database(postgresql_server)


@pytest.fixture
def by_hand(tmp_path: Path) -> ReleasesByHand:
    return ReleasesByHand(tmp_path / "by hand")


def small_tables(number: int = 3, name: str = "Trust", **more: Rows) -> dict[str, Rows]:
    """A league table of so many organisations, and the organisations that it points at."""
    codes = [f"R{at:04}" for at in range(number)]
    organisations = [{"organisation_code": code, "organisation_name": f"{name} {code}"} for code in codes]
    placed = [
        {"table_name": "acute", "organisation_code": code, "organisation_name": f"{name} {code}", "rank": at}
        for at, code in enumerate(codes, start=1)
    ]
    return {"league_table": placed, "organisation": organisations, **more}


def deliver(data: DataFolder, database: Database, *arguments: str) -> Ended:
    return league("deliver", database.address, *arguments, data=data)


def done(ended: Ended) -> Any:
    assert ended.code == 0, ended.err + ended.out
    return ended.answer


def outcomes(answer: Mapping[str, Any]) -> dict[str, str]:
    """What became of each quarter."""
    return {
        one["quarter"]: outcome for outcome in ("delivered", "kept", "withdrawn") for one in answer[outcome]
    }


def assert_cells_are_those_of_the_release(database: Database, data: DataFolder, quarter: str) -> None:
    """Every released table, cell by cell, as a plain reader gets it and as the release's Parquet has it."""
    folder = data.releases / quarter / "current"
    with duckdb.connect() as reader:
        for table in RELEASED_TABLES:
            found = reader.execute(f"select * from read_parquet('{folder / table.name}.parquet')")
            columns = [column[0] for column in found.description or ()]
            released = found.fetchall()
            listed = ", ".join(f'"{column}"' for column in columns)
            there = database.rows(f"select {listed} from league.{table.name} where quarter = '{quarter}'")
            assert sorted(map(repr, there)) == sorted(map(repr, released)), table.name


def test_a_first_delivery_brings_every_cell_with_keys_and_comments(
    second_release: DataFolder, database: Database
) -> None:
    answer = done(deliver(second_release, database, "--json", "--by", "Ada"))

    assert outcomes(answer) == {Q1: "delivered", Q2: "delivered"}
    assert answer["notice"] == "Fictional sample data: every organisation is invented."
    assert database.current() == release_ids(second_release)
    released = sum(
        file["rows"]
        for quarter in (Q1, Q2)
        for name, file in parsed_json(
            (second_release.releases / quarter / "current" / "release.json").read_bytes()
        )["files"].items()
        if name.endswith(".parquet")
    )
    assert (answer["rows_verified"], answer["hashes_verified"]) == (released, 2 * len(RELEASED_TABLES))
    for quarter in (Q1, Q2):
        assert_cells_are_those_of_the_release(database, second_release, quarter)
    assert database.rows(
        "select pg_get_constraintdef(oid) from pg_constraint "
        "where conrelid = 'league.metric_score'::regclass order by 1"
    ) == [
        ("FOREIGN KEY (quarter, metric_id) REFERENCES league.metric(quarter, metric_id)",),
        (
            "FOREIGN KEY (quarter, organisation_code) REFERENCES league.organisation(quarter, organisation_code)",
        ),
        ("PRIMARY KEY (quarter, organisation_code, metric_id)",),
    ]
    for table in offer(second_release).tables.values():
        said = database.rows(
            f"select a.attname::text, col_description(a.attrelid, a.attnum) from pg_attribute as a "
            f"where a.attrelid = 'league.{table.name}'::regclass and a.attnum > 0"
        )
        assert dict(said) == {column: table.column_description(column) for column in table.schema.names}
        assert all(text for _, text in said)
        assert database.rows(f"select obj_description('league.{table.name}'::regclass)") == [
            (f"{table.description.rstrip('.')}. Fictional sample data: every organisation is invented.",)
        ]
    assert database.rows(
        "select quarter, event, delivered_by, replaces from league.league_delivery order by delivery_number"
    ) == [(Q1, "delivered", "Ada", None), (Q2, "delivered", "Ada", None)]
    assert database.staged() == []


def test_delivered_again_nothing_changes(by_hand: ReleasesByHand, database: Database) -> None:
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    versions = "select xmin::text from league.league_table"
    before, written = database.everything(), database.rows(versions)

    answer = done(deliver(by_hand.data, database, "--json"))

    assert outcomes(answer) == {Q1: "kept"}
    assert answer["hashes_verified"] == 2
    assert (database.everything(), database.rows(versions)) == (before, written)


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())

    answer = done(deliver(by_hand.data, database, "--dry-run", "--json"))

    assert (outcomes(answer), answer["rows_verified"]) == ({Q1: "delivered"}, 0)
    assert database.rows("select 1 from pg_namespace where nspname like 'league%'") == []


def test_a_corrected_quarter_replaces_the_rows_of_the_release_before(
    small_release: DataFolder, corrected_release: DataFolder, database: Database
) -> None:
    done(deliver(small_release, database, "--json"))
    first, second = release_ids(small_release)[Q1], release_ids(corrected_release)[Q1]

    answer = done(deliver(corrected_release, database, "--json"))

    assert [(one["release_id"], one["replaces"]) for one in answer["delivered"]] == [(second, first)]
    assert_cells_are_those_of_the_release(database, corrected_release, Q1)
    assert not [
        name for name, rows in database.everything().items() if name in _released() and first in str(rows)
    ]
    assert database.rows(
        "select release_id, replaces from league.league_delivery order by delivery_number"
    ) == [
        (first, None),
        (second, first),
    ]


def test_a_withdrawn_quarter_leaves_and_who_has_used_it_finds_why(
    two_released: DataFolder, database: Database
) -> None:
    done(deliver(two_released, database, "--json"))
    gone = release_ids(two_released)[Q2]
    ended = league("withdraw", gone, "--reason", "A figure was wrong", "--by", "Ada", data=two_released)
    assert ended.code == 0, ended.err

    answer = done(deliver(two_released, database, "--json", "--by", "Grace"))

    assert outcomes(answer) == {Q1: "kept", Q2: "withdrawn"}
    assert [
        name for name in _released() if database.rows(f"select 1 from league.{name} where quarter = '{Q2}'")
    ] == []
    assert_cells_are_those_of_the_release(database, two_released, Q1)
    assert database.rows(
        "select quarter, release_id, withdrawn_by, reason, current_release_id from league.withdrawn_release"
    ) == [(Q2, gone, "Ada", "A figure was wrong", None)]
    assert database.rows("select event, release_id, delivered_by from league.league_delivery")[-1] == (
        "withdrawn",
        gone,
        "Grace",
    )
    assert outcomes(done(deliver(two_released, database, "--json"))) == {Q1: "kept"}


def test_a_withdrawal_with_an_earlier_release_in_its_place_brings_that_back(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    by_hand.release(Q1, B, small_tables(4))
    done(deliver(by_hand.data, database, "--json"))
    by_hand.withdraw(Q1, B, "Wrong")
    by_hand.release(Q1, A, {})

    done(deliver(by_hand.data, database, "--json"))

    assert database.current() == {Q1: A}
    assert database.rows("select count(*), max(release_id) from league.league_table") == [(3, A)]
    assert database.rows("select release_id, current_release_id from league.withdrawn_release") == [(B, A)]


def test_a_release_that_waits_for_approval_isnt_delivered(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    by_hand.release(Q1, B, small_tables(4), is_held=True)
    by_hand.release(Q2, C, small_tables(4), is_held=True)

    assert outcomes(done(deliver(by_hand.data, database, "--json"))) == {Q1: "delivered"}
    assert database.current() == {Q1: A}
    ended = deliver(by_hand.data, database, Q2)
    assert (ended.code, "isn't released. Released: 2025-26-Q1" in ended.err) == (3, True)


def test_one_quarter_alone_leaves_the_others_as_they_are(by_hand: ReleasesByHand, database: Database) -> None:
    by_hand.release(Q1, A, small_tables())
    by_hand.release(Q2, B, small_tables(4))
    done(deliver(by_hand.data, database, "--json"))
    by_hand.release(Q1, C, small_tables(5))
    by_hand.release(Q2, D, small_tables(6))

    assert outcomes(done(deliver(by_hand.data, database, Q2, "--json"))) == {Q2: "delivered"}

    assert database.current() == {Q1: A, Q2: D}
    assert database.rows("select quarter, count(*) from league.league_table group by 1 order by 1") == [
        (Q1, 3),
        (Q2, 6),
    ]


def test_a_failure_in_the_middle_of_the_swap_leaves_the_old_rows(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    before = database.everything()
    by_hand.release(Q1, B, small_tables(5))
    # The last table that is filled, behind rows that are in place already.
    database.rows(
        "create function league.no() returns trigger language plpgsql as "
        "$$ begin if new.rank = 4 then raise exception 'not this row'; end if; return new; end $$"
    )
    database.rows(
        "create trigger no before insert on league.league_table for each row execute function league.no()"
    )

    ended = deliver(by_hand.data, database)

    assert ended.code == 1
    assert "not this row" in ended.err
    assert "What was delivered before is as it was." in ended.err
    assert (database.everything(), database.staged()) == (before, [])
    database.rows("drop trigger no on league.league_table")
    assert outcomes(done(deliver(by_hand.data, database, "--json"))) == {Q1: "delivered"}


def test_rows_that_something_in_the_database_changes_are_found_before_they_are_committed(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    before = database.everything()
    by_hand.release(Q1, B, small_tables(5))
    database.rows(
        "create function league.shout() returns trigger language plpgsql as "
        "$$ begin new.organisation_name := upper(new.organisation_name); return new; end $$"
    )
    database.rows(
        "create trigger shout before insert on league.league_table for each row execute function league.shout()"
    )

    ended = deliver(by_hand.data, database)

    assert ended.code == 1
    assert f"league_table of {Q1}: expected 5 rows with hash" in ended.err
    assert "trigger" in ended.err
    assert database.everything() == before


def test_rows_that_somebody_changed_since_are_found_and_delivered_again(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    database.rows("update league.league_table set rank = 1 where rank = 2")

    ended = deliver(by_hand.data, database, "--json")

    assert outcomes(done(ended)) == {Q1: "delivered"}
    assert "2025-26-Q1: the rows there aren't those that were delivered: once more" in ended.err
    assert database.rows("select rank from league.league_table order by 1") == [(1,), (2,), (3,)]


def test_a_reader_during_swaps_sees_one_release_wholly_at_every_moment(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables(400, "Old"))
    by_hand.release(Q1, B, small_tables(700, "New"))
    done(deliver(by_hand.data, database, "--json"))
    seen: set[tuple[Any, ...]] = set()
    looks = count()
    has_ended = threading.Event()

    def read() -> None:
        with psycopg.connect(database.address) as reader:
            reader.execute("set session characteristics as transaction isolation level repeatable read")
            reader.commit()
            while not has_ended.is_set():
                found = reader.execute(
                    "select count(*), min(release_id), max(release_id), min(left(organisation_name, 3)) "
                    "from league.league_table"
                ).fetchall()
                found += reader.execute(
                    "select count(*), max(release_id) from league.organisation"
                ).fetchall()
                found += reader.execute("select release_id from league.current_release").fetchall()
                reader.commit()
                seen.add(tuple(found))
                next(looks)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for release_id in (A, B, A, B):
            by_hand.release(Q1, release_id, {})
            done(deliver(by_hand.data, database, "--json"))
    finally:
        has_ended.set()
        thread.join()

    assert seen == {
        ((400, A, A, "Old"), (400, A), (A,)),
        ((700, B, B, "New"), (700, B), (B,)),
    }
    assert next(looks) > 20


@contextmanager
def held_up(database: Database) -> Iterator[None]:
    """Nobody writes into the league table meanwhile, whoever waits for it."""
    with psycopg.connect(database.address) as connection:
        connection.execute("lock table league.league_table in share mode")
        yield


def wait_until(database: Database, query: str) -> None:
    deadline = time.monotonic() + 60
    while not database.rows(query):
        assert time.monotonic() < deadline, query
        time.sleep(0.01)


def test_two_deliveries_at_once_are_one_after_another_and_the_second_finds_nothing_to_do(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    by_hand.release(Q1, B, small_tables(5))
    reports: list[Report] = []
    told: list[str] = []

    def work() -> None:
        reports.append(
            PostgreSQL.at(database.address).deliver(
                Wanted.of(by_hand.data), by="Ada", dry_run=False, take_over=False, tell=told.append
            )
        )

    threads = [threading.Thread(target=work) for _ in range(2)]
    waiting = (
        f"select 1 from pg_stat_activity where datname = '{database.name}' and wait_event_type = 'Lock' and "
    )
    with held_up(database):
        for thread in threads:
            thread.start()
        wait_until(database, f"{waiting} wait_event = 'advisory'")
        wait_until(database, f"{waiting} wait_event = 'relation'")
    for thread in threads:
        thread.join()

    assert sorted(report.quarters[0].outcome for report in reports) == ["delivered", "kept"]
    assert "another delivery is at work there: waiting for it" in told
    assert database.rows("select release_id from league.league_delivery order by delivery_number") == [
        (A,),
        (B,),
    ]


def test_a_connection_that_is_ended_in_mid_load_is_made_once_more(
    by_hand: ReleasesByHand, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_PAUSE_SECONDS", 0.0)
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    by_hand.release(Q1, B, small_tables(5))
    ended: list[Ended] = []
    thread = threading.Thread(target=lambda: ended.append(deliver(by_hand.data, database, "--json")))
    with held_up(database):
        thread.start()
        at_work = f"from pg_stat_activity where datname = '{database.name}' and wait_event = 'relation'"
        wait_until(database, f"select 1 {at_work}")
        database.rows(f"select pg_terminate_backend(pid) {at_work}")
    thread.join()

    assert outcomes(done(ended[0])) == {Q1: "delivered"}
    assert "Once more, from the start" in ended[0].err
    assert database.current() == {Q1: B}


def test_a_server_that_is_killed_in_mid_load_still_has_the_old_rows_when_it_comes_back(
    by_hand: ReleasesByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_PAUSE_SECONDS", 0.0)
    by_hand.release(Q1, A, small_tables())
    with running_server() as server:
        database = Database(server)
        done(deliver(by_hand.data, database, "--json"))
        before = database.everything()
        by_hand.release(Q1, B, small_tables(5))
        ended: list[Ended] = []
        thread = threading.Thread(target=lambda: ended.append(deliver(by_hand.data, database)))
        try:
            with held_up(database):
                thread.start()
                wait_until(
                    database,
                    f"select 1 from pg_stat_activity where datname = '{database.name}' and wait_event = 'relation'",
                )
                server.kill()
        except psycopg.OperationalError:
            pass
        thread.join()
        assert ended[0].code == 3
        assert "can't connect" in ended[0].err
        assert "What was delivered before is as it was." in ended[0].err

        server.start()

        assert database.everything() == before
        assert outcomes(done(deliver(by_hand.data, database, "--json"))) == {Q1: "delivered"}
        assert database.staged() == []


def test_a_role_without_rights_is_told_what_an_administrator_must_do(
    by_hand: ReleasesByHand, postgresql_server: PostgresqlServer, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    postgresql_server.query("drop role if exists nobody_much")
    postgresql_server.query("create role nobody_much login")

    ended = league("deliver", postgresql_server.address(database.name, "nobody_much"), data=by_hand.data)

    assert ended.code == 3
    assert "permission denied for database" in ended.err
    assert "--grants-sql" in ended.err
    assert database.rows("select 1 from pg_namespace where nspname like 'league%'") == []


def test_the_printed_grants_are_enough_to_deliver_and_to_read_and_for_nothing_else(
    by_hand: ReleasesByHand, postgresql_server: PostgresqlServer, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    printed = deliver(by_hand.data, database, "--grants-sql")
    assert printed.code == 0, printed.err
    for _ in range(2):
        database.rows(printed.out)
    database.rows(
        "grant league_reader to league_delivery with admin option; create table public.other (n integer)"
    )
    database.rows("revoke league_reader from league_delivery")
    address = postgresql_server.address(database.name, "league_delivery")

    answer = done(league("deliver", address, "--json", data=by_hand.data))

    assert outcomes(answer) == {Q1: "delivered"}
    assert set(database.rows("select tableowner::text from pg_tables where schemaname = 'league'")) == {
        ("league_owner",)
    }
    with psycopg.connect(database.address, autocommit=True) as reader:
        reader.execute("set role league_reader")
        assert reader.execute("select count(*) from league.league_table").fetchall() == [(3,)]
        assert reader.execute("select release_id from league.current_release").fetchall() == [(A,)]
        for statement in (
            "delete from league.league_table",
            "create table league.mine (n integer)",
            "select 1 from league_staging.league_table",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement)
    with psycopg.connect(address, autocommit=True) as delivering:
        for statement in ("select 1 from public.other", "create schema another", "create role another"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                delivering.execute(statement)


def test_a_column_that_releases_have_from_now_on_is_added_and_older_quarters_keep_it_empty(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    _change_table(by_hand.folder(Q1, A), "league_table", lambda table: table.drop_columns(["region"]))
    assert outcomes(done(deliver(by_hand.data, database, "--json"))) == {Q1: "delivered"}
    by_hand.release(Q2, B, small_tables(2))
    regions = pa.array(["North", "South"])
    _change_table(
        by_hand.folder(Q2, B),
        "league_table",
        lambda table: table.set_column(table.schema.get_field_index("region"), "region", regions),
    )

    answer = done(deliver(by_hand.data, database, "--json"))

    assert (outcomes(answer), answer["changes"]) == (
        {Q1: "kept", Q2: "delivered"},
        ["league_table has a new column, region."],
    )
    assert database.rows("select quarter, region from league.league_table order by 1, 2") == [
        *[(Q1, None)] * 3,
        (Q2, "North"),
        (Q2, "South"),
    ]
    assert outcomes(done(deliver(by_hand.data, database, "--json"))) == {Q1: "kept", Q2: "kept"}


def test_a_column_of_another_type_is_refused(by_hand: ReleasesByHand, database: Database) -> None:
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    before = database.everything()
    by_hand.release(Q1, B, small_tables())
    _change_table(
        by_hand.folder(Q1, B),
        "league_table",
        lambda table: table.set_column(
            table.schema.get_field_index("rank"), "rank", table["rank"].cast(pa.int64())
        ),
    )

    ended = deliver(by_hand.data, database)

    assert ended.code == 2
    assert "league.league_table, column rank: expected bigint, as released; found integer" in ended.err
    assert database.everything() == before


def test_a_key_that_a_later_release_breaks_is_taken_away_and_said(
    by_hand: ReleasesByHand, database: Database
) -> None:
    lines = [{"organisation_code": "R0000", "figure": "OF0010", "extract_id": "x", "role": "value"}]
    by_hand.release(Q1, A, small_tables(lineage=[{**lines[0], "sheet": "one", "source_row": 1}]))
    done(deliver(by_hand.data, database, "--json"))
    assert database.rows("select 1 from pg_constraint where conname = 'lineage_pkey'") == [(1,)]
    by_hand.release(Q1, B, small_tables(lineage=[*lines, *lines]))

    answer = done(deliver(by_hand.data, database, "--json"))

    assert "lineage has no key lineage_pkey any more: a release doesn't keep it." in answer["changes"]
    assert database.rows("select count(*) from league.lineage") == [(2,)]


HOSTILE = (
    "",
    "NULL",
    "\\N",
    "\\.",
    "one\n\\.\ntwo",
    "tab\tback\\slash\r\nline",
    'quote " and \' and ""',
    "'; drop table league.league_table; --",
    "%s %(x)s {0} $1 $$",
    "\u202eright to left\u200b \U0001f600 e\u0301",
    "x" * 100_000,
)


def test_hostile_texts_arrive_as_they_are_and_an_empty_one_isnt_a_missing_one(
    by_hand: ReleasesByHand, postgresql_server: PostgresqlServer
) -> None:
    # A database that sorts as people do: hashes are sorted by their bytes all the same.
    database = Database(postgresql_server, "locale_provider icu icu_locale 'en-GB' template template0")
    names: list[str | None] = [*HOSTILE, None]
    organisations = [
        {"organisation_code": f"R{at:04}", "organisation_name": name} for at, name in enumerate(names)
    ]
    by_hand.release(Q1, A, {"organisation": organisations})

    done(deliver(by_hand.data, database, "--json", "--by", "'; drop schema league; -- %s"))

    found = database.rows("select organisation_name from league.organisation order by organisation_code")
    assert [row[0] for row in found] == names
    assert database.rows("select delivered_by from league.league_delivery") == [
        ("'; drop schema league; -- %s",)
    ]


def test_a_text_that_postgresql_cant_keep_is_refused_and_the_old_rows_stay(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    before = database.everything()
    by_hand.release(Q1, B, small_tables(name="Trust\x00"))

    ended = deliver(by_hand.data, database)

    assert ended.code == 2
    assert "PostgreSQL keeps none with the character of number zero" in ended.err
    assert (database.everything(), database.staged()) == (before, [])


def test_a_hundred_and_fifty_thousand_rows_arrive_in_several_pieces(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables(2400, lineage=[]))
    rows = 150_000
    numbers = pa.array(range(rows), pa.int32())

    def many(table: pa.Table) -> pa.Table:
        codes = pa.array([f"R{at % 2400:04}" for at in range(rows)])
        filled = {"quarter": Q1, "release_id": A, "is_sample": True, "figure": "OF0010", "extract_id": "x"}
        columns = {
            field.name: pa.nulls(rows, field.type)
            if field.name not in filled
            else pa.array([filled[field.name]] * rows, field.type)
            for field in table.schema
        }
        return pa.table(columns | {"organisation_code": codes, "source_row": numbers}).cast(table.schema)

    _change_table(by_hand.folder(Q1, A), "lineage", many)

    answer = done(deliver(by_hand.data, database, "--json"))

    assert answer["rows_verified"] == rows + 2 * 2400
    assert database.rows(
        "select count(*), sum(source_row), count(distinct organisation_code) from league.lineage"
    ) == [(rows, rows * (rows - 1) // 2, 2400)]


def test_official_and_fictional_figures_never_meet_in_a_schema(
    by_hand: ReleasesByHand, database: Database, tmp_path: Path
) -> None:
    official = ReleasesByHand(tmp_path / "official", is_sample=False)
    official.release(Q2, B, small_tables())
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    by_hand.withdraw(Q1, A, "Wrong")
    done(deliver(by_hand.data, database, "--json"))

    ended = deliver(official.data, database)

    assert ended.code == 2
    assert "holds fictional figures; found official ones to deliver" in ended.err
    answer = done(deliver(official.data, database, "--schema", "official_league", "--json"))
    assert answer["notice"].startswith("Unofficial recomputation.")
    assert database.rows("select is_sample from official_league.current_release") == [(False,)]


def test_tables_that_no_delivery_made_are_left_alone(by_hand: ReleasesByHand, database: Database) -> None:
    by_hand.release(Q1, A, small_tables())
    database.rows("create schema league; create table league.organisation (mine integer)")

    ended = deliver(by_hand.data, database)

    assert ended.code == 2
    assert "Schema league holds organisation, which no delivery made" in ended.err
    assert list(database.everything()) == ["organisation"]


def test_a_table_of_somebody_elses_in_the_staging_schema_is_never_removed(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    database.rows(
        "create schema league_staging; create table league_staging.organisation as select 1 as mine"
    )

    ended = deliver(by_hand.data, database)

    assert ended.code == 2
    assert "Schema league_staging holds organisation, which no delivery made" in ended.err
    assert database.rows("select mine from league_staging.organisation") == [(1,)]


def test_a_release_that_another_data_folder_delivered_is_replaced_only_when_asked(
    by_hand: ReleasesByHand, database: Database, tmp_path: Path
) -> None:
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    other = ReleasesByHand(tmp_path / "other")
    other.release(Q1, B, small_tables(4))

    ended = deliver(other.data, database)
    assert ended.code == 2
    assert f"holds release {A} of {Q1}, which was never current in this data folder" in ended.err
    assert database.current() == {Q1: A}

    done(deliver(other.data, database, "--take-over", "--json"))
    assert database.current() == {Q1: B}


def test_nothing_is_delivered_of_a_release_one_bit_of_which_has_changed(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    file = by_hand.folder(Q1, A) / "league_table.parquet"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)

    ended = deliver(by_hand.data, database)

    assert ended.code == 4
    assert "league_table.parquet: expected sha256" in ended.err
    assert database.rows("select 1 from pg_namespace where nspname like 'league%'") == []


def test_the_hash_of_a_content_is_that_of_its_rows_in_any_order_and_of_no_other(
    by_hand: ReleasesByHand, database: Database
) -> None:
    table = pa.table({"a": ["x", "y", None], "b": pa.array([1, None, 3], pa.int32())})
    hashed = content_hash(table)
    assert content_hash(table.take([2, 0, 1]).select(["b", "a"])) == hashed
    assert content_hash(table.append_column("later", pa.nulls(3, pa.string()))) == hashed
    others = [
        table.slice(1),
        pa.concat_tables([table, table.slice(0, 1)]),
        table.set_column(0, "a", pa.array(["x", "y", ""])),
        table.set_column(0, "a", pa.array(["y", "x", None])),
        table.rename_columns(["a", "c"]),
    ]
    assert len({hashed, *map(content_hash, others)}) == 1 + len(others)
    # As it is defined, by hand: the third digit is where a bucket ends.
    rows = ["a=1:x;b=1:1;", "a=1:y;", "b=1:3;"]
    buckets: dict[str, list[str]] = {}
    for row in sorted(sha256(text.encode()).hexdigest() for text in rows):
        buckets.setdefault(row[:3], []).append(row)
    inner = [sha256("".join(buckets[bucket]).encode()).hexdigest() for bucket in sorted(buckets)]
    assert hashed == sha256("".join(inner).encode()).hexdigest()
    # A reader can work it out: it stands beside the rows.
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    released = pq.read_table(by_hand.folder(Q1, A) / "league_table.parquet")
    assert database.rows(
        "select rows, sha256 from league.league_delivery_table where table_name = 'league_table'"
    ) == [(3, content_hash(released))]


def _released() -> list[str]:
    return [table.name for table in RELEASED_TABLES]


def _change_table(folder: Path, name: str, change: Any) -> None:
    """Puts another content into a release's table, as if the release had been made with it."""
    file = folder / f"{name}.parquet"
    table = change(pq.read_table(file))
    pq.write_table(table, file)
    content = parsed_json((folder / "release.json").read_bytes())
    content["files"][file.name] = {
        "sha256": sha256_of_file(file),
        "bytes": file.stat().st_size,
        "rows": table.num_rows,
    }
    (folder / "release.json").write_bytes(release_file_bytes(content))


def test_rows_that_are_gone_are_delivered_again_whatever_the_deliverys_own_table_says(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    database.rows("delete from league.league_table")
    database.rows("delete from league.league_delivery_table")

    assert outcomes(done(deliver(by_hand.data, database, "--json"))) == {Q1: "delivered"}
    assert database.rows("select count(*) from league.league_table") == [(3,)]


def test_a_withdrawal_that_a_trigger_hinders_is_no_withdrawal(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, {"organisation": [{"organisation_code": "R0000"}]})
    done(deliver(by_hand.data, database, "--json"))
    by_hand.withdraw(Q1, A, "Wrong")
    database.rows(
        "create function league.no() returns trigger language plpgsql as $$ begin return null; end $$"
    )
    database.rows(
        "create trigger no before delete on league.organisation for each row execute function league.no()"
    )

    ended = deliver(by_hand.data, database)

    assert (ended.code, "organisation of 2025-26-Q1: expected no row" in ended.err) == (1, True), ended.err
    assert database.current() == {Q1: A}


def test_a_foreign_key_of_others_that_hinders_a_correction_is_said_to_be_theirs(
    by_hand: ReleasesByHand, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    done(deliver(by_hand.data, database, "--json"))
    database.rows(
        "create table public.note (quarter text, code text, foreign key (quarter, code) "
        "references league.organisation (quarter, organisation_code))"
    )
    database.rows("insert into public.note values ('2025-26-Q1', 'R0000')")
    by_hand.release(Q1, B, small_tables(5))

    ended = deliver(by_hand.data, database)

    assert ended.code == 3
    assert "make it deferrable initially deferred" in ended.err
    database.rows(
        "alter table public.note alter constraint note_quarter_code_fkey deferrable initially deferred"
    )
    assert outcomes(done(deliver(by_hand.data, database, "--json"))) == {Q1: "delivered"}


def test_an_administrator_who_is_no_superuser_can_run_the_printed_grants(
    by_hand: ReleasesByHand, postgresql_server: PostgresqlServer, database: Database
) -> None:
    by_hand.release(Q1, A, small_tables())
    postgresql_server.query("drop role if exists keeper")
    postgresql_server.query("create role keeper login createrole")
    database.rows(f'alter database "{database.name}" owner to keeper')
    printed = deliver(by_hand.data, database, "--grants-sql", "--schema", "kept")

    with psycopg.connect(
        postgresql_server.address(database.name, "keeper"), autocommit=True
    ) as administrator:
        for _ in range(2):
            administrator.execute(printed.out)

    assert database.rows("select pg_has_role('keeper', 'kept_owner', 'usage')") == [(False,)]
    address = postgresql_server.address(database.name, "kept_delivery")
    answer = done(league("deliver", address, "--schema", "kept", "--json", data=by_hand.data))
    assert outcomes(answer) == {Q1: "delivered"}
