"""The models of record level, built by dbt on DuckDB or on Spark, in a place of their own that is gone afterwards."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from dagster_project.errors import InputMissing, InputRejected, WrongUsage
from dagster_project.interruption import to_the_end
from dagster_project.record_level.pathway_files import PATHWAY, RecordFiles, Records
from dagster_project.runs import flow
from dagster_project.settings import WAREHOUSE_NAME, DataFolder
from dagster_project.sql_text import literal
from dagster_project.warehouse.dbt_project import DUCKDB, SPARK, checkout_project

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TARGETS = (DUCKDB, SPARK)
_MODELS = flow.selected("record_level")
_SEED = flow.selected("reference.pathway_parameter")
_FOR_MANY_ROWS = "-XX:+UseParallelGC -Xss16m"
_LARGEST_SHARE = "largest_share_set_aside"
_SHARE = f"select value from reference.pathway_parameter where parameter = '{_LARGEST_SHARE}'"
_SPARK_TYPES = {pa.string(): "string", pa.date32(): "date"}
_EXTRACT, _SET_ASIDE = "record_level.rtt_extract", "record_level.rtt_pathway_set_aside"


@dataclass(frozen=True)
class CountedTables:
    """What the models give: the counts as rows of an extract, the rows set aside, and how many rows there were."""

    rows: int
    extract: pa.Table
    set_aside: pa.Table
    largest_share_set_aside: Decimal


def counted_in(target: str, records: Records, data: DataFolder) -> CountedTables:
    """Builds the models over the records; raises WrongUsage where the engine can't read what they are."""
    if target == SPARK:
        return _in_spark(records, data)
    if target != DUCKDB:
        raise WrongUsage(f"--target is {' or '.join(TARGETS)}, not {target!r}.")
    if isinstance(records, str):
        raise WrongUsage(
            f"{records} isn't a file or folder that is there. A table of a catalogue is counted with --target spark."
        )
    return _in_duckdb(records, data)


def _in_duckdb(records: RecordFiles, data: DataFolder) -> CountedTables:
    import duckdb

    project = checkout_project(data)
    above = str(records.above)
    columns = ", ".join(f"cast({field.name} as {_sql(field.type)}) as {field.name}" for field in PATHWAY)
    listed = ", ".join(literal(path) for path in records.files)
    with tempfile.TemporaryDirectory(prefix="league-records-") as folder:
        warehouse = Path(folder) / f"{WAREHOUSE_NAME}.duckdb"
        project.build("seed", _SEED, warehouse, threads=1)
        try:
            with duckdb.connect(str(warehouse)) as connection:
                connection.execute(
                    f"""
                    create schema records;
                    create view records.rtt_pathway as
                    select
                        substr(filename, {len(above) + 2}) as file_name,
                        file_row_number + 1 as source_row,
                        {columns}
                    from read_parquet([{listed}], filename = true, file_row_number = true)
                    """
                )
                # The patients' rows may be many more than memory holds: what sorts them goes to the same folder.
                (rows,) = connection.execute("select count(*) from records.rtt_pathway").fetchone() or (0,)
        except duckdb.Error as error:
            raise _unread(records.named.name, error) from None
        project.build("run", _MODELS, warehouse, threads=1)
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            (share,) = connection.execute(_SHARE).fetchone() or (Decimal(0),)
            return CountedTables(
                rows,
                connection.table(_EXTRACT).to_arrow_table(),
                connection.table(_SET_ASIDE).to_arrow_table(),
                share,
            )


def _in_spark(records: Records, data: DataFolder) -> CountedTables:
    """In databases of this count alone, which are dropped when it ends, however it ends."""
    from dagster_project.spark.session import JAVA_OPTIONS_VARIABLE, spark_session

    prefix = f"count_{secrets.token_hex(4)}__"
    project = replace(checkout_project(data), target=SPARK, schema_prefix=prefix)
    with (
        tempfile.TemporaryDirectory(prefix="league-records-") as folder,
        _java_for_many_rows(JAVA_OPTIONS_VARIABLE),
        spark_session(data) as session,
    ):
        place = Path(folder) / SPARK
        try:
            _put_before_spark(session, prefix, records)
            rows = session.table(f"{prefix}records.rtt_pathway").count()
            project.build("seed", _SEED, place, threads=1)
            project.build("run", _MODELS, place, threads=1)
            share = session.table(f"{prefix}reference.pathway_parameter").where(
                f"parameter = '{_LARGEST_SHARE}'"
            )
            return CountedTables(
                rows,
                session.table(f"{prefix}{_EXTRACT}").toArrow(),
                session.table(f"{prefix}{_SET_ASIDE}").toArrow(),
                share.collect()[0]["value"],
            )
        finally:
            with to_the_end():
                for row in session.sql(f"show databases like '{prefix}*'").collect():
                    session.sql(f"drop database if exists {row[0]} cascade")


@contextmanager
def _java_for_many_rows(variable: str) -> Iterator[None]:
    """A local session that compiles what it runs: what suits a run's few figures takes several times as long here."""
    given = os.environ.get(variable)
    os.environ[variable] = _FOR_MANY_ROWS if given is None else given
    try:
        yield
    finally:
        if given is None:
            del os.environ[variable]


def _put_before_spark(session: SparkSession, prefix: str, records: Records) -> None:
    """The files as a table without rows of its own, or the catalogue's table, and a view of where each row stands."""
    columns = ", ".join(PATHWAY.names)
    session.sql(f"create database {prefix}records")
    if isinstance(records, str):
        if not session.catalog.tableExists(records):
            raise InputMissing(
                f"{records} is neither a file or folder that is there nor a table of the catalogue."
            )
        _refuse_other_table(session, records)
        # A table's rows have no place but their key.
        place, source = "cast(null as string) as file_name, cast(null as bigint) as source_row", records
    else:
        typed = ", ".join(f"{field.name} {_SPARK_TYPES[field.type]}" for field in PATHWAY)
        location = (records.named if records.named.is_dir() else records.files[0]).as_uri()
        source = f"{prefix}records.file"
        session.sql(
            f"create table {source} ({typed}) using parquet "
            f"options (path {literal(location)}, recursiveFileLookup 'true', pathGlobFilter '*.parquet')"
        )
        # Spark writes a place as an address: what stands before the name has as many characters once it is decoded.
        start = len(f"file://{records.above}") + 2
        place = (
            f"substr(url_decode(replace(_metadata.file_path, '+', '%2B')), {start}) as file_name, "
            "_metadata.row_index + 1 as source_row"
        )
    session.sql(f"create view {prefix}records.rtt_pathway as select {place}, {columns} from {source}")


def _refuse_other_table(session: SparkSession, name: str) -> None:
    """Raises InputRejected where a table of the catalogue lacks a column or has one of another type."""
    found = {field.name: field.dataType.simpleString() for field in session.table(name).schema.fields}
    for field in PATHWAY:
        if found.get(field.name) != _SPARK_TYPES[field.type]:
            raise InputRejected(
                file=name,
                column=field.name,
                expected=_SPARK_TYPES[field.type],
                found=found.get(field.name, f"columns {', '.join(found)}"),
                remedy="Make a view with these names and types, and count that.",
            )


def _sql(kind: pa.DataType) -> str:
    return "date" if pa.types.is_date(kind) else "varchar"


def _unread(named: str, error: Exception) -> InputRejected:
    return InputRejected(
        file=named,
        expected="whole Parquet files",
        found=str(error).splitlines()[0],
        remedy="A file is cut off or changed while it was read: write it again.",
    )
