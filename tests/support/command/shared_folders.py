"""What fixtures that share folders between tests are made of; not in `conftest`, as there are several of that name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dagster_project.settings import DataFolder

SAMPLE_QUARTERS = ("2025-26-Q1", "2025-26-Q2", "2025-26-Q3", "2025-26-Q4", "2026-27-Q1", "2026-27-Q2")
MadeOnce = Callable[[str, Callable[[Path], None]], Path]
NewData = Callable[[Path], DataFolder]
