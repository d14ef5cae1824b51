"""Likely ranges from draws: the same everywhere, the same as in numpy, and what must hold of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from league_command import league
from likely_ranges_compared import DrawnAlone, alike_independently, independently
from published_state import rows_of

from dagster_project.settings import DataFolder

QUARTER = "2026-27-Q2"
NATIONAL_QUARTER = "2025-26-Q1"
ENDS = (
    "select organisation_code, average_low, average_high, average_mc_error from likely_ranges.likely_range_end "
    "where variant = 'fixed_cut_points' order by all"
)
Drawn = Callable[..., DrawnAlone]


@pytest.fixture
def drawing(six_quarters: DataFolder) -> Drawn:
    """The drawing of one quarter of the sample, with fewer replicates: `drawing(quarter)`."""

    def on(quarter: str = NATIONAL_QUARTER, *, replicates: int = 300) -> DrawnAlone:
        made = DrawnAlone(six_quarters, quarter)
        made.use(replicates=replicates)
        return made

    return on


def test_one_and_four_threads_give_the_same(drawing: Drawn) -> None:
    drawn = drawing(replicates=2000)
    drawn.use(threads=1)
    alone = drawn.run()
    drawn.use(threads=4)
    assert drawn.run() == alone
    assert alone[0] == 410, "two variants of 205 organisations"


def test_the_order_of_organisations_does_not_matter(drawing: Drawn) -> None:
    drawn = drawing()
    first = drawn.run()
    for table in ("resampled_organisation", "resampled_score", "replicate_cut_point"):
        drawn.execute(
            f"create or replace table likely_ranges.{table} as from likely_ranges.{table} as one "
            "order by md5(one::varchar)"
        )
    assert drawn.run() == first


@pytest.mark.parametrize("quarter", [NATIONAL_QUARTER, QUARTER])
def test_an_independent_drawing_gives_the_released_ranges_to_the_last_digit(
    six_quarters: DataFolder, quarter: str
) -> None:
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
    found = independently(six_quarters.warehouse, quarter, replicates=10_000)
    assert len(found) == len(released)
    for code, likely in found.items():
        assert (likely.printed_average(), likely.segment, likely.rank) == released[code], code


def test_another_organisation_leaves_an_average_as_it_was(drawing: Drawn) -> None:
    drawn = drawing()
    drawn.run()
    everybody = {code: ends for code, *ends in drawn.select(ENDS)}
    drawn.execute("delete from likely_ranges.resampled_organisation where hash(organisation_code) % 3 = 0")
    drawn.run()
    some = {code: ends for code, *ends in drawn.select(ENDS)}
    assert 0 < len(some) < len(everybody)
    assert some == {code: everybody[code] for code in some}


def test_one_metric_alone_has_no_range(drawing: Drawn) -> None:
    drawn = drawing()
    drawn.execute(
        "delete from likely_ranges.resampled_score as score where choice > (select min(choice) from "
        "likely_ranges.resampled_score as other where other.organisation_code = score.organisation_code)"
    )
    drawn.run()
    assert len(drawn.select(ENDS)) == 205
    assert all(low == high for _, low, high, _ in drawn.select(ENDS))


def test_a_quarter_without_averages_gives_no_rows(drawing: Drawn) -> None:
    drawn = drawing()
    drawn.execute("delete from likely_ranges.resampled_organisation")
    assert drawn.run()[0] == 0


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


@pytest.mark.parametrize("table", ["acute", "non_acute", "ambulance"])
def test_two_are_told_apart_exactly_where_one_is_better_in_975_of_1000(
    six_quarters: DataFolder, table: str
) -> None:
    alike = alike_independently(six_quarters.warehouse, NATIONAL_QUARTER, table, replicates=10_000)
    released = rows_of(
        six_quarters,
        "select organisation_code, rank, rank_from, rank_to, organisations from league.not_told_apart "
        "where quarter = ? and table_name = ?",
        NATIONAL_QUARTER,
        table,
    )
    rank = {code: own for code, own, *_ in released}
    assert rank.keys() == alike.keys()
    assert any(others for others in alike.values())
    for code, own, best, worst, organisations in released:
        among = [own, *(rank[other] for other in alike[code])]
        assert (best, worst, organisations) == (min(among), max(among), len(alike[code])), code


def pair_of(data: DataFolder, *, same_table: bool) -> tuple[str, str]:
    """Two organisations of a quarter, far from each other in one table or of two tables."""
    condition = "one.table_name = other.table_name" if same_table else "one.table_name < other.table_name"
    [(one, other)] = rows_of(
        data,
        "select one.organisation_code, other.organisation_code from league.league_table as one "
        f"inner join league.league_table as other on one.quarter = other.quarter and {condition} "
        "and one.rank < other.rank where one.quarter = ? "
        "order by other.rank - one.rank desc, one.organisation_code, other.organisation_code limit 1",
        NATIONAL_QUARTER,
    )
    return one, other


def test_two_organisations_are_compared_by_drawing_both_anew(six_quarters: DataFolder) -> None:
    one, other = pair_of(six_quarters, same_table=True)
    ended = league("compare", one, other, NATIONAL_QUARTER, "--json", data=six_quarters)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["told_apart"] is True
    assert Decimal(found["by_rank"]["first"]) > Decimal("0.975")
    for shares in (found["by_rank"], found["by_average"]):
        assert sum(map(Decimal, shares.values())) == pytest.approx(Decimal(1), abs=Decimal("3e-8"))
    turned = json.loads(league("compare", other, one, NATIONAL_QUARTER, "--json", data=six_quarters).out)
    assert turned["by_average"]["second"] == found["by_average"]["first"]


def test_a_comparison_fits_the_terminal_and_says_that_it_is_fictional(six_quarters: DataFolder) -> None:
    pair = pair_of(six_quarters, same_table=True)
    shown = league("compare", *pair, data=six_quarters).out
    assert "they can" in shown
    assert "Fictional sample data: every organisation is invented." in shown
    # A name is as long as it is.
    assert max(len(line) for line in shown.splitlines() if not line.startswith(tuple(pair))) <= 80


def test_organisations_that_are_not_in_one_table_are_not_compared(six_quarters: DataFolder) -> None:
    one, other = pair_of(six_quarters, same_table=False)
    apart = league("compare", one, other, NATIONAL_QUARTER, data=six_quarters)
    assert apart.code == 2
    assert f"stand in different league tables of {NATIONAL_QUARTER}" in " ".join(apart.err.split())
    twice = league("compare", one, one, data=six_quarters)
    assert (twice.code, "is named twice" in " ".join(twice.err.split())) == (2, True)
    nobody = league("compare", one, "Nobody at all", data=six_quarters)
    assert nobody.code != 0
    assert "'Nobody at all' isn't an organisation of" in " ".join(nobody.err.split())
