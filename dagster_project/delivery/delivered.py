"""What is delivered: the current releases as Arrow tables of one schema, read from their folders, and withdrawals.

Nothing is read that isn't, byte for byte, what its `release.json` promises. How a target takes it in is the target's.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.errors import InputMissing, InputRejected
from dagster_project.explanation.recomputation.release_tables import ReleaseTables, find_release
from dagster_project.notices import notice_of
from dagster_project.publication.described_tables import DescribedTable, described_tables
from dagster_project.quarters import Quarter
from dagster_project.releases.damage import refuse_damaged
from dagster_project.releases.folder import RELEASE_FILE
from dagster_project.releases.journal import PUBLISHED, WITHDRAWN, ReleaseEvent, last_events, read_events
from dagster_project.releases.publish import CurrentRelease, current_release
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DataFolder
from dagster_project.sql_text import literal, quoted_name

# The hash of a table without rows.
NOTHING = sha256(b"").hexdigest()
_BUCKET_DIGITS = 3


@dataclass(frozen=True)
class DeliveredTable:
    """A released table as all quarters on offer have it.

    `schema` unites their columns, each field with its description (which says the unit) as the metadata
    `description`; a release from before a column was added has it empty. `key` tells the rows of a quarter apart in
    every release, and is empty where it doesn't; `points_at` gives for a column the table and column of the same
    quarter in which each of its values stands, in every release.
    """

    name: str
    description: str
    schema: pa.Schema
    key: tuple[str, ...]
    points_at: Mapping[str, tuple[str, str]]

    def column_description(self, column: str) -> str:
        """What a column holds, and in which unit; empty where the releases don't say."""
        said = self.schema.field(column).metadata or {}
        return bytes(said.get(b"description", b"")).decode()


@dataclass(frozen=True)
class DeliveredQuarter:
    """A quarter's current release; its folder was found undamaged."""

    current: CurrentRelease
    release: ReleaseTables
    own_tables: Mapping[str, DescribedTable]

    @property
    def quarter(self) -> Quarter:
        return self.current.quarter

    @property
    def release_id(self) -> str:
        return self.current.release_id

    @property
    def rows(self) -> int:
        """Rows of all its tables together, as `release.json` says."""
        return sum(self.rows_of(name) for name in self.own_tables)

    @property
    def release_sha256(self) -> str:
        """The hash of `release.json`, which names that of every file: one hash for all of the release."""
        return sha256((self.release.folder / RELEASE_FILE).read_bytes()).hexdigest()

    def rows_of(self, table: str) -> int:
        """The rows of a table, as `release.json` says; none of a table that the release was made without."""
        said = self.release.release_file["files"].get(f"{table}.parquet")
        return int(said["rows"]) if said is not None else 0

    def read(self, table: DeliveredTable) -> pa.Table:
        """The release's rows in the schema that all quarters share; no row of a table that it was made without.

        The bytes that are read are those that are hashed. Raises InputRejected where they aren't as promised.
        """
        if table.name not in self.own_tables:
            return table.schema.empty_table()
        own = pq.read_table(io.BytesIO(self._bytes(f"{table.name}.parquet")))
        columns = [
            own.column(field.name) if field.name in own.column_names else pa.nulls(own.num_rows, field.type)
            for field in table.schema
        ]
        return pa.table(columns, schema=table.schema)

    def _bytes(self, name: str) -> bytes:
        file = self.release.folder / name
        promised = self.release.release_file["files"][name]["sha256"]
        try:
            found = file.read_bytes()
        except FileNotFoundError:
            raise InputMissing(
                f"{file}: expected the released table that release.json names; it is gone. "
                "Restore the release folder from a backup."
            ) from None
        if (digest := sha256(found).hexdigest()) != promised:
            raise InputRejected(
                file=str(file),
                expected=f"sha256 {promised}, as release.json says",
                found=f"sha256 {digest}",
                remedy="Nothing of it was delivered. Restore the release folder from a backup.",
            )
        return found


@dataclass(frozen=True)
class Withdrawal:
    """A release that was taken back and stays so; `at` is UTC without a zone, `current_release_id` what is current
    instead, if anything is."""

    quarter: Quarter
    release_id: str
    at: datetime
    by: str | None
    reason: str | None
    current_release_id: str | None


@dataclass(frozen=True)
class Offer:
    """What a data folder has to deliver.

    `quarters` are the current releases wanted, first to last: never one that is held or withdrawn. `withdrawn` has
    the withdrawn releases of the quarters wanted. `gone` are quarters wanted that have no current release any more, so
    that none may be left at a target. `published` says for each quarter which releases were ever current here: a target
    that holds another was filled from elsewhere. All are of one kind, fictional or official.
    """

    is_sample: bool
    quarters: tuple[DeliveredQuarter, ...]
    withdrawn: tuple[Withdrawal, ...]
    gone: tuple[Quarter, ...]
    published: Mapping[Quarter, frozenset[str]]
    tables: Mapping[str, DeliveredTable]

    @property
    def notice(self) -> str:
        """Whose figures they are: fictional, or an unofficial recomputation and its licence."""
        return notice_of(is_sample=self.is_sample)


@dataclass(frozen=True)
class Wanted:
    """What is asked to be delivered of a data folder; a target makes the offer when it is alone there.

    One that was made before it had waited for another delivery would bring back what was withdrawn meanwhile.
    """

    data: DataFolder
    quarters: tuple[Quarter, ...] = ()

    @classmethod
    def of(cls, data: DataFolder, quarters: Sequence[Quarter] = ()) -> Wanted:
        """These quarters, or all; raises InputMissing where nothing was released or a quarter never was."""
        _refuse_unknown(quarters, _known(_published(read_events(data))))
        return cls(data, tuple(quarters))

    def offer(self) -> Offer:
        """See `offer`."""
        return offer(self.data, self.quarters)


def offer(data: DataFolder, quarters: Sequence[Quarter] = ()) -> Offer:
    """What is to be delivered of a data folder: of these quarters, or of all that were ever released.

    Every file of each release is compared with its `release.json` first. Raises InputMissing where nothing was
    released or a quarter never was, InputRejected where a file isn't as promised, or where a column has another type
    in one quarter than in another.
    """
    events = read_events(data)
    current = {one.quarter: one for one in current_release(data)}
    published = _published(events)
    known = _known(published)
    _refuse_unknown(quarters, known)
    wanted = sorted(set(quarters or known))
    delivered = tuple(_quarter(data, current[quarter]) for quarter in wanted if quarter in current)
    return Offer(
        is_sample=_is_sample(data, delivered),
        quarters=delivered,
        withdrawn=tuple(_withdrawn(events, wanted, current, published)),
        gone=tuple(quarter for quarter in wanted if quarter not in current),
        published=published,
        tables=united(delivered),
    )


def united(quarters: Sequence[DeliveredQuarter]) -> dict[str, DeliveredTable]:
    """Every table that one of the releases has, in the order in which they are released, with the columns of all.

    Columns stand as the newest release has them, behind them those that only older ones have. Raises InputRejected
    where a column's type isn't the same in all.
    """
    tables = {}
    for name in (table.name for table in RELEASED_TABLES):
        having = [one for one in reversed(quarters) if name in one.own_tables]
        if having:
            tables[name] = _united(name, having)
    return tables


def content_hash(table: pa.Table) -> str:
    """The sha256 of a table's content, whatever the order of its rows and columns (`hash_query` defines it)."""
    # One database for all: to open one takes longer than to hash a small table.
    with _hashing().cursor() as connection:
        connection.register("delivered", table)
        found = connection.execute(hash_query("delivered", table.column_names)).fetchone()
    assert found is not None
    return str(found[1])


@cache
def _hashing() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


def hash_query(
    source: str,
    columns: Iterable[str],
    *,
    by: str | None = None,
    sha256_of: str = "sha256({})",
    in_bytes: str = "{}",
) -> str:
    """SQL that gives the number of rows of `source` (a table, or a query in brackets) and the hash of its content.

    A cell that isn't empty is written `name=length:value;`: its length in characters, whole numbers and decimals with
    all digits of their scale, `true` and `false`, days as 2026-04-01. A row is the sha256 of its cells in the order of
    their columns' names, so that a column added later, empty in this quarter, changes nothing. Sorted, the rows' hashes
    are hashed in buckets by their first digits, and these, sorted, once more: no text grows with the table. `by` is a
    column whose values are told apart: then a row for each, behind that value; none for one without rows, whose hash
    is `NOTHING`. `sha256_of` is how an engine gives the sha256 of a text in hexadecimal digits, and `in_bytes` how it
    sorts a text by its bytes.
    """
    cells = " || ".join(
        f"coalesce({literal(name + '=')} || cast(length(cast({quoted_name(name)} as varchar)) as varchar) || ':' || "
        f"cast({quoted_name(name)} as varchar) || ';', '')"
        for name in sorted(columns)
    )

    def hashed(text: str) -> str:
        return sha256_of.format(text)

    def joined(column: str, order: str) -> str:
        return f"string_agg({column}, '' order by {in_bytes.format(order)})"

    part, parts = (quoted_name(by), "part, ") if by is not None else ("''", "")
    return (
        f"with hashed_row as (select {part} as part, {hashed(cells)} as row_hash from {source} as delivered), "
        f"bucket as (select part, left(row_hash, {_BUCKET_DIGITS}) as bucket, count(*) as bucket_rows, "
        f"{hashed(joined('row_hash', 'row_hash'))} as bucket_hash from hashed_row group by 1, 2) "
        f"select {parts}cast(coalesce(sum(bucket_rows), 0) as bigint) as row_count, "
        f"{hashed('coalesce(' + joined('bucket_hash', 'bucket') + ', ' + literal('') + ')')} as content_hash "
        f"from bucket{' group by part' if by is not None else ''}"
    )


def _quarter(data: DataFolder, current: CurrentRelease) -> DeliveredQuarter:
    release = find_release(data, current.quarter, current.release_id)
    refuse_damaged(release.folder)
    return DeliveredQuarter(current, release, described_tables(release))


def _published(events: Sequence[ReleaseEvent]) -> dict[Quarter, frozenset[str]]:
    """The releases of each quarter that were ever current."""
    return {
        quarter: frozenset(
            event.release_id for event in events if (event.quarter, event.event) == (quarter, PUBLISHED)
        )
        for quarter in {event.quarter for event in events}
    }


def _known(published: Mapping[Quarter, frozenset[str]]) -> list[Quarter]:
    return sorted(quarter for quarter, ids in published.items() if ids)


def _refuse_unknown(quarters: Sequence[Quarter], known: Sequence[Quarter]) -> None:
    if not known:
        raise InputMissing("Nothing is released yet: `league run` makes the first release.")
    for quarter in quarters:
        if quarter not in known:
            raise InputMissing(f"{quarter} isn't released. Released: {', '.join(map(str, known))}.")


def _is_sample(data: DataFolder, delivered: Sequence[DeliveredQuarter]) -> bool:
    """The kind of the releases; where all were withdrawn, that of the folder."""
    from dagster_project.data_kind import Kind, kind_held

    kinds = {one.current.is_sample for one in delivered}
    if len(kinds) > 1:
        raise InputRejected(
            file=str(data.root),
            expected="releases of one kind, official or fictional",
            found="current releases of both, from before they were kept apart",
            remedy="Name quarters of one kind, or make the figures anew in a folder of their own.",
        )
    return kinds.pop() if kinds else kind_held(data) is Kind.FICTIONAL


def _withdrawn(
    events: Sequence[ReleaseEvent],
    wanted: Sequence[Quarter],
    current: Mapping[Quarter, CurrentRelease],
    published: Mapping[Quarter, frozenset[str]],
) -> Iterator[Withdrawal]:
    """One that was rejected while it waited for approval is no news to readers: they never had it."""
    for (quarter, release_id), event in sorted(last_events(events).items(), key=lambda item: item[0]):
        if event.event == WITHDRAWN and quarter in wanted and release_id in published[quarter]:
            instead = current[quarter].release_id if quarter in current else None
            yield Withdrawal(quarter, release_id, event.at, event.by, event.reason, instead)


def _united(name: str, having: Sequence[DeliveredQuarter]) -> DeliveredTable:
    """One table of these releases, the newest first."""
    fields: dict[str, pa.Field] = {}
    for one in having:
        file = one.release.folder / f"{name}.parquet"
        for field in pq.read_schema(file):
            known = fields.setdefault(field.name, field.with_nullable(True))
            if known.type != field.type:
                raise InputRejected(
                    file=str(file),
                    column=field.name,
                    expected=f"{known.type}, as in {having[0].quarter}",
                    found=f"{field.type}",
                    remedy="A delivered column has one type in all quarters: make the older release again, or deliver "
                    "the quarters of one type by name.",
                )
    newest = having[0].own_tables[name]
    points_at = [one.own_tables[name].points_at for one in having]
    return DeliveredTable(
        name=name,
        description=newest.description,
        schema=pa.schema(fields.values()),
        key=newest.key if all(one.own_tables[name].key for one in having) else (),
        points_at={
            column: there
            for column, there in points_at[0].items()
            if all(other.get(column) == there for other in points_at)
        },
    )
