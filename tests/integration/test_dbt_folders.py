"""The folders of dbt's models are the stages of the flow in their order: nothing flows back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dagster_project.likely_ranges.drawn import READ, SCHEMA, TABLES
from dagster_project.settings import DBT_PROJECT_DIR
from dagster_project.warehouse.dbt_project import SHARED, DbtProject

ORDER = (
    *("record_level", "staging", "statistics", "metrics", "scoring", "likely_ranges"),
    *("league_tables", "audit", "history", "insight", "scenarios"),
)
# What numpy draws stands behind the models that it reads, though in their schema.
DRAWN_FROM = "likely_ranges"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    return DbtProject(DBT_PROJECT_DIR, tmp_path_factory.mktemp("dbt"), SHARED).manifest


def flows_back(manifest: Mapping[str, Any]) -> list[str]:
    """Every model that reads one of a folder behind its own, and every one that is drawn from what it makes."""
    nodes = manifest["nodes"]
    models = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
    found = []
    for node in models.values():
        place = ORDER.index(node["fqn"][1])
        for read in node["depends_on"]["nodes"]:
            is_drawn = read in manifest["sources"] and manifest["sources"][read]["source_name"] == "drawn"
            if read in models and ORDER.index(models[read]["fqn"][1]) > place:
                found.append(f"{node['path']} reads {models[read]['path']}")
            elif is_drawn and place <= ORDER.index(DRAWN_FROM):
                found.append(f"{node['path']} reads {read}, which is drawn from its folder")
    return sorted(found)


def test_no_model_reads_a_folder_behind_its_own(manifest: Mapping[str, Any]) -> None:
    assert flows_back(manifest) == []


@pytest.mark.parametrize(
    ("reader", "read"),
    [
        ("model.nhs_league_tables.league_table", "model.nhs_league_tables.likely_range"),
        ("model.nhs_league_tables.resampled_score", "source.nhs_league_tables.drawn.likely_range_end"),
    ],
)
def test_a_model_that_does_is_named(manifest: Mapping[str, Any], reader: str, read: str) -> None:
    node = manifest["nodes"][reader]
    back = {**node, "depends_on": {**node["depends_on"], "nodes": [read]}}
    [named] = flows_back({**manifest, "nodes": {**manifest["nodes"], reader: back}})
    assert named.startswith(node["path"])
    assert read.split(".")[-1] in named


def test_no_two_folders_read_each_other(manifest: Mapping[str, Any]) -> None:
    """Whatever the order is: there must be one."""
    nodes = manifest["nodes"]
    reads: dict[str, set[str]] = {}
    for node in nodes.values():
        if node["resource_type"] == "model":
            folders = {
                nodes[read]["fqn"][1]
                for read in node["depends_on"]["nodes"]
                if read in nodes and nodes[read]["resource_type"] == "model"
            }
            reads.setdefault(node["fqn"][1], set()).update(folders - {node["fqn"][1]})
    while ready := {folder for folder, read in reads.items() if not read & reads.keys()}:
        reads = {folder: read for folder, read in reads.items() if folder not in ready}
    assert reads == {}, "these read each other in a circle"


def test_dbt_knows_what_is_drawn_as_python_makes_it(manifest: Mapping[str, Any]) -> None:
    declared = {
        source["name"]: source["columns"]
        for source in manifest["sources"].values()
        if source["source_name"] == "drawn"
    }
    keys = ["quarter", "framework", "table_name", "organisation_code"]
    assert {name: [*keys, *columns] for name, columns in declared.items()} == {
        name: schema.names for name, schema in TABLES.items()
    }
    models = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == SCHEMA
    }
    assert set(READ) <= models


def test_every_folder_of_models_has_its_place_in_the_order() -> None:
    folders = {path.name for path in Path(DBT_PROJECT_DIR, "models").iterdir() if path.is_dir()}
    assert folders <= set(ORDER)
