"""Likely ranges from draws: the same everywhere, the same as in numpy, and what must hold of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from likely_ranges_compared import LikelyRangeModels, in_numpy
from published_state import rows_of

from dagster_project.errors import LeagueError
from dagster_project.settings import DBT_PROJECT_DIR, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject

QUARTER = "2026-27-Q2"
NATIONAL_QUARTER = "2025-26-Q1"
ENDS = "select organisation_code, average_low_units, average_high_units from insight.replicate_summary order by all"
Models = Callable[..., LikelyRangeModels]


@pytest.fixture
def models(six_quarters: DataFolder) -> Models:
    """The models on one quarter of the sample, with fewer replicates: `models(quarter)`."""

    def on(quarter: str = NATIONAL_QUARTER, *, threads: int = 1, replicates: int = 300) -> LikelyRangeModels:
        made = LikelyRangeModels(six_quarters, quarter, threads=threads)
        made.use(replicates=replicates)
        return made

    return on


def test_one_and_four_threads_give_the_same(models: Models) -> None:
    drawn = models(replicates=2000)
    alone = drawn.run()
    drawn.use(threads=4)
    assert drawn.run() == alone
    assert alone[0] == 410, "two variants of 205 organisations"


def test_the_order_of_organisations_does_not_matter(models: Models) -> None:
    drawn = models()
    first = drawn.run()
    drawn.execute(
        "create or replace table insight.resampled_organisation as "
        "from insight.resampled_organisation order by md5(organisation_code)"
    )
    assert drawn.run() == first


@pytest.mark.parametrize("quarter", [NATIONAL_QUARTER, QUARTER])
def test_numpy_gives_the_released_ranges_to_the_last_digit(six_quarters: DataFolder, quarter: str) -> None:
    """A second implementation, of the generator too: quartiles of all tables, and fixed thresholds."""
    released = {
        code: ((low, high), segments, ranks)
        for code, low, high, *rest in rows_of(
            six_quarters,
            "select organisation_code, average_low, average_high, segment_low, segment_high, rank_low, rank_high "
            "from league.likely_range where quarter = ? and variant = 'fixed_cut_points'",
            quarter,
        )
        for segments, ranks in [(tuple(rest[:2]), tuple(rest[2:]))]
    }
    found = in_numpy(six_quarters.warehouse, quarter, replicates=10_000)
    assert len(found) == len(released)
    for code, likely in found.items():
        assert (likely.printed_average(), likely.segment, likely.rank) == released[code], code


def test_another_organisation_leaves_an_average_as_it_was(models: Models) -> None:
    drawn = models()
    drawn.run()
    everybody = {code: ends for code, *ends in drawn.select(ENDS)}
    drawn.execute("delete from insight.resampled_organisation where organisation_number % 3 = 0")
    drawn.run()
    some = {code: ends for code, *ends in drawn.select(ENDS)}
    assert 0 < len(some) < len(everybody)
    assert some == {code: everybody[code] for code in some}


def test_one_metric_alone_has_no_range(models: Models) -> None:
    drawn = models()
    drawn.execute(
        "update insight.resampled_organisation set draws = 1, choice_count = 1, choices = choices[1:1]"
    )
    drawn.run()
    assert all(low == high for _, low, high in drawn.select(ENDS))


def test_more_scores_are_drawn_than_one_block_of_random_words_holds(models: Models) -> None:
    """A score of 1 and one of 4, drawn n times: the average varies by 1.5 / sqrt(n), as it must, up to 32 draws."""
    drawn = models(replicates=4000)
    for draws in (7, 8, 9, 16, 17, 24, 25, 32):
        drawn.execute(
            f"update insight.resampled_organisation set draws = {draws}, choice_count = 2, "
            "choices = [3 * 1000000000000 * 1024 + 3, 12 * 1000000000000 * 1024 + 3]"
        )
        [(mean, spread)] = drawn.select(
            "select avg(average_units) / 1e12, stddev_pop(average_units) / 1e12 from insight.replicate_average"
        )
        assert mean == pytest.approx(2.5, abs=0.01)
        assert spread == pytest.approx(1.5 / draws**0.5, rel=0.01), draws


def test_more_scores_than_can_be_drawn_are_an_error_not_a_smaller_sample(
    six_quarters: DataFolder, tmp_path: Path
) -> None:
    warehouse = tmp_path / six_quarters.warehouse.name
    shutil.copyfile(six_quarters.warehouse, warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "insert into scoring.metric_score_exact select scores.* replace (metric_id || 'x' as metric_id) "
            "from scoring.metric_score_exact as scores where table_name = 'acute'"
        )
    project = DbtProject(DBT_PROJECT_DIR, six_quarters.root / "dbt")
    with pytest.raises(LeagueError, match="more than 32 scores"):
        project.build("run", ["resampled_organisation"], warehouse, threads=1)


def test_every_league_table_row_carries_its_likely_ranges(six_quarters: DataFolder) -> None:
    for table in ("league_table", "league_table_acute", "league_table_icb"):
        [(rows, complete)] = rows_of(
            six_quarters,
            "select count(*), count(*) filter (average_likely_low <= average_metric_score "
            "and average_metric_score <= average_likely_high and segment_likely_low <= segment_likely_high "
            f"and rank_likely_low <= rank_likely_high) from league.{table}",
        )
        assert rows == complete > 0, table


def test_a_flagged_trust_has_no_chance_of_a_better_segment_than_three(six_quarters: DataFolder) -> None:
    [(flagged, chance, before)] = rows_of(
        six_quarters,
        "select count(*), sum(probability), sum(probability_before_override) from league.segment_probability "
        "inner join league.league_table using (quarter, organisation_code) "
        "where financial_override and segment < 3 and variant = 'fixed_cut_points'",
    )
    assert flagged > 0
    assert chance == 0
    assert before > 0


def test_national_quartiles_made_anew_are_a_variant_only_where_there_are_such(
    six_quarters: DataFolder,
) -> None:
    variants = rows_of(
        six_quarters, "select distinct quarter[:7], variant from league.likely_range order by all"
    )
    assert variants == [
        ("2025-26", "fixed_cut_points"),
        ("2025-26", "requartiled"),
        ("2026-27", "fixed_cut_points"),
    ]


def test_a_pair_is_told_apart_exactly_where_one_is_better_in_975_of_1000(six_quarters: DataFolder) -> None:
    [(pairs, apart, wrong)] = rows_of(
        six_quarters,
        "select count(*), count(*) filter (told_apart_by_rank), count(*) filter (told_apart_by_rank <> "
        "(probability_ranks_better >= 0.975 or probability_ranks_worse >= 0.975)) from league.pair_comparison "
        "where quarter = '2025-26-Q1'",
    )
    assert pairs == 134 * 133 // 2 + 61 * 60 // 2 + 10 * 9 // 2
    assert 0 < apart < pairs
    assert wrong == 0
