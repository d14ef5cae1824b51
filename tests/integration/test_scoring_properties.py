"""What is true of the scoring SQL whatever the figures: small tables, each scored by the compiled models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from compiled_models import CompiledModels, PublishedFigure, as_csv
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from independent_scorer import Scored, score_quarter
from small_publisher import PLAIN, RANKED, Publication, figures, publications, renamed

pytestmark = pytest.mark.xdist_group("compiled_models")

QUARTER = "2025-26-Q2"
EXACT = Fraction(1, 10**11)
RANKED_BY_TABLE = ("OF0061",)  # all others are ranked in one pool

# shrinking a failing table takes minutes: add Phase.shrink to look into one
examples = settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

more_examples = settings(examples, max_examples=40)

Scores = dict[tuple[str, str], Fraction]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    return CompiledModels(tmp_path_factory.mktemp("compiled"))


def scores_of(models: CompiledModels) -> Scores:
    rows = models.select("metric_score_exact", "organisation_code, metric_id, metric_score_exact")
    return {(code, metric): Fraction(score) for code, metric, score in rows}


def averages_of(models: CompiledModels) -> dict[str, Fraction]:
    rows = models.select("average_metric_score", "organisation_code, average_metric_score_exact")
    return {code: Fraction(average) for code, average in rows}


def places_of(models: CompiledModels) -> dict[str, tuple[int, int, int]]:
    """Unadjusted segment, adjusted segment and rank by organisation."""
    segments = models.select("final_segment", "organisation_code, unadjusted_segment, adjusted_segment")
    ranks = dict(models.select("league_rank", "organisation_code, rank"))
    return {code: (int(before), int(after), ranks[code]) for code, before, after in segments}


def values_by_pool(rows: Sequence[PublishedFigure]) -> dict[tuple[str, str, str], dict[str, Decimal]]:
    """The ranked values by metric, unit and pool, turned so that lower is better."""
    better = {metric.figure: metric.better for metric in RANKED}
    pools: dict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(dict)
    for row in rows:
        if row.figure in better:
            pool = row.table if row.figure in RANKED_BY_TABLE else ""
            value = row.value if better[row.figure] == "low" else -row.value
            pools[row.figure, row.unit, pool][row.code] = value
    return pools


@examples
@given(rows=figures())
def test_a_strictly_better_value_never_gets_a_worse_score(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    scores = scores_of(models.run(rows, QUARTER))
    for (metric, _, _), values in values_by_pool(rows).items():
        ordered = sorted(values, key=values.__getitem__)
        for better, worse in pairwise(ordered):
            assert scores[better, metric] <= scores[worse, metric]


@examples
@given(rows=figures())
def test_equal_values_get_equal_scores(models: CompiledModels, rows: list[PublishedFigure]) -> None:
    scores = scores_of(models.run(rows, QUARTER))
    for (metric, _, _), values in values_by_pool(rows).items():
        by_value = defaultdict(set)
        for code, value in values.items():
            by_value[value].add(scores[code, metric])
        assert all(len(found) == 1 for found in by_value.values())


@examples
@given(rows=figures())
def test_every_value_gets_a_score_from_1_to_4(models: CompiledModels, rows: list[PublishedFigure]) -> None:
    scores = scores_of(models.run(rows, QUARTER))
    assert {(row.code, row.figure) for row in rows if row.figure.startswith("OF0")} <= scores.keys()
    assert all(1 <= score <= 4 for score in scores.values())


@examples
@given(rows=figures(), data=st.data())
def test_the_order_of_rows_and_the_codes_of_organisations_change_nothing(
    models: CompiledModels, rows: list[PublishedFigure], data: st.DataObject
) -> None:
    models.run(rows, QUARTER)
    before = scores_of(models), averages_of(models), places_of(models)
    codes = sorted({row.code for row in rows})
    names = dict(zip(codes, data.draw(st.permutations(codes)), strict=True))
    models.run(data.draw(st.permutations(renamed(rows, names))), QUARTER)
    assert scores_of(models) == {(names[code], metric): score for (code, metric), score in before[0].items()}
    assert averages_of(models) == {names[code]: average for code, average in before[1].items()}
    assert places_of(models) == {names[code]: place for code, place in before[2].items()}


@examples
@given(
    rows=figures(),
    steps=st.lists(st.integers(1, 300), min_size=60, max_size=60),
    start=st.integers(-500, 500),
)
def test_stretching_the_values_of_a_plain_metric_in_order_changes_no_score(
    models: CompiledModels, rows: list[PublishedFigure], steps: list[int], start: int
) -> None:
    before = scores_of(models.run(rows, QUARTER))
    stretched = {}
    for metric in PLAIN:
        at = start
        values = sorted({row.value for row in rows if row.figure == metric.figure})
        for value, step in zip(values, steps, strict=False):
            at += step
            stretched[metric.figure, value] = Decimal(at) / 100
    moved = [row._replace(value=stretched.get((row.figure, row.value), row.value)) for row in rows]
    assert scores_of(models.run(moved, QUARTER)) == before


@examples
@given(rows=figures())
def test_ranks_are_competition_ranks_by_adjusted_segment_then_average(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    models.run(rows, QUARTER)
    place = places_of(models)
    printed = dict(models.select("average_metric_score", "organisation_code, average_metric_score"))
    table_of = {row.code: row.table for row in rows}
    assert place.keys() == table_of.keys()
    for code, (_, segment, rank) in place.items():
        ahead = [
            rival
            for rival, (_, other, _) in place.items()
            if table_of[rival] == table_of[code] and (other, printed[rival]) < (segment, printed[code])
        ]
        assert rank == 1 + len(ahead)


@examples
@given(rows=figures())
def test_the_override_never_helps_and_keeps_the_flagged_out_of_segments_1_and_2(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    place = places_of(models.run(rows, QUARTER))
    flag_of = {row.code: row.value == 1 for row in rows if row.figure == "OF5004"}
    in_deficit = {row.code for row in rows if row.figure in ("OF0079", "OF0081") and row.value < 0}
    for code, (unadjusted, adjusted, _) in place.items():
        assert adjusted == (max(unadjusted, 3) if flag_of.get(code, code in in_deficit) else unadjusted)


@examples
@given(rows=figures())
def test_an_average_lies_between_the_best_and_the_worst_score_that_enters(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    models.run(rows, QUARTER)
    entering = defaultdict(list)
    for code, score in models.select(
        "metric_score_exact", "organisation_code, score_entering_average", "enters_average"
    ):
        entering[code].append(Fraction(score))
    averages = averages_of(models)
    assert averages.keys() == entering.keys()
    for code, average in averages.items():
        assert min(entering[code]) - EXACT <= average <= max(entering[code]) + EXACT


@examples
@given(rows=figures())
def test_a_score_equal_to_the_average_leaves_the_average(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    without = [row for row in rows if row.figure != "OF1035"]
    before = averages_of(models.run(without, QUARTER))
    table_of = {row.code: row.table for row in rows}
    added = [
        PublishedFigure(table_of[code], code, "OF1035", Decimal(round(average * 10**6)).scaleb(-6), "score")
        for code, average in before.items()
    ]
    after = averages_of(models.run([*without, *added], QUARTER))
    assert after.keys() == before.keys()
    assert all(abs(after[code] - before[code]) <= Fraction(1, 10**6) for code in before)


@more_examples
@given(rows=figures())
def test_scores_from_values_alone_agree_with_the_independent_scorer(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    models.run(rows, QUARTER)
    assert_agrees(models, score_quarter([as_csv(rows, QUARTER)], QUARTER))


@more_examples
@given(published=publications(whole=False) | publications(whole=True))
def test_scores_from_printed_figures_agree_with_the_independent_scorer(
    models: CompiledModels, published: Publication
) -> None:
    models.run(published.printed, published.quarter)
    expected = score_quarter([as_csv(published.printed, published.quarter)], published.quarter)
    assert_agrees(models, expected)


@more_examples
@given(published=publications(whole=True))
def test_printed_figures_give_back_the_scores_of_the_hidden_values_where_pools_are_whole(
    models: CompiledModels, published: Publication
) -> None:
    assert_agrees(models.run(published.printed, published.quarter), published.truth)


def test_equal_averages_share_a_segment_even_if_their_thirds_differ_in_the_last_place(
    models: CompiledModels,
) -> None:
    # ten acute trusts, so that scores are thirds: X has 4/3, 4/3 and 7/3, Y has 5/3 three times, both 5/3
    # on average, which is the first quartile: P and two others have 1, the fourth of thirteen is X or Y
    places = {"X": (2, 2, 5), "Y": (3, 3, 3), "P": (1, 1, 1)}
    others = zip((4, 5, 6, 7, 8, 9, 10), (4, 5, 6, 7, 8, 9, 10), (2, 4, 6, 7, 8, 9, 10), strict=True)
    places |= {f"O{number}": place for number, place in enumerate(others)}
    rows = [
        PublishedFigure("acute", code, metric, Decimal(place))
        for code, three in places.items()
        for metric, place in zip(("OF0014", "OF0025", "OF0085"), (*three[:2], -three[2]), strict=True)
    ]
    for table, code, score in (("non_acute", "C0", 1), ("non_acute", "C1", 1), ("ambulance", "B0", 4)):
        rows.append(PublishedFigure(table, code, "OF1067", Decimal(score), "score"))
    averages = averages_of(models.run(rows, QUARTER))
    assert 0 < abs(averages["X"] - averages["Y"]) < EXACT
    assert places_of(models)["X"][0] == places_of(models)["Y"][0] == 1


def assert_agrees(models: CompiledModels, expected: Scored) -> None:
    """Scores, averages, segments and ranks of the SQL are those of the independent scorer."""
    scores = scores_of(models)
    assert scores.keys() == expected.scores.keys()
    for key, score in scores.items():
        assert abs(score - expected.scores[key]) <= EXACT, (key, float(score), float(expected.scores[key]))
    averages = averages_of(models)
    assert averages.keys() == expected.standings.keys()
    for code, average in averages.items():
        assert abs(average - expected.standings[code].average_exact) <= EXACT, code
    assert places_of(models) == {
        code: (standing.unadjusted_segment, standing.adjusted_segment, standing.rank)
        for code, standing in expected.standings.items()
    }
