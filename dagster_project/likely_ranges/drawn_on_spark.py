"""Draws on Spark: the same function as DuckDB's, over the Arrow rows of each quarter, wherever Spark puts them.

A quarter is drawn as one, as national quartiles cut the averages of all its organisations; a draw itself is a function
of quarter, table and code alone (`likely_ranges/draws.py`), so that it is the same on any engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

import dagster_project
from dagster_project.likely_ranges.drawn import READ, SCHEMA, TABLES, drawn_quarter, quarters_to_draw

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Which of the tables a row belongs to: three are read as one, as Spark hands over one or two, and three come back.
_PART = "part_of"
_DRAWN = "drawn"


def drawn_schema() -> pa.Schema:
    """The columns of all tables that are drawn, each once, and which of them a row is of."""
    columns = {field.name: field for schema in TABLES.values() for field in schema}
    return pa.schema([pa.field(_PART, pa.string()), *columns.values()])


def draw_rows(given: pa.Table) -> pa.Table:
    """What is drawn from rows of the tables of READ, of one quarter or several, as `drawn_schema` has its columns."""
    read = {name: given.filter(pc.equal(given[_PART], name)).to_pylist() for name in READ}
    drawn = [drawn_schema().empty_table()]
    for quarter in quarters_to_draw(**read):
        for name, table in drawn_quarter(quarter).items():
            part = table.append_column(_PART, pa.repeat(name, table.num_rows))
            drawn.append(pa.concat_tables([drawn[0], part], promote_options="default"))
    return pa.concat_tables(drawn).combine_chunks()


def draw_likely_ranges(session: SparkSession, prefix: str) -> None:
    """Draws every quarter in scope of a candidate and replaces the tables; a quarter without averages gives no rows."""
    from pyspark.sql.functions import col, lit
    from pyspark.sql.pandas.types import from_arrow_schema

    database = f"{prefix}{SCHEMA}"
    first, *others = (session.table(f"{database}.{name}").withColumn(_PART, lit(name)) for name in READ)
    for other in others:
        first = first.unionByName(other, allowMissingColumns=True)
    with _sent_whole():
        drawn = first.groupBy("quarter").applyInArrow(draw_rows, from_arrow_schema(drawn_schema()))
        # Kept, as three tables are made of it and each would draw again.
        drawn.write.mode("overwrite").saveAsTable(f"{database}.{_DRAWN}")
    for name, schema in TABLES.items():
        rows = session.table(f"{database}.{_DRAWN}").where(col(_PART) == name).select(*schema.names)
        rows.write.mode("overwrite").saveAsTable(f"{database}.{name}")
    session.sql(f"drop table {database}.{_DRAWN}")


@contextmanager
def _sent_whole() -> Iterator[None]:
    """Functions go to Spark's workers with all of this package that they use: it needn't be installed there."""
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(dagster_project)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(dagster_project)
