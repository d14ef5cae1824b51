"""Times `league explain` as a process of its own, start-up included, on a data folder with a release:

    LEAGUE_DATA_DIR=data python benchmarks/benchmark_explain.py QUARTER ORGANISATION [METRIC] [--times 10]

Prints seconds on the clock (fastest and median) and processor seconds (fastest) of the whole process, for the
organisation's tree and, with METRIC, for that branch alone; beside them the same for `league --help`, which is
start-up alone. Values that are counted from statistics take as long as those files take to read.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time

_LEAGUE = [sys.executable, "-m", "dagster_project.cli"]


def main() -> None:
    """Runs each form of the command several times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("quarter")
    parser.add_argument("organisation")
    parser.add_argument("metric", nargs="?")
    parser.add_argument("--times", type=int, default=10)
    asked = parser.parse_args()
    whole = ["explain", asked.organisation, asked.quarter]
    forms = [["--help"], whole, [*whole, "--json"]]
    if asked.metric:
        forms.append([*whole, asked.metric])
    for form in forms:
        runs = [_timed(form) for _ in range(asked.times)]
        clock = [seconds for seconds, _ in runs]
        print(
            f"league {' '.join(form):60} fastest {min(clock):5.2f} s, median {statistics.median(clock):5.2f} s, "
            f"processor {min(used for _, used in runs):5.2f} s"
        )


def _timed(arguments: list[str]) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([*_LEAGUE, *arguments], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
