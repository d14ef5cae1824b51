"""Spoils official files in many ways and counts what the product notices: `python tests/mutations OFFICIAL`.

Each mutation is put beside the sound files and through the product (`judging.py`); it is

- detected: the file is rejected, a gate closes, or a new message names the file, row, organisation, metric or column;
- harmless: every figure is as it would have been;
- silent: a figure differs and nothing says so; `may_be_silent.csv` lists the kinds that no information in the files
  at hand could tell, each with the reason;
- crashed: an error that isn't ours to expect.

Seeded, so that a run can be repeated. Prints a table by kind and writes every mutation to JSON. Ends with 1 if a
mutation crashed, or was silent of a kind that isn't listed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.extend(map(str, Path(__file__).resolve().parents[1].glob("support/*")))
sys.path.append(str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder
from mutations.files import OfficialFile, read_official
from mutations.judging import Observed, judge_run, judge_statistics, outcome_of, prepare, quiet
from mutations.kinds import KINDS, NOF_ONLY

OUTCOMES = ("detected", "harmless", "silent", "crashed")
_LISTED = Path(__file__).with_name("may_be_silent.csv")
_SAID = 400


@dataclass(frozen=True)
class Case:
    """A source's files and how they are judged: which to spoil, which stand beside it, and the quarter."""

    name: str
    kind: str
    spoil: str
    files: tuple[str, ...]
    quarter: str
    is_framework: bool = False


@dataclass(frozen=True)
class Mutation:
    """One mutation and what came of it."""

    case: str
    kind: str
    seed: int
    outcome: str
    says: str
    seconds: float


def cases(official: Path) -> list[Case]:
    """Every source of the folder, and of the trials beside it."""
    framework = tuple(str(path) for path in sorted((official / "nof-2025-26").glob("*-data.csv")))
    statistics = official / "statistics"

    def of(pattern: str, folder: Path = statistics) -> tuple[str, ...]:
        return tuple(str(path) for path in sorted(folder.glob(pattern)))

    return [
        *(
            Case("acute" if "acute" in path else "mental health", "nof", path, framework, "2025-26-Q1", True)
            for path in framework
        ),
        *(
            Case(name, name, files[-1], files, quarter)
            for name, files, quarter in (
                ("ae", of("Monthly-AE-*.csv"), "2025-26-Q1"),
                ("cancer", of("CWT-*.xlsx"), "2025-26-Q1"),
                ("community", of("Community-*.xlsx"), "2025-26-Q1"),
                ("ambulance", of("AmbSYS-*.xlsx"), "2025-26-Q1"),
                (
                    "rtt",
                    of("*.csv", official.parent / "trials" / "case10-rtt-blank-bands" / "whole"),
                    "2025-26-Q4",
                ),
            )
            if files
        ),
    ]


class Worker:
    """A process's own data folder, and the sound files' outcome for each case."""

    def __init__(self, base: Path) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="mutations-", dir=base.parent))
        shutil.copytree(base, self.root / "data", symlinks=True)
        self.data = DataFolder(self.root / "data")
        self.sound: dict[str, Observed] = {}
        self.read: dict[str, list[OfficialFile]] = {}

    def mutate(self, case: Case, kind: str, seed: int) -> Mutation | None:
        """None where the file has nothing of that kind to spoil."""
        started = time.monotonic()
        rng = random.Random(f"{case.name} {kind} {seed}")
        if case.spoil not in self.read:
            self.read[case.spoil] = read_official(Path(case.spoil), case.kind)
        file = rng.choice(self.read[case.spoil]).copy()
        spoilt = KINDS[kind](file, rng)
        if spoilt is None:
            return None
        if case.name not in self.sound:
            sound = self.read[case.spoil][0]
            self.sound[case.name] = self._judged(case, {sound.name: sound.as_bytes()})
            if self.sound[case.name].exit_code:
                raise SystemExit(f"{case.name}: the sound files don't pass: {self.sound[case.name].error}")
        observed = self._judged(case, spoilt)
        about = {*file.about, *spoilt, file.name}
        outcome, says = outcome_of(observed, self.sound[case.name], about, gone_is_told=not case.is_framework)
        return Mutation(case.name, kind, seed, outcome, says[:_SAID], round(time.monotonic() - started, 2))

    def _judged(self, case: Case, files: dict[str, bytes]) -> Observed:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            for path in case.files:
                if path != case.spoil:
                    shutil.copy(path, folder)
            for name, raw in files.items():
                (Path(folder) / name).write_bytes(raw)
            judge = judge_run if case.is_framework else judge_statistics
            return judge(Path(folder), self.data, Quarter.from_canonical(case.quarter))


_worker: Worker | None = None


def _start_quietly(base: str) -> None:
    """For processes that do nothing else."""
    quiet()
    _start(base)


def _start(base: str) -> None:
    global _worker
    _worker = Worker(Path(base))


def _one(task: tuple[Case, str, int]) -> Mutation | None:
    assert _worker is not None
    return _worker.mutate(*task)


def run_all(
    tasks: Sequence[tuple[Case, str, int]], base: Path, processes: int, *, tell: bool = True
) -> list[Mutation]:
    """Every task's mutation, in the order of the tasks; those with nothing to spoil are left out."""
    if processes == 1:
        _start(str(base))
        made = list(map(_one, tasks))
        return [mutation for mutation in made if mutation is not None]
    found = []
    with ProcessPoolExecutor(processes, initializer=_start_quietly, initargs=(str(base),)) as pool:
        for number, mutation in enumerate(pool.map(_one, tasks), start=1):
            if mutation is not None:
                found.append(mutation)
                if tell and mutation.outcome in ("silent", "crashed"):
                    print(_in_words(mutation), file=sys.stderr, flush=True)
            if tell and number % 20 == 0:
                print(f"{number} of {len(tasks)}", file=sys.stderr, flush=True)
    return found


def tasks_of(chosen: Sequence[Case], kinds: Sequence[str], times: int) -> list[tuple[Case, str, int]]:
    """Each kind so many times on each case, where it applies; cases one after the other, so that readers stay warm."""
    return [
        (case, kind, seed)
        for case in chosen
        for kind in kinds
        for seed in range(times)
        if case.is_framework or kind not in NOF_ONLY
    ]


def allowed() -> dict[tuple[str, str], str]:
    """Reason by source and kind; the source `*` stands for all."""
    with _LISTED.open(encoding="utf-8", newline="") as file:
        return {(row["source"], row["kind"]): row["reason"] for row in csv.DictReader(file)}


def not_allowed(mutations: Sequence[Mutation]) -> list[Mutation]:
    """Crashes, and silent mutations of a kind that isn't listed."""
    listed = allowed()
    return [
        each
        for each in mutations
        if each.outcome == "crashed"
        or (each.outcome == "silent" and not {(each.case, each.kind), ("*", each.kind)} & listed.keys())
    ]


def table(mutations: Sequence[Mutation]) -> str:
    """Counts by kind, then by source."""
    lines = [f"{'kind':52}" + "".join(f"{outcome:>10}" for outcome in OUTCOMES)]
    for part in ("kind", "case"):
        counts: dict[str, Counter[str]] = {}
        for each in mutations:
            counts.setdefault(getattr(each, part), Counter())[each.outcome] += 1
        lines += [
            f"{name:52}" + "".join(f"{counted[outcome] or '':>10}" for outcome in OUTCOMES)
            for name, counted in counts.items()
        ]
        lines.append("")
    total = Counter(each.outcome for each in mutations)
    return "\n".join(
        [*lines, f"{len(mutations)} mutations: " + ", ".join(f"{total[o]} {o}" for o in OUTCOMES)]
    )


def _in_words(mutation: Mutation) -> str:
    return f"{mutation.outcome}: {mutation.case}, {mutation.kind} ({mutation.seed}): {mutation.says[:200]}"


def main() -> int:
    """Mutates, prints, writes; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("official", type=Path)
    parser.add_argument("--case", action="append", help="a source; may be repeated; without it, all")
    parser.add_argument("--kind", action="append", help="words of a kind; may be repeated; without it, all")
    parser.add_argument("--times", type=int, help="how often each kind; without it, 2 and 1 for statistics")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="where every mutation is written")
    parser.add_argument(
        "--base", type=Path, help="a folder of an earlier run's release, made if it isn't there"
    )
    asked = parser.parse_args()
    official = asked.official.resolve()
    chosen = [case for case in cases(official) if not asked.case or case.name in asked.case]
    kinds = [kind for kind in KINDS if not asked.kind or any(words in kind for words in asked.kind)]
    framework = [case for case in chosen if case.is_framework]
    statistics = [case for case in chosen if not case.is_framework]
    tasks = tasks_of(framework, kinds, asked.times or 2) + tasks_of(statistics, kinds, asked.times or 1)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutations-") as temporary:
        base = asked.base or Path(temporary) / "base"
        if not base.is_dir():
            quiet()
            prepare(base, official / "nof-2025-26", Quarter.from_canonical("2025-26-Q1"))
        found = run_all(tasks, base.resolve(), asked.processes)
    print(table(found))
    print(f"{time.monotonic() - started:.0f} s on {asked.processes} processes")
    wrong = not_allowed(found)
    for each in wrong:
        print(_in_words(each))
    if asked.json:
        asked.json.write_text(
            json.dumps([asdict(each) for each in found], indent=1, ensure_ascii=False), "utf-8"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
