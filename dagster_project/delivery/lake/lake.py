"""What every lake can do, whatever its format: where it lies, who may write to it, and how its rows are read back."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import duckdb

from dagster_project.delivery.delivered import NOTHING, hash_query
from dagster_project.errors import LeagueError, Locked, MachineFault, WrongUsage
from dagster_project.machine import machine_fault
from dagster_project.progress import announce
from dagster_project.sql_text import literal

if TYPE_CHECKING:
    import pyarrow as pa

    from dagster_project.delivery.delivered import DeliveredTable

QUARTER, RELEASE_ID = "quarter", "release_id"
# A release's rows are a partition, so that taking them away rewrites nothing.
PARTITIONED_BY = (QUARTER, RELEASE_ID)
KIND_PROPERTY, NOTICE_PROPERTY = "league.kind", "league.notice"
_SECRET_NAMES = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL|SAS|CONNECTION_STRING|PYICEBERG_CATALOG", re.I)
_SHORTEST_SECRET = 4
_LONGEST_MESSAGE = 600


@dataclass(frozen=True)
class Held:
    """The rows of a release in a table of the lake."""

    quarter: str
    release_id: str


@dataclass(frozen=True)
class Content:
    """How many rows there are, and the hash of what they hold (`delivered.hash_query`)."""

    rows: int
    sha256: str


EMPTY = Content(0, NOTHING)


class Lake(Protocol):
    """A lake of one format, open to be written to by one delivery.

    `said` is what the snapshot or commit says of itself. Whatever a library raises comes out of `plainly`.
    """

    def tables(self) -> Mapping[str, str | None]:
        """Every table of ours that is there, with the kind of its figures as it says itself."""

    def shape(
        self, table: DeliveredTable, properties: Mapping[str, str], *, by_release: bool
    ) -> Sequence[str]:
        """Makes the table, or adds the columns that it lacks, and says of it what is said now; returns sentences about
        what it got that it hadn't, and a key that it hasn't any more.

        `by_release` partitions it by quarter and release. Raises WrongUsage where a column has another type there.
        """

    def held(self, table: str) -> frozenset[Held]:
        """The releases that a table has rows of, as its metadata say; no file is opened."""

    def files(self, table: str) -> Sequence[str] | None:
        """The data files of a table, as the newest snapshot lists them; None where other files take rows of them away,
        as engines write them that merge on read.
        """

    def put(
        self, table: str, rows: pa.Table, said: Mapping[str, str], held: Held | None, *, anew: bool
    ) -> None:
        """Adds the rows of a release in one snapshot or commit; with `anew` in the place of those that it has there,
        and without `held` in the place of all rows of the table.
        """

    def remove(self, table: str, held: Held, said: Mapping[str, str]) -> None:
        """Takes the rows of a release away, in one snapshot or commit."""

    def read(self, table: str) -> pa.Table:
        """The rows as the format's own library reads them."""

    def close(self) -> None:
        """Lets go of what is open."""


@dataclass(frozen=True)
class Place:
    """Where a lake lies: a folder of this machine, or an address in an object store."""

    url: str
    folder: Path | None

    @classmethod
    def of(cls, target: str, typed: str) -> Place:
        """The place that a person means; `typed` is the format, for the message.

        Raises WrongUsage for an address with a credential in it, and for what can be no folder.
        """
        parts = urlsplit(target) if "://" in target else None
        if parts is not None and (parts.username or parts.password or parts.query or parts.fragment):
            raise WrongUsage(
                f"{typed}: expected an address without user, password, query or fragment; found one with them, which "
                "isn't shown here. Credentials come from the environment, as the store's own tools take them."
            )
        if parts is not None and parts.scheme != "file":
            return cls(target.rstrip("/"), None)
        if parts is not None and parts.netloc not in ("", "localhost"):
            raise WrongUsage(f"{target}: expected a file of this machine, as in file:///srv/lake.")
        named = parts.path if parts is not None else target
        if not named.strip():
            raise WrongUsage(
                f"{typed}: expected a folder or an address behind the colon, as in {typed}:lake."
            )
        try:
            folder = Path(named).expanduser().resolve()
        except RuntimeError:
            raise WrongUsage(
                f"{named}: expected a folder; nobody here has the home folder that it begins with."
            ) from None
        if any(sign in str(folder) for sign in "?#*["):
            raise WrongUsage(
                f"{folder}: expected a folder without ?, #, * and [, which have meanings in addresses."
            )
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not there.is_dir():
            raise WrongUsage(f"{folder}: expected a folder, or a place for one; {there} is a file.")
        return cls(f"file://{folder}", folder)


def without_key(table: str) -> str:
    """What is said of a table whose key the releases don't keep any more."""
    return f"{table} has no key any more: a release doesn't keep it."


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Holds a folder for one delivery at a time; waits while another is at work.

    The operating system frees it when the process ends, however it ends. An address of an object store can't be held:
    there a snapshot or commit that another delivery was faster with is refused.
    """
    if place.folder is None:
        yield
        return
    place.folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(place.folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            announce(f"Waiting for another delivery into {place.folder}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def plainly(place: Place, refused: tuple[type[Exception], ...]) -> Iterator[None]:
    """Says in a sentence what a library raised, without a credential; `refused` are its words for a commit that came
    too late.
    """
    try:
        yield
    except LeagueError:
        raise
    except Exception as error:
        said = _without_secrets(f"{type(error).__name__}: {error}")
        if isinstance(error, refused):
            failure: LeagueError = Locked(
                f"{place.url}: expected nobody else to write to the lake; another commit came first ({said}). Readers "
                "see whole releases. Deliver again when it has ended."
            )
        elif (fault := machine_fault(error)) is not None:
            failure = MachineFault(_without_secrets(str(fault)))
        elif place.folder is None and isinstance(error, OSError):
            failure = MachineFault(
                f"{place.url}: the lake can't be reached, or it refuses ({said}). Readers see whole releases. "
                "Look at the address and at the credentials in the environment, and deliver again."
            )
        else:
            failure = LeagueError(
                f"{place.url}: the lake couldn't be written ({said}). Readers see whole releases, as before. Mend what "
                "it says and deliver again, which goes on from there."
            )
    else:
        return
    # What it came from may hold what is left out here.
    raise failure from None


class ReadBack:
    """What an engine that writes nothing of a lake, DuckDB, finds in data files and in tables in memory, by release.

    One connection for all: to open one costs more than to read a small table.
    """

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config={"threads": 1})

    def of_files(self, files: Sequence[str]) -> dict[str, Content]:
        """What data files of this machine hold of each release that they have a row of, in all of their columns."""
        if not files:
            return {}
        listed = ", ".join(literal(file.removeprefix("file://")) for file in files)
        kinds = ", ".join(f"{literal(name)}: varchar" for name in PARTITIONED_BY)
        source = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = true, hive_types = {{{kinds}}})"
        described = self._connection.execute(f"describe select * from {source}").fetchall()
        return self._contents(source, [str(row[0]) for row in described])

    def of_rows(self, rows: pa.Table) -> dict[str, Content]:
        """What a table in memory holds of each release that it has a row of."""
        self._connection.register("in_memory", rows)
        try:
            return self._contents("in_memory", rows.column_names)
        finally:
            self._connection.unregister("in_memory")

    def close(self) -> None:
        self._connection.close()

    def _contents(self, source: str, columns: Sequence[str]) -> dict[str, Content]:
        found = self._connection.execute(hash_query(source, columns, by=RELEASE_ID)).fetchall()
        return {str(release_id): Content(int(rows), str(digest)) for release_id, rows, digest in found}


def _without_secrets(text: str) -> str:
    """A library's message without anything that the environment keeps under the name of a credential."""
    for name, value in os.environ.items():
        if _SECRET_NAMES.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, f"<{name}>")
    return " ".join(text.split())[:_LONGEST_MESSAGE]
