"""What fixtures that share folders between tests are made of; not in `conftest`, as there are several of that name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from dagster_project.settings import DataFolder

SAMPLE_QUARTERS = ("2025-26-Q1", "2025-26-Q2", "2025-26-Q3", "2025-26-Q4", "2026-27-Q1", "2026-27-Q2")
MadeOnce = Callable[[str, Callable[[Path], None]], Path]
NewData = Callable[[Path], DataFolder]


class OwnRules(NamedTuple):
    """A data folder with a release under rules of its own, and the folder of these rules."""

    data: DataFolder
    rules: Path


class Answered(NamedTuple):
    """A data folder in which a verb was asked, and its answer as JSON."""

    data: DataFolder
    answer: dict[str, Any]
