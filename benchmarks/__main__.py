"""Measures everything that docs/performance.md shows: `make benchmark`, or `python benchmarks [PART ...]`.

PART is runs, publication, quarters, stages, scoring or readers; without one all of them are measured, which takes about
an hour on two cores. Every figure is the median of `--times` runs in turn with the baseline beside it. Results are
added to the JSON file; `--page` writes the tables of docs/performance.md from it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import league_runs
import performance_page
import rtt_reader

from dagster_project.quarters import Quarter
from dagster_project.sample import generate_sample
from dagster_project.settings import PROJECT_ROOT

_HERE = Path(__file__).parent
SCALES = (1, 10, 100, 1000)
ENGINES = ("sql", "pandas", "pandas_ranks", "polars_ranks")
_CHECKSUMS = ("organisations", "ranks", "averages", "domains", "scores", "exact", "intervals")


def main() -> None:
    """Measures the parts asked for, writes JSON after each, then the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", default=[])
    parser.add_argument("--extracts", type=Path, help="official files; without them the sample's")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", type=Path, default=PROJECT_ROOT / "build" / "benchmarks.json")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md from the JSON file")
    asked = parser.parse_args()
    os.environ["DO_NOT_TRACK"] = "1"
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    found = json.loads(asked.json.read_bytes()) if asked.json.is_file() else {}
    for part in asked.parts or _PARTS:
        print(f"measuring {part}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="league-benchmark-") as folder:
            found[part] = _PARTS[part](Path(folder), asked)
        asked.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
        print(json.dumps({part: found[part]}, indent=2), flush=True)
    if asked.page:
        performance_page.write(found, PROJECT_ROOT / "docs" / "performance.md")


def _runs(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    extracts, organisation = _extracts(folder, asked)
    used = league_runs.whole_runs(folder, extracts, asked.times)
    used |= league_runs.start_up(folder, organisation, asked.times)
    return {
        "files": "official" if asked.extracts else "sample",
        **{name: asdict(each) for name, each in used.items()},
    }


def _publication(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    used = league_runs.publications(folder, max(1, asked.times // 2))
    return {name: asdict(each) for name, each in used.items()}


def _quarters(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    return {name: asdict(each) for name, each in league_runs.twenty_quarters(folder, asked.times).items()}


def _stages(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """The seconds of each stage at 1 and 10 times the sample's organisations, in one process."""
    del folder, asked
    found: dict[str, Any] = json.loads(_printed(_HERE / "stages.py", "--scale", "10", "--json"))
    return found


def _scoring(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Scoring alone: each engine at each scale, the fastest of three in turn (of one at the largest)."""
    polars = PROJECT_ROOT / "build" / "benchmark-libraries"
    if not polars.is_dir():
        lock = _HERE / "requirements.lock"
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--target", polars)
        subprocess.run([*pip, "-r", lock], check=True)
    figures = folder / "figures.parquet"
    found: dict[str, Any] = {}
    for scale in SCALES:
        turns: dict[str, list[dict[str, float]]] = {engine: [] for engine in ENGINES}
        for _ in range(1 if scale == max(SCALES) else min(3, asked.times)):
            for engine in ENGINES:
                script = (_HERE / "scaled_scoring.py", engine, str(scale), "--figures", figures)
                turns[engine].append(json.loads(_printed(*script, PYTHONPATH=str(polars))))
        found[str(scale)] = {
            engine: min(each, key=lambda turn: turn["processor"]) for engine, each in turns.items()
        }
        for name in _CHECKSUMS:
            if len({each[name] for each in found[str(scale)].values() if name in each}) != 1:
                raise RuntimeError(f"At scale {scale} the engines disagree on {name}: {found[str(scale)]}")
    return found


def _readers(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    del asked
    file = folder / "rtt.csv"
    rtt_reader.generate(file, 200)
    found = {}
    for reading in rtt_reader.READINGS:
        seconds, peak, rows = rtt_reader.measured(reading, file)
        found[reading] = {"seconds": seconds, "peak_mb": peak, "rows": rows}
    return found


def _extracts(folder: Path, asked: argparse.Namespace) -> tuple[Path, str]:
    """The folder of files of one quarter, and an organisation in it to explain."""
    if asked.extracts:
        return asked.extracts.resolve(), "RJ1"
    sample = generate_sample(folder / "sample", quarters=[Quarter.from_canonical(league_runs.QUARTER)])
    return sample.extracts, "ZEB"


def _printed(*command: str | Path, **environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, *map(str, command)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    return ended.stdout.splitlines()[-1]


_PARTS: dict[str, Callable[[Path, argparse.Namespace], dict[str, Any]]] = {
    "runs": _runs,
    "publication": _publication,
    "quarters": _quarters,
    "stages": _stages,
    "scoring": _scoring,
    "readers": _readers,
}

if __name__ == "__main__":
    main()
