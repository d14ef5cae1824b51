"""An official file as rows of cells that a mutation can change, and back to bytes in its format."""

from __future__ import annotations

import copy
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fictional_workbook import workbook
from python_calamine import load_workbook

from dagster_project.extracts.readers.delimited import column_key


@dataclass(frozen=True)
class Layout:
    """Where things stand in a source's files: column names by role, and patterns of what is worth mutating."""

    source: str
    columns: Mapping[str, Sequence[str]]
    values: str
    codes: str = r"R[A-Z0-9]{2}"
    rows: tuple[str, str] | None = None
    sheets: str = ""
    total: str | None = None


LAYOUTS = {
    "nof": Layout(
        "nof_data",
        {
            "code": ["Trust_code"], "name": ["Trust_name"], "region": ["Region"], "subtype": ["Trust_subtype"],
            "type": ["Trust_type"], "metric": ["Metric_ID"], "date": ["Reporting_date"], "unit": ["Units"],
            "rank": ["Rank"], "domain": ["Domain"],
        },
        "^Value$",
    ),
    "ae": Layout(
        "ae_attendances",
        {"code": ["Org Code"], "name": ["Org name"], "region": ["Parent Org"], "date": ["Period"]},
        "^A&E attendances Type|^A&E attendances Other|^Attendances over 4hrs (Type|Other)",
        total="TOTAL",
    ),
    "cancer": Layout(
        "cancer_waiting_times",
        {
            "code": ["Org_Code", "Organisation Code", "Provider Code", "ORG CODE"],
            "name": ["Organisation Name", "Provider"], "date": ["Period", "Month"],
            "metric": ["Standard or Item", "Standard", "Measure"],
        },
        "^(Total|Within|Told Within Standard|Treated Within Standard|Breaches|After|Total Treated|Total Told)",
    ),
    "community": Layout(
        "community_waiting_lists",
        {"code": ["Organisation Code"], "name": ["Organisation Name"], "region": ["Organisation Type"]},
        ".",
        sheets=r"^Table 4[gh]?$",
        total="England",
    ),
    "ambulance": Layout(
        "ambulance_systems",
        {"code": ["Org Code", "Code"], "name": ["Org Name", "Area"], "region": ["Region"], "date": ["Month"]},
        "^A(25|8|24|1|0|7)$",
        sheets="^Raw$",
        rows=("Year", r"^2025"),
        total="England",
    ),
    "rtt": Layout(
        "rtt_waiting_times",
        {
            "code": ["Provider Org Code"], "name": ["Provider Org Name"], "date": ["Period"],
            "metric": ["RTT Part Description"],
        },
        r"^Gt \d+ To \d+ Weeks|^Gt 104|^Total",
    ),
}  # fmt: skip


@dataclass
class OfficialFile:
    """A file of a source: `sheets` maps a sheet's name ("" for a text) to its rows; one of them is `sheet`."""

    name: str
    layout: Layout
    sheets: dict[str, list[list[Any]]]
    sheet: str = ""
    header_at: int = 0
    separator: str = ","
    line_end: str = "\r\n"
    encoding: str = "utf-8-sig"
    about: set[str] = field(default_factory=set)

    @property
    def rows(self) -> list[list[Any]]:
        return self.sheets[self.sheet]

    @property
    def header(self) -> list[str]:
        return [str(cell or "") for cell in self.rows[self.header_at]]

    @property
    def is_text(self) -> bool:
        return self.name.casefold().endswith(".csv")

    def column(self, role: str) -> int | None:
        """The place of a role's column; None where the file has none."""
        keys = [column_key(name) for name in self.header]
        wanted = map(column_key, self.layout.columns.get(role, ()))
        return next((keys.index(key) for key in wanted if key in keys), None)

    def value_columns(self) -> list[int]:
        return [at for at, name in enumerate(self.header) if name and re.search(self.layout.values, name)]

    def data_rows(self) -> list[int]:
        """Places of the rows of organisations that count for the quarter."""
        code_at, keep = self.column("code"), self.layout.rows
        keep_at = self.header.index(keep[0]) if keep and keep[0] in self.header else None
        return [
            at
            for at, row in enumerate(self.rows)
            if at > self.header_at
            and code_at is not None
            and len(row) > code_at
            and re.fullmatch(self.layout.codes, str(row[code_at]).strip())
            and (keep is None or keep_at is None or re.search(keep[1], str(row[keep_at])))
        ]

    def copy(self) -> OfficialFile:
        return copy.deepcopy(self)

    def as_bytes(self) -> bytes:
        if not self.is_text:
            return workbook(self.sheets)
        text = io.StringIO()
        csv.writer(text, delimiter=self.separator, lineterminator=self.line_end).writerows(self.rows)
        return text.getvalue().encode(self.encoding, errors="replace")


def read_official(path: Path, kind: str) -> list[OfficialFile]:
    """The file as its sheets that count, each to be mutated by itself."""
    layout = LAYOUTS[kind]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            sheets: dict[str, list[list[Any]]] = {"": list(csv.reader(file))}
    else:
        book = load_workbook(str(path))
        names = [name for name in book.sheet_names if re.search(layout.sheets or ".", name)]
        sheets = {name: [_plain(row) for row in book.get_sheet_by_name(name).to_python()] for name in names}
    found = []
    for name, rows in sheets.items():
        header_at = _header_at(rows, layout)
        if header_at is not None:
            found.append(OfficialFile(path.name, layout, sheets, name, header_at))
    return found


def _header_at(rows: Sequence[Sequence[Any]], layout: Layout) -> int | None:
    codes = {column_key(name) for name in layout.columns["code"]}
    for at, row in enumerate(rows[:40]):
        if codes & {column_key(str(cell)) for cell in row}:
            return at
    return None


def _plain(row: Sequence[Any]) -> list[Any]:
    return [None if cell == "" else cell for cell in row]
