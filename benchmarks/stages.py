"""Times the stages of a run on the fictional sample, at its own size and N times larger.

    python benchmarks/stages.py [--scale N] [--quarter 2025-26-Q1] [--threads 2] [--json]

For each size it generates the sample of one quarter, runs the stages of `league run` on it in a temporary
data folder, and prints for each stage its seconds and its share of the run, then how many figures and
scores dbt's models work through in a second. The first run also pays for starting up: it
imports pandas, dbt and Great Expectations and parses the dbt project, the second finds all that done. A run
with `--scale 1` alone therefore shows what a user waits for; the two sizes side by side show what grows
with the data. Seconds are those of the machine; nothing is asserted. The default, ten times the
sample, takes about 40 seconds on two cores. With `--json` the small size runs once before, uncounted, and the seconds
by stage are printed as JSON, by scale.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from dagster_project.quarters import Quarter
from dagster_project.runs import flow
from dagster_project.runs.passage import Passage
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.request import RunRequest
from dagster_project.sample import generate_sample
from dagster_project.settings import DataFolder

SQL_STAGES = ("measure", "score", "likely_ranges", "league_tables")


@dataclass(frozen=True)
class Timing:
    """One run: seconds by stage, figures read, scores and organisations in the league tables."""

    scale: int
    generated_in: float
    seconds: dict[str, float]
    figures: int
    scores: int
    organisations: int


def timed_run(quarter: Quarter, scale: int, threads: int, data: DataFolder) -> Timing:
    """Generates and runs one quarter; raises LeagueError as `league run` does."""
    started = time.perf_counter()
    sample = generate_sample(data.root / f"sample-{scale}", scale=scale, quarters=[quarter])
    generated_in = time.perf_counter() - started
    request = RunRequest(
        quarters=(quarter,), extracts_dir=sample.extracts, rules_dir=sample.rules, threads=threads
    )
    with QuarterlyRun(request, data, f"benchmark-{scale}") as run:
        passage = Passage(run)
        passage.up_to_release()
        passage.release()
    scores, organisations = _rows_of(data)
    figures = len(passage.found.extracts.extract_row)
    return Timing(scale, generated_in, passage.seconds, figures, scores, organisations)


def _rows_of(data: DataFolder) -> tuple[int, int]:
    import duckdb

    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        tables = ("metric_score", "league_table")
        counts = [connection.execute(f"select count(*) from league.{table}").fetchone() for table in tables]
    scores, organisations = (int(count[0]) for count in counts if count is not None)
    return scores, organisations


def table_of(timings: list[Timing]) -> str:
    """The timings side by side: a row per stage, seconds and share for each size."""
    lines = [f"{'stage':<22}" + "".join(f"{f'scale {each.scale}':>12}{'share':>8}" for each in timings)]
    totals = [sum(each.seconds.values()) for each in timings]
    for stage in (step.step for step in flow.steps()):
        cells = (
            f"{t.seconds[stage]:>10.2f} s{t.seconds[stage] / total:>8.0%}"
            for t, total in _with(timings, totals)
        )
        lines.append(f"{stage:<22}" + "".join(cells))
    lines.append(f"{'total':<22}" + "".join(f"{total:>10.2f} s{'':>8}" for total in totals))
    lines.append(
        f"{'generating the sample':<22}" + "".join(f"{t.generated_in:>10.2f} s{'':>8}" for t in timings)
    )
    for name, count in (
        ("organisations", [each.organisations for each in timings]),
        ("figures read", [each.figures for each in timings]),
        ("scores given", [each.scores for each in timings]),
        ("figures/second of SQL", [round(each.figures / _in_sql(each)) for each in timings]),
        ("scores/second of SQL", [round(each.scores / _in_sql(each)) for each in timings]),
    ):
        lines.append(f"{name:<22}" + "".join(f"{number:>12,}{'':>8}" for number in count))
    return "\n".join(lines)


def _with(timings: list[Timing], totals: list[float]) -> list[tuple[Timing, float]]:
    return list(zip(timings, totals, strict=True))


def _in_sql(timing: Timing) -> float:
    return sum(timing.seconds[stage] for stage in SQL_STAGES)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--scale", type=int, default=10, help="how many times larger the second run is; 1: no second"
    )
    parser.add_argument("--quarter", type=Quarter.from_canonical, default=Quarter(2025, 1))
    parser.add_argument("--threads", type=int, default=2, help="dbt's threads")
    parser.add_argument("--json", action="store_true", help="print the seconds by stage as JSON")
    arguments = parser.parse_args()
    os.environ.setdefault("DO_NOT_TRACK", "1")
    logging.disable(logging.INFO)
    scales = [1, *sorted({1, arguments.scale})] if arguments.json else sorted({1, arguments.scale})
    with tempfile.TemporaryDirectory(prefix="league-benchmark-") as folder:
        if not arguments.json:
            print(
                f"{arguments.quarter}, fictional sample, {arguments.threads} threads, {os.cpu_count()} cores"
            )
        timings = [
            timed_run(
                arguments.quarter, scale, arguments.threads, DataFolder(Path(folder) / f"{turn}-{scale}")
            )
            for turn, scale in enumerate(scales)
        ]
    if arguments.json:
        print(json.dumps({str(timing.scale): timing.seconds for timing in timings}))
    else:
        print(table_of(timings))


if __name__ == "__main__":
    main()
