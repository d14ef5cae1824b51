"""A PostgreSQL server of its own for a test run: Debian's programs, an empty folder, a socket and a port nobody has."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from required import missing

ADMIN = "admin"
_PROGRAMS = "/usr/lib/postgresql"
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "autovacuum": "off",
    "logging_collector": "off",
    "log_statement": "all",
    "lc_messages": "C",
}
_PATIENCE_SECONDS = 60


class PostgresqlServer:
    """A server whose administrator is trusted by way of the socket; by way of the port everybody needs a password.

    The port is 127.0.0.1's. PostgreSQL refuses to run as root: then it runs as `postgres` or `nobody`.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        # A socket's path may have 107 characters: the folder is a short one.
        self.folder = folder
        self.log = folder / "server.log"
        self.port = _free_port()
        self._postmaster: subprocess.Popen[bytes] | None = None
        self._user = _another_user() if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(folder, self._user, _group_of(self._user))
        self._run(
            "initdb", "-D", str(self._data), "-U", ADMIN, "-E", "UTF8", "--locale=C", "-A", "trust", "-N"
        )
        (self._data / "pg_hba.conf").write_text(
            "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self, **settings: str) -> None:
        """Starts the server and waits until it answers; `settings` override those of a test."""
        chosen = {
            **_SETTINGS,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            **settings,
        }
        with self.log.open("ab") as log:
            # Our own child: of one that was killed nothing is left then that the next would take for a server.
            self._postmaster = subprocess.Popen(
                [
                    *(str(self._programs / "postgres"), "-D", str(self._data)),
                    *(part for name, value in chosen.items() for part in ("-c", f"{name}={value}")),
                ],
                stdout=log,
                stderr=log,
                **self._as_another_user(),
            )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._answers():
            assert self._postmaster.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends the server, whoever is connected; nothing where it has ended already."""
        if self._postmaster is not None and self._postmaster.poll() is None:
            self._postmaster.send_signal(signal.SIGQUIT)
            self._postmaster.wait(_PATIENCE_SECONDS)

    def kill(self) -> None:
        """Ends the server as a power cut would: its first process is killed, the others with it."""
        assert self._postmaster is not None
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._postmaster.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        self._postmaster.kill()
        self._postmaster.wait(_PATIENCE_SECONDS)
        for process in map(int, listed.stdout.split()):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def address(self, database: str = "postgres", user: str = ADMIN, password: str | None = None) -> str:
        """The address of a database: by way of the socket, or of the port where there is a password."""
        if password is None:
            return (
                f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}"
                f"?host={quote(str(self.folder), safe='')}&port={self.port}"
            )
        return (
            f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{self.port}"
            f"/{quote(database, safe='')}"
        )

    def query(
        self, statement: str, parameters: Mapping[str, Any] | None = None, *, database: str = "postgres"
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement, run by the administrator outside of any transaction; none where it gives none."""
        import psycopg

        with psycopg.connect(self.address(database), autocommit=True) as connection:
            found = connection.execute(statement, parameters)
            return found.fetchall() if found.description else []

    def new_database(self, name: str, options: str = "") -> str:
        """Makes an empty database; gives its address for the administrator."""
        self.query(f'drop database if exists "{name}" with (force)')
        self.query(f'create database "{name}" {options}')
        return self.address(name)

    def _answers(self) -> bool:
        asked = [str(self._programs / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        ended = subprocess.run(
            [str(self._programs / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            **self._as_another_user(),
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def _as_another_user(self) -> dict[str, Any]:
        """How its programs are started: with nothing of this environment, and never as root."""
        settled: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "cwd": self.folder,
            "env": {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
        }
        if self._user is not None:
            settled |= {"user": self._user, "group": _group_of(self._user), "extra_groups": []}
        return settled


@contextmanager
def running_server(**settings: str) -> Iterator[PostgresqlServer]:
    """A server that runs; its folder is gone afterwards. Skips, or fails (see `missing`), without PostgreSQL."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        server = PostgresqlServer(programs, folder)
        server.start(**settings)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """The folder of the newest initdb and postgres."""
    found = [file.parent for file in Path(_PROGRAMS).glob("*/bin/initdb")]
    newest = sorted(found, key=lambda folder: float(folder.parent.name))[-1:]
    on_path = shutil.which("initdb")
    if not newest and on_path is not None:
        newest = [Path(on_path).resolve().parent]
    if not newest:
        missing("postgresql", f"no PostgreSQL server in {_PROGRAMS} or on the path")
    if os.geteuid() == 0 and _another_user() is None:
        missing("postgresql", "PostgreSQL refuses to run as root, and there is no user postgres or nobody")
    return newest[0]


def _another_user() -> str | None:
    known = {one.pw_name for one in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _group_of(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
