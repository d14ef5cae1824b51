"""NHS Oversight Framework data CSVs: one record per organisation and figure, of one or more quarters."""

from __future__ import annotations

import re

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import nof_layout, text
from dagster_project.extracts.readers.delimited import (
    Records,
    note_other_columns,
    require_columns,
)
from dagster_project.extracts.readers.nof_layout import (
    MISSING_MARKS,
    filled_records,
    key_text,
    kind_of_body,
    number_or_none,
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
from dagster_project.extracts.readers.spreadsheet_dates import period_or_none, was_a_date
from dagster_project.extracts.readers.tables import table_records
from dagster_project.extracts.rows import EXTRACT_ROW, frame_of, sorted_frame
from dagster_project.extracts.source import FRAMEWORK_DATA, SourceRecord

NAME = FRAMEWORK_DATA
FIGURE_COLUMNS = nof_layout.FIGURE_COLUMNS
COLUMNS = nof_layout.COLUMNS[NAME]
AVERAGE_FIGURE = "OF5002"

# The publisher's own list of identifiers (methodology, section 1): a metric's value and score, domain
# scores and segments, and the summary figures.
_IDENTIFIER = re.compile(r"OF[01][0-9]{3}|OF4[01]0[02345]|OF500[023457]")


def read_nof_data(raw: bytes, *, file_name: str, extract_id: str) -> ReadExtract:
    """Reads one data file of trusts or, in the assumed layout, of ICBs.

    Figures with a blank or marked value, and identifiers that aren't the publisher's, are set aside.
    Raises InputRejected naming file, row and column for anything else that can't be read.
    """
    everything = table_records(raw, file_name, COLUMNS)
    columns = [*organisation_columns(kind_of_body(everything)), *FIGURE_COLUMNS, "Reporting_date", "Rank"]
    require_columns(everything, columns)
    note_other_columns(everything, ["Quarter", *columns])

    records, set_aside = filled_records(everything)
    organisations = read_organisations(records)
    figures = records.parsed("metric_id", lambda cell: key_text(cell).upper())
    quarters = _quarters(records, figures)

    kept: list[int] = []
    for i, (figure, value) in enumerate(zip(figures, records.columns["value"], strict=True)):
        reason = _why_set_aside(figure, value)
        if reason is None:
            kept.append(i)
        else:
            line, code = records.lines[i], organisations.codes[i]
            set_aside.append(SetAside(line, code, figure, reason, records.raw_lines[i]))

    figure_records = records.kept(kept)
    kept_figures = [figures[i] for i in kept]
    rows = frame_of(
        {
            "extract_id": [extract_id] * len(kept),
            "source": [NAME] * len(kept),
            "sheet": [everything.sheet] * len(kept),
            "source_row": figure_records.lines,
            "quarter": [quarters[i] for i in kept],
            **organisations.columns(kept),
            "figure": kept_figures,
            "domain": figure_records.parsed("domain", text.folded_or_none),
            "sub_domain": figure_records.parsed("sub_domain", text.folded_or_none),
            "figure_description": figure_records.parsed("metric_description", text.folded_or_none),
            "reporting_date": figure_records.parsed("reporting_date", period_or_none),
            "unit": _units(figure_records),
            "value_text": figure_records.columns["value"],
            "value": figure_records.parsed("value", text.number),
            "median_value": figure_records.parsed("median_value", number_or_none),
            "lower_quartile": figure_records.parsed("lower_quartile", number_or_none),
            "upper_quartile": figure_records.parsed("upper_quartile", number_or_none),
            "published_rank": figure_records.parsed("rank", rank_or_none),
        },
        EXTRACT_ROW,
    )
    dates = sum(map(was_a_date, figure_records.columns["reporting_date"]))
    if dates:
        records.notes.append(
            f"{dates} periods were made dates by a spreadsheet program: read as before, such as Jun-25"
        )
    finer = sum(map(text.is_finer, figure_records.columns["value"]))
    if finer:
        records.notes.append(f"{finer} values have more than {text.DECIMAL_PLACES} places: rounded half-up")
    assert_nothing_lost(file_name, len(everything), len(rows), len(set_aside))
    return ReadExtract(
        extract_id=extract_id,
        file_name=file_name,
        source=NAME,
        table_name=organisations.table_name,
        quarters=sorted_quarters(quarters),
        is_sample=organisations.is_sample,
        size=len(raw),
        records=len(everything),
        extract_row=sorted_frame(rows),
        row_set_aside=set_aside_frame(extract_id, file_name, set_aside),
        notes=tuple(records.notes),
    )


def _why_set_aside(figure: str, value: str) -> str | None:
    if _IDENTIFIER.fullmatch(figure) is None:
        return f"the figure {figure} isn't one of the publisher's identifiers"
    reason = text.missing_reason(value, MISSING_MARKS)
    return None if reason is None else f"the value is {reason}"


def _quarters(records: Records, figures: list[str]) -> list[str]:
    """The quarter of each record: its Quarter or, in the first files, the one of all OF5002 rows."""
    if "quarter" in records.header:
        return records.parsed("quarter", quarter_text)
    averages = records.kept([i for i, figure in enumerate(figures) if figure == AVERAGE_FIGURE])
    if not len(averages):
        raise InputRejected(
            file=records.file_name,
            expected=f"a column Quarter, or {AVERAGE_FIGURE} rows whose Reporting_date says the quarter",
            found=f"neither; the columns are {', '.join(records.header.values())}",
            remedy="Take the publisher's complete file, or add a first column Quarter to a copy of it.",
        )
    found = averages.parsed("reporting_date", quarter_text)
    for position, quarter in enumerate(found):
        if quarter != found[0]:
            averages.reject(
                position,
                "reporting_date",
                expected=f"{found[0]}, as in the first {AVERAGE_FIGURE} row of this file without Quarter",
            )
    return found[:1] * len(records)


def _units(records: Records) -> list[str | None]:
    units = records.parsed("units", text.unit)
    for other in sorted({unit for unit in units if unit is not None} - text.UNITS):
        records.notes.append(f"the unit {other!r} isn't known ({units.count(other)} rows)")
    return units


SOURCE = SourceRecord(
    name=NAME,
    kind="framework",
    read=read_nof_data,
    headers=(FIGURE_COLUMNS,),
    missing_marks=MISSING_MARKS,
    landed={
        **nof_layout.LANDED_OF_ORGANISATION,
        "quarter": ("Quarter",),
        "figure": ("Metric_ID",),
        "domain": ("Domain",),
        "sub_domain": ("Sub-domain",),
        "figure_description": ("Metric_description",),
        "reporting_date": ("Reporting_date",),
        "unit": ("Units",),
        "value_text": ("Value",),
        "value": ("Value",),
        "median_value": ("Median_value",),
        "lower_quartile": ("Lower_quartile",),
        "upper_quartile": ("Upper_quartile",),
        "published_rank": ("Rank",),
    },
)
