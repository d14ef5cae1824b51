"""Extract rows on Spark: from the usual readers, or from Parquet files and lake tables that hold them already.

What a row is stands in `extracts/rows.py`; nothing of a publisher's file is read here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dagster_project.errors import InputMissing, InputRejected, WrongUsage
from dagster_project.extracts import rows
from dagster_project.extracts.load import LoadedExtracts
from dagster_project.quarters import Quarter
from dagster_project.runs.read import load
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder
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
        session.createDataFrame(in_scope).write.mode("overwrite").saveAsTable(f"{prefix}run.quarter_in_scope")


def read_rows(session: SparkSession, loaded: LoadedExtracts) -> ExtractRows:
    """What the usual readers read, on Spark."""
    tables = {name: _on_spark(session, getattr(loaded, name), LANDED[name]) for name in _LARGE}
    return ExtractRows(loaded, tables)


def rows_at(session: SparkSession, location: str, quarters: Sequence[Quarter]) -> ExtractRows:
    """Extract rows that lie in a folder of Parquet files (`extract.parquet`, ...), or as tables of a database of the
    catalogue (`lake.nhs_extracts`).

    Raises InputMissing where one isn't there or none is of a quarter, InputRejected where columns aren't those of
    `extracts/rows.py`: table, column, expected and found.
    """
    tables = {name: _table_at(session, location, name) for name in LANDED}
    for name, frame in tables.items():
        _refuse_other_columns(frame, name, _place_of(location, name))
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
    there = [name for name in LANDED if (folder / f"{name}.parquet").exists()]
    if there:
        raise WrongUsage(f"{folder} already holds {there[0]}.parquet: name a folder that is new or empty.")
    with tempfile.TemporaryDirectory(prefix="league-land-") as temporary:
        loaded = load(request, data, Path(temporary)).extracts
    written = {}
    for name, schema in LANDED.items():
        frame = getattr(loaded, name)
        rows.write_parquet(frame, folder / f"{name}.parquet", schema)
        written[f"{name}.parquet"] = len(frame)
    return {
        "folder": str(folder),
        "quarters": [str(quarter) for quarter in request.in_time],
        "rows": written,
        "is_sample": loaded.is_sample,
        "exit_code": 0,
    }


def _on_spark(session: SparkSession, frame: pd.DataFrame, schema: pa.Schema) -> DataFrame:
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    # Columns of Spark's own tables may be null anyway; a batch without rows has no other way to say its types.
    return session.createDataFrame(table.replace_schema_metadata(None))


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
        if not _is_folder(location):
            return session.table(place)
        # A path without a scheme would be looked for in the cluster's own file system.
        local = Path(place)
        return session.read.parquet(local.resolve().as_uri() if local.exists() else place)
    except (AnalysisException, ParseException):
        listed = ", ".join(LANDED)
        raise InputMissing(
            f"{place}: expected extract rows there; found nothing that Spark can read. A folder has a Parquet file, a "
            f"database a table, for each of {listed}; `league land` writes them."
        ) from None


def _refuse_other_columns(frame: DataFrame, name: str, place: str) -> None:
    """Raises InputRejected for the first column that is missing, of another type, or empty where it mustn't be."""
    from pyspark.sql.pandas.types import from_arrow_type

    found = {field.name: field.dataType for field in frame.schema.fields}
    for field in LANDED[name]:
        wanted = from_arrow_type(field.type)
        if found.get(field.name) != wanted:
            raise _rejected(place, field.name, _said(wanted), _said(found.get(field.name)))
    for column, missing in _empty_cells(frame, LANDED[name]):
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
