"""The column lineage of the dbt project: derived from its compiled SQL once, then kept beside the parsed manifest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

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
    is read from the data folder, or from the checkout's `build` in a new one. Raises LeagueError where a column
    can't be resolved.
    """
    own, made_by = project.parsed_folder / KEPT, _made_by()
    found = _kept(own, made_by)
    if found is not None:
        return found
    shared = project.shared_folder / KEPT if project.shared_folder is not None else None
    lineage = _kept(shared, made_by) if shared is not None else None
    if lineage is None:
        from dagster_project.lineage.derivation import derived

        lineage = derived(project)
        if shared is not None:
            # A checkout that can't be written: each data folder derives it for itself.
            with contextlib.suppress(OSError):
                _keep(shared, made_by, lineage)
    _keep(own, made_by, lineage)
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


def _kept(path: Path, made_by: str) -> ColumnLineage | None:
    """What is kept, if it is whole and of this code; a file that was cut off counts as none."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        content = json.loads(path.read_bytes())
        if content["made_by"] == made_by:
            return from_json(content)
    return None


def _keep(path: Path, made_by: str, lineage: ColumnLineage) -> None:
    """Several processes may derive at once: a rename makes the last one everybody's."""
    content = {"made_by": made_by, **as_json(lineage)}
    write_whole(path, json.dumps(content, separators=(",", ":")))
