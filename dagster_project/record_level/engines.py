"""The models of record level, built by dbt on DuckDB or on Spark, in a place of their own that is gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from dagster_project.errors import InputRejected, WrongUsage
from dagster_project.record_level.pathway_files import PATHWAY
from dagster_project.runs import flow
from dagster_project.settings import WAREHOUSE_NAME, DataFolder
from dagster_project.sql_text import literal
from dagster_project.warehouse.dbt_project import checkout_project

TARGETS = ("duckdb", "spark")
_MODELS = flow.selected("record_level")
_SEED = flow.selected("reference.pathway_parameter")
_SHARE = "select value from reference.pathway_parameter where parameter = 'largest_share_set_aside'"
_EXTRACT, _SET_ASIDE = "record_level.rtt_extract", "record_level.rtt_pathway_set_aside"


@dataclass(frozen=True)
class CountedTables:
    """What the models give: the counts as rows of an extract, the rows set aside, and how many rows there were."""

    rows: int
    extract: pa.Table
    set_aside: pa.Table
    largest_share_set_aside: Decimal


def counted_in(target: str, records: Path, files: Sequence[Path], data: DataFolder) -> CountedTables:
    """Builds the models over these files, each of them below `records` or that itself."""
    if target == "duckdb":
        return _in_duckdb(records, files, data)
    if target == "spark":
        return _in_spark(records, files, data)
    raise WrongUsage(f"--target is {' or '.join(TARGETS)}, not {target!r}.")


def _in_duckdb(records: Path, files: Sequence[Path], data: DataFolder) -> CountedTables:
    import duckdb

    project = checkout_project(data)
    above = str(records if records.is_dir() else records.parent)
    columns = ", ".join(f"cast({field.name} as {_sql(field.type)}) as {field.name}" for field in PATHWAY)
    listed = ", ".join(literal(path) for path in files)
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
            raise _unread(records, error) from None
        project.build("run", _MODELS, warehouse, threads=1)
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            (share,) = connection.execute(_SHARE).fetchone() or (Decimal(0),)
            return CountedTables(
                rows,
                connection.table(_EXTRACT).to_arrow_table(),
                connection.table(_SET_ASIDE).to_arrow_table(),
                share,
            )


def _in_spark(records: Path, files: Sequence[Path], data: DataFolder) -> CountedTables:
    raise WrongUsage("not yet")


def _sql(kind: pa.DataType) -> str:
    return "date" if pa.types.is_date(kind) else "varchar"


def _unread(records: Path, error: Exception) -> InputRejected:
    return InputRejected(
        file=records.name,
        expected="whole Parquet files",
        found=str(error).splitlines()[0],
        remedy="A file is cut off or changed while it was read: write it again.",
    )
