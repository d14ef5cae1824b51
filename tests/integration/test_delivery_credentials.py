"""No credential of a delivery is in an answer, a message, a file or an exception, wherever it comes from."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from league_command import Ended, league, league_process
from postgresql_server import PostgresqlServer
from releases_by_hand import ReleasesByHand

from dagster_project.delivery.delivered import Wanted
from dagster_project.delivery.postgresql import PostgreSQL
from dagster_project.delivery.postgresql.connection import Address
from dagster_project.errors import LeagueError, MachineFault
from dagster_project.settings import DataFolder

pytestmark = pytest.mark.xdist_group("postgresql")

ROLE = 'o\'brien "x" @%41'
PASSWORD = "s3cret@a:b/c?d#e%41 \u00e9'\\"
_PARTS = ("s3cret", "b/c", "d#e", "b%2Fc")


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    by_hand = ReleasesByHand(tmp_path / "data")
    by_hand.release("2025-26-Q1", "a" * 16, {"organisation": [{"organisation_code": "RAA"}]})
    return by_hand.data


@pytest.fixture
def database(postgresql_server: PostgresqlServer) -> str:
    """A database that belongs to a role with a hostile name and password."""
    quoted = '"' + ROLE.replace('"', '""') + '"'
    postgresql_server.query("drop database if exists protected")
    postgresql_server.query(f"drop role if exists {quoted}")
    password = PASSWORD.replace("'", "''")
    postgresql_server.query(f"create role {quoted} login password '{password}'")
    postgresql_server.query(f"create database protected owner {quoted}")
    return "protected"


def texts_of(ended: Ended, data: DataFolder) -> Iterator[str]:
    yield from (ended.out, ended.err)
    for path in data.root.rglob("*"):
        yield str(path)
        if path.is_file():
            yield path.read_bytes().decode("latin-1")


def assert_nothing_is_told(*texts: str) -> None:
    for text in texts:
        assert not [part for part in _PARTS if part in text], text[:2000]


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_password_in_the_address_is_used_and_shown_nowhere(
    as_json: list[str], data: DataFolder, database: str, postgresql_server: PostgresqlServer
) -> None:
    address = postgresql_server.address(database, ROLE, PASSWORD)

    ended = league("deliver", address, *as_json, data=data)

    assert ended.code == 0, ended.err
    assert f"postgresql://{quote(ROLE, safe='')}@127.0.0.1:{postgresql_server.port}/protected" in ended.out
    assert "whoever lists this machine's processes" in ended.err
    assert_nothing_is_told(*texts_of(ended, data))


@pytest.mark.parametrize("way", ["PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE"])
def test_a_password_comes_from_wherever_postgresql_itself_takes_it(
    way: str,
    data: DataFolder,
    database: str,
    postgresql_server: PostgresqlServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = f"postgresql://{quote(ROLE, safe='')}@127.0.0.1:{postgresql_server.port}/{database}"
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    contents = {
        "PGPASSFILE": f"127.0.0.1:*:{database}:*:{escaped}\n",
        "PGSERVICEFILE": f"[league]\nhost=127.0.0.1\nport={postgresql_server.port}\ndbname={database}\n"
        f"user={ROLE}\npassword={PASSWORD}\n",
    }
    if way == "PGPASSWORD":
        monkeypatch.setenv(way, PASSWORD)
    else:
        file = tmp_path / "kept"
        file.write_text(contents[way], encoding="utf-8")
        file.chmod(0o600)
        monkeypatch.setenv(way, str(file))
    if way == "PGSERVICEFILE":
        address = "postgresql://?service=league"

    ended = league("deliver", address, "--json", data=data)

    assert ended.code == 0, ended.err + ended.out
    assert "whoever lists" not in ended.err
    assert_nothing_is_told(*texts_of(ended, data))


def test_a_wrong_password_is_said_to_be_wrong_and_not_which_even_where_a_trace_is_asked_for(
    data: DataFolder, database: str, postgresql_server: PostgresqlServer
) -> None:
    address = postgresql_server.address(database, ROLE, PASSWORD + "s3cret")

    ended = league_process("deliver", address, data=data, LEAGUE_DEBUG="1")

    assert ended.code == 3
    assert "password authentication failed" in ended.err
    assert "~/.pgpass" in ended.err
    assert_nothing_is_told(*texts_of(ended, data))


def test_an_exception_holds_no_password_nor_does_what_it_came_from(
    data: DataFolder, database: str, postgresql_server: PostgresqlServer
) -> None:
    target = PostgreSQL.at(postgresql_server.address(database, ROLE, PASSWORD + "s3cret"))

    with pytest.raises(MachineFault) as caught:
        target.deliver(Wanted.of(data), by="Ada", dry_run=False, take_over=False, tell=print)

    # As Dagster keeps it: the chain, also what is hidden of it.
    error: BaseException | None = caught.value
    said = [repr(target), "".join(traceback.format_exception(caught.value))]
    while error is not None:
        said += [str(error), repr(error), repr(error.args)]
        error = error.__cause__ or error.__context__
    assert_nothing_is_told(*said)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://somebody:s3cret@b/c@127.0.0.1/database",
        "postgresql://somebody:s3cret@s3cret@127.0.0.1/database",
        "postgresql://somebody:s3cret/b/c@127.0.0.1/database",
        "postgresql://somebody:s3cret?d#e@127.0.0.1/database",
        "postgresql://somebody:s3cret d#e@127.0.0.1/database",
        "postgresql://somebody:s3cret%zz@127.0.0.1/database",
        "postgresql://somebody:s3cret%00@127.0.0.1/database",
        "postgresql://somebody@127.0.0.1/database?pasword=s3cret",
        "postgresql://somebody@127.0.0.1/database?password=s3cret&s3cret",
        "postgress://somebody:s3cret@127.0.0.1/database",
        "host=127.0.0.1 user=somebody password=s3cret",
        "s3cret",
    ],
)
@pytest.mark.parametrize("more", [[], ["2025-26-Q1", "--json"]])
def test_an_address_that_cant_be_read_is_refused_without_a_word_of_it(
    address: str, more: list[str], data: DataFolder
) -> None:
    ended = league("deliver", address, *more, data=data)

    assert ended.code == 2
    assert "TARGET" in ended.out + ended.err
    assert_nothing_is_told(ended.out, ended.err)


def test_a_second_address_where_a_quarter_is_meant_isnt_repeated(data: DataFolder) -> None:
    ended = league("deliver", "postgresql://h/d", "postgresql://somebody:s3cret@h/d", data=data)

    assert ended.code == 2
    assert "Name one TARGET" in ended.err
    assert_nothing_is_told(ended.out, ended.err)


def test_a_message_of_the_server_that_repeats_the_password_is_shown_without_it() -> None:
    address = Address.read(f"postgresql://somebody:{quote(PASSWORD, safe='')}@h/d?sslpassword=another%20one")

    told = address.without_secrets(
        f"bad {PASSWORD} and {quote(PASSWORD, safe='')}, another one, another%20one"
    )

    assert told == "bad *** and ***, ***, ***"
    assert str(address) == "postgresql://somebody@h/d"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("postgresql://admin@/nowhere?host={socket}&port={port}", "create database NAME"),
        ("postgresql://nobody_known@/postgres?host={socket}&port={port}", "--grants-sql"),
        ("postgresql://127.0.0.1:{port}/postgres?user=a", "~/.pgpass"),
        ("postgresql://admin@127.0.0.1:1/postgres", "See that the server runs"),
        ("postgresql://admin@127.0.0.1:{port}/postgres?sslmode=require", "sslmode=verify-full"),
        ("postgresql://?service=unheard_of", "pg_service.conf"),
    ],
)
def test_a_connection_that_fails_is_said_with_what_to_do(
    address: str, told: str, data: DataFolder, postgresql_server: PostgresqlServer
) -> None:
    where = address.format(socket=quote(str(postgresql_server.folder), safe=""), port=postgresql_server.port)

    ended = league("deliver", where, data=data)

    assert ended.code == 3
    assert told in ended.err


def test_without_the_packages_it_is_said_which_to_install(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("dagster_project.delivery.postgresql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)

    ended = league("deliver", "postgresql://somebody:s3cret@h/d", data=data)

    assert ended.code == 2
    assert "pip install 'nhs-league-tables[postgresql]'" in ended.err
    assert_nothing_is_told(ended.out, ended.err)


@pytest.mark.parametrize(("encoding", "told"), [("SQL_ASCII", "expected UTF8"), ("LATIN1", "expected UTF8")])
def test_a_database_that_cant_keep_every_name_is_refused(
    encoding: str, told: str, data: DataFolder, postgresql_server: PostgresqlServer
) -> None:
    postgresql_server.query("drop database if exists narrow")
    postgresql_server.query(f"create database narrow encoding '{encoding}' locale 'C' template template0")

    ended = league("deliver", postgresql_server.address("narrow"), data=data)

    assert (ended.code, told in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("DiskFull", 3, "disk is full"),
        ("TooManyConnections", 3, "memory or connections"),
        ("LockNotAvailable", 7, "pg_stat_activity"),
        ("QueryCanceled", 3, "ended the statement"),
        ("ReadOnlySqlTransaction", 3, "target_session_attrs"),
        ("SyntaxError", 1, "please report it"),
    ],
)
def test_what_the_server_lacks_is_said_with_what_to_do(
    name: str, code: int, told: str, postgresql_server: PostgresqlServer
) -> None:
    state = getattr(__import__("psycopg").errors, name).sqlstate
    with (
        pytest.raises(LeagueError) as caught,
        Address.read(postgresql_server.address()).connected() as connection,
    ):
        connection.execute(f"do $$ begin raise exception 'no luck' using errcode = '{state}'; end $$")

    assert caught.value.exit_code == code
    assert "no luck" in str(caught.value)
    assert told in str(caught.value)
    assert "What was delivered before is as it was." in str(caught.value)
