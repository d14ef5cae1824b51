"""What all NHS Oversight Framework CSVs share: organisations, tables, codes, missing marks, quarters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dagster_project.errors import InputRejected
from dagster_project.extracts.readers import text
from dagster_project.extracts.readers.delimited import Records, column_key
from dagster_project.extracts.readers.organisation_codes import ICB, TRUST, has_form, is_sample_file
from dagster_project.extracts.readers.outcome import SetAside
from dagster_project.extracts.source import FRAMEWORK_DATA, FRAMEWORK_TABLES
from dagster_project.quarters import Quarter

# In these files `-` has never been seen as a zero: zeroes are written "0.0".
MISSING_MARKS = {
    "*": "suppressed",
    "**": "suppressed",
    "-": "not available",
    ".": "not available",
    ":": "not available",
    "[x]": "not available",
    "[z]": "not applicable",
    "n/a": "not applicable",
    "null": "not available",
    "100%*": "suppressed",
}

# From which columns the organisation of a landed row is read; files about boards have ICB_ where these have Trust_.
LANDED_OF_ORGANISATION = {
    "table_name": ("Trust_type",),
    "organisation_code": ("Trust_code",),
    "organisation_name": ("Trust_name",),
    "organisation_subtype": ("Trust_subtype",),
    "region": ("Region",),
}


@dataclass(frozen=True)
class Organisations:
    """The organisation columns of a file, one entry per record; `table_name` holds for all."""

    table_name: str
    codes: list[str]
    names: list[str | None]
    subtypes: list[str | None]
    regions: list[str | None]
    is_sample: bool

    def columns(self, positions: Sequence[int]) -> dict[str, list[Any]]:
        """The extract-row columns of the organisations at these positions."""
        return {
            "table_name": [self.table_name] * len(positions),
            "organisation_code": [self.codes[i] for i in positions],
            "organisation_name": [self.names[i] for i in positions],
            "organisation_subtype": [self.subtypes[i] for i in positions],
            "region": [self.regions[i] for i in positions],
        }


def filled_records(everything: Records) -> tuple[Records, list[SetAside]]:
    """The records that aren't blank, and the blank ones set aside; InputRejected where all are blank."""
    filled: list[int] = []
    blank: list[SetAside] = []
    for i, line in enumerate(everything.raw_lines):
        # A line that starts with a letter or digit isn't blank; folding every line would cost more than reading.
        if line[:1].isalnum() or text.folded(line).strip(' ,"'):
            filled.append(i)
        else:
            blank.append(SetAside(everything.lines[i], None, None, "blank line", line))
    if not filled:
        raise InputRejected(
            file=everything.file_name,
            expected="data records",
            found="blank lines below the header",
            remedy="Download the file again from the publisher's page.",
        )
    return everything.kept(filled), blank


# Every column of data files and league tables of trusts and boards: how their header is found.
ORGANISATION_COLUMNS = (
    "Quarter",
    "Region",
    "Trust_type",
    "Trust_subtype",
    "Trust_code",
    "Trust_name",
    "ICB_code",
    "ICB_name",
    "Reporting_date",
    "Rank",
)
FIGURE_COLUMNS = (
    "Domain",
    "Sub-domain",
    "Metric_ID",
    "Metric_description",
    "Units",
    "Value",
    "Median_value",
    "Lower_quartile",
    "Upper_quartile",
)
LEAGUE_TABLE_COLUMNS = (
    "Average_score",
    "Likely_range_of_average_score",
    "Segment",
    "Trust_in_financial_deficit",
    "ICB_in_financial_deficit",
    "Likely_range_of_rank",
)
# What a header is known by, by source.
COLUMNS = {
    FRAMEWORK_DATA: (*ORGANISATION_COLUMNS, *FIGURE_COLUMNS),
    FRAMEWORK_TABLES: (*ORGANISATION_COLUMNS, *LEAGUE_TABLE_COLUMNS),
}


def kind_of_body(records: Records) -> str:
    """`ICB` in the assumed layout for integrated care boards, else `Trust`: how column names begin."""
    is_icb = "icb_code" in records.header and "trust_code" not in records.header
    return "ICB" if is_icb else "Trust"


def organisation_columns(body: str) -> list[str]:
    """The published names of the columns that `read_organisations` needs."""
    kinds = ["Trust_type", "Trust_subtype"] if body == "Trust" else []
    return ["Region", *kinds, f"{body}_code", f"{body}_name"]


def read_organisations(records: Records) -> Organisations:
    """Reads the organisation columns; raises InputRejected for blank codes or mixed files."""
    body = kind_of_body(records)
    code_key = column_key(f"{body}_code")
    codes = records.parsed(code_key, _code)
    regions = records.parsed("region", text.region)
    for name, rows in Counter(name for name in regions if not text.is_known_region(name)).items():
        records.notes.append(f"the region {name!r} isn't in seeds/reference/region.csv ({rows} rows)")
    table_name = _one_table(records) if body == "Trust" else "icb"
    subtypes: list[str | None] = [None] * len(codes)
    if body == "Trust":
        subtypes = records.parsed("trust_subtype", text.folded_or_none)
    _refuse_other_codes(records, codes, code_key, ICB if table_name == "icb" else TRUST)
    name_key = column_key(f"{body}_name")
    return Organisations(
        table_name=table_name,
        codes=codes,
        names=records.parsed(name_key, text.folded_or_none),
        subtypes=subtypes,
        regions=regions,
        is_sample=is_sample_file(records, name_key),
    )


def key_text(cell: str) -> str:
    """A cell that no figure can do without; raises ValueError for a blank or a missing mark."""
    if text.missing_reason(cell, MISSING_MARKS) is not None:
        raise ValueError("a text: without it the figure can't be attributed")
    return text.folded(cell)


def number_or_none(cell: str) -> Decimal | None:
    """A number; None for a blank or a missing mark."""
    return None if text.missing_reason(cell, MISSING_MARKS) is not None else text.number(cell)


def rank_or_none(cell: str) -> int | None:
    """A rank; None for a blank or a missing mark."""
    return None if text.missing_reason(cell, MISSING_MARKS) is not None else text.rank(cell)


def _code(cell: str) -> str:
    return key_text(cell).upper()


def _table_of_trust_type(cell: str) -> str:
    kind = " ".join(re.split(r"[\s\-\u2010-\u2015]+", key_text(cell).casefold()))
    if "integrated care" in kind:
        return "icb"
    if "ambulance" in kind:
        return "ambulance"
    if "non acute" in kind or "mental health and community" in kind:
        return "non_acute"
    if "acute trust" in kind:
        return "acute"
    raise ValueError(
        "'Acute trust', 'Non-acute hospital trust', 'Mental health and community trust', "
        "'Ambulance trust' or 'Integrated care board'"
    )


def _one_table(records: Records) -> str:
    tables = records.parsed("trust_type", _table_of_trust_type)
    for position, table in enumerate(tables):
        if table != tables[0]:
            records.reject(position, "trust_type", expected=f"the {tables[0]} table, as in the first record")
    return tables[0]


def _refuse_other_codes(records: Records, codes: Sequence[str], code_key: str, group: str) -> None:
    """A malformed code among others is left to the gate of extracts; where none has a form, it isn't such a file."""
    distinct = sorted(set(codes))
    if not any(has_form(code, group) for code in distinct):
        raise InputRejected(
            file=records.file_name,
            column=records.header[code_key],
            expected=f"ODS codes of {group}s",
            found=repr(distinct[0]),
            remedy="Download the file again from the publisher's page.",
        )


def quarter_text(cell: str) -> str:
    """The canonical quarter of `Q1 2025/26`; a single year is the one in which the financial year starts."""
    try:
        return str(Quarter.from_publisher(key_text(cell)))
    except ValueError:
        raise ValueError("a quarter such as 'Q1 2025/26'") from None


def sorted_quarters(quarters: Sequence[str]) -> tuple[str, ...]:
    """Each quarter once, in time."""
    return tuple(sorted(set(quarters)))
