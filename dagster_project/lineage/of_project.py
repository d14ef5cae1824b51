"""The column lineage of the dbt project: derived from its compiled SQL once, then kept beside the parsed manifest."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.durable import write_whole
from dagster_project.errors import LeagueError
from dagster_project.lineage.column_lineage import ColumnLineage, TableLineage, as_json, from_json
from dagster_project.settings import EXPECTATIONS_DIR, PACKAGE_DIR

if TYPE_CHECKING:
    from dagster_project.warehouse.dbt_project import DbtProject

KEPT = "column_lineage.json"
_DERIVED_BY = (
    *("lineage/column_lineage.py", "lineage/influence.py", "lineage/judged_columns.py"),
    "lineage/expression_parts.py",
    "lineage/seen_through.py",
    *("lineage/of_project.py", "lineage/query_columns.py", "gates/earlier_quarters.py"),
    *("extracts/rows.py", "warehouse/landing.py", "warehouse/quality.py"),
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


def derived(project: DbtProject) -> ColumnLineage:
    """The column lineage, made anew from dbt's compiled SQL."""
    from dagster_project.lineage.judged_columns import quality_lineage, subjects
    from dagster_project.lineage.query_columns import MAIN, query_columns
    from dagster_project.lineage.seen_through import seen_through
    from dagster_project.warehouse.dbt_project import EPHEMERAL
    from dagster_project.warehouse.quality import QUALITY_TABLE

    manifest = project.manifest
    sources = _sources(manifest, project.project_dir)
    known = dict(sources)
    tables: dict[str, TableLineage] = {}
    ephemeral: dict[str, TableLineage] = {}
    compiled = project.compiled_models()
    for unique_id in _in_order({name: manifest["nodes"][name] for name in compiled}):
        node = manifest["nodes"][unique_id]
        name = table_name(node)
        found = seen_through(query_columns(compiled[unique_id], known, name=name), ephemeral)
        if node["config"]["materialized"] == "ephemeral":
            ephemeral[f"{MAIN}.{EPHEMERAL}{node['alias']}"] = found
            known[f"{MAIN}.{EPHEMERAL}{node['alias']}"] = list(found.columns)
        else:
            tables[name] = found
            known[name] = list(found.columns)
    judged = subjects(known)
    tables[QUALITY_TABLE] = quality_lineage(judged)
    # What gates make is a source to dbt, whose models read it, but no source of anything.
    ends = {name: columns for name, columns in sources.items() if name not in tables}
    return ColumnLineage(tables, ends, judged)


def table_name(node: Mapping[str, Any]) -> str:
    """`<schema>.<name in the warehouse>` of a node of dbt's manifest."""
    return f"{node['schema']}.{node.get('alias') or node.get('identifier') or node['name']}"


def _sources(manifest: Mapping[str, Any], project_dir: Path) -> dict[str, list[str]]:
    """The columns of seeds, by their CSV header, and of what a run puts in before dbt."""
    from dagster_project.warehouse.landing import LANDED, QUARTER_IN_SCOPE

    found = {f"landing.{name}": list(schema.names) for name, schema in LANDED.items()}
    found["run.quarter_in_scope"] = list(QUARTER_IN_SCOPE)
    for node in manifest["nodes"].values():
        if node["resource_type"] == "seed":
            with (project_dir / node["original_file_path"]).open(encoding="utf-8", newline="") as file:
                found[table_name(node)] = next(csv.reader(file))
    for node in manifest["sources"].values():
        if table_name(node) not in found:
            found[table_name(node)] = _declared(node)
    return found


def _declared(source: Mapping[str, Any]) -> list[str]:
    if not source["columns"]:
        raise LeagueError(
            f"{source['original_file_path']}: expected the columns of {table_name(source)}, as no reader lands "
            "it; found none. List them there, so that what is made of them can be told."
        )
    return list(source["columns"])


def _in_order(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Each model after those that it reads."""
    waiting, ordered = dict(nodes), []
    while waiting:
        ready = [name for name in waiting if not waiting.keys() & set(waiting[name]["depends_on"]["nodes"])]
        ordered += sorted(ready)
        for name in ready:
            del waiting[name]
    return ordered


def _made_by() -> str:
    """Changes with whatever but the dbt project decides what is derived."""
    digest = hashlib.sha256(version("sqlglot").encode())
    files = [PACKAGE_DIR / name for name in _DERIVED_BY]
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
