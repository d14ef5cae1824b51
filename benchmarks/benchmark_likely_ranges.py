"""Times the drawing of likely ranges: `python benchmarks/benchmark_likely_ranges.py DATA QUARTER`.

DATA is a data folder whose last run had the quarter in scope. Timed is what a run does between its scores and its
league tables: 10,000 replicates of each organisation drawn, put into segments, ranked and summed up. Printed are
wall and processor seconds of the fastest turn, with a checksum, first with the quarter's cut-points alone, then
with the variant `requartiled` too; then those of the second implementation that the tests compare it with.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support" / "scorers"))
from likely_ranges_compared import DrawnAlone, independently

from dagster_project.settings import DataFolder

REPLICATES = 10_000


def main() -> None:
    """Times both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("quarter")
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    data = DataFolder(arguments.data)
    for variants in ("fixed cut-points", "both variants"):
        drawn = DrawnAlone(data, arguments.quarter)
        drawn.use(replicates=REPLICATES)
        if variants == "fixed cut-points":
            drawn.execute("update likely_ranges.replicate_cut_point set threshold_basis = 'threshold'")
        wall, cpu, (rows, *sums) = fastest(drawn.run, arguments.turns)
        print(f"{variants}: {wall:6.2f} s, processor {cpu:6.2f} s, {rows} ranges {hash(str(sums))}")
    wall, cpu, found = fastest(
        lambda: independently(data.warehouse, arguments.quarter, replicates=REPLICATES), arguments.turns
    )
    print(f"second implementation: {wall:6.2f} s, processor {cpu:6.2f} s, {len(found)} organisations")


def fastest(work: Callable[[], Any], times: int) -> tuple[float, float, Any]:
    """Wall and processor seconds of the turn that took the processor least, and the answer."""
    turns = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = work()
        turns.append((time.process_time() - cpu, time.perf_counter() - wall, answer))
    cpu, wall, answer = min(turns, key=lambda turn: turn[0])
    return wall, cpu, answer


if __name__ == "__main__":
    main()
