"""What a publication shows: the rows of the current releases, read once and found by their keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import duckdb

from dagster_project.explanation.recomputation.release_tables import ReleaseTables
from dagster_project.notices import notice_of
from dagster_project.publication import words
from dagster_project.quarters import Quarter
from dagster_project.settings import WAREHOUSE_NAME, WAREHOUSE_SCHEMA, DataFolder
from dagster_project.sql_text import literal

Row = Mapping[str, Any]
Made = TypeVar("Made")
EMBARGOED = "EMBARGOED: not to be passed on before it is published."
# Views over all quarters: no release holds them.
_OF_LATER_QUARTERS_TOO = frozenset({"metric_variation"})
VIEWS = frozenset({"segment_persistence"}) | _OF_LATER_QUARTERS_TOO


@dataclass(frozen=True)
class QuarterContent:
    """One quarter's release. `earlier` holds the contents of the quarters before it in the publication, oldest first;
    nothing of a later quarter is known here, so that a quarter's pages stay as they are when the next one comes.
    """

    release: ReleaseTables
    warehouse: Path
    earlier: tuple[QuarterContent, ...] = ()
    is_embargoed: bool = False
    _indexes: dict[tuple[str, ...], dict[tuple[Any, ...], list[Row]]] = field(
        default_factory=dict, repr=False
    )
    _tables: dict[str, list[Row]] = field(default_factory=dict, repr=False)
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @property
    def quarter(self) -> str:
        """As in addresses: 2025-26-Q1."""
        return str(self.release.quarter)

    @property
    def archive(self) -> Path:
        """The folder of raw files, of the data folder that has the warehouse."""
        return DataFolder(self.warehouse.parents[1]).archive

    @property
    def label(self) -> str:
        """As in a sentence: April to June 2025."""
        return label_of(self.release.quarter)

    @property
    def last_day(self) -> date:
        """The last day of the quarter: a release knows no other day of its own."""
        return self.release.quarter.shifted(1).first_day - timedelta(days=1)

    @property
    def release_id(self) -> str:
        return self.release.release_id

    @property
    def is_sample(self) -> bool:
        return bool(self.release.release_file["is_sample"])

    @property
    def notice(self) -> str:
        """What every page and file says of its figures."""
        said = notice_of(is_sample=self.is_sample)
        return f"{EMBARGOED} {said}" if self.is_embargoed else said

    @property
    def before(self) -> QuarterContent | None:
        """The quarter before this one, where the publication has it."""
        wanted = str(self.release.quarter.shifted(-1))
        return next((one for one in self.earlier if one.quarter == wanted), None)

    @property
    def lacks_quarter_before(self) -> bool:
        """Whether there are earlier quarters here, but not the one just before: then no change is worked out."""
        return bool(self.earlier) and self.before is None

    def rows(self, table: str) -> Sequence[Row]:
        """The rows of a released table in its own order, or of one of VIEWS; none where the release was made without
        it, none of a view for a release that isn't the warehouse's, and none that `withholds` is about.
        """
        if table not in self._tables:
            if table in VIEWS:
                self._tables[table] = self._view(table)[0]
            else:
                self._tables[table] = list(self.release.rows(table)) if self.release.has(table) else []
        return self._tables[table]

    def withholds(self, view: str, code: str) -> bool:
        """Whether one of VIEWS has rows of an organisation that count released quarters which aren't known here, so
        that they aren't among its rows: what they say would contradict what the publication shows.
        """
        return code in self._view(view)[1]

    def _view(self, view: str) -> tuple[list[Row], frozenset[str]]:
        """The rows of a view that may be shown, and of whom there are others."""
        return self.once(("view", view), lambda: self._read_view(view))

    def _read_view(self, view: str) -> tuple[list[Row], frozenset[str]]:
        if not self.release.is_current:
            return [], frozenset()
        known = ", ".join(literal(one.quarter) for one in (*self.earlier, self))
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.execute(f"attach {literal(self.warehouse)} as {WAREHOUSE_NAME} (read_only)")
            connection.execute(f"use {WAREHOUSE_NAME}")
            lacking = connection.execute(
                f"select 1 from {WAREHOUSE_SCHEMA}.current_release "
                f"where quarter <= {literal(self.quarter)} and quarter not in ({known}) limit 1"
            ).fetchone()
            # A view that counts later quarters too has rows of these.
            later = f" or quarter > {literal(self.quarter)}" if view in _OF_LATER_QUARTERS_TOO else ""
            found = connection.execute(
                f"select * from {WAREHOUSE_SCHEMA}.{view} where quarter = {literal(self.quarter)}{later} order by all"
            )
            columns = [column[0] for column in found.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
        ours = [row for row in rows if row["quarter"] == self.quarter]
        codes = {row["organisation_code"] for row in ours}
        counted_on = {row["organisation_code"] for row in rows if row["quarter"] != self.quarter}
        withheld = frozenset(codes if lacking else codes & counted_on)
        return [row for row in ours if row["organisation_code"] not in withheld], withheld

    def find(self, table: str, **equal: Any) -> Sequence[Row]:
        """The rows of a released table whose columns equal these values, found by an index over those columns."""
        columns = tuple(sorted(equal))
        key = (table, *columns)
        if key not in self._indexes:
            index: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
            for row in self.rows(table):
                index[tuple(row[column] for column in columns)].append(row)
            self._indexes[key] = index
        return self._indexes[key].get(tuple(equal[column] for column in columns), [])

    def one(self, table: str, **equal: Any) -> Row | None:
        """The one row of a released table with these values; None where there is none."""
        return next(iter(self.find(table, **equal)), None)

    def once(self, name: Hashable, make: Callable[[], Made]) -> Made:
        """What is made of these rows and asked for again and again, made once; `name` tells it from all else."""
        if name not in self._made:
            self._made[name] = make()
        return cast(Made, self._made[name])

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The league tables that the release has, in the order in which people look for them."""
        return words.in_order(row["table_name"] for row in self.rows("league_table"))

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Everyone who has pages and files in the quarter: all that the release names, ranks or scores."""
        tables = ("organisation", "league_table", "metric_score")
        return tuple(sorted({row["organisation_code"] for table in tables for row in self.rows(table)}))

    @cached_property
    def places(self) -> Mapping[str, Row]:
        """The league-table row of each organisation that has a place, by its code, in rank order of each table."""
        rows = sorted(
            self.rows("league_table"),
            key=lambda row: (self.tables.index(row["table_name"]), row["rank"], row["organisation_code"]),
        )
        return {row["organisation_code"]: row for row in rows}


@dataclass(frozen=True)
class Contents:
    """All quarters of a publication, oldest first; at least one.

    `sizes` are the bytes of the quarters' files by path, known once those are written.
    """

    quarters: tuple[QuarterContent, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def newest(self) -> QuarterContent:
        return self.quarters[-1]

    @property
    def is_sample(self) -> bool:
        return self.newest.is_sample

    @property
    def is_embargoed(self) -> bool:
        return any(one.is_embargoed for one in self.quarters)

    @property
    def notice(self) -> str:
        return self.newest.notice

    def of(self, quarter: str) -> QuarterContent | None:
        return next((one for one in self.quarters if one.quarter == quarter), None)


def label_of(quarter: Quarter) -> str:
    """A quarter as in a sentence: April to June 2025."""
    first = quarter.first_day
    return f"{first:%B} to {first.replace(month=first.month + 2):%B} {first.year}"


def contents_of(releases: Sequence[tuple[ReleaseTables, bool]], warehouse: Path) -> Contents:
    """The contents of releases, each with whether it is embargoed; the published warehouse is there for VIEWS."""
    known: list[QuarterContent] = []
    for release, is_embargoed in sorted(releases, key=lambda pair: str(pair[0].quarter)):
        known.append(QuarterContent(release, warehouse, tuple(known), is_embargoed))
    return Contents(tuple(known))
