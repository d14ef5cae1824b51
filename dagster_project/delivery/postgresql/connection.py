"""The connection to a PostgreSQL database: its address, whose password is never shown, and its errors in our words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dagster_project.errors import LeagueError, Locked, MachineFault, WrongUsage
from dagster_project.shown import in_one_line

# One @ at most, before the host; whatever else a name or password holds is percent-encoded. libpq would take part of a
# password for a host or a port otherwise, and say it in its message.
_ADDRESS = re.compile(
    r"postgres(?:ql)?://(?:[^@/?#\s]*@)?[^@/?#\s]*(?:/[^@/?#\s]*)?(?:\?[^@?#\s]*)?", re.IGNORECASE
)
_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FORM = (
    "TARGET: expected postgresql://USER@HOST:PORT/DATABASE, or postgresql://?service=NAME. In names and passwords, "
    "write other signs than letters, digits and -._~ percent-encoded (%40 for @). Better no password at all: it comes "
    "from ~/.pgpass, PGPASSWORD or a service file."
)
_SECRET = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
_HIDDEN = "***"
_SHOWN_OF_SERVER = 400
UNCHANGED = "What was delivered before is as it was."
# Libpq's own defaults wait for ever, or for hours, for a server that is gone.
_DEFAULTS: Mapping[str, str] = {
    "connect_timeout": "15",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "application_name": "league deliver",
}
# What every statement here rests on, whatever database, role or client say.
_SETTINGS: Mapping[str, str] = {
    "client_encoding": "UTF8",
    "datestyle": "ISO, YMD",
    "timezone": "UTC",
    "standard_conforming_strings": "on",
    "default_transaction_isolation": "read committed",
    "search_path": "pg_catalog",
    "idle_in_transaction_session_timeout": "10min",
    "statement_timeout": "60min",
    "lock_timeout": "30s",
}


class ServerGone(Exception):
    """The server went away, or ended the connection, while it was used. The message holds no credentials."""


@dataclass(frozen=True)
class Address:
    """Where a database is and as whom it is asked; what is secret of it is in no text that this object gives."""

    parameters: Mapping[str, str]
    _secrets: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, text: str) -> Address:
        """The address in a URL; raises WrongUsage, without repeating any of it, where it isn't one."""
        if not _ADDRESS.fullmatch(text) or _ENCODED.search(text):
            raise WrongUsage(_FORM)
        try:
            found = conninfo_to_dict(text)
        except (psycopg.Error, ValueError):
            # Libpq's message quotes what it couldn't read.
            raise WrongUsage(_FORM) from None
        given = {name: str(value) for name, value in found.items() if value is not None}
        return cls(
            {name: value for name, value in given.items() if name not in _SECRET},
            {name: value for name, value in given.items() if name in _SECRET},
        )

    def __str__(self) -> str:
        """The address without secrets, as it may be shown and kept."""
        named = {name: quote(value, safe="") for name, value in self.parameters.items()}
        user = f"{named.pop('user')}@" if "user" in named else ""
        host = "" if named.get("host", "").startswith("%2F") else named.pop("host", "")
        port = f":{named.pop('port')}" if "port" in named else ""
        database = f"/{named.pop('dbname')}" if "dbname" in named else ""
        rest = "&".join(f"{name}={value}" for name, value in sorted(named.items()))
        return f"postgresql://{user}{host}{port}{database}{'?' if rest else ''}{rest}"

    @property
    def has_password(self) -> bool:
        """Whether the address itself says a password, which whoever lists this machine's processes can read."""
        return bool(self._secrets)

    @contextmanager
    def connected(
        self, *, read_only: bool = False, stands: str = UNCHANGED
    ) -> Iterator[psycopg.Connection[Any]]:
        """A connection that commits each statement unless a transaction is begun; closed afterwards.

        Errors of the server within it are ours: WrongUsage, MachineFault, Locked or LeagueError, none of them with
        credentials in it or in what it came from; ServerGone where the connection broke. Messages say what `stands`.
        """
        connection = self._connect(stands)
        try:
            for name, value in _SETTINGS.items():
                connection.execute(f"set {name} = '{value}'")
            if read_only:
                connection.execute("set default_transaction_read_only = on")
            yield connection
        except psycopg.Error as error:
            raise self._in_our_words(error, stands, gone=connection.broken) from None
        finally:
            connection.close()

    def _connect(self, stands: str) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(
                make_conninfo("", **{**_DEFAULTS, **self.parameters, **self._secrets}), autocommit=True
            )
        except psycopg.Error as error:
            raise MachineFault(
                f"{self}: can't connect: {self._said(error)}. {_why_not_connected(str(error))} {stands}"
            ) from None
        except UnicodeError:
            raise WrongUsage(_FORM) from None

    def _in_our_words(self, error: psycopg.Error, stands: str, *, gone: bool) -> Exception:
        said, state = self._said(error), error.sqlstate or ""
        if gone or state.startswith(("08", "57P")):
            return ServerGone(f"{self}: the server went away: {said}")
        kind, remedy = next(
            ((kind, remedy) for start, kind, remedy in _REMEDIES if state.startswith(start)),
            (LeagueError, "If that is no fault of the database, it is one of ours: please report it."),
        )
        return kind(f"{self}: PostgreSQL says: {said}. {remedy} {stands}")

    def _said(self, error: psycopg.Error) -> str:
        """The server's or libpq's message in one line, with no secret in it however it is written."""
        details = error.diag
        text = ". ".join(
            part.rstrip(".")
            for part in (details.message_primary, details.message_detail, details.message_hint)
            if part
        ) or str(error)
        return self.without_secrets(in_one_line(text))[:_SHOWN_OF_SERVER].rstrip(" .")

    def without_secrets(self, text: str) -> str:
        """The text with every secret of the address or PGPASSWORD taken out of it, as it is and percent-encoded."""
        for secret in (*self._secrets.values(), os.environ.get("PGPASSWORD", "")):
            for form in sorted({secret, quote(secret, safe=""), quote(secret), unquote(secret)}, key=len)[
                ::-1
            ]:
                text = text.replace(form, _HIDDEN) if form else text
        return text


_REMEDIES: tuple[tuple[str, type[LeagueError], str], ...] = (
    (
        "42501",
        MachineFault,
        "The role lacks a right: an administrator runs, once, what `league deliver TARGET --grants-sql` prints.",
    ),
    (
        "23",
        MachineFault,
        "A key or check on a table refuses what is released. Is it one that others made, such as a foreign key that "
        "points at ours: take it away, or make it deferrable initially deferred, then deliver again.",
    ),
    ("53100", MachineFault, "The server's disk is full: make room there, then deliver again."),
    ("53", MachineFault, "The server lacks memory or connections: try again later, or lift its limit."),
    (
        "55P03",
        Locked,
        "Another program holds a table for long: end it (see pg_stat_activity), then deliver again.",
    ),
    ("40", Locked, "Another program changed the same tables at the same time: deliver again."),
    ("57014", MachineFault, "The server ended the statement, by an administrator or as it took an hour."),
    (
        "25006",
        MachineFault,
        "The server only reads, as a replica does: name the primary, or add target_session_attrs=read-write.",
    ),
    (
        "22021",
        WrongUsage,
        "A text of the release can't be kept there: PostgreSQL keeps none with the character of number zero.",
    ),
    ("22P05", WrongUsage, "The database's encoding must be UTF8: deliver into one that was made with it."),
    (
        "58",
        MachineFault,
        "The server's disk or system failed: see the server's log, then deliver again.",
    ),
)


def _why_not_connected(said: str) -> str:
    """What to do about a failed connection, by the words of libpq and the server."""
    hints = (
        (
            r"no password supplied|password authentication failed",
            "Give the password in ~/.pgpass (mode 600), PGPASSWORD or a service file; see that the role may log in.",
        ),
        (
            r"no pg_hba\.conf entry|SSL|certificate|TLS",
            "See pg_hba.conf of the server, and sslmode: sslmode=require encrypts, sslmode=verify-full with "
            "sslrootcert=FILE also proves which server it is.",
        ),
        (
            r"database .* does not exist",
            "An administrator makes it: create database NAME encoding 'UTF8' template template0.",
        ),
        (r"role .* does not exist", "An administrator makes the role: `league deliver TARGET --grants-sql`."),
        (r"service", "See ~/.pg_service.conf or the file that PGSERVICEFILE names."),
    )
    for words, hint in hints:
        if re.search(words, said, re.IGNORECASE):
            return hint
    return "See that the server runs, that host and port are right and no firewall is between."
