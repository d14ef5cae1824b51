"""Scoring alone at many times the organisations: this project's SQL beside pandas and polars.

    python benchmarks/scaled_scoring.py ENGINE SCALE [--figures FILE]

ENGINE is sql; pandas, which gives all that the SQL gives (`pandas_scoring.py`); or pandas_ranks and polars_ranks,
which give only scores, averages, segments and ranks: what a scorer without reasons costs. One process scores once
and prints, as JSON, the seconds it took from the figures to the ranks (start-up and reading of the input left out),
its peak memory in MB, the number of organisations, and checksums by which the engines are seen to agree.

The input is the fictional sample's first quarter, each organisation SCALE times with values a little apart. Published
scores of ranked metrics are left out, so that every engine scores from values.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support" / "fakes"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support" / "command"))

from compiled_models import CompiledModels
from pandas_scoring import rules_of
from pandas_scoring import score as whole_score

from dagster_project.quarters import Quarter

QUARTER = "2025-26-Q1"
ENGINES = ("sql", "pandas", "pandas_ranks", "polars_ranks")
Answer = dict[str, float]


def figures_of_sample(file: Path) -> None:
    """Writes the landed figures of the sample's quarter, without published scores of ranked metrics, as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from dagster_project.extracts.load import load_folder
    from dagster_project.extracts.rows import EXTRACT_ROW
    from dagster_project.sample import generate_sample

    with tempfile.TemporaryDirectory(prefix="league-benchmark-") as folder:
        sample = generate_sample(Path(folder), quarters=[Quarter.from_canonical(QUARTER)])
        landed = load_folder(sample.extracts, None).extract_row
    matrix = {row["metric_id"] for row in rules_of("matrix_input")}
    score_only = {row["metric_id"] for row in rules_of("metric") if row["score_only"] == "true"} - matrix
    kept = ("OF0", "OF5004", *("OF1" + metric[3:] for metric in score_only))
    chosen = landed[
        (landed.source == "nof_data") & (landed.quarter == QUARTER) & landed.figure.str.startswith(kept)
    ]
    pq.write_table(pa.Table.from_pandas(chosen, schema=EXTRACT_ROW, preserve_index=False), file)


def scaled(file: Path, scale: int) -> Any:
    """The figures, each organisation `scale` times, as an Arrow table."""
    import duckdb

    return duckdb.sql(f"""
        select figures.* replace (
            organisation_code || '-' || copy.range as organisation_code,
            cast(
                case when figure like 'OF0%' and unit <> 'count' and figure not in ('OF0079', 'OF0081')
                    then value + cast(copy.range as decimal(18, 6)) / 1000000 else value end
                as decimal(18, 6)) as value,
            cast(null as integer) as published_rank)
        from '{file}' as figures cross join range({scale}) as copy
    """).to_arrow_table()


def score_in_sql(figures: Any, models: CompiledModels) -> Answer:
    """The compiled models of metrics and scoring on a bare connection."""
    models.score(figures, QUARTER)
    names = ("organisations", "ranks", "averages", "domains", "scores", "exact", "intervals")
    (found,) = models.select(
        "scoring.league_rank inner join scoring.average_metric_score using (quarter, table_name, organisation_code)",
        "count(*), sum(rank), sum(average_metric_score), (select count(*) from scoring.domain_average), "
        "(select count(*) from scoring.metric_score_exact), "
        "(select count(*) from scoring.metric_score_exact where is_exact), "
        "(select round(sum(admissible_score_high - admissible_score_low), 3) from scoring.metric_score_exact)",
    )
    return {name: float(number) for name, number in zip(names, found, strict=True)}


def score_in_pandas(figures: Any) -> Answer:
    """All of it with pandas."""
    found = whole_score(figures, QUARTER)
    table, scores = found["league_table"], found["metric_score"]
    return {
        "organisations": len(table),
        "ranks": float(table["rank"].sum()),
        "averages": round(float(table.average.sum()), 2),
        "domains": len(found["domain_score"]),
        "scores": len(scores),
        "exact": float(scores.is_exact.sum()),
        "intervals": round(float((scores.admissible_high - scores.admissible_low).sum()), 3),
    }


def ranks_in_pandas(figures: Any) -> Answer:
    """Scores, averages, segments and ranks alone with pandas: data frames, merges and group-bys."""
    import numpy as np
    import pandas as pd

    def rules(name: str, **numbers: str) -> Any:
        frame = pd.DataFrame(rules_of(name)).drop(columns=["framework", "state", "source"], errors="ignore")
        return frame.assign(**{column: pd.to_numeric(frame[column]) for column in numbers})

    landed = figures.to_pandas()
    landed["value"] = landed["value"].astype(float)
    numbers = dict.fromkeys(("standard", "score_best", "score_worst", "score_if_met", "score_if_failed"), "")
    keys = ["table_name", "organisation_code"]
    metric = rules("metric", weight_numerator="", weight_denominator="")
    value = (
        landed[landed.figure.str.startswith("OF0")]
        .rename(columns={"figure": "metric_id"})[[*keys, "metric_id", "unit", "value"]]
        .merge(rules("metric_rule", **numbers), on=["metric_id", "unit"])
        .merge(metric[["metric_id", "better"]], on="metric_id")
    )

    # the ranked metrics
    ranked = value[value.rule.isin(["plain", "standard", "floor"])].merge(
        rules("metric_pool"), on=["metric_id", "table_name"]
    )
    sign = np.where(ranked.better == "high", -1.0, 1.0)
    key, limit = ranked.value * sign, ranked.standard * sign
    met = (ranked.rule == "standard") & (key <= limit)
    failed = (ranked.rule == "floor") & (key > limit)
    inside = ranked[~met & ~failed].assign(key=key[~met & ~failed])
    pool = inside.groupby(["metric_id", "unit", "pool"], sort=False).key
    place, size = pool.rank(method="min"), pool.transform("size")
    ranked["score"] = inside.score_best + (inside.score_worst - inside.score_best) * (place - 1) / (
        size - 1
    ).clip(lower=1)
    ranked.loc[met, "score"] = ranked.score_if_met[met]
    ranked.loc[failed, "score"] = ranked.score_if_failed[failed]

    # the metrics scored by bands, and combined finance from two of them
    banded = value[value.rule == "band"].copy()
    bands = rules("rule_band", lower_bound="", upper_bound="", score="")
    for band in bands[bands.band_kind == "value"].itertuples():
        at = banded.value
        above = pd.isna(band.lower_bound) | (at > band.lower_bound)
        above |= (band.lower_inclusive == "true") & (at == band.lower_bound)
        below = pd.isna(band.upper_bound) | (at < band.upper_bound)
        below |= (band.upper_inclusive == "true") & (at == band.upper_bound)
        here = (banded.metric_id == band.metric_id) & (banded.unit == band.unit) & above & below
        banded.loc[here, "score"] = band.score
    axes = {row["axis"]: row["input_metric_id"] for row in rules_of("matrix_input")}
    finance = banded[banded.metric_id == axes["planned"]][[*keys, "score"]].merge(
        banded[banded.metric_id == axes["variance"]][[*keys, "score"]], on=keys
    )
    matrix = rules("combined_finance", planned_score="", variance_score="", combined_score="")
    combined = finance.merge(
        matrix, left_on=["score_x", "score_y"], right_on=["planned_score", "variance_score"]
    ).assign(metric_id=rules_of("matrix_input")[0]["metric_id"])
    combined = combined[[*keys, "metric_id", "combined_score"]].rename(columns={"combined_score": "score"})

    # the scores published without a value
    published = landed[landed.figure.str.startswith("OF1")]
    published = published.assign(metric_id="OF0" + published.figure.str[3:], score=published.value)

    columns = [*keys, "metric_id", "score"]
    scores = pd.concat([ranked[columns], banded[columns], combined[columns], published[columns]]).merge(
        metric[metric.enters_average == "true"], on="metric_id"
    )
    enters = rules("enters_at_dp", enters_at_dp="")
    scores = scores.merge(enters[enters.quarter == QUARTER], on="metric_id", how="left")
    power = 10.0**scores.enters_at_dp
    rounded = np.floor(scores.score * power + 0.5 + 1e-9) / power
    scores["score"] = rounded.where(scores.enters_at_dp.notna(), scores.score)
    scores["weight"] = scores.weight_numerator / scores.weight_denominator
    scores["weighted"] = scores.score * scores.weight

    # averages overall and by domain, each with its segment
    def averages(by: list[str]) -> Any:
        sums = scores.groupby(by, sort=False)[["weighted", "weight"]].sum()
        return (sums.weighted / sums.weight).rename("average").reset_index()

    def segments(frame: Any, by: list[str]) -> Any:
        groups = frame.groupby(by, sort=False).average if by else frame.average
        segment = 1
        for share in (0.25, 0.5, 0.75):
            cut = (
                groups.transform(lambda each, share=share: each.quantile(share))
                if by
                else groups.quantile(share)
            )
            segment = segment + (frame.average > cut + 1e-12).astype(int)
        return segment

    by_domain = averages([*keys, "domain"])
    by_domain["segment"] = segments(by_domain, ["domain"])
    table = averages(keys)
    table["segment"] = segments(table, [])
    override = landed[landed.figure == "OF5004"][[*keys, "value"]].rename(columns={"value": "override"})
    table = table.merge(override, on=keys, how="left")
    table["adjusted"] = table.segment.where(table.override != 1, table.segment.clip(lower=3))
    table["average"] = np.floor(table.average * 100 + 0.5 + 1e-9) / 100
    order = table.adjusted * 1000 + table.average
    table["rank"] = order.groupby(table.table_name).rank(method="min").astype(int)
    return {
        "organisations": len(table),
        "ranks": float(table["rank"].sum()),
        "averages": round(float(table.average.sum()), 2),
        "domains": len(by_domain),
    }


def ranks_in_polars(figures: Any) -> Answer:
    """The same with polars, in its lazy form, which it may optimise and spread over all cores."""
    import polars as pl

    def rules(name: str, *numbers: str) -> Any:
        frame = pl.DataFrame(rules_of(name)).drop("framework", "state", "source", strict=False)
        return frame.with_columns(
            pl.col(column).replace("", None).cast(pl.Float64) for column in numbers
        ).lazy()

    keys = ["table_name", "organisation_code"]
    landed = pl.from_arrow(figures).with_columns(pl.col("value").cast(pl.Float64)).lazy()
    metric = rules("metric", "weight_numerator", "weight_denominator")
    numbers = ("standard", "score_best", "score_worst", "score_if_met", "score_if_failed")
    value = (
        landed.filter(pl.col("figure").str.starts_with("OF0"))
        .select(*keys, pl.col("figure").alias("metric_id"), "unit", "value")
        .join(rules("metric_rule", *numbers), on=["metric_id", "unit"])
        .join(metric.select("metric_id", "better"), on="metric_id")
    )
    sign = pl.when(pl.col("better") == "high").then(-1.0).otherwise(1.0)
    met = (pl.col("rule") == "standard") & (pl.col("key") <= pl.col("limit"))
    failed = (pl.col("rule") == "floor") & (pl.col("key") > pl.col("limit"))
    pool = ["metric_id", "unit", "pool", "outside"]
    grid = pl.col("score_best") + (pl.col("score_worst") - pl.col("score_best")) * (
        pl.col("key").rank("min").over(pool) - 1
    ) / (pl.len().over(pool) - 1).clip(1)
    ranked = (
        value.filter(pl.col("rule").is_in(["plain", "standard", "floor"]))
        .join(rules("metric_pool"), on=["metric_id", "table_name"])
        .with_columns(key=pl.col("value") * sign, limit=pl.col("standard") * sign)
        .with_columns(met=met.fill_null(False), failed=failed.fill_null(False))
        .with_columns(outside=pl.col("met") | pl.col("failed"))
        .with_columns(
            score=pl.when("met").then("score_if_met").when("failed").then("score_if_failed").otherwise(grid)
        )
    )
    bands = rules("rule_band", "lower_bound", "upper_bound", "score").filter(pl.col("band_kind") == "value")
    at = pl.col("value")
    above = at > pl.col("lower_bound")
    above = above | ((pl.col("lower_inclusive") == "true") & (at == pl.col("lower_bound")))
    below = at < pl.col("upper_bound")
    below = below | ((pl.col("upper_inclusive") == "true") & (at == pl.col("upper_bound")))
    banded = (
        value.filter(pl.col("rule") == "band")
        .select(*keys, "metric_id", "unit", "value")
        .join(bands, on=["metric_id", "unit"])
        .filter((pl.col("lower_bound").is_null() | above) & (pl.col("upper_bound").is_null() | below))
    )
    axes = {row["axis"]: row["input_metric_id"] for row in rules_of("matrix_input")}
    planned, variance = (
        banded.filter(pl.col("metric_id") == axes[axis]).select(*keys, pl.col("score").alias(f"{axis}_score"))
        for axis in ("planned", "variance")
    )
    matrix = rules("combined_finance", "planned_score", "variance_score", "combined_score")
    combined = (
        planned.join(variance, on=keys)
        .join(matrix, on=["planned_score", "variance_score"])
        .select(
            *keys,
            pl.lit(rules_of("matrix_input")[0]["metric_id"]).alias("metric_id"),
            pl.col("combined_score").alias("score"),
        )
    )
    published = landed.filter(pl.col("figure").str.starts_with("OF1")).select(
        *keys, ("OF0" + pl.col("figure").str.slice(3)).alias("metric_id"), pl.col("value").alias("score")
    )
    columns = [*keys, "metric_id", "score"]
    enters = rules("enters_at_dp", "enters_at_dp").filter(pl.col("quarter") == QUARTER)
    power = 10.0 ** pl.col("enters_at_dp")
    scores = (
        pl.concat([ranked.select(columns), banded.select(columns), combined.select(columns), published])
        .join(metric.filter(pl.col("enters_average") == "true"), on="metric_id")
        .join(enters.select("metric_id", "enters_at_dp"), on="metric_id", how="left")
        .with_columns(
            score=pl.when(pl.col("enters_at_dp").is_not_null())
            .then((pl.col("score") * power + 0.5 + 1e-9).floor() / power)
            .otherwise("score"),
            weight=pl.col("weight_numerator") / pl.col("weight_denominator"),
        )
    )

    def with_segments(frame: Any, by: list[str]) -> Any:
        return frame.with_columns(
            segment=pl.lit(1)
            + sum(
                (
                    pl.col("average")
                    > (
                        pl.col("average").quantile(share, "linear").over(by)
                        if by
                        else pl.col("average").quantile(share, "linear")
                    )
                    + 1e-12
                ).cast(pl.Int64)
                for share in (0.25, 0.5, 0.75)
            )
        )

    def averages(by: list[str]) -> Any:
        average = (pl.col("score") * pl.col("weight")).sum() / pl.col("weight").sum()
        return scores.group_by(by).agg(average.alias("average"))

    by_domain = with_segments(averages([*keys, "domain"]), ["domain"])
    override = landed.filter(pl.col("figure") == "OF5004").select(*keys, pl.col("value").alias("override"))
    table = (
        with_segments(averages(keys), [])
        .join(override, on=keys, how="left")
        .with_columns(
            adjusted=pl.when(pl.col("override") == 1).then(pl.col("segment").clip(3)).otherwise("segment"),
            average=(pl.col("average") * 100 + 0.5 + 1e-9).floor() / 100,
        )
        .with_columns(rank=(pl.col("adjusted") * 1000 + pl.col("average")).rank("min").over("table_name"))
    )
    domains, found = pl.collect_all([by_domain.select(pl.len()), table])
    return {
        "organisations": found.height,
        "ranks": float(found["rank"].sum()),
        "averages": round(found["average"].sum(), 2),
        "domains": domains.item(),
    }


def main() -> None:
    """Scores once and prints what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("scale", type=int)
    parser.add_argument("--figures", type=Path, help="the sample's figures, kept between runs")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="league-benchmark-") as folder:
        file = asked.figures or Path(folder) / "figures.parquet"
        if not file.is_file():
            figures_of_sample(file)
        figures = scaled(file, asked.scale)
        models = CompiledModels(Path(folder), threads=asked.threads) if asked.engine == "sql" else None
        work = {
            "sql": lambda: score_in_sql(figures, models),
            "pandas": lambda: score_in_pandas(figures),
            "pandas_ranks": lambda: ranks_in_pandas(figures),
            "polars_ranks": lambda: ranks_in_polars(figures),
        }[asked.engine]
        started, used = time.perf_counter(), time.process_time()
        answer = work()
        seconds, processor = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "processor": processor, "peak_mb": peak, **answer}))


if __name__ == "__main__":
    main()
