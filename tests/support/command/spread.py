"""How a test run is spread over its workers, and where it keeps its folders, so that two cores never wait."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

# Folders that are made once for all workers: while one worker makes the first, the others begin on another.
_MADE_ONCE = (
    "with_statistics",
    "six_quarters",
    "both_quarters",
    "by_both_ways",
    "waiting",
    "killed",
    "second_release",
    "whole_quarter",
    "failed_run",
    "own_rules",
    "bundle",
)
_LONGEST_FIRST = ("acceptance", "integration", "unit")
_IN_MEMORY = Path("/dev/shm")
_ROOM = 8 << 30


def arranged(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests with those first that make what others wait for, then whole runs, and the short ones last."""
    openers = [item for item in _openers(items) if _group_of(item) is None]
    others = [item for item in items if item not in set(openers)]
    return [*openers, *sorted(others, key=_kind)]


def _openers(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """For each folder that is made once the first test that needs it; no test twice."""
    seen: set[pytest.Item] = set()
    for name in _MADE_ONCE:
        needing = (item for item in items if name in getattr(item, "fixturenames", ()))
        first = next(needing, None)
        if first is not None and first not in seen:
            seen.add(first)
            yield first


def _kind(item: pytest.Item) -> int:
    return next((n for n, kind in enumerate(_LONGEST_FIRST) if kind in item.path.parts), 0)


def group_by_fixture(items: Sequence[pytest.Item]) -> None:
    """Tests of a module that share a fixture of it go to one worker, which then makes it once."""
    for item in items:
        if _group_of(item) is None and _has_module_fixture(item):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def _group_of(item: pytest.Item) -> pytest.Mark | None:
    return item.get_closest_marker("xdist_group")


def _has_module_fixture(item: pytest.Item) -> bool:
    found = getattr(item, "_fixtureinfo", None)
    definitions = found.name2fixturedefs.values() if found else ()
    return any(each.scope == "module" for given in definitions for each in given)


def keep_folders_in_memory() -> None:
    """Temporary folders of the run in memory where there is room enough: a run waits for the disk hundreds of times."""
    if "PYTEST_DEBUG_TEMPROOT" in os.environ or not os.access(_IN_MEMORY, os.W_OK):
        return
    if min(shutil.disk_usage(_IN_MEMORY).free, _memory_available()) >= _ROOM:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(_IN_MEMORY)


def _memory_available() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    (said,) = (line for line in lines if line.startswith("MemAvailable:"))
    return int(said.split()[1]) * 1024
