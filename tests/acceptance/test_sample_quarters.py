"""All six quarters of the fictional sample, with every table: each figure is the published one."""

from __future__ import annotations

import csv
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from published_state import assert_of_one_piece, links, release_ids, rows_of

from dagster_project.settings import DataFolder

FIRST_YEAR = ("2025-26-Q1", "2025-26-Q2", "2025-26-Q3", "2025-26-Q4")
SECOND_YEAR = ("2026-27-Q1", "2026-27-Q2")
TABLES = {"acute": 134, "non_acute": 61, "ambulance": 10}
TABLES_OF_SECOND_YEAR = {"acute": 134, "non_acute": 60, "ambulance": 10, "icb": 36}

each_quarter = pytest.mark.parametrize("quarter", [*FIRST_YEAR, *SECOND_YEAR])


@each_quarter
def test_every_figure_is_equal_or_an_input(six_quarters: DataFolder, quarter: str) -> None:
    found = rows_of(
        six_quarters,
        "select distinct outcome, case when figure like 'OF0%' and figure not like '%.rank' then 'value' "
        "when figure = 'OF5007' then 'flag' when figure like '%likely%' then 'likely range' else 'other' end "
        "from league.reconciliation where quarter = ?",
        quarter,
    )
    not_equal = {(outcome, kind) for outcome, kind in found if outcome != "equal" and kind != "likely range"}
    drawn = {outcome for outcome, kind in found if kind == "likely range"}
    assert drawn <= {"equal", "within_tolerance", "not_computable"}
    inputs = {("not_computable", "value")}
    if quarter in FIRST_YEAR[:2]:
        inputs |= {("not_computable", "flag")}
    assert not_equal == inputs
    assert ("equal", "other") in found


@each_quarter
def test_every_published_figure_is_reconciled(six_quarters: DataFolder, quarter: str) -> None:
    """Standing figures of every organisation and a score for every value: nothing is left out silently."""
    kinds = dict(
        rows_of(
            six_quarters,
            "select figure, count(*) from league.reconciliation where quarter = ? and outcome = 'equal' "
            "and figure in ('OF5000', 'OF5000.rank', 'OF5002', 'OF5002.rank', 'OF5003', 'OF5004', 'OF1080') "
            "group by all",
            quarter,
        )
    )
    tables = TABLES if quarter in FIRST_YEAR else TABLES_OF_SECOND_YEAR
    assert set(kinds.values()) == {sum(tables.values())}
    assert len(kinds) == 7


@each_quarter
def test_every_table_is_whole(six_quarters: DataFolder, quarter: str) -> None:
    tables = dict(
        rows_of(
            six_quarters,
            "select table_name, count(*) from league.league_table where quarter = ? group by all",
            quarter,
        )
    )
    assert tables == (TABLES if quarter in FIRST_YEAR else TABLES_OF_SECOND_YEAR)
    for table, size in tables.items():
        by_itself = rows_of(
            six_quarters, f"select count(*) from league.league_table_{table} where quarter = ?", quarter
        )
        assert by_itself == [(size,)]


@each_quarter
def test_cut_points_are_national_quartiles_in_the_first_year_and_thresholds_in_the_second(
    six_quarters: DataFolder, quarter: str
) -> None:
    basis, framework = (
        ("national_quartiles", "2025-26") if quarter in FIRST_YEAR else ("threshold", "2026-27-illustrative")
    )
    for table in ("league_table", "domain_score"):
        found = rows_of(
            six_quarters, f"select distinct threshold_basis from league.{table} where quarter = ?", quarter
        )
        assert found == [(basis,)], table
    frameworks = rows_of(
        six_quarters, "select distinct framework from league.league_table where quarter = ?", quarter
    )
    assert frameworks == [(framework,)]


@pytest.mark.parametrize("quarter", FIRST_YEAR)
def test_national_quartiles_split_all_trusts_into_quarters(six_quarters: DataFolder, quarter: str) -> None:
    sizes = rows_of(
        six_quarters,
        "select count(*) from league.league_table where quarter = ? group by unadjusted_segment "
        "order by unadjusted_segment",
        quarter,
    )
    # 205 trusts, linear percentiles: the places 51, 102 and 153 counted from 0 are the ends.
    assert sizes == [(52,), (51,), (51,), (51,)]


@pytest.mark.parametrize("quarter", SECOND_YEAR)
def test_thresholds_alone_decide_the_second_years_segments(six_quarters: DataFolder, quarter: str) -> None:
    """By threshold a segment is an interval of averages, the same in every table."""
    ends = rows_of(
        six_quarters,
        "select unadjusted_segment, min(average_metric_score_exact), max(average_metric_score_exact) "
        "from league.league_table where quarter = ? group by all order by 1",
        quarter,
    )
    assert [segment for segment, _, _ in ends] == [1, 2, 3, 4]
    for (_, _, end), (_, start, _) in pairwise(ends):
        assert end < start
    thresholds = rows_of(
        six_quarters,
        "select segment, threshold from methodology.segment_boundary where applies_to = 'average' "
        "and framework = '2026-27-illustrative' order by segment",
    )
    for (segment, threshold), (same, _, end) in zip(thresholds, ends, strict=False):
        assert segment == same
        assert end <= threshold


@pytest.mark.parametrize("quarter", SECOND_YEAR)
def test_integrated_care_boards_are_ranked_among_themselves(six_quarters: DataFolder, quarter: str) -> None:
    ranks = rows_of(
        six_quarters,
        "select rank, adjusted_segment, average_metric_score from league.league_table_icb where quarter = ? "
        "order by rank, organisation_code",
        quarter,
    )
    assert len(ranks) == 36
    standings = [(segment, average) for _, segment, average in ranks]
    assert standings == sorted(standings)
    assert [rank for rank, _, _ in ranks] == [standings.index(standing) + 1 for standing in standings]


@each_quarter
def test_no_flagged_organisation_is_better_than_segment_3(six_quarters: DataFolder, quarter: str) -> None:
    flagged = rows_of(
        six_quarters,
        "select unadjusted_segment, adjusted_segment from league.league_table where quarter = ? "
        "and financial_override",
        quarter,
    )
    assert flagged
    assert all(adjusted == max(unadjusted, 3) for unadjusted, adjusted in flagged)
    others = rows_of(
        six_quarters,
        "select count(*) from league.league_table where quarter = ? and not financial_override "
        "and adjusted_segment <> unadjusted_segment",
        quarter,
    )
    assert others == [(0,)]


def test_one_pass_releases_six_quarters_of_one_piece(six_quarters: DataFolder) -> None:
    ids = release_ids(six_quarters)
    assert tuple(ids) == (*FIRST_YEAR, *SECOND_YEAR)
    assert len(set(ids.values())) == 6
    assert_of_one_piece(six_quarters, ids)
    assert links(six_quarters) == ids


def test_everything_says_that_it_is_fictional(six_quarters: DataFolder) -> None:
    for table in ("league_table", "metric_score", "reconciliation", "extract"):
        assert rows_of(six_quarters, f"select distinct is_sample from league.{table}") == [(True,)]
    for release in six_quarters.releases.glob("*/current/release.json"):
        assert "Fictional sample data" in release.read_text("utf-8")


def test_figures_that_a_newer_file_gives_anew_are_listed_with_both_values(six_quarters: DataFolder) -> None:
    (run,) = six_quarters.runs.iterdir()
    listed = list(csv.DictReader((run / "revisions.csv").read_text("utf-8").splitlines()))
    changed = [row for row in listed if row["changed"] == "True"]
    assert {(row["quarter"], row["table_name"]) for row in changed} == {("2025-26-Q3", "acute")}
    assert all(row["old_extract_id"] != row["new_extract_id"] for row in changed)
    assert any(row["figure"].startswith("OF0") and row["old_value"] != row["new_value"] for row in changed)


@pytest.mark.parametrize("quarter", FIRST_YEAR)
def test_a_second_scorer_that_shares_no_code_gives_the_same_league_table(
    six_quarters: DataFolder, sample_extracts: Path, quarter: str
) -> None:
    scorer: Any = pytest.importorskip("independent_scorer")
    year = [
        file
        for folder in FIRST_YEAR
        for file in sorted(
            (sample_extracts / folder).glob("*-data*.csv"), key=lambda path: "-v2" in path.name
        )
    ]
    texts = [file.read_bytes().decode("utf-8") for file in year]
    scored = scorer.score_quarter(texts, quarter)
    ours = rows_of(
        six_quarters,
        "select organisation_code, table_name, average_metric_score, unadjusted_segment, adjusted_segment, rank "
        "from league.league_table where quarter = ?",
        quarter,
    )
    theirs = {
        code: (
            Decimal(standing.average.numerator) / Decimal(standing.average.denominator),
            standing.unadjusted_segment,
            standing.adjusted_segment,
            standing.rank,
        )
        for code, standing in scored.standings.items()
    }
    assert {code: (average, *rest) for code, _, average, *rest in ours} == theirs
