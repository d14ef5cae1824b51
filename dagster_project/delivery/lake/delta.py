"""A Delta lake, by delta-rs: a table in a folder of its name for each released table; nothing names where it lies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Field, write_deltalake
from deltalake.exceptions import CommitFailedError

from dagster_project.delivery.delivered import DeliveredTable
from dagster_project.delivery.lake.lake import (
    KIND_PROPERTY,
    PARTITIONED_BY,
    QUARTER,
    RELEASE_ID,
    Held,
    Place,
    without_key,
)
from dagster_project.errors import WrongUsage
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.sql_text import literal

REFUSED: tuple[type[Exception], ...] = (CommitFailedError,)
_LOG = "_delta_log"
_COMMENT = "comment"
# Spark shows this of a commit in `describe history`, and nothing else that a writer says.
_SHOWN_BY_SPARK = "userMetadata"
_IS_SAMPLE = "is_sample"


class DeltaLake:
    """Tables below the place; the library's handle of each is kept, as it is asked for at every step."""

    def __init__(self, place: Place, others: Sequence[str]) -> None:
        """`others` are tables beside the released ones, which may lie there."""
        self._place = place
        self._tables: dict[str, DeltaTable] = {}
        for name in _names(place, others):
            self._tables[name] = DeltaTable(self._address(name))

    def tables(self) -> Mapping[str, str | None]:
        return {
            name: table.metadata().configuration.get(KIND_PROPERTY) for name, table in self._tables.items()
        }

    def shape(
        self, table: DeliveredTable, properties: Mapping[str, str], *, by_release: bool
    ) -> Sequence[str]:
        there = self._tables.get(table.name)
        if there is None:
            self._tables[table.name] = self._create(table, properties, by_release=by_release)
            return ()
        changes = self._evolve(there, table)
        before = there.metadata().configuration
        changed = {name: value for name, value in properties.items() if before.get(name) != value}
        if changed:
            there.alter.set_table_properties(changed, raise_if_not_exists=False)
        if there.metadata().description != table.description:
            there.alter.set_table_description(table.description)
        return changes

    def held(self, table: str) -> frozenset[Held]:
        return frozenset(Held(one[QUARTER], one[RELEASE_ID]) for one in self._tables[table].partitions())

    def files(self, table: str) -> Sequence[str]:
        found = self._tables[table].file_uris()
        return sorted(unquote(file) if self._place.folder is not None else file for file in found)

    def put(
        self, table: str, rows: pa.Table, said: Mapping[str, str], held: Held | None, *, anew: bool
    ) -> None:
        there = self._tables[table]
        fitting, commit = _fitting(rows, there), _says(said)
        if held is not None and not anew:
            write_deltalake(there, fitting, mode="append", commit_properties=commit)
        else:
            replaced = _rows_of(held) if held is not None else None
            write_deltalake(there, fitting, mode="overwrite", predicate=replaced, commit_properties=commit)

    def remove(self, table: str, held: Held, said: Mapping[str, str]) -> None:
        self._tables[table].delete(_rows_of(held), commit_properties=_says(said))

    def read(self, table: str) -> pa.Table:
        return self._tables[table].to_pyarrow_table()

    def close(self) -> None:
        self._tables.clear()

    def _address(self, name: str) -> str:
        return f"{self._place.folder or self._place.url}/{name}"

    def _create(
        self, table: DeliveredTable, properties: Mapping[str, str], *, by_release: bool
    ) -> DeltaTable:
        made = DeltaTable.create(
            self._address(table.name),
            schema=_schema(table),
            partition_by=list(PARTITIONED_BY) if by_release else None,
            name=table.name,
            description=table.description,
            configuration=dict(properties),
            raise_if_key_not_exists=False,
        )
        if _IS_SAMPLE in table.schema.names:
            # Whoever writes to the table is held to it by Delta itself: fictional and official rows never mix.
            is_official = properties[KIND_PROPERTY] == "official"
            made.alter.add_constraint({"one_kind": f"{_IS_SAMPLE} = {str(not is_official).lower()}"})
        return made

    def _evolve(self, there: DeltaTable, table: DeliveredTable) -> Sequence[str]:
        """Adds columns, renews what is said of them, and lets columns be empty that are no key any more."""
        wanted = _schema(table)
        known = {field.name: field for field in there.schema().fields}
        fresh, gives_up_key = [], False
        for field in wanted:
            before = known.get(field.name)
            comment = bytes((field.metadata or {}).get(_COMMENT.encode(), b"")).decode()
            if before is None:
                fresh.append(Field.from_arrow(field.with_nullable(True)))
                continue
            _refuse_other_type(self._place, table.name, before, field)
            if comment and before.metadata.get(_COMMENT) != comment:
                there.alter.set_column_metadata(field.name, {_COMMENT: comment})
            if not before.nullable and field.nullable:
                there.alter.drop_column_not_null(field.name)
                gives_up_key = True
        if fresh:
            there.alter.add_columns(fresh)
        changes = [f"{table.name} has a new column, {field.name}." for field in fresh]
        return [*changes, without_key(table.name)] if gives_up_key else changes


def _names(place: Place, others: Sequence[str]) -> Sequence[str]:
    """The tables that are there; of an object store, those of our names."""
    if place.folder is not None:
        return sorted(log.parent.name for log in place.folder.glob(f"*/{_LOG}"))
    known = (*(table.name for table in RELEASED_TABLES), *others)
    return [name for name in known if DeltaTable.is_deltatable(f"{place.url}/{name}")]


def _schema(table: DeliveredTable) -> pa.Schema:
    key = {*PARTITIONED_BY, *table.key}
    return pa.schema(
        [
            pa.field(
                field.name,
                field.type,
                nullable=field.name not in key,
                metadata={_COMMENT: table.column_description(field.name)},
            )
            for field in table.schema
        ]
    )


def _refuse_other_type(place: Place, table: str, before: Field, field: pa.Field) -> None:
    wanted, there = (getattr(one.type, "type", one.type) for one in (Field.from_arrow(field), before))
    if there != wanted:
        raise WrongUsage(
            f"{place.url}, {table}.{field.name}: expected {wanted}, as released; the lake has {there}. A "
            "column keeps its type: deliver into an empty folder, and tell who reads it."
        )


def _fitting(rows: pa.Table, there: DeltaTable) -> pa.Table:
    """The rows in the columns of the table, those that they lack empty."""
    fields = pa.schema(there.schema())
    columns = [
        rows.column(field.name) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in fields
    ]
    return pa.table(columns, schema=fields)


def _says(said: Mapping[str, str]) -> CommitProperties:
    """What a commit says of itself. One that another was faster than is refused, not tried again unseen."""
    shown: dict[str, Any] = {**said, _SHOWN_BY_SPARK: json.dumps(dict(said), sort_keys=True)}
    return CommitProperties(custom_metadata=shown, max_commit_retries=0)


def _rows_of(held: Held) -> str:
    return f"{QUARTER} = {literal(held.quarter)} and {RELEASE_ID} = {literal(held.release_id)}"
