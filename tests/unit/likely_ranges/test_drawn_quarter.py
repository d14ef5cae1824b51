"""What is drawn for a quarter: the same whatever the order and the blocks, and what must hold of every range."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.likely_ranges import outcomes
from dagster_project.likely_ranges.drawn import QuarterDrawn, drawn_quarter
from dagster_project.likely_ranges.draws import UNITS_IN_A_SCORE, Choices
from dagster_project.likely_ranges.outcomes import Percentiles, Places

FIXED, REQUARTILED = "fixed_cut_points", "requartiled"
REPLICATES = 60
KEYS = ("table_name", "organisation_code")

scores = st.lists(st.integers(100, 400), min_size=1, max_size=9)


@st.composite
def quarters(draw: st.DrawFn) -> QuarterDrawn:
    """A quarter of up to three tables with a few organisations each, in order of table and code."""
    organisations, choices = [], []
    for table in sorted(draw(st.sets(st.sampled_from(["acute", "ambulance", "icb"]), min_size=1))):
        for number in range(draw(st.integers(1, 6))):
            code = f"R{number}{draw(st.sampled_from('ABC'))}"
            drawn = np.array(draw(scores), dtype=np.int64) * (UNITS_IN_A_SCORE // 100)
            weights = np.array(
                draw(st.lists(st.sampled_from([1, 2, 3]), min_size=len(drawn), max_size=len(drawn)))
            )
            organisations.append(
                {
                    "table_name": table,
                    "organisation_code": code,
                    "rank": number + 1,
                    "best_segment": draw(st.sampled_from([1, 3])),
                }
            )
            choices.append(Choices(code, drawn * weights, weights, len(drawn)))
    basis = draw(st.sampled_from(["national_quartiles", "threshold", "published"]))
    cuts = sorted(draw(st.lists(st.integers(100, 400), min_size=3, max_size=3)))
    return QuarterDrawn(
        quarter="2025-26-Q1",
        framework="2025-26",
        organisations=organisations,
        choices=choices,
        cut_points=[cut * UNITS_IN_A_SCORE // 100 for cut in cuts],
        quantiles=[Decimal("0.25"), Decimal("0.5"), Decimal("0.75")],
        threshold_basis=basis,
        percentiles=Percentiles(REPLICATES, Decimal("0.025"), Decimal("0.975")),
        told_apart_from=Decimal("0.975"),
    )


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in table.to_pylist())


@settings(max_examples=40, deadline=None)
@given(quarters(), st.randoms(use_true_random=False))
def test_the_order_of_organisations_does_not_matter(quarter: QuarterDrawn, random: Any) -> None:
    beside = list(zip(quarter.organisations, quarter.choices, strict=True))
    random.shuffle(beside)
    # tables stay together, as the query puts them
    beside.sort(key=lambda one: str(one[0]["table_name"]))
    other = replace(
        quarter, organisations=[one for one, _ in beside], choices=[choices for _, choices in beside]
    )
    found, again = drawn_quarter(quarter), drawn_quarter(other)
    assert {name: rows(table) for name, table in found.items()} == {
        name: rows(table) for name, table in again.items()
    }


@settings(max_examples=30, deadline=None)
@given(quarters(), st.integers(1, REPLICATES + 5))
def test_the_same_bytes_at_any_size_of_block(quarter: QuarterDrawn, block: int) -> None:
    found = drawn_quarter(quarter)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outcomes, "_BLOCK", block)
        assert drawn_quarter(quarter) == found


@settings(max_examples=60, deadline=None)
@given(quarters())
def test_every_end_is_an_outcome_and_the_outcomes_are_the_replicates(quarter: QuarterDrawn) -> None:
    found = drawn_quarter(quarter)
    came_up: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in found["replicate_outcome"].to_pylist():
        came_up[*(row[key] for key in KEYS), row["variant"]].append(row)
    ends = found["likely_range_end"].to_pylist()
    variants = {FIXED, REQUARTILED} if quarter.threshold_basis == "national_quartiles" else {FIXED}
    expected = {
        (row["table_name"], row["organisation_code"], variant)
        for row in quarter.organisations
        for variant in variants
    }
    assert came_up.keys() == expected
    assert len(ends) == len(expected)
    in_table = defaultdict(int)
    for row in quarter.organisations:
        in_table[row["table_name"]] += 1
    for end in ends:
        rows_of = came_up[*(end[key] for key in KEYS), end["variant"]]
        assert sum(row["times"] for row in rows_of) == REPLICATES
        segments = [row["adjusted_segment"] for row in rows_of]
        averages = [Decimal(row["average_hundredths"]) / 100 for row in rows_of]
        assert {end["segment_low"], end["segment_high"]} <= set(segments)
        assert end["segment_low"] <= end["segment_high"]
        assert min(averages) <= end["average_low"] <= end["average_high"] <= max(averages)
        assert 1 <= end["rank_low"] <= end["rank_high"] <= in_table[end["table_name"]]


@settings(max_examples=60, deadline=None)
@given(quarters())
def test_an_override_leaves_no_outcome_better_than_its_segment(quarter: QuarterDrawn) -> None:
    best = {tuple(row[key] for key in KEYS): row["best_segment"] for row in quarter.organisations}
    for row in drawn_quarter(quarter)["replicate_outcome"].to_pylist():
        left = best[tuple(row[key] for key in KEYS)]
        assert row["adjusted_segment"] == max(left, row["unadjusted_segment"])


@settings(max_examples=60, deadline=None)
@given(quarters())
def test_an_organisation_is_among_those_it_is_not_told_apart_from(quarter: QuarterDrawn) -> None:
    rank = {tuple(row[key] for key in KEYS): row["rank"] for row in quarter.organisations}
    for row in drawn_quarter(quarter)["not_told_apart"].to_pylist():
        own = rank[tuple(row[key] for key in KEYS)]
        assert row["rank_from"] <= own <= row["rank_to"]
        assert row["organisations"] <= row["rank_to"] - row["rank_from"]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_who_is_told_apart_is_as_a_count_of_all_pairs_of_replicates_says(data: st.DataObject) -> None:
    number, replicates = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 12))

    def table(values: st.SearchStrategy[int], kind: type[np.signedinteger[Any]]) -> np.ndarray[Any, Any]:
        row = st.lists(values, min_size=replicates, max_size=replicates)
        return np.array(data.draw(st.lists(row, min_size=number, max_size=number)), dtype=kind)

    places = Places(
        segments=table(st.integers(1, 4), np.int8),
        averages=table(st.integers(195, 205), np.int16),
        best_segments=np.array(
            data.draw(st.lists(st.sampled_from([1, 3]), min_size=number, max_size=number)), dtype=np.int8
        ),
    )
    threshold = data.draw(st.sampled_from([Decimal("0.5"), Decimal("0.75"), Decimal("0.975"), Decimal(1)]))
    found = outcomes.not_told_apart(places, threshold)
    keys = [list(zip(*row, strict=True)) for row in zip(places.adjusted, places.averages, strict=True)]
    for one in range(number):
        for other in range(number):
            better, worse = (
                (Decimal(int(count)) / replicates**2).quantize(Decimal("1e-8"), ROUND_HALF_UP)
                for count in (
                    sum(a < b for a in keys[one] for b in keys[other]),
                    sum(a > b for a in keys[one] for b in keys[other]),
                )
            )
            assert found[one, other] == (better < threshold and worse < threshold)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_ranks_are_competition_ranks_by_segment_and_average(data: st.DataObject) -> None:
    number, replicates = data.draw(st.integers(1, 7)), 5
    drawn = data.draw(
        st.lists(st.tuples(st.integers(1, 4), st.integers(100, 104)), min_size=number * replicates)
    )[: number * replicates]
    segments, averages = np.array(drawn).T.reshape(2, number, replicates)
    places = Places(segments.astype(np.int8), averages.astype(np.int16), np.ones(number, dtype=np.int8))
    found = outcomes.ranks(places)
    for replicate in range(replicates):
        keys = list(zip(segments[:, replicate], averages[:, replicate], strict=True))
        assert found[:, replicate].tolist() == [1 + sum(other < key for other in keys) for key in keys]


def test_the_places_of_the_ends_are_the_nearest_and_stay_within_the_replicates() -> None:
    percentiles = Percentiles(10_000, Decimal("0.025"), Decimal("0.975"))
    assert percentiles.place(percentiles.low) == 250
    assert percentiles.place(percentiles.high) == 9749
    assert percentiles.place(percentiles.low, 1) == 250 + 16
    few = Percentiles(10, Decimal("0.025"), Decimal("0.975"))
    assert few.place(few.low, -5) == 0
    assert few.place(few.high, 5) == 9
