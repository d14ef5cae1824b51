"""The rows that every reader hands on: their contract as pyarrow schemas, empty frames and Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

TABLES = ("acute", "non_acute", "ambulance", "icb")

_TEXT = pa.string()
_DECIMAL = pa.decimal128(18, 6)


def _field(name: str, kind: pa.DataType = _TEXT, *, null: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=null)


# One row per published figure; `source_row` is the physical line, header = 1.
EXTRACT_ROW: pa.Schema = pa.schema(
    [
        _field("extract_id"),
        _field("source"),
        _field("sheet", null=True),
        _field("source_row", pa.int32()),
        _field("quarter"),
        _field("table_name"),
        _field("organisation_code"),
        # A blank name is for the gate to find: the figures of the row are still attributable.
        _field("organisation_name", null=True),
        _field("organisation_subtype", null=True),
        _field("region", null=True),
        _field("figure"),
        _field("domain", null=True),
        _field("sub_domain", null=True),
        _field("figure_description", null=True),
        _field("reporting_date", null=True),
        _field("unit", null=True),
        _field("value_text"),
        _field("value", _DECIMAL, null=True),
        _field("median_value", _DECIMAL, null=True),
        _field("lower_quartile", _DECIMAL, null=True),
        _field("upper_quartile", _DECIMAL, null=True),
        _field("published_rank", pa.int32(), null=True),
    ]
)

# One row per raw file used; `rows` counts its data records, set-aside ones included.
EXTRACT: pa.Schema = pa.schema(
    [
        _field("extract_id"),
        _field("source"),
        _field("file_name"),
        _field("publisher"),
        _field("licence"),
        # A statistic or a list of organisations belongs to no table.
        _field("table_name", null=True),
        _field("bytes", pa.int64()),
        _field("rows", pa.int32()),
        _field("release_state"),
        _field("supersedes", null=True),
        _field("is_sample", pa.bool_()),
    ]
)

# One row per figure that a reader left out, with the words of the file.
ROW_SET_ASIDE: pa.Schema = pa.schema(
    [
        _field("extract_id"),
        _field("file_name"),
        _field("source_row", pa.int32()),
        _field("organisation_code", null=True),
        _field("figure", null=True),
        _field("reason"),
        _field("raw_line"),
    ]
)

# One row per figure of an older file that a newer one replaces; `new_*` is null where it was withdrawn.
REVISION: pa.Schema = pa.schema(
    [
        _field("source"),
        _field("quarter"),
        _field("table_name"),
        _field("organisation_code"),
        _field("figure"),
        _field("old_value", _DECIMAL, null=True),
        _field("new_value", _DECIMAL, null=True),
        _field("old_rank", pa.int32(), null=True),
        _field("new_rank", pa.int32(), null=True),
        _field("old_extract_id"),
        _field("new_extract_id"),
        _field("old_source_row", pa.int32()),
        _field("new_source_row", pa.int32(), null=True),
        _field("changed", pa.bool_()),
    ]
)

# One row per counted cell that a metric can be made of; `source_column` is its header as published. A cell
# without a count has a reason instead of a value.
STATISTIC_ROW: pa.Schema = pa.schema(
    [
        _field("extract_id"),
        _field("source"),
        # The sheet of a workbook or the member of a ZIP.
        _field("sheet", null=True),
        _field("source_row", pa.int32()),
        _field("source_column"),
        # A month such as 2025-06, and its quarter.
        _field("period"),
        _field("quarter"),
        _field("organisation_code"),
        _field("organisation_name", null=True),
        _field("measure"),
        _field("category", null=True),
        _field("value_text"),
        _field("value", _DECIMAL, null=True),
        _field("missing_reason", null=True),
    ]
)

# One row per organisation of a reference file: trusts with their board and region, or boards alone.
ORGANISATION_REFERENCE: pa.Schema = pa.schema(
    [
        _field("extract_id"),
        _field("source"),
        _field("source_row", pa.int32()),
        _field("organisation_kind"),
        _field("organisation_code"),
        _field("organisation_name"),
        _field("region_code", null=True),
        _field("icb_code", null=True),
        _field("opened_on", pa.date32(), null=True),
        _field("closed_on", pa.date32(), null=True),
        _field("town", null=True),
        _field("postcode", null=True),
    ]
)

_SORT_KEYS = (
    "extract_id",
    "source_row",
    "figure",
    "old_extract_id",
    "old_source_row",
    "source_column",
    "measure",
)


def frame_of(columns: Mapping[str, Sequence[Any]], schema: pa.Schema) -> pd.DataFrame:
    """A frame with exactly the schema's columns, from equally long sequences keyed by column name.

    Text is pandas `str` (missing: NaN), decimals and dates are `object` (or None), nullable integers
    `Int64`, others `int64` and `bool`. Columns other than the schema's are a KeyError.
    """
    if set(columns) != set(schema.names):
        raise KeyError(f"columns differ from the schema: {sorted(set(columns) ^ set(schema.names))}")
    return pd.DataFrame(
        {name: pd.Series(columns[name], dtype=_dtype(schema.field(name))) for name in schema.names}
    )


def empty_frame(schema: pa.Schema) -> pd.DataFrame:
    """A frame of no rows with the schema's columns and types."""
    return frame_of({name: [] for name in schema.names}, schema)


def concatenated(frames: Sequence[pd.DataFrame], schema: pa.Schema) -> pd.DataFrame:
    """The frames below each other, sorted like the Parquet file; an empty frame where there are none."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return empty_frame(schema)
    return sorted_frame(pd.concat(filled, ignore_index=True))


def sorted_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame sorted by extract_id, source_row, figure or column (those it has), freshly indexed."""
    keys = [key for key in _SORT_KEYS if key in frame.columns]
    return frame.sort_values(keys, kind="stable", ignore_index=True)


def write_parquet(frame: pd.DataFrame, path: Path, schema: pa.Schema = EXTRACT_ROW) -> None:
    """Writes the frame sorted by extract_id, source_row, figure: the same rows give the same bytes.

    Raises pyarrow.ArrowInvalid or ArrowTypeError where a cell doesn't fit the schema.
    """
    table = pa.Table.from_pandas(sorted_frame(frame), schema=schema, preserve_index=False, nthreads=1)
    # Without this, pandas' own metadata (with its version) would stand in the file.
    table = table.replace_schema_metadata(None)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", row_group_size=100_000)


def _dtype(field: pa.Field) -> str:
    if pa.types.is_decimal(field.type) or pa.types.is_date(field.type):
        return "object"
    if pa.types.is_integer(field.type):
        return "Int64" if field.nullable else "int64"
    return "bool" if pa.types.is_boolean(field.type) else "str"
