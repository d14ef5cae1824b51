"""Writes the bundled sample: fictional organisations, scored and published in the official layouts."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.errors import WrongUsage
from dagster_project.explanation.recomputation.rules import FrameworkRules
from dagster_project.quarters import Quarter
from dagster_project.sample.hidden_values import FIRST_QUARTER, HiddenWorld
from dagster_project.sample.likely_ranges import LikelyRange, ScoresOfOne, likely_ranges
from dagster_project.sample.organisations import Organisation, sample_organisations
from dagster_project.sample.published_files import (
    FileStyle,
    write_data_file,
    write_league_table_file,
    write_organisation_lists,
)
from dagster_project.sample.published_rows import DataRow, data_rows
from dagster_project.sample.revision import (
    RE_ISSUE,
    REVISED_QUARTER,
    REVISED_TABLE,
    before_revision,
    score_truth,
)
from dagster_project.sample.scored_quarter import ScoredQuarter, load_framework, seed_rows
from dagster_project.settings import METHODOLOGY_DIR

SAMPLE_QUARTERS = tuple(FIRST_QUARTER.shifted(number) for number in range(6))
LAST_QUARTER = Quarter(2026, 4)


@dataclass(frozen=True)
class SampleFiles:
    """What was written: the folder of extracts, the folder of rules that differ (or None), every file."""

    extracts: Path
    rules: Path | None
    files: tuple[Path, ...]


def generate_sample(
    folder: Path, *, seed: int = 2025, scale: int = 1, quarters: Sequence[Quarter] | None = None
) -> SampleFiles:
    """Writes `folder`/extracts/<quarter>/*.csv, lists of the organisations in `folder`/extracts/organisations and,
    where `scale` isn't 1, `folder`/rules.

    The same arguments give the same bytes on every machine. `quarters` (by default SAMPLE_QUARTERS) chooses
    which quarters' files are written, not what is in them: a cumulative file holds its year so far. Raises
    WrongUsage for a quarter outside the sample's two years or a scale below 1.
    """
    wanted = set(SAMPLE_QUARTERS if quarters is None else quarters)
    _check(wanted, scale)
    organisations = sample_organisations(scale)
    world = HiddenWorld(organisations, seed)
    lists = write_organisation_lists(folder / "extracts" / "organisations", organisations) if wanted else ()
    writer = _Writer(folder / "extracts", {each.code: each for each in organisations}, seed)
    quarter = FIRST_QUARTER
    while wanted and quarter <= max(wanted):
        framework = load_framework(quarter)
        truth = world.quarter(framework, quarter)
        scored = score_truth(framework, truth)
        revised = quarter == REVISED_QUARTER and quarter in wanted
        if revised:
            before = before_revision(framework, quarter, truth, scored, seed)
            writer.publish(framework, quarter, before, [REVISED_TABLE])
            writer.write(framework, quarter, REVISED_TABLE)
        tables = list(framework.expected_organisations)
        writer.publish(framework, quarter, scored, tables)
        if quarter in wanted:
            for table in tables:
                issue = RE_ISSUE if revised and table == REVISED_TABLE else ""
                writer.write(framework, quarter, table, issue)
        quarter = quarter.shifted(1)
    rules = None if scale == 1 else _write_rules(folder / "rules", scale)
    return SampleFiles(writer.extracts, rules, tuple(sorted([*writer.files, *lists, *_files_in(rules)])))


class _Writer:
    """Keeps what was published so far, since files are cumulative within a year, and writes files."""

    def __init__(self, extracts: Path, organisations: Mapping[str, Organisation], seed: int) -> None:
        self.extracts = extracts
        self.files: list[Path] = []
        self._organisations = organisations
        self._seed = seed
        self._scored: dict[Quarter, ScoredQuarter] = {}
        self._rows: dict[tuple[Quarter, str], list[DataRow]] = {}

    def publish(
        self, framework: FrameworkRules, quarter: Quarter, scored: ScoredQuarter, tables: Sequence[str]
    ) -> None:
        """Takes a quarter's scores as the current ones of `tables`."""
        self._scored[quarter] = scored
        for table in tables:
            rows = data_rows(framework, quarter, table, scored, self._organisations)
            self._rows[quarter, table] = rows

    def write(self, framework: FrameworkRules, quarter: Quarter, table: str, issue: str = "") -> None:
        """Writes the data file and the league table of one table."""
        style = FileStyle(quarter, table)
        folder = self.extracts / str(quarter)
        year = [each for each in self._scored if each.start_year == quarter.start_year and each <= quarter]
        data = folder / style.file_name("data", issue=issue)
        write_data_file(data, style, [(each, self._rows[each, table]) for each in year])
        league = folder / style.file_name("league-table", issue=issue)
        scored = self._scored[quarter]
        in_table = [each for each in scored.organisations.values() if each.table == table]
        ranges = self._likely_ranges(framework, quarter, table)
        write_league_table_file(league, style, self._organisations, in_table, ranges)
        self.files += [data, league]

    def _likely_ranges(
        self, framework: FrameworkRules, quarter: Quarter, table: str
    ) -> dict[str, LikelyRange]:
        scored = self._scored[quarter]
        scores: dict[str, ScoresOfOne] = {
            code: ScoresOfOne(code, [], each.override)
            for code, each in scored.organisations.items()
            if each.table == table
        }
        for each in scored.metric_scores:
            metric, (_, code) = each.measured.metric, each.measured.organisation
            if metric.is_true("enters_average") and code in scores:
                weight = framework.weight(metric["metric_id"])
                scores[code].scores.append((each.exact, weight))
        return likely_ranges(
            list(scores.values()),
            scored.average_cut_points,
            no_better_than=int(framework.parameters["override_no_better_than_segment"]),
            seed=f"{self._seed}/likely ranges/{quarter}",
        )


def _check(quarters: set[Quarter], scale: int) -> None:
    if scale < 1:
        raise WrongUsage(f"A sample of {scale} times the organisations makes no sense: use 1 or more")
    outside = sorted(each for each in quarters if not FIRST_QUARTER <= each <= LAST_QUARTER)
    if outside:
        raise WrongUsage(f"The sample covers {FIRST_QUARTER} to {LAST_QUARTER}, not {outside[0]}")


def _write_rules(folder: Path, scale: int) -> Path:
    """The one rule that depends on the size of the sample: how many organisations a table must have."""
    text = io.StringIO(newline="")
    rows = list(seed_rows(METHODOLOGY_DIR, "expected_organisations"))
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        expected = row["organisations"]
        writer.writerow({**row, "organisations": int(expected) * scale if expected else ""})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "expected_organisations.csv").write_bytes(text.getvalue().encode())
    return folder


def _files_in(folder: Path | None) -> list[Path]:
    return [] if folder is None else sorted(folder.glob("*.csv"))
