"""An Iceberg lake, by pyiceberg: the tables of a namespace, in a folder that has its catalogue in it, or elsewhere.

The catalogue of a folder is a SQLite file there; that of an object store is the one that pyiceberg's own configuration
calls `league`.
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import And, BooleanExpression, EqualTo
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.sorting import NullOrder, SortField, SortOrder
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)
from pyiceberg.utils.config import Config

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
from dagster_project.errors import InputMissing, WrongUsage

CATALOGUE_FILE = "catalog.db"
CATALOGUE = "league"
REFUSED: tuple[type[Exception], ...] = (CommitFailedException,)
_FIRST_PARTITION_FIELD = 1000
_TYPES: Mapping[pa.DataType, IcebergType] = {
    pa.string(): StringType(),
    pa.bool_(): BooleanType(),
    pa.int32(): IntegerType(),
    pa.int64(): LongType(),
    pa.date32(): DateType(),
    pa.timestamp("us", tz="UTC"): TimestamptzType(),
}


class IcebergLake:
    """Tables of the namespace; the library's handle of each is kept, as it is asked for at every step."""

    def __init__(self, place: Place, namespace: str, *, to_write: bool) -> None:
        """Opens the catalogue, which `to_write` makes where there is none yet."""
        self._place, self._namespace = place, namespace
        self._catalog = _catalogue(place, to_write=to_write)
        _refuse_moved(place)
        self._tables: dict[str, Table] = {}
        if self._catalog is None:
            return
        if to_write:
            self._catalog.create_namespace_if_not_exists(namespace)
        if self._catalog.namespace_exists(namespace):
            for _, name in self._catalog.list_tables(namespace):
                self._tables[name] = self._catalog.load_table((namespace, name))

    def tables(self) -> Mapping[str, str | None]:
        return {name: table.properties.get(KIND_PROPERTY) for name, table in self._tables.items()}

    def shape(
        self, table: DeliveredTable, properties: Mapping[str, str], *, by_release: bool
    ) -> Sequence[str]:
        assert self._catalog is not None
        said = {
            **properties,
            "comment": table.description,
            # Another commit in between is another delivery, which mustn't be overtaken unseen.
            "commit.retry.num-retries": "0",
        }
        there = self._tables.get(table.name)
        if there is None:
            schema = _schema(table)
            self._tables[table.name] = self._catalog.create_table(
                (self._namespace, table.name),
                schema,
                location=f"{self._place.url}/{self._namespace}/{table.name}",
                partition_spec=_partitions(schema) if by_release else PartitionSpec(),
                sort_order=_order(schema, table.key),
                properties=said,
            )
            return ()
        wanted, before = _schema(table), there.schema()
        _refuse_other_types(self._place, table.name, before, wanted)
        # The library copies the whole schema for an update, also for one that changes nothing.
        if any(there.properties.get(name) != value for name, value in said.items()) or _evolves(
            before, wanted
        ):
            with there.transaction() as transaction:
                transaction.set_properties(said)
                with transaction.update_schema() as update:
                    _evolve(update, before, wanted)
        changes = [
            f"{table.name} has a new column, {name}."
            for name in table.schema.names
            if name not in before.column_names
        ]
        return [*changes, without_key(table.name)] if _gives_up_key(before, wanted) else changes

    def held(self, table: str) -> frozenset[Held]:
        if self._tables[table].current_snapshot() is None:
            return frozenset()
        found = self._tables[table].inspect.partitions().column("partition").to_pylist()
        return frozenset(Held(str(one[QUARTER]), str(one[RELEASE_ID])) for one in found)

    def files(self, table: str) -> Sequence[str] | None:
        tasks = list(self._tables[table].scan().plan_files())
        if any(task.delete_files for task in tasks):
            return None
        return sorted(task.file.file_path for task in tasks)

    def put(
        self, table: str, rows: pa.Table, said: Mapping[str, str], held: Held | None, *, anew: bool
    ) -> None:
        there, properties = self._tables[table], dict(said)
        fitting = _fitting(rows, there.schema())
        if held is not None and not anew:
            there.append(fitting, snapshot_properties=properties)
            return
        with warnings.catch_warnings():
            # That there was nothing to replace.
            warnings.filterwarnings("ignore", message="Delete operation did not match any records")
            if held is None:
                there.overwrite(fitting, snapshot_properties=properties)
            else:
                there.overwrite(fitting, overwrite_filter=_rows_of(held), snapshot_properties=properties)

    def remove(self, table: str, held: Held, said: Mapping[str, str]) -> None:
        self._tables[table].delete(_rows_of(held), snapshot_properties=dict(said))

    def read(self, table: str) -> pa.Table:
        return self._tables[table].scan().to_arrow()

    def close(self) -> None:
        if self._catalog is not None:
            self._catalog.close()


def _evolves(before: Schema, wanted: Schema) -> bool:
    """Whether a column is to be added or said something else of, or part of a key is none any more."""
    known = {field.name: field for field in before.fields}
    return _gives_up_key(before, wanted) or any(
        field.name not in known
        or (field.doc and known[field.name].doc != field.doc)
        or (known[field.name].required and not field.required)
        for field in wanted.fields
    )


def _gives_up_key(before: Schema, wanted: Schema) -> bool:
    return bool(before.identifier_field_names() - wanted.identifier_field_names())


def _evolve(update: Any, before: Schema, wanted: Schema) -> None:
    """Adds columns, renews what is said of them, and gives up a key that the rows no longer have."""
    known = {field.name: field for field in before.fields}
    for field in wanted.fields:
        if field.name not in known:
            update.add_column(field.name, field.field_type, doc=field.doc)
            continue
        if field.doc and known[field.name].doc != field.doc:
            update.update_column(field.name, doc=field.doc)
        if known[field.name].required and not field.required:
            update.make_column_optional(field.name)
    if _gives_up_key(before, wanted):
        # A part of a key is none.
        update.set_identifier_fields()


def _catalogue(place: Place, *, to_write: bool) -> Catalog | None:
    """The catalogue of the place; None of a folder that has none yet. Raises InputMissing where none is configured."""
    if place.folder is not None:
        file = place.folder / CATALOGUE_FILE
        if not to_write and not file.exists():
            return None
        return SqlCatalog(CATALOGUE, uri=f"sqlite:///{file}", warehouse=place.url)
    if Config().get_catalog_config(CATALOGUE) is None:
        raise InputMissing(
            f"{place.url}: an Iceberg lake in an object store needs a catalogue; pyiceberg's configuration has none "
            f"called {CATALOGUE}. Set PYICEBERG_CATALOG__LEAGUE__URI and what else it takes in the environment."
        )
    return load_catalog(CATALOGUE, warehouse=place.url)


def _refuse_moved(place: Place) -> None:
    """Raises WrongUsage where the catalogue of a folder says that its tables lie in another."""
    if place.folder is None or not (place.folder / CATALOGUE_FILE).exists():
        return
    # Asked without the library, which opens the files first.
    with closing(sqlite3.connect(place.folder / CATALOGUE_FILE)) as connection:
        named = connection.execute("select metadata_location from iceberg_tables order by 1").fetchall()
    elsewhere = [str(file) for (file,) in named if not str(file).startswith(f"{place.url}/")]
    if elsewhere:
        raise WrongUsage(
            f"{place.folder}: expected tables that lie here; its catalogue says {elsewhere[0]}. Iceberg's files name "
            "each other by their whole addresses, so that a lake can't be moved or copied. Deliver into an empty "
            "folder: that takes seconds."
        )


def _schema(table: DeliveredTable) -> Schema:
    """Fields numbered in their order. The key is required: the quarter, the release and what tells its rows apart."""
    key = {*PARTITIONED_BY, *table.key}
    fields = [
        NestedField(
            number,
            field.name,
            _type(table.name, field),
            required=field.name in key,
            doc=table.column_description(field.name) or None,
        )
        for number, field in enumerate(table.schema, start=1)
    ]
    told_apart_by = {QUARTER, RELEASE_ID, *table.key} if table.key else set()
    return Schema(*fields, identifier_field_ids=[one.field_id for one in fields if one.name in told_apart_by])


def _type(table: str, field: pa.Field) -> IcebergType:
    if pa.types.is_decimal(field.type):
        return DecimalType(field.type.precision, field.type.scale)
    if field.type not in _TYPES:
        raise WrongUsage(f"{table}.{field.name}: no Iceberg type is known for {field.type}.")
    return _TYPES[field.type]


def _partitions(schema: Schema) -> PartitionSpec:
    return PartitionSpec(
        *(
            PartitionField(schema.find_field(name).field_id, number, IdentityTransform(), name)
            for number, name in enumerate(PARTITIONED_BY, start=_FIRST_PARTITION_FIELD)
        )
    )


def _order(schema: Schema, key: Sequence[str]) -> SortOrder:
    return SortOrder(
        *(
            SortField(
                schema.find_field(name).field_id,
                transform=IdentityTransform(),
                null_order=NullOrder.NULLS_FIRST,
            )
            for name in key
        )
    )


def _refuse_other_types(place: Place, table: str, before: Schema, wanted: Schema) -> None:
    known = {field.name: field.field_type for field in before.fields}
    for field in wanted.fields:
        there = known.get(field.name, field.field_type)
        if there != field.field_type:
            raise WrongUsage(
                f"{place.url}, {table}.{field.name}: expected {field.field_type}, as released; the lake has {there}. "
                "A column keeps its type: deliver into an empty folder, and tell who reads it."
            )


def _fitting(rows: pa.Table, schema: Schema) -> pa.Table:
    """The rows in the columns of the table, those that they lack empty."""
    wanted = pa.schema(
        [
            pa.field(field.name, rows.schema.field(field.name).type, nullable=not field.required)
            for field in schema.fields
            if field.name in rows.column_names
        ]
    )
    return rows.select(wanted.names).cast(wanted)


def _rows_of(held: Held) -> BooleanExpression:
    return And(_is(QUARTER, held.quarter), _is(RELEASE_ID, held.release_id))


def _is(column: str, value: str) -> BooleanExpression:
    return EqualTo(column, value)
