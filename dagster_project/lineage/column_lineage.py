"""The column lineage of the whole warehouse: each table's columns step by step, and traced to their sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from dagster_project.errors import WrongUsage
from dagster_project.lineage.influence import (
    AGGREGATION,
    CONDITIONAL,
    COUNTED,
    DIRECT,
    FILTER,
    GROUP_BY,
    IDENTITY,
    JOIN,
    ROWS,
    SORT,
    TRANSFORMATION,
    WINDOW,
    Column,
    Influence,
    Origins,
    add,
    composed,
    through,
)
from dagster_project.settings import WAREHOUSE_SCHEMA

_BY_SUBTYPE = {
    influence.subtype: influence
    for influence in (
        *(IDENTITY, TRANSFORMATION, AGGREGATION, CONDITIONAL, WINDOW),
        *(JOIN, GROUP_BY, FILTER, SORT, COUNTED),
    )
}


@dataclass
class ColumnOrigins:
    """What a column is made of: columns of tables, and the constants that its value can be, as SQL."""

    origins: Origins = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class TableLineage:
    """One step: a table's columns in order, each with its origins, and what decides about its rows.

    `held` are the columns of what it reads of which it takes only rows with one of these texts.
    """

    columns: Mapping[str, ColumnOrigins]
    rows: Origins
    held: Mapping[Column, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """Where a trace ends: how the source column bears on the traced one, and the way from the one to the other.

    `path` begins with what the traced column is made from and ends with the source column; of several ways it
    is a direct one if there is one, then a shortest one.
    """

    influences: frozenset[Influence]
    path: tuple[Column, ...]

    @property
    def is_direct(self) -> bool:
        return any(influence.kind == IDENTITY.kind for influence in self.influences)


@dataclass(frozen=True)
class Trace:
    """A column down to the columns of sources, and the constants that stand in its models."""

    ends: Mapping[Column, End]
    constants: frozenset[str]


@dataclass(frozen=True)
class ColumnLineage:
    """`tables` are made by models and gates; `sources` are what nothing here makes: landing and seeds.

    `subjects` are the frames that gates judge, by `<gate>/<subject>`.
    """

    tables: Mapping[str, TableLineage]
    sources: Mapping[str, Sequence[str]]
    subjects: Mapping[str, TableLineage]

    def trace(self, column: Column) -> Trace:
        """Follows a column, or a table's rows as a whole, to its sources; raises WrongUsage for unknown names."""
        self._columns_of(column.table, column.name)
        return self._traced(column)

    def named(self, text: str) -> tuple[str, str | None]:
        """The table and column that somebody means by `TABLE` or `TABLE.COLUMN`, with or without schema.

        Without schema a released table goes before any other. Raises WrongUsage with the nearest names.
        """
        parts = text.strip().split(".")
        for size in (min(2, len(parts)), 1):
            table = self._table(".".join(parts[:size]))
            rest = parts[size:]
            if table is not None and len(rest) <= 1:
                column = rest[0] if rest else None
                if column is not None:
                    self._columns_of(table, column)
                return table, column
        known = [*self.tables, *self.sources, *(name.split(".")[1] for name in (*self.tables, *self.sources))]
        raise WrongUsage(f"There is no table {text!r}.{_nearest(text, known)}")

    @cached_property
    def _known(self) -> dict[Column, Trace]:
        return {}

    def _traced(self, column: Column) -> Trace:
        if column in self._known:
            return self._known[column]
        if column.table in self.sources:
            trace = Trace({column: End(frozenset({IDENTITY}), ())}, frozenset())
        else:
            trace = self._stepped(self._step(column))
        self._known[column] = trace
        return trace

    def _step(self, column: Column) -> ColumnOrigins:
        table = self.tables[column.table]
        return ColumnOrigins(table.rows) if column.name == ROWS else table.columns[column.name]

    def _stepped(self, step: ColumnOrigins) -> Trace:
        ends: dict[Column, End] = {}
        constants = set(step.constants)
        for origin, influences in sorted(step.origins.items()):
            before = self._traced(origin)
            if any(influence.kind == IDENTITY.kind for influence in influences):
                constants |= before.constants
            for source, end in before.ends.items():
                found = End(
                    frozenset(composed(outer, inner) for outer in influences for inner in end.influences),
                    (origin, *end.path),
                )
                ends[source] = _better(ends.get(source), found)
        return Trace(ends, frozenset(constants))

    def _table(self, name: str) -> str | None:
        known = (*self.tables, *self.sources)
        candidates = (name, f"{WAREHOUSE_SCHEMA}.{name}", *(one for one in known if one.endswith(f".{name}")))
        return next((candidate for candidate in candidates if candidate in known), None)

    def _columns_of(self, table: str, column: str) -> None:
        known = self.tables[table].columns if table in self.tables else self.sources.get(table)
        if known is None:
            raise WrongUsage(f"There is no table {table!r}.{_nearest(table, [*self.tables, *self.sources])}")
        if column != ROWS and column not in known:
            raise WrongUsage(
                f"{table} has no column {column!r}.{_nearest(column, list(known))} It has {', '.join(known)}."
            )


def as_json(lineage: ColumnLineage) -> dict[str, Any]:
    """The lineage as plain JSON values."""
    return {
        "tables": {name: _table_as_json(table) for name, table in lineage.tables.items()},
        "sources": {name: list(columns) for name, columns in lineage.sources.items()},
        "subjects": {name: _table_as_json(table) for name, table in lineage.subjects.items()},
    }


def from_json(content: Mapping[str, Any]) -> ColumnLineage:
    """The lineage that `as_json` gave."""
    return ColumnLineage(
        {name: _table_from_json(table) for name, table in content["tables"].items()},
        content["sources"],
        {name: _table_from_json(table) for name, table in content["subjects"].items()},
    )


def _table_as_json(table: TableLineage) -> dict[str, Any]:
    columns = {
        column: {"origins": _listed(found.origins), "constants": sorted(found.constants)}
        for column, found in table.columns.items()
    }
    held = [[column.table, column.name, sorted(texts)] for column, texts in sorted(table.held.items())]
    return {"columns": columns, "rows": _listed(table.rows), "held": held}


def _table_from_json(table: Mapping[str, Any]) -> TableLineage:
    columns = {
        column: ColumnOrigins(_origins(found["origins"]), set(found["constants"]))
        for column, found in table["columns"].items()
    }
    held = {Column(name, column): frozenset(texts) for name, column, texts in table["held"]}
    return TableLineage(columns, _origins(table["rows"]), held)


def _listed(origins: Origins) -> list[list[Any]]:
    return [
        [column.table, column.name, sorted(influence.subtype for influence in influences)]
        for column, influences in sorted(origins.items())
    ]


def _origins(listed: Sequence[Sequence[Any]]) -> Origins:
    return {
        Column(table, name): frozenset(_BY_SUBTYPE[subtype] for subtype in subtypes)
        for table, name, subtypes in listed
    }


def _better(one: End | None, other: End) -> End:
    """Both ways' influences, and the path of the way to be shown."""
    if one is None:
        return other
    return End(one.influences | other.influences, min(one, other, key=_shown_first).path)


def _shown_first(end: End) -> tuple[bool, int, int, tuple[Column, ...]]:
    return not end.is_direct, sum(column.name == ROWS for column in end.path), len(end.path), end.path


def _nearest(name: str, known: Sequence[str]) -> str:
    found = list(dict.fromkeys(get_close_matches(name, known, n=3)))
    return f" Did you mean {' or '.join(found)}?" if found else ""


def seen_through(found: TableLineage, views: Mapping[str, TableLineage]) -> TableLineage:
    """Sees through queries that live only within others (ephemeral models, a gate's views).

    The same columns, with the origins of a view's columns where they came from the view.

    `views` have been seen through themselves. What a view's column can be as a constant, its readers' can be too.
    """
    return TableLineage(
        {name: _seen_column(column, views) for name, column in found.columns.items()},
        _seen_origins(found.rows, views),
        {column: texts for column, texts in found.held.items() if column.table not in views},
    )


def _seen_column(column: ColumnOrigins, views: Mapping[str, TableLineage]) -> ColumnOrigins:
    constants = set(column.constants)
    for origin, influences in column.origins.items():
        if origin.table in views and origin.name != ROWS and any(one.kind == DIRECT for one in influences):
            constants |= views[origin.table].columns[origin.name].constants
    return ColumnOrigins(_seen_origins(column.origins, views), constants)


def _seen_origins(origins: Origins, views: Mapping[str, TableLineage]) -> Origins:
    seen: Origins = {}
    for column, influences in origins.items():
        if column.table not in views:
            add(seen, {column: influences})
            continue
        view = views[column.table]
        behind = view.rows if column.name == ROWS else view.columns[column.name].origins
        for influence in influences:
            add(seen, through(influence, behind))
    return seen


def table_name(node: Mapping[str, Any]) -> str:
    """`<schema>.<name in the warehouse>` of a node of dbt's manifest."""
    return f"{node['schema']}.{node.get('alias') or node.get('identifier') or node['name']}"
