"""The scorer is functions of values and rules: it needs neither files nor releases, and no sentences about figures."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import dagster_project.explanation.recomputation as recomputation

STORY = "dagster_project.explanation.story"
SCORER = ("exact", "rules", "measured", "pool", "metric_scores", "standings")
OUTSIDE = (
    "duckdb",
    "pandas",
    "dagster_project.archive",
    "dagster_project.releases",
    "dagster_project.extracts",
)


def imported(module: Path) -> set[str]:
    """Every module that a module's source names in an import."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def test_recomputation_imports_nothing_of_the_story() -> None:
    modules = sorted(Path(recomputation.__path__[0]).glob("*.py"))
    assert len(modules) > 10
    assert {
        module.name for module in modules if any(one.startswith(STORY) for one in imported(module))
    } == set()


def test_the_scorer_loads_neither_files_nor_releases_nor_duckdb() -> None:
    imports = "; ".join(f"import {recomputation.__name__}.{name}" for name in SCORER)
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; print(*sys.modules, sep='\\n')"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert f"{recomputation.__name__}.standings" in loaded
    assert [one for one in loaded if one.startswith(OUTSIDE)] == []
