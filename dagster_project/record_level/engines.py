"""The models of record level, built by dbt on DuckDB or on Spark, in a place of their own that is gone afterwards."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

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
_EXTRACT, _REASONS, _SET_ASIDE = (
    f"record_level.{model}" for model in ("rtt_extract", "rtt_reason", "rtt_pathway_set_aside")
)
# Databases of a count: when it began stands in their name, so that a later one knows those that were left.
_OWN_DATABASE = re.compile(r"count_(\d{14})_[0-9a-f]{8}__\w+")
_LEFT_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class CountedTables:
    """What the models give: how many rows there were, the counts as rows of an extract, and what wasn't counted.

    `reasons` has the reasons, whether the pathway has ended and how many rows; `set_aside` the rows themselves where
    they came from files, as those of a catalogue's table stay in it.
    """

    rows: int
    extract: pa.Table
    reasons: pa.Table
    set_aside: pa.Table | None
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
    with tempfile.TemporaryDirectory(prefix="league-records-") as folder:
        warehouse = Path(folder) / f"{WAREHOUSE_NAME}.duckdb"
        project.build("seed", _SEED, warehouse, threads=1)
        try:
            with duckdb.connect(str(warehouse)) as connection:
                rows_of_files = " union all ".join(
                    _read_by_duckdb(files, untyped, above) for untyped, files in records.by_untyped().items()
                )
                connection.execute(
                    f"create schema records; create view records.rtt_pathway as {rows_of_files}"
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
                connection.table(_REASONS).to_arrow_table(),
                connection.table(_SET_ASIDE).to_arrow_table(),
                share,
            )


def _read_by_duckdb(files: Sequence[Path], untyped: frozenset[str], above: str) -> str:
    """A select over files of one kind: DuckDB takes the types of all files from the first."""
    columns = ", ".join(
        f"cast({'null' if field.name in untyped else field.name} as {_sql(field.type)}) as {field.name}"
        for field in PATHWAY
    )
    listed = ", ".join(literal(path) for path in files)
    return (
        f"select substr(filename, {len(above) + 2}) as file_name, file_row_number + 1 as source_row, {columns} "
        f"from read_parquet([{listed}], filename = true, file_row_number = true, hive_partitioning = false)"
    )


def _in_spark(records: Records, data: DataFolder) -> CountedTables:
    """In databases of this count alone, which are dropped when it ends, however it ends.

    A local session has its catalogue, its tables and all else that it writes in a folder that goes with it.
    """
    from dagster_project.spark.session import JAVA_OPTIONS_VARIABLE, spark_session

    prefix = f"count_{datetime.now(UTC):%Y%m%d%H%M%S}_{secrets.token_hex(4)}__"
    project = replace(checkout_project(data), target=SPARK, schema_prefix=prefix)
    with (
        tempfile.TemporaryDirectory(prefix="league-records-") as folder,
        _java_for_many_rows(JAVA_OPTIONS_VARIABLE),
        spark_session(data, folder=Path(folder) / SPARK) as session,
    ):
        place = Path(folder) / "dbt"
        try:
            _drop(session, left_databases(_databases(session), datetime.now(UTC)))
            _put_before_spark(session, prefix, records)
            rows = session.table(f"{prefix}records.rtt_pathway").count()
            if not isinstance(records, str):
                refuse_other_rows(records, rows)
            project.build("seed", _SEED, place, threads=1)
            project.build("run", _MODELS, place, threads=1)
            share = session.table(f"{prefix}reference.pathway_parameter").where(
                f"parameter = '{_LARGEST_SHARE}'"
            )
            return CountedTables(
                rows,
                session.table(f"{prefix}{_EXTRACT}").toArrow(),
                session.table(f"{prefix}{_REASONS}").toArrow(),
                None if isinstance(records, str) else session.table(f"{prefix}{_SET_ASIDE}").toArrow(),
                share.collect()[0]["value"],
            )
        finally:
            with to_the_end():
                _drop(session, (name for name in _databases(session) if name.startswith(prefix)))


def refuse_other_rows(records: RecordFiles, found: int) -> None:
    """Raises InputRejected where Spark finds another number of rows than the files here have: a server reads its own
    disk, and finds nothing without a word where there is no such folder.
    """
    expected = sum(pq.read_metadata(path).num_rows for path in records.files)
    if found != expected:
        raise InputRejected(
            file=records.named.name,
            expected=f"the {expected:,} rows that it has here, also where Spark reads it",
            found=f"{found:,} there",
            remedy="A server or cluster reads files on its own disk: put the records into a table of its catalogue and "
            "name that.",
        )


def left_databases(names: Iterable[str], now: datetime) -> list[str]:
    """Those of counts that began so long ago that they were ended before they could drop them."""
    found = ((name, _OWN_DATABASE.fullmatch(name)) for name in names)
    return [name for name, own in found if own and _began(own[1]) < now - _LEFT_AFTER]


def _began(digits: str) -> datetime:
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        # no moment, so none of ours
        return datetime.max.replace(tzinfo=UTC)


def _databases(session: SparkSession) -> list[str]:
    return [row[0] for row in session.sql("show databases like 'count_*'").collect()]


def _drop(session: SparkSession, names: Iterable[str]) -> None:
    for name in names:
        session.sql(f"drop database if exists {name} cascade")


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
        _refuse_untyped(records)
        source = f"{prefix}records.file"
        which = "recursiveFileLookup 'true'"
        if records.named.is_dir():
            which += ", pathGlobFilter '*.parquet'"
        session.sql(
            f"create table {source} ({typed}) using parquet options (path {literal(location)}, {which})"
        )
        # Spark writes a place as an address, with one slash or three: decoded and without them it is the path.
        start = len(str(records.above)) + 2
        place = (
            f"substr(regexp_replace(url_decode(replace(_metadata.file_path, '+', '%2B')), '^file:(//)?', ''), {start}) "
            "as file_name, "
            "_metadata.row_index + 1 as source_row"
        )
    session.sql(f"create view {prefix}records.rtt_pathway as select {place}, {columns} from {source}")


def _refuse_untyped(records: RecordFiles) -> None:
    """Raises InputRejected for a text column that has no type in a file: Spark reads such a column as no text."""
    for untyped, files in records.by_untyped().items():
        for field in PATHWAY:
            if field.name in untyped and field.type == pa.string():
                raise InputRejected(
                    file=files[0].relative_to(records.above).as_posix(),
                    column=field.name,
                    expected="a text, also where none is there, as Spark takes the type from the file",
                    found=str(pa.null()),
                    remedy="Cast the column when you write the file, or count with --target duckdb.",
                )


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
