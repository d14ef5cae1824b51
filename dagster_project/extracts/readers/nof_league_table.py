"""NHS Oversight Framework league-table CSVs: one record per organisation, seven figures each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from dagster_project.extracts.readers import nof_layout, text
from dagster_project.extracts.readers.delimited import (
    Records,
    column_key,
    note_other_columns,
    require_columns,
)
from dagster_project.extracts.readers.nof_layout import (
    MISSING_MARKS,
    Organisations,
    filled_records,
    kind_of_body,
    organisation_columns,
    quarter_text,
    rank_or_none,
    read_organisations,
    sorted_quarters,
)
from dagster_project.extracts.readers.outcome import (
    ReadExtract,
    SetAside,
    assert_nothing_lost,
    set_aside_frame,
)
from dagster_project.extracts.readers.spreadsheet_dates import period_or_none, rank_range, was_a_date
from dagster_project.extracts.readers.tables import table_records
from dagster_project.extracts.rows import EXTRACT_ROW, concatenated, frame_of
from dagster_project.extracts.source import FRAMEWORK_TABLES, SourceRecord

NAME = FRAMEWORK_TABLES
OWN_COLUMNS = nof_layout.LEAGUE_TABLE_COLUMNS
COLUMNS = nof_layout.COLUMNS[NAME]


@dataclass(frozen=True)
class _Figure:
    """One figure of each record: where it stands, how it is read and what it is called in an extract row."""

    figure: str
    column: str
    unit: str | None
    parse: Callable[[str], Decimal]


def _low(parse: Callable[[str], Decimal]) -> Callable[[str], Decimal]:
    return lambda cell: parse(text.value_range(cell)[0])


def _high(parse: Callable[[str], Decimal]) -> Callable[[str], Decimal]:
    return lambda cell: parse(text.value_range(cell)[1])


def _rank(cell: str) -> Decimal:
    return Decimal(text.rank(cell))


def _figures(body: str) -> tuple[_Figure, ...]:
    return (
        _Figure("OF5002", "Average_score", "score", text.number),
        _Figure("OF5002.likely_low", "Likely_range_of_average_score", "score", _low(text.number)),
        _Figure("OF5002.likely_high", "Likely_range_of_average_score", "score", _high(text.number)),
        _Figure("OF5000", "Segment", "segment", text.number),
        _Figure("OF5004", f"{body}_in_financial_deficit", "flag", text.yes_no),
        _Figure(
            "OF5000.rank_likely_low", "Likely_range_of_rank", None, lambda cell: _rank(rank_range(cell)[0])
        ),
        _Figure(
            "OF5000.rank_likely_high", "Likely_range_of_rank", None, lambda cell: _rank(rank_range(cell)[1])
        ),
    )


def read_nof_league_table(raw: bytes, *, file_name: str, extract_id: str) -> ReadExtract:
    """Reads one league table of trusts or, in the assumed layout, of ICBs.

    The Rank column goes with OF5000, whose rank it is. Blank or marked figures are set aside one by one.
    Raises InputRejected naming file, row and column for anything else that can't be read.
    """
    everything = table_records(raw, file_name, COLUMNS)
    body = kind_of_body(everything)
    figures = _figures(body)
    columns = [*organisation_columns(body), *dict.fromkeys(figure.column for figure in figures), "Rank"]
    # The first league tables have Reporting_date where later ones have Quarter.
    quarter_column = "Quarter" if "quarter" in everything.header else "Reporting_date"
    require_columns(everything, [quarter_column, *columns])
    note_other_columns(everything, ["Quarter", "Reporting_date", *columns])

    records, set_aside = filled_records(everything)
    organisations = read_organisations(records)
    quarters = records.parsed(column_key(quarter_column), quarter_text)
    blank_lines = len(set_aside)
    frames = []
    for figure in figures:
        kept, missing = _present(records, figure, organisations)
        set_aside.extend(missing)
        frames.append(_rows(records.kept(kept), figure, extract_id, kept, quarters, organisations))
    rows = concatenated(frames, EXTRACT_ROW)
    dates = sum(map(was_a_date, records.columns["likely_range_of_rank"]))
    if dates:
        records.notes.append(
            f"{dates} ranges of ranks were made dates by a spreadsheet program: read as before, such as 1 to 11"
        )
    assert_nothing_lost(file_name, len(figures) * len(records) + blank_lines, len(rows), len(set_aside))
    return ReadExtract(
        extract_id=extract_id,
        file_name=file_name,
        source=NAME,
        table_name=organisations.table_name,
        quarters=sorted_quarters(quarters),
        is_sample=organisations.is_sample,
        size=len(raw),
        records=len(everything),
        extract_row=rows,
        row_set_aside=set_aside_frame(extract_id, file_name, set_aside),
        notes=tuple(records.notes),
    )


def _present(
    records: Records, figure: _Figure, organisations: Organisations
) -> tuple[list[int], list[SetAside]]:
    """Positions of the records that have the figure, and the others set aside."""
    key = column_key(figure.column)
    kept: list[int] = []
    missing: list[SetAside] = []
    for i, cell in enumerate(records.columns[key]):
        reason = text.missing_reason(cell, MISSING_MARKS)
        if reason is None:
            kept.append(i)
        else:
            why = f"{records.header[key]} is {reason}"
            missing.append(
                SetAside(records.lines[i], organisations.codes[i], figure.figure, why, records.raw_lines[i])
            )
    return kept, missing


def _rows(
    records: Records,
    figure: _Figure,
    extract_id: str,
    kept: list[int],
    quarters: list[str],
    organisations: Organisations,
) -> pd.DataFrame:
    """The extract rows of one figure; `records` are those at the positions `kept` of the whole file."""
    key = column_key(figure.column)
    has_date = "reporting_date" in records.header
    nothing = [None] * len(kept)
    return frame_of(
        {
            "extract_id": [extract_id] * len(kept),
            "source": [NAME] * len(kept),
            "sheet": [records.sheet] * len(kept),
            "source_row": records.lines,
            "quarter": [quarters[i] for i in kept],
            **organisations.columns(kept),
            "figure": [figure.figure] * len(kept),
            "domain": nothing,
            "sub_domain": nothing,
            "figure_description": [figure.column.replace("_", " ")] * len(kept),
            "reporting_date": records.parsed("reporting_date", period_or_none) if has_date else nothing,
            "unit": [figure.unit] * len(kept),
            "value_text": records.columns[key],
            "value": records.parsed(key, figure.parse),
            "median_value": nothing,
            "lower_quartile": nothing,
            "upper_quartile": nothing,
            "published_rank": records.parsed("rank", rank_or_none) if figure.figure == "OF5000" else nothing,
        },
        EXTRACT_ROW,
    )


_FIGURE_OF_EACH_COLUMN = tuple(dict.fromkeys(figure.column for figure in _figures("Trust")))
SOURCE = SourceRecord(
    name=NAME,
    kind="framework",
    read=read_nof_league_table,
    headers=(OWN_COLUMNS,),
    missing_marks=MISSING_MARKS,
    landed={
        **nof_layout.LANDED_OF_ORGANISATION,
        "quarter": ("Quarter",),
        "value_text": _FIGURE_OF_EACH_COLUMN,
        "value": _FIGURE_OF_EACH_COLUMN,
        "published_rank": ("Rank",),
    },
)
