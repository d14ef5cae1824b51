"""All that the SQL of metrics and scoring gives, with pandas: the baseline of `scaled_scoring.py`.

Written as an analyst would, in merges, group-bys and whole columns: the values in one form with the rows they come
from, pools, scores with the interval of each printed value, basis and reason, averages, domain scores, segments,
overrides and ranks. Left out is only what its input never holds: statistics, and published scores of ranked metrics,
from which the SQL also looks for the size of a pool.
"""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.settings import METHODOLOGY_DIR

FRAMEWORK = "2025-26"
KEYS = ["table_name", "organisation_code"]
ID = [*KEYS, "metric_id"]
POOL = ["metric_id", "unit", "pool"]
_SOURCE = ["extract_id", "sheet", "source_row"]
_WHO = ["organisation_name", "organisation_subtype", "region", "reporting_date"]


def rules_of(name: str) -> list[dict[str, str]]:
    """The rows of a methodology seed that hold for the framework."""
    with (METHODOLOGY_DIR / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["framework"] == FRAMEWORK]


def score(figures: Any, quarter: str) -> dict[str, Any]:
    """Data frames by name, from landed figures as an Arrow table: metric_score, league_table and what leads to them."""
    landed = figures.to_pandas()
    landed["value"] = landed["value"].astype(float)
    values = _metric_values(landed)
    banded = _banded(values)
    every = [_ranked(values), banded, _combined_finance(values, banded), _published(values)]
    scores = _with_weights(pd.concat(every, ignore_index=True), quarter)
    averages, domains = _averages(scores, KEYS), _averages(scores, [*KEYS, "domain"])
    averages, cut_point = _segmented(averages.assign(domain="average"))
    domains, domain_cut_point = _segmented(domains)
    return {
        "metric_value": values,
        "metric_score": scores,
        "domain_score": domains,
        "cut_point": pd.concat([cut_point, domain_cut_point]),
        "league_table": _league_table(averages, landed, values),
    }


def _rules(name: str, *numbers: str) -> Any:
    frame = pd.DataFrame(rules_of(name)).drop(columns=["framework", "source"], errors="ignore")
    return frame.assign(**{column: pd.to_numeric(frame[column]) for column in numbers})


def _half_up(score: Any, places: Any) -> Any:
    power = 10.0**places
    return np.floor(score * power + 0.5 + 1e-9) / power


def _metric_values(landed: Any) -> Any:
    """One row per organisation and metric: the value, its published score, direction, precision, both source rows."""
    is_value, is_score = landed.figure.str.startswith("OF0"), landed.figure.str.startswith("OF1")
    value = landed[is_value].rename(columns={"figure": "metric_id"})
    quartiles = ["median_value", "lower_quartile", "upper_quartile"]
    value = value[[*ID, "unit", "value", "published_rank", *quartiles, *_WHO, *_SOURCE]]
    score = landed[is_score].assign(metric_id="OF0" + landed.figure[is_score].str[3:])
    score = score.rename(columns={"value": "published_score", "published_rank": "score_published_rank"})
    score = score[[*ID, "published_score", "score_published_rank", *_WHO, *_SOURCE]]
    both = value.merge(score, on=ID, how="outer", suffixes=("", "_of_score"))
    for column in _WHO:
        both[column] = both[column].fillna(both.pop(f"{column}_of_score"))
    metric = _rules("metric", "value_dp")[
        ["metric_id", "metric_name", "domain", "better", "value_dp", "unit", "score_only"]
    ]
    both = both.merge(metric, on="metric_id", suffixes=("", "_of_metric"))
    both["value_dp"] = both.value_dp.where(both.unit != "count")
    both["unit"] = both.unit.fillna(both.pop("unit_of_metric"))
    return both.assign(value_source="nof_data")


def _ranked(values: Any) -> Any:
    """The metrics ranked within pools: who meets a standard or fails a floor stands outside."""
    rules = _rules("metric_rule", "standard", "score_best", "score_worst", "score_if_met", "score_if_failed")
    rules = rules[rules.rule.isin(["plain", "standard", "floor"])].rename(columns={"state": "rule_state"})
    each = values[values.value.notna()].merge(rules, on=["metric_id", "unit"])
    each = each.merge(
        _rules("metric_pool").rename(columns={"state": "pool_state"}), on=["metric_id", "table_name"]
    )
    sign = np.where(each.better == "high", -1.0, 1.0)
    each["key"], limit = each.value * sign, each.standard * sign
    at_limit, printed = each.key == limit, each.value_dp.notna()
    known = each.published_score.notna()
    each["met"] = (each.rule == "standard") & (
        (each.key < limit) | (at_limit & (~printed | ~known | (each.published_score == each.score_if_met)))
    )
    each["failed"] = (each.rule == "floor") & (
        (each.key > limit) | (at_limit & printed & (each.published_score == each.score_if_failed))
    )
    each["on_standard"] = printed & (each.value == each.standard) & ~known
    each["firm"] = each.rule_state.isin(["stated", "verified"]) & each.pool_state.isin(["stated", "verified"])
    each = each.merge(_pools(each), on=POOL)
    outside = each.met | each.failed
    return pd.concat([_outside(each[outside].copy()), _inside(each[~outside].copy(), each)])


def _pools(each: Any) -> Any:
    """Size of each pool, who stands on its limit, and whether every table that it draws on is loaded."""
    counted = each.assign(
        inside=~(each.met | each.failed),
        standards=each.on_standard & (each.rule == "standard"),
        floors=each.on_standard & (each.rule == "floor"),
    )
    pools = counted.groupby(POOL, sort=False).agg(
        ranked_in_pool=("inside", "sum"),
        standards=("standards", "sum"),
        floors=("floors", "sum"),
        tables=("table_name", "nunique"),
    )
    drawn_on = _rules("metric_pool")
    loaded = drawn_on.table_name.isin(each.table_name.unique())
    whole = loaded.groupby([drawn_on.metric_id, drawn_on.pool]).all().rename("is_complete")
    of_value = _rules("metric").set_index("metric_id").published_rank_of == "value"
    tables = drawn_on.groupby(["metric_id", "pool"]).table_name.nunique().rename("tables_in_pool")
    pools = pools.reset_index().join(whole, on=["metric_id", "pool"]).join(tables, on=["metric_id", "pool"])
    pools["by_publisher"] = (pools.tables_in_pool == 1) & pools.metric_id.map(of_value)
    return pools.drop(columns="tables")


def _outside(each: Any) -> Any:
    rule = each.score_if_met.where(each.met, each.score_if_failed)
    follows = each.published_score.isna() | (each.published_score == rule)
    each["score"] = rule.where(follows | each.firm, each.published_score)
    each["admissible_low"] = rule.where(~each.on_standard | each.met, each.score_best)
    each["admissible_high"] = rule.where(~each.on_standard, each.score_worst)
    each["possible_low"] = each["possible_high"] = each.score
    each["basis"] = np.where(follows | each.firm, "computed", "published")
    each["reason"] = np.select(
        [follows & each.met, follows, ~each.firm],
        [
            "meets the standard",
            "fails the floor",
            "the rule is an assumption that the published score does not follow",
        ],
        "the published score does not follow from the value",
    )
    each["is_exact"] = follows | each.firm
    each["is_contradicted"] = each.firm & ~follows
    each["standard_met"] = each.met
    each["pool_size"] = each["rank_in_pool"] = np.nan
    return each[_COLUMNS]


def _inside(each: Any, everyone: Any) -> Any:
    def grid(rank: Any, size: Any) -> Any:
        share = (rank - 1) / (size - 1).clip(lower=1)
        return (each.score_best + (each.score_worst - each.score_best) * share).round(12)

    pool = each.groupby(POOL, sort=False).key
    best, worst = pool.rank(method="min"), pool.rank(method="max")
    worst = worst.where(each.value_dp.notna(), best)
    met_in_table = everyone.groupby(["table_name", "metric_id", "unit"]).met.sum().rename("met_in_table")
    each = each.join(met_in_table, on=["table_name", "metric_id", "unit"])
    from_publisher = (each.published_rank - each.met_in_table).where(each.by_publisher)
    from_publisher = from_publisher.where((from_publisher >= best) & (from_publisher <= worst))
    size, whole = each.ranked_in_pool, each.is_complete
    by_rank, by_value = grid(from_publisher, size), grid(best, size)
    each["admissible_low"] = by_value.where(whole, each.score_best)
    top = grid(worst + each.standards, size + each.standards - each.floors)
    each["admissible_high"] = np.minimum(top, each.score_worst).where(whole, each.score_worst)
    published = each.published_score
    admits = published.isna() | (
        (published >= _half_up(each.admissible_low, 2)) & (published <= _half_up(each.admissible_high, 2))
    )
    agrees = [whole & (published.isna() | (_half_up(way, 2) == published)) for way in (by_rank, by_value)]
    way = np.select(
        [agrees[0] & by_rank.notna(), agrees[1], whole & each.firm & ~admits],
        ["publisher_rank", "values", "contradicted"],
        "published",
    )
    ranked = way != "published"
    each["score"] = np.select([way == "publisher_rank", ranked], [by_rank, by_value], published)
    each["rank_in_pool"] = np.select([way == "publisher_rank", ranked], [from_publisher, best], np.nan)
    each["pool_size"] = size.where(ranked)
    each["possible_low"] = each.score
    each["possible_high"] = each.score.where(way != "values", grid(worst, size))
    each["basis"] = np.where(ranked, "computed", "published")
    reasons = {
        "publisher_rank": "rank in the pool from the published rank of the unrounded value",
        "values": "rank in the pool from the published values",
        "contradicted": "the published score is not one that the values admit",
        "published": "the pool is not wholly loaded and no size of it fits every published score",
    }
    each["reason"] = pd.Series(way, each.index).map(reasons)
    each["is_exact"] = (way == "publisher_rank") | (way == "contradicted")
    each["is_exact"] |= (way == "values") & (best == worst)
    each["is_contradicted"] = each.firm & ~admits
    each["standard_met"] = each.rule.map({"standard": False, "floor": True})
    return each[_COLUMNS]


def _banded(values: Any) -> Any:
    """The metrics scored by bands: each with the bands that its unrounded value may lie in."""
    rules = _rules("metric_rule")
    rules = rules[rules.rule == "band"][["metric_id", "unit", "state"]]
    bands = _rules("rule_band", "lower_bound", "upper_bound", "score")
    bands = bands[bands.band_kind == "value"].drop(columns=["state"], errors="ignore")
    value = values[values.value.notna()].merge(rules, on=["metric_id", "unit"])
    half = (0.5 * 10.0**-value.value_dp).fillna(0)
    each = value.assign(half=half).merge(bands, on=["metric_id", "unit"])
    at, low, high = each.value, each.lower_bound, each.upper_bound
    holds = low.isna() | (at > low) | ((each.lower_inclusive == "true") & (at == low))
    holds &= high.isna() | (at < high) | ((each.upper_inclusive == "true") & (at == high))
    near = (low.isna() | (at + each.half >= low)) & (high.isna() | (at - each.half <= high))
    reached = near & (holds | (each.half > 0))
    found = each.assign(held=each.score.where(holds))[reached].groupby(ID, sort=False)
    found = found.agg(
        band_score=("held", "max"), admissible_low=("score", "min"), admissible_high=("score", "max")
    )
    each = value.join(found, on=ID)
    published = each.published_score
    within = (published >= each.admissible_low) & (published <= each.admissible_high)
    other = published.notna() & (published != each.band_score)
    each["score"] = published.where(within, each.band_score)
    each["basis"] = np.where(other & within, "resolved", "computed")
    each["reason"] = np.select(
        [other & within, other],
        [
            "the value stands on the edge of a band as printed; the published score is taken",
            "the published score is not one that the value admits",
        ],
        "band of the value",
    )
    each["is_contradicted"] = each.state.isin(["stated", "verified"]) & published.notna() & ~within
    return _plain(each)


def _combined_finance(values: Any, banded: Any) -> Any:
    """Combined finance, from the matrix of planned and variance scores."""
    axes = {row["axis"]: row["input_metric_id"] for row in rules_of("matrix_input")}
    matrix_rule = next(row for row in rules_of("metric_rule") if row["rule"] == "matrix")
    planned, variance = (
        banded.loc[banded.metric_id == axes[axis], [*KEYS, "score"]].rename(
            columns={"score": f"{axis}_score"}
        )
        for axis in ("planned", "variance")
    )
    published = values.loc[values.metric_id == matrix_rule["metric_id"], [*KEYS, "published_score"]]
    each = planned.merge(variance, on=KEYS, how="outer").merge(published, on=KEYS, how="outer")
    matrix = _rules("combined_finance", "planned_score", "variance_score", "combined_score")
    each = each.merge(matrix, on=["planned_score", "variance_score"], how="left")
    each["score"] = each.combined_score.fillna(each.published_score)
    each = each[each.score.notna()].assign(metric_id=matrix_rule["metric_id"], unit=matrix_rule["unit"])
    missing = each.combined_score.isna()
    each["basis"] = np.where(missing, "published", "computed")
    each["reason"] = np.where(
        missing, "the planned or the variance score is missing", "matrix of planned and variance score"
    )
    each["is_contradicted"] = (
        ~missing & each.published_score.notna() & (each.combined_score != each.published_score)
    )
    each["admissible_low"] = each["admissible_high"] = each.score
    return _plain(each)


def _published(values: Any) -> Any:
    """The scores published without a value."""
    matrix = [row["metric_id"] for row in rules_of("metric_rule") if row["rule"] == "matrix"]
    alone = values.value.isna() & values.published_score.notna() & ~values.metric_id.isin(matrix)
    each = values[alone].assign(basis="published", is_contradicted=False)
    each["score"] = each["admissible_low"] = each["admissible_high"] = each.published_score
    each["reason"] = np.where(
        each.score_only == "true", "published as a score only", "no value is published beside the score"
    )
    return _plain(each)


def _plain(each: Any) -> Any:
    """Scores outside of pools in the columns of all."""
    possible = {"possible_low": each.score, "possible_high": each.score, "is_exact": True}
    ranks = {"pool": None, "pool_size": np.nan, "rank_in_pool": np.nan, "standard_met": None}
    return each.assign(**possible, **ranks)[_COLUMNS]


_COLUMNS = [
    *ID,
    *POOL[1:],
    "pool_size",
    "rank_in_pool",
    "standard_met",
    "score",
    "admissible_low",
    "admissible_high",
    "basis",
    "reason",
    "is_exact",
    "possible_low",
    "possible_high",
    "is_contradicted",
]


def _with_weights(scores: Any, quarter: str) -> Any:
    metric = _rules("metric", "weight_numerator", "weight_denominator")
    metric = metric[["metric_id", "domain", "enters_average", "weight_numerator", "weight_denominator"]]
    enters = _rules("enters_at_dp", "enters_at_dp")
    enters = enters[enters.quarter == quarter][["metric_id", "enters_at_dp"]]
    scores = scores.merge(metric, on="metric_id").merge(enters, on="metric_id", how="left")
    denominator = next(
        float(row["value"])
        for row in rules_of("framework_parameter")
        if row["parameter"] == "weight_common_denominator"
    )
    scores["weight_units"] = scores.weight_numerator * denominator / scores.weight_denominator
    rounded = _half_up(scores.score, scores.enters_at_dp)
    scores["entering"] = rounded.where(scores.enters_at_dp.notna(), scores.score)
    scores["weighted"] = scores.entering * scores.weight_units
    return scores


def _averages(scores: Any, by: list[str]) -> Any:
    """Weighted means, with the number of metrics and whether every score is exact."""
    entering = scores[scores.enters_average == "true"].groupby(by, sort=False)
    found = entering.agg(
        weighted=("weighted", "sum"),
        weight=("weight_units", "sum"),
        metric_count=("metric_id", "size"),
        is_exact=("is_exact", "all"),
    ).reset_index()
    found["average_exact"] = (found.weighted / found.weight).round(12)
    found["average"] = _half_up(found.average_exact, 2)
    return found.drop(columns=["weighted", "weight"])


def _segmented(frame: Any) -> tuple[Any, Any]:
    """One more than the number of national quartiles of its domain that an average lies beyond; and the quartiles."""
    cut = frame.groupby("domain", sort=False).average_exact.quantile([0.25, 0.5, 0.75]).unstack()
    of_row = cut.reindex(frame.domain).to_numpy()
    beyond = frame.average_exact.to_numpy()[:, None] > of_row + 1e-11
    basis = {"threshold_basis": "national_quartiles", "cut_points": 3}
    return frame.assign(segment=1 + beyond.sum(axis=1), **basis), cut.reset_index()


def _league_table(averages: Any, landed: Any, values: Any) -> Any:
    """Override, final segment and ranks."""
    figures = landed[landed.figure.isin(["OF5004", "OF5007"])]
    published = figures.pivot(index=KEYS, columns="figure", values="value").reindex(
        columns=["OF5004", "OF5007"]
    )
    inputs = values[values.metric_id.isin([row["input_metric_id"] for row in rules_of("matrix_input")])]
    deficit = (inputs.value < 0).groupby([inputs.table_name, inputs.organisation_code]).any()
    table = averages.join(published, on=KEYS).join(deficit.rename("deficit"), on=KEYS)
    derived = table.deficit.astype(float)
    table["override"] = table.OF5004.fillna(derived).fillna(0) == 1
    table["override_basis"] = np.select(
        [table.OF5004.notna(), derived.notna()], ["published", "derived"], "unknown"
    )
    table["adjusted"] = table.segment.where(~table.override, table.segment.clip(lower=3))
    table["final_segment"] = np.select([table.OF5007 == 1, table.OF5007 == 0], [5, table.adjusted], np.nan)
    order = table.adjusted * 1000 + table.average
    table["rank"] = order.groupby(table.table_name).rank(method="min").astype(int)
    alone = table.groupby("table_name").average
    table["rank_ignoring_segment"] = alone.rank(method="min").astype(int)
    table["organisations_in_table"] = alone.transform("size")
    return table
