"""Times likely ranges in SQL and in numpy: `python benchmarks/benchmark_likely_ranges.py DATA QUARTER`.

DATA is a data folder whose last run had the quarter in scope. The SQL is what the models
replicate_average, replicate_place and replicate_summary do: 10,000 replicates drawn, put into segments, ranked and
summed up. Printed are wall and processor seconds of the fastest turn, at 1, 2 and 4 threads, with a checksum,
first with the quarter's cut-points alone, then with the variant `requartiled` too; then numpy's, on one thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from likely_ranges_compared import LikelyRangeModels, in_numpy

from dagster_project.settings import DataFolder

REPLICATES = 10_000


def main() -> None:
    """Times both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("quarter")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    data = DataFolder(arguments.data)
    for variants in ("fixed cut-points", "both variants"):
        models = LikelyRangeModels(data, arguments.quarter, threads=1)
        models.use(replicates=REPLICATES)
        if variants == "fixed cut-points":
            models.execute("delete from methodology.segment_boundary")
        for threads in arguments.threads:
            models.use(threads=threads)
            wall, cpu, (rows, checksum) = fastest(models.run, arguments.turns)
            print(
                f"SQL, {variants}, threads {threads}: {wall:6.2f} s, processor {cpu:6.2f} s, {rows} {checksum}"
            )
    wall, cpu, found = fastest(
        lambda: in_numpy(data.warehouse, arguments.quarter, replicates=REPLICATES), arguments.turns
    )
    print(
        f"numpy, fixed cut-points, 1 thread: {wall:6.2f} s, processor {cpu:6.2f} s, {len(found)} organisations"
    )


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
