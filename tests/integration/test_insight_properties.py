"""What is true of sensitivity, steps, exemplars and caveats whatever the figures: small tables, compiled models."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from compiled_models import RESULTS, CompiledModels, PublishedFigure
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from small_publisher import figures

pytestmark = pytest.mark.xdist_group("compiled_insight")

QUARTER = "2025-26-Q2"
EXACT = Decimal("0.00000000001")
MARTS = ("sensitivity", "metric_influence", "segment_distance", "metric_step", "exemplar", "caveat")

examples = settings(
    max_examples=8,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    return CompiledModels(tmp_path_factory.mktemp("compiled"), (*RESULTS, *MARTS))


def metrics_of(models: CompiledModels) -> dict[str, dict[str, Decimal]]:
    """The scores that enter averages, by organisation and metric."""
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for code, metric, score in models.select(
        "metric_score_exact", "organisation_code, metric_id, metric_score_exact", "enters_average"
    ):
        found[code][metric] = score
    return found


@examples
@given(rows=figures())
def test_leaving_nothing_out_gives_the_official_place(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    models.run(rows, QUARTER)
    averages = dict(models.select("average_metric_score", "organisation_code, average_metric_score_exact"))
    segments = dict(models.select("final_segment", "organisation_code, adjusted_segment"))
    ranks = dict(models.select("league_rank", "organisation_code, rank"))
    official = models.select(
        "league.sensitivity",
        "organisation_code, average_metric_score_exact, adjusted_segment, rank",
        "choice = 'official'",
    )
    assert {(code, averages[code], segments[code], ranks[code]) for code in averages} == set(official)
    assert len(official) == len(averages)


@examples
@given(rows=figures())
def test_leaving_out_a_metric_that_a_trust_does_not_have_leaves_its_average(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    models.run(rows, QUARTER)
    has = metrics_of(models)
    left_out = models.select(
        "league.sensitivity", "organisation_code, subject, average_change", "choice = 'without_metric'"
    )
    for code, metric, change in left_out:
        assert metric in has[code] or change == 0, (code, metric)
    # whoever has no other metric has no average without it
    metrics = {metric for mine in has.values() for metric in mine}
    assert len(left_out) == sum(mine.keys() != {metric} for mine in has.values() for metric in metrics)


@examples
@given(rows=figures(), data=st.data())
def test_the_value_that_a_step_needs_brings_the_average_to_the_limit_or_past_it(
    models: CompiledModels, rows: list[PublishedFigure], data: st.DataObject
) -> None:
    models.run(rows, QUARTER)
    steps = models.select(
        "league.metric_step",
        "organisation_code, metric_id, value_needed, score_reached",
        "reach = 'reachable' order by organisation_code, metric_id",
    )
    needed = dict(models.select("league.segment_distance", "organisation_code, average_needed"))
    for code, metric, value, score in data.draw(st.permutations(steps))[:2]:
        changed = [
            row._replace(value=value) if (row.code, row.figure) == (code, metric) else row for row in rows
        ]
        models.run(changed, QUARTER)
        own = f"organisation_code = '{code}'"
        ((average,),) = models.select("average_metric_score", "average_metric_score_exact", own)
        ((reached,),) = models.select(
            "metric_score_exact", "metric_score_exact", f"{own} and metric_id = '{metric}'"
        )
        assert average <= needed[code] + EXACT, (code, metric)
        assert reached == score, (code, metric)


@examples
@given(rows=figures())
def test_the_limits_of_the_next_segments_lie_on_either_side_of_the_average(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    models.run(rows, QUARTER)
    for segment, improvement, margin in models.select(
        "league.segment_distance", "unadjusted_segment, improvement_needed, margin_to_worse"
    ):
        assert improvement is None if segment == 1 else improvement > 0
        assert margin is None if segment == 4 else margin >= -EXACT


@examples
@given(rows=figures())
def test_an_exemplar_is_another_of_the_table_and_never_worse_at_the_metric(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    models.run(rows, QUARTER)
    scores = metrics_of(models)
    table_of = {row.code: row.table for row in rows}
    for code, metric, exemplar in models.select(
        "league.exemplar", "organisation_code, metric_id, exemplar_code"
    ):
        assert table_of[exemplar] == table_of[code]
        assert scores[exemplar][metric] < scores[code][metric]


@examples
@given(rows=figures())
def test_a_caveat_is_about_a_score_or_an_average_that_exists(
    models: CompiledModels, rows: list[PublishedFigure]
) -> None:
    models.run(rows, QUARTER)
    scores = set(models.select("metric_score_exact", "organisation_code, metric_id"))
    averages = {(code, None) for (code,) in models.select("average_metric_score", "organisation_code")}
    caveats = models.select("league.caveat", "organisation_code, metric_id")
    assert caveats
    assert set(caveats) <= scores | averages
