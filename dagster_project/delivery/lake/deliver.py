"""The order of a delivery into a lake, in which no reader sees half of a release though each table is written alone.

First the rows of new releases are added to every table and read back; readers, who join with `current_release`, don't
see them. Then `current_release` is replaced, in one snapshot or commit: that is the delivery's commit. Last the rows of
releases that aren't current any more are taken away. Whatever ends it before the commit leaves readers where they were,
and the next delivery goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from dagster_project.data_kind import kind_of
from dagster_project.delivery.delivered import DeliveredQuarter, DeliveredTable, Offer, Wanted
from dagster_project.delivery.lake.lake import (
    EMPTY,
    KIND_PROPERTY,
    NOTICE_PROPERTY,
    QUARTER,
    RELEASE_ID,
    Content,
    Held,
    Lake,
    Place,
    ReadBack,
    alone,
    plainly,
)
from dagster_project.delivery.report import QuarterReport, Report, Tell
from dagster_project.errors import LeagueError, WrongUsage

CURRENT_RELEASE, WITHDRAWN_RELEASE = "current_release", "withdrawn_release"
ICEBERG, DELTA = "iceberg", "delta"
# The packages that bring them, of the extra `lake`.
NEEDS = {ICEBERG: ("pyiceberg", "sqlalchemy"), DELTA: ("deltalake",)}
NAMESPACE = "league"
Rows = list[dict[str, Any]]


def _own_table(
    name: str, description: str, key: str, columns: Mapping[str, tuple[pa.DataType, str]]
) -> DeliveredTable:
    fields = [
        pa.field(column, kind, metadata={"description": says}) for column, (kind, says) in columns.items()
    ]
    return DeliveredTable(name, description, pa.schema(fields), (key,), {})


_CURRENT = _own_table(
    CURRENT_RELEASE,
    "The release of each quarter that is to be used: join every other table with it on quarter and release_id.",
    QUARTER,
    {
        QUARTER: (pa.string(), "NHS financial quarter, such as 2025-26-Q1 (April to June 2025)"),
        RELEASE_ID: (pa.string(), "Content-derived id of the release"),
        "is_sample": (pa.bool_(), "Whether its rows are made of fictional sample data"),
        "framework": (pa.string(), "Rules of the year by which it was computed"),
        "release_state": (pa.string(), "provisional, revised or final, as its least settled file"),
        "organisations": (pa.int32(), "Rows of its league_table"),
        "tables_loaded": (pa.string(), "Which of acute, ambulance, icb and non_acute it has"),
        "release_sha256": (pa.string(), "sha256 of its release.json, which names that of every file"),
        "notice": (pa.string(), "Whose figures they are"),
    },
)
_WITHDRAWN = _own_table(
    WITHDRAWN_RELEASE,
    "Releases that were taken back, and why; whatever was made of them is to be made anew.",
    RELEASE_ID,
    {
        QUARTER: (pa.string(), "NHS financial quarter, such as 2025-26-Q1 (April to June 2025)"),
        RELEASE_ID: (pa.string(), "Content-derived id of the release"),
        "is_sample": (pa.bool_(), "Whether its rows were made of fictional sample data"),
        "withdrawn_at": (pa.timestamp("us", tz="UTC"), "When it was taken back"),
        "withdrawn_by": (pa.string(), "Who took it back"),
        "reason": (pa.string(), "Why"),
        "current_release_id": (pa.string(), "The release to be used instead; empty where there is none"),
    },
)


@dataclass(frozen=True)
class LakeDelivery:
    """A lake as a target of deliveries. `form` is `iceberg` or `delta`; an Iceberg lake has a `namespace`."""

    form: str
    place: Place
    namespace: str = NAMESPACE

    @classmethod
    def at(cls, form: str, place: str, *, namespace: str | None = None) -> LakeDelivery:
        """The lake at a folder or address. Raises WrongUsage where it can't be one, or a library isn't installed."""
        if form == DELTA and namespace not in (None, NAMESPACE):
            raise WrongUsage("A Delta lake has no schemas: name another folder instead.")
        return cls(form, Place.of(place, form), namespace or NAMESPACE)

    @property
    def address(self) -> str:
        """As it may be shown."""
        return f"{self.form}:{self.place.folder or self.place.url}"

    @property
    def says_password(self) -> bool:
        """Never: an address with a credential in it isn't accepted."""
        return False

    def grants(self) -> str:
        """A lake has no roles of its own: who may do what is its folder's or store's."""
        raise WrongUsage(
            "--grants-sql is for databases. Who may read and write a lake is decided by the rights on its folder, or "
            "by the store's policies."
        )

    def deliver(self, wanted: Wanted, *, by: str, dry_run: bool, take_over: bool, tell: Tell) -> Report:
        """See `target.Delivery`; a folder is written to by one delivery at a time."""
        _refuse_within_data(self.place, wanted.data.root.resolve())
        if self.form == ICEBERG:
            from dagster_project.delivery.lake.iceberg import REFUSED
        else:
            from dagster_project.delivery.lake.delta import REFUSED
        with plainly(self.place, REFUSED), nullcontext() if dry_run else alone(self.place):
            lake, read_back = self._open(to_write=not dry_run), ReadBack()
            try:
                passage = _Passage(lake, self.place, wanted.offer(), by, tell, read_back)
                passage.refuse_others(take_over=take_over)
                return passage.foreseen(self.address) if dry_run else passage.done(self.address)
            finally:
                read_back.close()
                lake.close()

    def _open(self, *, to_write: bool) -> Lake:
        if self.form == ICEBERG:
            from dagster_project.delivery.lake.iceberg import IcebergLake

            return IcebergLake(self.place, self.namespace, to_write=to_write)
        from dagster_project.delivery.lake.delta import DeltaLake

        return DeltaLake(self.place, (CURRENT_RELEASE, WITHDRAWN_RELEASE))


@dataclass
class _Passage:
    """One delivery under way."""

    lake: Lake
    place: Place
    offer: Offer
    by: str
    tell: Tell
    read_back: ReadBack
    # By table and release.
    _released: dict[str, dict[str, Content]] = field(default_factory=dict)

    @cached_property
    def before(self) -> dict[str, dict[str, Any]]:
        """The rows of `current_release` that the lake has, by quarter."""
        return {row[QUARTER]: row for row in self._rows(_CURRENT)}

    @cached_property
    def after(self) -> dict[str, dict[str, Any]]:
        """Those that it is to have: other quarters stay as they are."""
        gone = {str(quarter) for quarter in self.offer.gone}
        fresh = {str(one.quarter): _current_row(one, self.offer) for one in self.offer.quarters}
        kept = {quarter: row for quarter, row in self.before.items() if quarter not in gone}
        return dict(sorted((kept | fresh).items()))

    @property
    def properties(self) -> dict[str, str]:
        return {KIND_PROPERTY: str(kind_of(self.offer.is_sample)), NOTICE_PROPERTY: self.offer.notice}

    def refuse_others(self, *, take_over: bool) -> None:
        """Raises WrongUsage where the lake has tables of others, figures of the other kind or releases of elsewhere."""
        ours = {*self.offer.tables, CURRENT_RELEASE, WITHDRAWN_RELEASE}
        wanted = self.properties[KIND_PROPERTY]
        for name, kind in self.lake.tables().items():
            if kind is None and name in ours:
                raise WrongUsage(
                    f"{self.place.url}: expected no table {name}, or one of a delivery; found somebody else's. Name "
                    "another folder."
                )
            if kind not in (None, wanted):
                raise WrongUsage(
                    f"{self.place.url}: expected {wanted} figures, as here; its table {name} holds {kind} ones. "
                    "They never share a lake: name another folder."
                )
        # Other quarters stay as they are, whoever delivered them.
        strange = [
            f"{row[RELEASE_ID]} of {quarter}"
            for quarter in (*(one.quarter for one in self.offer.quarters), *self.offer.gone)
            if (row := self.before.get(str(quarter))) is not None
            and row[RELEASE_ID] not in self.offer.published.get(quarter, ())
        ]
        if strange and not take_over:
            raise WrongUsage(
                f"{self.place.url}: expected releases of this data folder alone; found {', '.join(strange)}, which was "
                "never current here. If this data folder is to fill the lake from now on: --take-over."
            )

    def foreseen(self, address: str) -> Report:
        """What `done` would do."""
        there = self.lake.tables()
        wrong = [
            one
            for name, table in self.offer.tables.items()
            for one in (self._wrong(table) if name in there else self.offer.quarters)
        ]
        return self._report(address, wrong, (), dry_run=True)

    def done(self, address: str) -> Report:
        """Adds, reads back, makes current, takes away; a lake that has it all gets no snapshot."""
        there = self.lake.tables()
        changes = [
            change
            for table in (*self.offer.tables.values(), _WITHDRAWN, _CURRENT)
            for change in self.lake.shape(table, self.properties, by_release=table.name in self.offer.tables)
            if table.name in there
        ]
        added = self._add()
        withdrawn = _withdrawn_rows(self.offer, self._rows(_WITHDRAWN))
        if withdrawn != self._rows(_WITHDRAWN):
            self._replace(_WITHDRAWN, withdrawn)
        obsolete = self._obsolete()
        made_current = self.after != self.before
        # Also before anything is taken away: a delivery that has added rows, from a machine that can't be waited for,
        # is then refused instead of making current what is gone.
        if made_current or obsolete:
            self._replace(_CURRENT, list(self.after.values()))
        if made_current:
            self.tell("The lake's readers have it: current_release is replaced")
        for name, held in obsolete:
            self.lake.remove(name, held, self._said("taken away", [held.quarter], [held.release_id]))
        if obsolete:
            self.tell("Rows of releases that aren't current any more are taken away")
        return self._report(address, added, changes, dry_run=False)

    def _add(self) -> list[DeliveredQuarter]:
        """Adds what the lake lacks, table by table, and reads it back; returns the quarters of which it lacked any."""
        lacking = {name: wrong for name, table in self.offer.tables.items() if (wrong := self._wrong(table))}
        added = [one for one in self.offer.quarters if any(one in wrong for wrong in lacking.values())]
        if not added:
            return []
        named = ", ".join(f"{one.release_id} of {one.quarter}" for one in added)
        self.tell(f"Adding {named} to {len(lacking)} tables")
        for name, wrong in lacking.items():
            there = self.lake.held(name)
            for one in wrong:
                held = _held(one)
                said = self._said("delivered", [held.quarter], [held.release_id])
                rows = one.read(self.offer.tables[name])
                self.lake.put(name, rows, said, held, anew=held in there)
        for name in lacking:
            if wrong := self._wrong(self.offer.tables[name]):
                raise LeagueError(
                    f"{self.place.url}, {name}: expected the rows of {wrong[0].release_id} of {wrong[0].quarter} as "
                    "released; something else was read back. Nothing of it became current. Deliver again when nobody "
                    "else writes to the lake."
                )
        self.tell("What was added is read back and is as released")
        return added

    def _wrong(self, table: DeliveredTable) -> list[DeliveredQuarter]:
        """The quarters whose release the lake hasn't in a table as it was released: all its rows and nothing else."""
        if table.name not in self._released:
            rows = pa.concat_tables(one.read(table) for one in self.offer.quarters)
            self._released[table.name] = self.read_back.of_rows(rows)
        # Of an object store, and of files that take away rows of others, only the format's own library can read.
        files = self.lake.files(table.name) if self.place.folder is not None else None
        found = (
            self.read_back.of_files(files)
            if files is not None
            else self.read_back.of_rows(self.lake.read(table.name))
        )
        released = self._released[table.name]
        return [
            one
            for one in self.offer.quarters
            if found.get(one.release_id, EMPTY) != released.get(one.release_id, EMPTY)
        ]

    def _obsolete(self) -> list[tuple[str, Held]]:
        """By table the releases whose rows are there and aren't current any more, or never became so."""
        current = {Held(quarter, row[RELEASE_ID]) for quarter, row in self.after.items()}
        own = (CURRENT_RELEASE, WITHDRAWN_RELEASE)
        return [
            (name, held)
            for name, kind in sorted(self.lake.tables().items())
            if kind is not None and name not in own
            for held in sorted(
                self.lake.held(name) - current, key=lambda held: (held.quarter, held.release_id)
            )
        ]

    def _rows(self, table: DeliveredTable) -> Rows:
        if table.name not in self.lake.tables():
            return []
        found: Rows = self.lake.read(table.name).select(table.schema.names).to_pylist()
        return sorted(found, key=lambda row: (row[QUARTER], row[RELEASE_ID]))

    def _replace(self, table: DeliveredTable, rows: Rows) -> None:
        said = self._said(
            "made current" if table.name == CURRENT_RELEASE else "listed",
            [row[QUARTER] for row in rows],
            [row[RELEASE_ID] for row in rows],
        )
        self.lake.put(table.name, pa.Table.from_pylist(rows, schema=table.schema), said, None, anew=True)

    def _said(self, action: str, quarters: Sequence[str], release_ids: Sequence[str]) -> dict[str, str]:
        """What a snapshot or commit says of itself."""
        states = {
            row[RELEASE_ID]: row["release_state"] for row in (*self.before.values(), *self.after.values())
        }
        return {
            "league.action": action,
            "league.quarter": ", ".join(quarters),
            "league.release-id": ", ".join(release_ids),
            "league.release-state": ", ".join(str(states.get(one, "not current")) for one in release_ids),
            "league.delivered-by": self.by,
            **self.properties,
        }

    def _report(
        self, address: str, added: Sequence[DeliveredQuarter], changes: Sequence[str], *, dry_run: bool
    ) -> Report:
        """What became of each quarter; all that isn't withdrawn was read back, but in a dry run."""
        there = [
            QuarterReport(
                quarter=str(one.quarter),
                outcome="delivered" if one in added or _is_new(self.before, one) else "kept",
                release_id=one.release_id,
                replaces=_replaced(self.before, one),
                rows=one.rows,
                tables=len(self.offer.tables),
                sha256=one.release_sha256,
            )
            for one in self.offer.quarters
        ]
        gone = [
            QuarterReport(quarter, "withdrawn", self.before[quarter][RELEASE_ID], None, 0, 0, None)
            for quarter in map(str, self.offer.gone)
            if quarter in self.before
        ]
        return Report(
            target=address,
            is_sample=self.offer.is_sample,
            notice=self.offer.notice,
            quarters=tuple(sorted((*there, *gone), key=lambda one: one.quarter)),
            changes=tuple(changes),
            dry_run=dry_run,
        )


def _held(one: DeliveredQuarter) -> Held:
    return Held(str(one.quarter), one.release_id)


def _is_new(before: Mapping[str, Mapping[str, Any]], one: DeliveredQuarter) -> bool:
    return before.get(str(one.quarter), {}).get(RELEASE_ID) != one.release_id


def _replaced(before: Mapping[str, Mapping[str, Any]], one: DeliveredQuarter) -> str | None:
    row = before.get(str(one.quarter))
    return str(row[RELEASE_ID]) if row is not None and _is_new(before, one) else None


def _refuse_within_data(place: Place, root: Path) -> None:
    if place.folder is not None and place.folder.is_relative_to(root):
        raise WrongUsage(
            f"{place.folder}: that is within the data folder {root}, which has its own files there. Name a folder "
            "apart from it."
        )


def _current_row(one: DeliveredQuarter, offer: Offer) -> dict[str, Any]:
    return {
        QUARTER: str(one.quarter),
        RELEASE_ID: one.release_id,
        "is_sample": one.current.is_sample,
        "framework": one.current.framework,
        "release_state": one.current.release_state,
        "organisations": one.current.organisations,
        "tables_loaded": ", ".join(one.current.tables_loaded),
        "release_sha256": one.release_sha256,
        "notice": offer.notice,
    }


def _withdrawn_rows(offer: Offer, before: Rows) -> Rows:
    """What is withdrawn now of the quarters on offer, and what the lake says of others."""
    wanted = {str(one.quarter) for one in offer.quarters} | {str(quarter) for quarter in offer.gone}
    now = [
        {
            QUARTER: str(one.quarter),
            RELEASE_ID: one.release_id,
            "is_sample": offer.is_sample,
            "withdrawn_at": one.at.replace(tzinfo=UTC),
            "withdrawn_by": one.by,
            "reason": one.reason,
            "current_release_id": one.current_release_id,
        }
        for one in offer.withdrawn
    ]
    others = [row for row in before if row[QUARTER] not in wanted]
    return sorted([*now, *others], key=lambda row: (row[QUARTER], row[RELEASE_ID]))
