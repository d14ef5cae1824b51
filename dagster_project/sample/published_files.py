"""The publishers' file layouts: how a quarter's files are called, their columns, how their texts drift; and the
lists of organisations as ODS and ONS publish them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.quarters import Quarter
from dagster_project.sample.likely_ranges import LikelyRange
from dagster_project.sample.organisations import MERGER_QUARTER, Organisation
from dagster_project.sample.published_rows import DataRow, as_published
from dagster_project.sample.scored_quarter import OrganisationScore
from dagster_project.settings import DBT_PROJECT_DIR

FIRST_PUBLICATION = Quarter(2025, 1)
RENAMED_FROM = Quarter(2025, 3)
_SUFFIXES = {Quarter(2025, 2): "-q2", Quarter(2025, 3): "-q3-25-26", Quarter(2026, 2): "-q2-26-27"}
_DATA_COLUMNS = (
    "Domain", "Sub-domain", "Metric_ID", "Metric_description", "Reporting_date", "Units",
    "Value", "Median_value", "Lower_quartile", "Upper_quartile", "Rank",
)  # fmt: skip
# ODS's report has 27 columns and names none; these are what a reader takes, counted from 0.
_WIDTH = 27
_CODE, _NAME, _REGION, _BOARD, _TOWN, _POSTCODE, _OPENED, _CLOSED = 0, 1, 2, 3, 7, 9, 10, 11
_OPENED_ON = "20200401"
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


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


def write_organisation_lists(folder: Path, organisations: Sequence[Organisation]) -> tuple[Path, ...]:
    """Writes `etr.csv` and `icb_names_and_codes.csv` into the folder; returns both.

    A trust belongs to a board of its region. Its postcode is of the area ZZ, which no real place has.
    """
    boards = [each for each in organisations if each.table == "icb"]
    trusts = [each for each in organisations if each.table != "icb"]
    reports = (
        (folder / "etr.csv", _trust_lines(trusts, boards)),
        (folder / "icb_names_and_codes.csv", _board_lines(boards)),
    )
    for file, lines in reports:
        _write_csv(file, lines, encoding="utf-8")
    return tuple(file for file, _ in reports)


def _trust_lines(trusts: Sequence[Organisation], boards: Sequence[Organisation]) -> Iterable[list[str]]:
    with (DBT_PROJECT_DIR / "seeds" / "reference" / "ods_region.csv").open(encoding="utf-8") as file:
        region_codes = {row["region"]: row["region_code"] for row in csv.DictReader(file)}
    for number, trust in enumerate(trusts):
        of_region = [board.code for board in boards if board.region == trust.region]
        line = [""] * _WIDTH
        line[_CODE], line[_NAME] = trust.code, trust.name.upper().replace("(FICTIONAL)", "(fictional)")
        line[_REGION] = region_codes[trust.region]
        line[_BOARD] = of_region[number % len(of_region)]
        line[_TOWN], line[_POSTCODE] = trust.town.upper(), _postcode(number)
        line[_OPENED] = _OPENED_ON
        if trust.merges_into is not None:
            line[_CLOSED] = f"{MERGER_QUARTER.start_year}0331"
        yield line


def _board_lines(boards: Iterable[Organisation]) -> Iterable[list[str]]:
    yield ["ICB26CD", "ICB26CDH", "ICB26NM", "ObjectId"]
    for number, board in enumerate(boards, start=1):
        yield [f"E54Z{number:05}", board.code, board.name, str(number)]


def _postcode(number: int) -> str:
    """A postcode of its own for each trust, of the area ZZ: in the form of real ones and none of them."""
    district, rest = number // 200 % 99 + 1, number % 200
    return f"ZZ{district} {rest // 20}{_LETTERS[rest % 20]}{_LETTERS[number // 19800 % 20]}"


def _write_csv(path: Path, lines: Iterable[Sequence[str]], encoding: str = "utf-8-sig") -> None:
    """CRLF and UTF-8, in the framework's files with a byte order mark, as the publisher writes."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode(encoding))
