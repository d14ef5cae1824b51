"""The column lineage of the dbt project: derived from its compiled SQL once, then kept beside the parsed manifest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.durable import write_whole
from dagster_project.errors import LeagueError
from dagster_project.lineage.column_lineage import ColumnLineage, as_json, from_json
from dagster_project.settings import EXPECTATIONS_DIR, PACKAGE_DIR

if TYPE_CHECKING:
    from dagster_project.warehouse.dbt_project import DbtProject

KEPT = "column_lineage.json"
# Beside this package, what decides which columns there are before dbt, and which the gates make.
_DERIVED_BY = (
    "gates/earlier_quarters.py",
    "likely_ranges/drawn.py",
    "extracts/rows.py",
    "warehouse/landing.py",
    "warehouse/quality.py",
)


def lineage_of(project: DbtProject) -> ColumnLineage:
    """The column lineage of everything that the project's models, seeds and the gates make.

    Takes one to two seconds the first time after a change of the project, of the suites or of this code; later it
    is read from the data folder. Raises LeagueError where a column can't be resolved.
    """
    kept = project.parsed_folder / KEPT
    made_by = _made_by()
    if kept.is_file():
        # A file that was cut off is derived again, like one of other code.
        with contextlib.suppress(ValueError, TypeError, KeyError):
            content = json.loads(kept.read_bytes())
            if content["made_by"] == made_by:
                return from_json(content)
    from dagster_project.lineage.derivation import derived

    lineage = derived(project)
    _keep(kept, {"made_by": made_by, **as_json(lineage)})
    return lineage


def lineage_if_told(project: DbtProject) -> ColumnLineage:
    """As `lineage_of`, but empty and with a warning where a column can't be resolved: a run is not to fail for it."""
    try:
        return lineage_of(project)
    except LeagueError as error:
        logging.getLogger(__name__).warning("No column lineage: %s", error)
        return ColumnLineage({}, {}, {})


def _made_by() -> str:
    """Changes with whatever but the dbt project decides what is derived."""
    digest = hashlib.sha256(version("sqlglot").encode())
    files = [*sorted(Path(__file__).parent.glob("*.py")), *(PACKAGE_DIR / name for name in _DERIVED_BY)]
    for path in (*files, *sorted(EXPECTATIONS_DIR.rglob("*"))):
        if path.is_file():
            digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def _keep(path: Path, content: Mapping[str, Any]) -> None:
    """Several processes may derive at once: a rename makes the last one everybody's."""
    write_whole(path, json.dumps(content, separators=(",", ":")))
