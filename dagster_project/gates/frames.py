"""Makes the frame a suite looks at: one row per thing to be judged, with the quarter it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from dagster_project.gates.outcome import BrokenGateError

NOTHING = "nothing"
LONGEST = 200


def quarters_in_scope(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The quarters of this run, first to last; raises BrokenGateError when there is none."""
    rows = connection.execute("select distinct quarter from run.quarter_in_scope order by quarter").fetchall()
    if not rows:
        raise BrokenGateError(
            "expected a quarter in run.quarter_in_scope; found none, so no gate can judge anything."
        )
    return [str(quarter) for (quarter,) in rows]


def build_frame(connection: duckdb.DuckDBPyConnection, sql_file: Path, quarters: list[str]) -> pd.DataFrame:
    """Runs a subject's SQL; the rows are numbered from 0 in the order that the SQL gives them.

    Decimals become doubles: good for comparing with bounds and each other, since equal decimals stay equal.
    Raises BrokenGateError when the SQL fails, has no column `quarter` or has rows of other quarters.
    """
    where = f"{sql_file.parent.name}/{sql_file.name}"
    try:
        frame = connection.execute(sql_file.read_text("utf-8")).df()
    except duckdb.Error as error:
        raise BrokenGateError(f"{where}: the subject's SQL failed: {error}") from error
    if "quarter" not in frame.columns:
        raise BrokenGateError(f"{where}: expected a column quarter; found {', '.join(frame.columns)}.")
    foreign = sorted(set(frame["quarter"].dropna().unique()) - set(quarters))
    if foreign or frame["quarter"].isna().any():
        found = ", ".join(foreign) or "rows without a quarter"
        raise BrokenGateError(f"{where}: expected only quarters in scope; found {found}.")
    return _without_pandas_na(frame)


def _without_pandas_na(frame: pd.DataFrame) -> pd.DataFrame:
    """Missing whole numbers as nan and missing truths as None: Great Expectations raises over pandas.NA."""
    for column in frame.columns:
        if isinstance(frame[column].dtype, pd.BooleanDtype):
            frame[column] = frame[column].astype(object).where(frame[column].notna(), None)
        elif pd.api.types.is_extension_array_dtype(frame[column]) and pd.api.types.is_numeric_dtype(
            frame[column]
        ):
            frame[column] = frame[column].astype("float64")
    return frame


class _Row(Mapping[str, str]):
    """A row of a frame as readable text."""

    def __init__(self, row: pd.Series[Any]) -> None:
        self._row = row

    def __getitem__(self, column: str) -> str:
        return readable(self._row[column])

    def __iter__(self) -> Iterator[str]:
        return iter(self._row.index)

    def __len__(self) -> int:
        return len(self._row)


def example(frame: pd.DataFrame, position: int, template: str) -> str:
    """A sentence about one row: the template with its columns filled in.

    Raises BrokenGateError for a column that isn't there.
    """
    try:
        return template.format_map(_Row(frame.iloc[position]))
    except KeyError as error:
        raise BrokenGateError(f"an example names a column that its subject doesn't have: {error}") from error


def readable(value: object) -> str:
    """A value as a person writes it: 3.5 for 3.500000, `nothing` for a missing one.

    What a file holds goes to terminals and pages, so control characters are replaced and long texts cut.
    """
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value):
        return NOTHING
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    text = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(value)
    )
    if len(text) > LONGEST:
        text = text[:LONGEST] + "..."
    return text.lower() if text in {"True", "False"} else text or NOTHING
