"""Patient-level pathways counted by both engines at several sizes: processor time, clock, peak memory, cost of a row.

    python benchmarks/record_level.py generate FOLDER PATHWAYS_PER_TRUST      (10,000 or a multiple; 131 trusts)
    python benchmarks/record_level.py measure FOLDER ROUNDS [--target duckdb]

A count is `league count` in a process of its own, start-up and all. Memory is the most that the process and all that it
started held together, looked at twice a second: Spark's is mostly Java's. `measure` prints a line of JSON per count
and, of all lines of both engines, a cost that is fixed and one that each row adds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from dagster_project.quarters import Quarter
from dagster_project.sample import generate_sample
from dagster_project.sample.pathways import cells_of, published_waits, write_pathways

QUARTER, CENSUS = "2025-26-Q1", date(2025, 6, 30)
SLIPS = 100
_PAGE = os.sysconf("SC_PAGE_SIZE")


def generate(folder: Path, pathways: int) -> None:
    """Writes so many pathways of each acute trust of the fictional sample, that give its published waits."""
    with tempfile.TemporaryDirectory(prefix="league-benchmark-") as own:
        sample = generate_sample(Path(own), quarters=[Quarter.from_canonical(QUARTER)])
        file = sample.extracts / QUARTER / "nhs-oversight-framework-acute-trust-data.csv"
        cells = cells_of(published_waits(file), pathways)
    write_pathways(folder, cells, CENSUS, slips=SLIPS)


def counted(records: Path, target: str, data: Path) -> dict[str, Any]:
    """One count of a folder, measured."""
    with tempfile.TemporaryDirectory(prefix="league-benchmark-") as to:
        command = (
            "-m",
            "dagster_project.cli",
            "--data",
            data,
            "count",
            records,
            to,
            "--target",
            target,
            "--json",
        )
        started = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            peak = _Peak(process.pid)
            said = process.stdout.read() if process.stdout is not None else ""
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(said)
    answer = json.loads(said)
    return {
        "target": target,
        "rows": answer["rows"],
        "pathways": answer["pathways"],
        "set_aside": sum(answer["set_aside"].values()),
        "processor": usage.ru_utime + usage.ru_stime,
        "wall": wall,
        "peak_mb": peak.ended(),
    }


class _Peak:
    """The most memory that a process and its children held together, while it runs."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._done = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def ended(self) -> float:
        self._done.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        while not self._done.wait(0.5):
            self._most = max(self._most, sum(map(_resident_mb, _with_children(self._pid))))


def _with_children(pid: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def _resident_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1024**2
    except (OSError, IndexError):
        return 0.0


def costs(lines: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """By engine, the processor time that is fixed and that of a million rows: least squares, all sizes weighted alike."""
    import numpy as np

    found = {}
    by_target: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        by_target.setdefault(line["target"], []).append(line)
    for target, of_target in by_target.items():
        if len({line["rows"] for line in of_target}) < 2:
            continue
        rows = np.array([line["rows"] / 1e6 for line in of_target])
        used = np.array([line["processor"] for line in of_target])
        matrix = np.column_stack([np.ones(len(rows)), rows]) / used[:, None]
        fixed, each = np.linalg.lstsq(matrix, np.ones(len(rows)), rcond=None)[0]
        found[target] = {"fixed": float(fixed), "per_million_rows": float(each)}
    return found


def main() -> None:
    verb, folder = sys.argv[1], Path(sys.argv[2])
    if verb == "generate":
        generate(folder, int(sys.argv[3]))
        return
    targets = sys.argv[sys.argv.index("--target") + 1 :] if "--target" in sys.argv else ["duckdb", "spark"]
    lines = []
    for _ in range(int(sys.argv[3])):
        for records in sorted(path for path in folder.iterdir() if path.is_dir()):
            for target in targets:
                lines.append(counted(records, target, folder.with_name(f"{folder.name}-{target}-data")))
                print(json.dumps(lines[-1]), flush=True)
    print(json.dumps(costs(lines)), flush=True)


if __name__ == "__main__":
    main()
