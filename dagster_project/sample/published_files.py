"""The publisher's file layouts: how a quarter's files are called, their columns, how their texts drift."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.quarters import Quarter
from dagster_project.sample.likely_ranges import LikelyRange
from dagster_project.sample.organisations import Organisation
from dagster_project.sample.published_rows import DataRow, as_published
from dagster_project.sample.scored_quarter import OrganisationScore

FIRST_PUBLICATION = Quarter(2025, 1)
RENAMED_FROM = Quarter(2025, 3)
_SUFFIXES = {Quarter(2025, 2): "-q2", Quarter(2025, 3): "-q3-25-26", Quarter(2026, 2): "-q2-26-27"}
_DATA_COLUMNS = (
    "Domain", "Sub-domain", "Metric_ID", "Metric_description", "Reporting_date", "Units",
    "Value", "Median_value", "Lower_quartile", "Upper_quartile", "Rank",
)  # fmt: skip


@dataclass(frozen=True)
class FileStyle:
    """How the files of one table look in the publication of one quarter."""

    quarter: Quarter
    table: str

    @property
    def has_quarter_column(self) -> bool:
        """Without that column, as in the first publication, a file holds its own quarter only."""
        return self.quarter != FIRST_PUBLICATION

    @property
    def percent(self) -> str:
        return "percent" if (self.table == "acute") == (self.quarter.start_year == 2025) else "%"

    @property
    def organisation_type(self) -> str:
        if self.table == "non_acute":
            renamed = self.quarter >= RENAMED_FROM
            return "Mental health and community trust" if renamed else "Non-acute hospital trust"
        return {"acute": "Acute trust", "ambulance": "Ambulance trust", "icb": "Integrated care board"}[
            self.table
        ]

    def file_name(self, kind: str, *, issue: str = "") -> str:
        """The file's name; `kind` is `data` or `league-table`, `issue` empty or such as `-v2`."""
        who = self.organisation_type.lower().replace(" ", "-")
        return f"nhs-oversight-framework-{who}-{kind}{_SUFFIXES.get(self.quarter, '')}{issue}.csv"

    def region(self, region: str) -> str:
        """`East` all through the first year; `North East` in its first acute and all its second files."""
        if region == "East of England" and self.quarter.start_year == 2025:
            return "East"
        shortened = self.quarter == Quarter(2025, 2) or (
            self.quarter == FIRST_PUBLICATION and self.table == "acute"
        )
        return "North East" if shortened and region == "North East and Yorkshire" else region

    def identity_columns(self) -> list[str]:
        if self.table == "icb":
            return ["Region", "ICB_code", "ICB_name"]
        return ["Region", "Trust_type", "Trust_subtype", "Trust_code", "Trust_name"]

    def identity(self, organisation: Organisation, quarter: Quarter) -> list[str]:
        """Who a row is about; `quarter` is the row's own."""
        region = self.region(organisation.region)
        if self.table == "icb":
            return [region, organisation.code, organisation.name]
        subtype = organisation.subtype_in(quarter)
        return [region, self.organisation_type, subtype, organisation.code, organisation.name]


def write_data_file(
    path: Path, style: FileStyle, quarters: Iterable[tuple[Quarter, Sequence[DataRow]]]
) -> None:
    """Writes a data file that holds the rows of `quarters`, oldest first."""
    lines = [[*(["Quarter"] if style.has_quarter_column else []), *style.identity_columns(), *_DATA_COLUMNS]]
    for quarter, rows in quarters:
        first = [quarter.label] if style.has_quarter_column else []
        identities: dict[str, list[str]] = {}
        for row in rows:
            identity = identities.get(row.organisation.code)
            if identity is None:
                identity = [*first, *style.identity(row.organisation, quarter)]
                identities[row.organisation.code] = identity
            unit = style.percent if row.unit == "percent" else row.unit
            lines.append([*identity, *row.wording, unit, *row.figures])
    _write_csv(path, lines)


def write_league_table_file(
    path: Path,
    style: FileStyle,
    organisations: Mapping[str, Organisation],
    scores: Iterable[OrganisationScore],
    ranges: Mapping[str, LikelyRange],
) -> None:
    """Writes one quarter's league table, best first, with likely ranges as text."""
    who = "ICB" if style.table == "icb" else "Trust"
    lines = [
        [
            "Quarter" if style.has_quarter_column else "Reporting_date",
            *style.identity_columns(),
            "Average_score",
            "Likely_range_of_average_score",
            "Segment",
            f"{who}_in_financial_deficit",
            "Rank",
            "Likely_range_of_rank",
        ]
    ]
    for score in sorted(scores, key=lambda each: (each.rank, each.organisation)):
        likely = ranges[score.organisation]
        lines.append(
            [
                style.quarter.label,
                *style.identity(organisations[score.organisation], style.quarter),
                as_published(score.average, 2),
                f"{as_published(likely.average_low, 2)} to {as_published(likely.average_high, 2)}",
                f"{score.adjusted_segment}.0",
                "Yes" if score.override else "No",
                f"{score.rank}.0",
                f"{likely.rank_low} to {likely.rank_high}",
            ]
        )
    _write_csv(path, lines)


def _write_csv(path: Path, lines: Iterable[Sequence[str]]) -> None:
    """UTF-8 with a byte order mark and CRLF, as the publisher writes."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))
