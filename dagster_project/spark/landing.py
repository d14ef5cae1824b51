"""Extract rows on Spark: from the usual readers, or from Parquet files and lake tables that hold them already.

What a row is stands in `extracts/rows.py`; nothing of a publisher's file is read here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.errors import InputMissing, InputRejected, WrongUsage
from dagster_project.extracts import rows
from dagster_project.extracts.load import LoadedExtracts
from dagster_project.quarters import Quarter
from dagster_project.runs.read import load
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder
from dagster_project.spark.session import rows_on_spark
from dagster_project.sql_text import literal
from dagster_project.warehouse.landing import LANDED, QUARTER_IN_SCOPE, QuarterInScope

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType

# These grow with the organisations; all else of a run's rows is small.
_LARGE = ("extract_row", "statistic_row")
# What says which quarters and tables a file's rows are of.
_SAYS_WHAT_IS_COVERED = {
    "extract_row": ("extract_id", "source", "quarter", "table_name"),
    "statistic_row": ("extract_id", "source", "quarter", "period"),
}
# Beside the rows: of each table and file the number of rows, and a sum over a hash of each. Doubled rows change it,
# their order doesn't.
ROW_HASH = "row_hash"
_HASHES = pa.schema(
    [
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("extract_id", pa.string(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("hashes", pa.decimal128(38, 0), nullable=False),
    ]
)
_ID_COLUMNS = ("extract_id", "new_extract_id")
_HEX_DIGITS = 15
_ARROW = {"varchar": pa.string(), "boolean": pa.bool_()}


@dataclass(frozen=True)
class ExtractRows:
    """Rows on Spark, by name as in LANDED. `covered` has them as frames, of the large ones only what they cover: a row
    for each file, quarter and table (or month) in place of all.
    """

    covered: LoadedExtracts
    tables: dict[str, DataFrame]

    def land(
        self, session: SparkSession, prefix: str, loaded: LoadedExtracts, scope: Sequence[QuarterInScope]
    ) -> None:
        """Makes the databases `landing` and `run` of a candidate; `loaded` is what `covered` has of its quarters."""
        from pyspark.sql.functions import col

        quarters = [str(item.quarter) for item in scope]
        for database in ("landing", "run"):
            session.sql(f"create database if not exists {prefix}{database}")
        for name, schema in LANDED.items():
            if name in _LARGE:
                frame = self.tables[name].where(col("quarter").isin(quarters)).select(*schema.names)
            else:
                frame = _on_spark(session, getattr(loaded, name), schema)
            frame.write.mode("overwrite").saveAsTable(f"{prefix}landing.{name}")
        in_scope = pa.Table.from_pylist(
            [{field.name: _plain(getattr(item, field.name)) for field in fields(item)} for item in scope],
            pa.schema([(name, _ARROW[kind]) for name, kind in QUARTER_IN_SCOPE.items()]),
        )
        rows_on_spark(session, in_scope).write.mode("overwrite").saveAsTable(f"{prefix}run.quarter_in_scope")


def read_rows(session: SparkSession, loaded: LoadedExtracts) -> ExtractRows:
    """What the usual readers read, on Spark."""
    tables = {name: _on_spark(session, getattr(loaded, name), LANDED[name]) for name in _LARGE}
    return ExtractRows(loaded, tables)


def rows_at(session: SparkSession, location: str, quarters: Sequence[Quarter]) -> ExtractRows:
    """Extract rows that lie in a folder of Parquet files (`extract.parquet`, ...), or as tables of a database of the
    catalogue (`lake.nhs_extracts`).

    Raises InputMissing where one isn't there or none is of a quarter, InputRejected where columns aren't those of
    `extracts/rows.py`, or rows aren't those that were landed: table, column, expected and found.
    """
    tables = {name: _table_at(session, location, name) for name in LANDED}
    for name, frame in tables.items():
        _refuse_other_columns(frame, LANDED[name], _place_of(location, name))
    _refuse_other_rows(session, tables, location)
    frames: dict[str, Any] = {}
    for name, frame in tables.items():
        columns = _SAYS_WHAT_IS_COVERED.get(name)
        chosen = frame.select(*LANDED[name].names) if columns is None else frame.select(*columns).distinct()
        frames[name] = _frame_of(chosen, LANDED[name])
    covered = LoadedExtracts(**frames)
    _refuse_both_kinds(covered, _place_of(location, "extract"))
    # Who asks for a quarter that isn't there is told before anything is copied.
    covered.for_quarters(quarters)
    return ExtractRows(covered, tables)


def land_in_folder(request: RunRequest, data: DataFolder, folder: Path) -> dict[str, Any]:
    """Reads the files that a request names and writes their rows of its quarters as Parquet files that `rows_at` takes.

    Nothing is archived. Returns the rows by file name. Raises WrongUsage where the folder already holds such files:
    what a run may be reading isn't overwritten.
    """
    there = [name for name in (*LANDED, ROW_HASH) if (folder / f"{name}.parquet").exists()]
    if there:
        raise WrongUsage(f"{folder} already holds {there[0]}.parquet: name a folder that is new or empty.")
    with tempfile.TemporaryDirectory(prefix="league-land-") as temporary:
        loaded = load(request, data, Path(temporary)).extracts
    written = {}
    for name, schema in LANDED.items():
        frame = getattr(loaded, name)
        rows.write_parquet(frame, folder / f"{name}.parquet", schema)
        written[f"{name}.parquet"] = len(frame)
    _write_hashes(folder)
    return {
        "folder": str(folder),
        "quarters": [str(quarter) for quarter in request.in_time],
        "rows": written,
        "is_sample": loaded.is_sample,
        "exit_code": 0,
    }


def _on_spark(session: SparkSession, frame: pd.DataFrame, schema: pa.Schema) -> DataFrame:
    return rows_on_spark(session, pa.Table.from_pandas(frame, schema=schema, preserve_index=False))


def _frame_of(frame: DataFrame, schema: pa.Schema) -> pd.DataFrame:
    """Collected, with the types that readers give their frames."""
    table = frame.toArrow()
    columns = {name: table[name].to_pylist() for name in table.schema.names}
    chosen = pa.schema([schema.field(name) for name in table.schema.names])
    return rows.sorted_frame(rows.frame_of(columns, chosen))


def _place_of(location: str, name: str) -> str:
    return f"{location.rstrip('/')}/{name}.parquet" if _is_folder(location) else f"{location}.{name}"


def _is_folder(location: str) -> bool:
    return "/" in location or Path(location).exists()


def _table_at(session: SparkSession, location: str, name: str) -> DataFrame:
    from pyspark.errors import AnalysisException, ParseException

    place = _place_of(location, name)
    try:
        if _is_folder(location):
            # A path without a scheme would be looked for in the cluster's own file system.
            local = Path(place)
            frame = session.read.parquet(local.resolve().as_uri() if local.exists() else place)
        else:
            frame = session.table(place)
        # Spark Connect looks for it only now.
        _ = frame.schema
        return frame
    except (AnalysisException, ParseException):
        listed = ", ".join((*LANDED, ROW_HASH))
        raise InputMissing(
            f"{place}: expected extract rows there; found nothing that Spark can read. A folder has a Parquet file, a "
            f"database a table, for each of {listed}; `league land` writes them."
        ) from None


def _write_hashes(folder: Path) -> None:
    asked = " union all ".join(
        f"select '{name}' as table_name, {_id_of(schema)} as extract_id, count(*) as rows, "
        f"sum(cast('0x' || substr(sha256({_text_of(schema, 'varchar')}), 1, {_HEX_DIGITS}) as bigint)) as hashes "
        f"from read_parquet({literal(folder / f'{name}.parquet')}) group by all having count(*) > 0"
        for name, schema in LANDED.items()
    )
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(f"select * from ({asked}) order by all").to_arrow_table()
    pq.write_table(found.cast(_HASHES), folder / f"{ROW_HASH}.parquet")


def _refuse_other_rows(session: SparkSession, tables: dict[str, DataFrame], location: str) -> None:
    """Raises InputRejected naming the first table and file whose rows aren't those that were landed.

    A release's id has the files that rows are of, and not the rows: they are held to what `league land` wrote.
    """
    place = _place_of(location, ROW_HASH)
    said = _table_at(session, location, ROW_HASH)
    _refuse_other_columns(said, _HASHES, place)
    promised: dict[tuple[str, str], tuple[int, int]] = {}
    for row in said.select(*_HASHES.names).toArrow().to_pylist():
        key = (row["table_name"], row["extract_id"])
        if key in promised:
            raise _rejected(place, "extract_id", f"one row for {key[0]} of {key[1]}", "several")
        promised[key] = (row["rows"], int(row["hashes"]))
    asked = None
    for name, frame in tables.items():
        schema = LANDED[name]
        digits = f"substr(sha2({_text_of(schema, 'string')}, 256), 1, {_HEX_DIGITS})"
        number = f"cast(conv({digits}, 16, 10) as decimal(38, 0))"
        part = (
            frame.selectExpr(
                f"'{name}' as table_name", f"{_id_of(schema)} as extract_id", f"{number} as hash"
            )
            .groupBy("table_name", "extract_id")
            .agg({"*": "count", "hash": "sum"})
            .toDF("table_name", "extract_id", "rows", "hashes")
        )
        asked = part if asked is None else asked.unionAll(part)
    assert asked is not None
    found = {
        (row["table_name"], row["extract_id"]): (row["rows"], int(row["hashes"]))
        for row in asked.toArrow().to_pylist()
    }
    for key in sorted({*promised, *found}):
        if promised.get(key) != found.get(key):
            rows, there = (by.get(key, (0, 0))[0] for by in (promised, found))
            raise InputRejected(
                file=_place_of(location, key[0]),
                expected=f"the {rows:,} rows of the file {key[1] or '(none)'} as they were landed",
                found=f"{there:,} rows" if rows != there else f"{there:,} rows, of which some are others",
                remedy="Rows were edited, added, doubled or lost since `league land` wrote them: land the files again.",
            )


def _id_of(schema: pa.Schema) -> str:
    return next((name for name in _ID_COLUMNS if name in schema.names), "''")


def _text_of(schema: pa.Schema, kind: str) -> str:
    """A row as text, the same on DuckDB and Spark; an empty cell isn't like an empty text."""
    cells = (f"coalesce('=' || cast({name} as {kind}), '-')" for name in schema.names)
    return f"concat({', chr(31), '.join(cells)})"


def _refuse_other_columns(frame: DataFrame, schema: pa.Schema, place: str) -> None:
    """Raises InputRejected for the first column that is missing, of another type, or empty where it mustn't be."""
    from pyspark.sql.pandas.types import from_arrow_type

    found = {field.name: field.dataType for field in frame.schema.fields}
    for field in schema:
        wanted = from_arrow_type(field.type)
        if found.get(field.name) != wanted:
            raise _rejected(place, field.name, _said(wanted), _said(found.get(field.name)))
    for column, missing in _empty_cells(frame, schema):
        raise _rejected(place, column, "a value in every row", f"{missing:,} rows without one")


def _empty_cells(frame: DataFrame, schema: pa.Schema) -> Iterator[tuple[str, int]]:
    from pyspark.sql.functions import col, count_if

    needed = [field.name for field in schema if not field.nullable]
    counted = frame.agg(*(count_if(col(name).isNull()).alias(name) for name in needed)).toArrow().to_pylist()
    yield from ((name, number) for name, number in counted[0].items() if number)


def _said(kind: DataType | None) -> str:
    return "no such column" if kind is None else str(kind.simpleString())


def _rejected(place: str, column: str, expected: str, found: str) -> InputRejected:
    return InputRejected(
        file=place,
        column=column,
        expected=expected,
        found=found,
        remedy="Columns and types stand in dagster_project/extracts/rows.py; `league land` writes such files.",
    )


def _refuse_both_kinds(covered: LoadedExtracts, place: str) -> None:
    kinds = set(covered.extract["is_sample"])
    if len(kinds) > 1:
        raise _rejected(place, "is_sample", "official figures or the fictional sample's", "both")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Quarter) else value
