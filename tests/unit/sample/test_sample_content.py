"""What the sample's files say: organisations, metrics, ties, standards, overrides and segments."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from dagster_project.quarters import Quarter
from dagster_project.sample import SAMPLE_QUARTERS
from dagster_project.sample.hidden_values import cases_over_threshold
from dagster_project.sample.scored_quarter import load_framework, seed_rows
from dagster_project.settings import DBT_PROJECT_DIR

REFERENCE = DBT_PROJECT_DIR / "seeds" / "reference"
QUARTERS = [str(quarter) for quarter in SAMPLE_QUARTERS]
DATA_SUFFIXES = {
    "2025-26-Q1": "",
    "2025-26-Q2": "-q2",
    "2025-26-Q3": "-q3-25-26-v2",
    "2025-26-Q4": "",
    "2026-27-Q1": "",
    "2026-27-Q2": "-q2-26-27",
}
Rows = list[dict[str, str]]


def figures(rows: Rows, figure: str) -> dict[str, dict[str, str]]:
    return {row["Trust_code"]: row for row in rows if row["Metric_ID"] == figure}


@pytest.mark.parametrize("quarter", QUARTERS)
def test_each_table_has_as_many_organisations_as_the_framework_expects(
    quarter: str, sample_folder: Any
) -> None:
    expected = load_framework(Quarter.from_canonical(quarter)).expected_organisations
    found: Counter[str] = Counter()
    for path in sorted((sample_folder.sample.extracts / quarter).glob("*league-table*.csv")):
        table = next(
            table
            for table, part in (
                ("non_acute", "non-acute"),
                ("non_acute", "mental-health"),
                ("acute", "acute"),
                ("ambulance", "ambulance"),
                ("icb", "integrated-care-board"),
            )
            if part in path.name
        )
        found[table] = len(path.read_bytes().decode("utf-8-sig").splitlines()) - 1
    assert dict(found) == dict(expected)


def test_a_merged_trust_is_gone_from_the_second_year_and_has_a_successor_in_the_seed(
    sample_folder: Any,
) -> None:
    row = next(row for row in seed_rows(REFERENCE, "organisation_successor") if row["is_sample"] == "true")
    before = figures(sample_folder.rows("2025-26-Q4", "community-trust-data"), "OF5002")
    after = figures(sample_folder.rows("2026-27-Q1", "community-trust-data"), "OF5002")
    assert row["effective_date"] == "2026-04-01"
    assert before.keys() - after.keys() == {row["organisation_code"]}
    assert row["successor_code"] in after


def test_a_trust_changes_its_subtype_from_the_third_quarter(sample_folder: Any) -> None:
    rows = sample_folder.rows("2025-26-Q4", "acute-trust-data")
    subtypes: dict[str, set[str]] = {}
    for row in rows:
        subtypes.setdefault(row["Trust_code"], set()).add(row["Trust_subtype"])
    assert [each for each in subtypes.values() if len(each) > 1] == [{"Acute - Small", "Acute - Medium"}]


def test_recovery_figures_are_published_for_the_first_two_quarters_only(sample_folder: Any) -> None:
    rows = sample_folder.rows("2025-26-Q4", "acute-trust-data")
    recovery = [row for row in rows if row["Metric_ID"] in ("OF5005", "OF5007")]
    assert {row["Quarter"] for row in recovery} == {"Q1 2025/26", "Q2 2025/26"}
    assert {row["Reporting_date"] for row in recovery} == {""}
    assert "5.0" in {row["Value"] for row in recovery}


def test_metrics_known_only_by_score_have_no_value_row(sample_folder: Any) -> None:
    ids = {row["Metric_ID"] for row in sample_folder.rows("2025-26-Q1", "acute-trust-data")}
    for number in ("035", "046", "067", "069", "080"):
        assert f"OF0{number}" not in ids
        assert f"OF1{number}" in ids


def test_few_acute_trusts_report_what_others_do_and_small_ones_count_infections(sample_folder: Any) -> None:
    rows = sample_folder.rows("2025-26-Q1", "acute-trust-data")
    reported = Counter(row["Metric_ID"] for row in rows)
    islands = {row["Trust_code"] for row in rows if row["Metric_ID"] in ("OF0017", "OF0028")}
    assert len(islands) == reported["OF0017"] == reported["OF0028"] == 1
    assert all(1 <= reported[metric_id] <= 2 for metric_id in ("OF0016", "OF1035", "OF0063"))
    units = Counter(row["Units"] for row in rows if row["Metric_ID"] in ("OF0048", "OF0088"))
    assert units["count"] == 8
    assert reported["OF0010"] < reported["OF0003"] < reported["OF0020"] == 134


def test_values_tie_both_truly_and_only_as_printed(sample_folder: Any) -> None:
    rows = sample_folder.rows("2025-26-Q1", "acute-trust-data")
    printed: dict[tuple[str, str], set[str]] = {}
    tied: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row["Metric_ID"] in ("OF0005", "OF0061", "OF0084"):
            key = (row["Metric_ID"], row["Value"])
            tied[key] += 1
            printed.setdefault(key, set()).add(row["Rank"])
    blocks = [key for key, count in tied.items() if count > 1]
    assert any(len(printed[key]) > 1 for key in blocks)
    assert len(printed["OF0005", "0.0"]) == 1
    assert tied["OF0005", "0.0"] > 1


def test_the_override_mostly_follows_the_finance_values(sample_folder: Any) -> None:
    rows = sample_folder.rows("2025-26-Q1", "acute-trust-data")
    planned, variance = figures(rows, "OF0079"), figures(rows, "OF0081")
    agrees = Counter(
        (row["Value"] == "1.0")
        == (Decimal(planned[code]["Value"]) < 0 or Decimal(variance[code]["Value"]) < 0)
        for code, row in figures(rows, "OF5004").items()
    )
    assert agrees[True] > 110
    assert agrees[False] > 0


@pytest.mark.parametrize(("quarter", "suffix"), DATA_SUFFIXES.items())
def test_whoever_prints_as_meeting_a_standard_scores_1_and_nobody_else(
    quarter: str, suffix: str, sample_folder: Any
) -> None:
    framework = load_framework(Quarter.from_canonical(quarter))
    rows = sample_folder.rows(quarter, f"acute-trust-data{suffix}")
    label = Quarter.from_canonical(quarter).label
    values = {
        (row["Trust_code"], row["Metric_ID"]): row["Value"]
        for row in rows
        if row.get("Quarter", label) == label and row["Units"] != "count"
    }
    checked = 0
    for (metric_id, unit), rule in framework.metric_rules.items():
        standard = rule.number("standard")
        if rule["rule"] != "standard" or unit == "count" or standard is None:
            continue
        for (code, figure), value in values.items():
            if figure == metric_id:
                over = Decimal(value) - Decimal(str(float(standard)))
                meets = over <= 0 if framework.metrics[metric_id]["better"] == "low" else over >= 0
                assert (values[code, f"OF1{metric_id[3:]}"] == "1.0") == meets, (code, figure, value)
                checked += 1
    assert checked > 700


@pytest.mark.parametrize("quarter", QUARTERS)
def test_every_segment_is_populated_in_every_table_but_perhaps_the_smallest(
    quarter: str, sample_folder: Any
) -> None:
    for path in sorted((sample_folder.sample.extracts / quarter).glob("*league-table*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            segments = {row["Segment"] for row in csv.DictReader(file)}
        assert segments == {"1.0", "2.0", "3.0", "4.0"}, path.name


def test_a_league_table_repeats_the_data_files_summary_and_gives_likely_ranges_as_text(
    sample_folder: Any,
) -> None:
    data = sample_folder.rows("2025-26-Q1", "acute-trust-data")
    average, segment, flag = (figures(data, figure) for figure in ("OF5002", "OF5000", "OF5004"))
    table = sample_folder.rows("2025-26-Q1", "acute-trust-league-table")
    for row in table:
        code = row["Trust_code"]
        assert row["Average_score"] == average[code]["Value"]
        assert (row["Segment"], row["Rank"]) == (segment[code]["Value"], segment[code]["Rank"])
        assert row["Trust_in_financial_deficit"] == {"1.0": "Yes", "0.0": "No"}[flag[code]["Value"]]
        low, high = (Decimal(end) for end in row["Likely_range_of_average_score"].split(" to "))
        assert low <= Decimal(row["Average_score"]) <= high
        best, worst = (int(end) for end in row["Likely_range_of_rank"].split(" to "))
        assert 1 <= best <= worst <= len(table)


def test_a_rate_that_would_print_as_the_standard_is_the_standard() -> None:
    framework = load_framework(Quarter(2025, 1))
    # 241 cases over a threshold of 240 would print as 1.00 without meeting it; 42 over 40 prints as 1.05
    assert cases_over_threshold(241 / 240, 240, framework, "OF0048") == 1
    assert cases_over_threshold(1.05, 40, framework, "OF0048") == Fraction(42, 40)
