"""Who uses the marts: dbt's exposures are what the products read, and only what is released is for others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from shared_folders import NewData

from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DBT_PROJECT_DIR, PROJECT_ROOT, WAREHOUSE_SCHEMA
from dagster_project.warehouse.dbt_project import DbtProject

RELEASED = {table.name for table in RELEASED_TABLES}
# Methods of ours that are given a table's name, and how SQL and paths name one.
READS = frozenset({"rows", "find", "one", "of", "has"})
IN_PYTHON = re.compile(rf"\b{WAREHOUSE_SCHEMA}\.(\w+)|WAREHOUSE_SCHEMA\}}\.(\w+)|(?:^|/)(\w+)\.parquet")
IN_OTHERS = re.compile(rf"\b{WAREHOUSE_SCHEMA}\.(\w+)|\b(?:rows|find|one|of|has)\(['\"](\w+)")
# Written by the gates of a run itself, so that dbt knows it as a source.
NO_MODEL = {"quality_result"}
PRODUCTS = frozenset(
    {
        *("warehouse", "release_folders", "publication_site", "publication_workbooks", "publication_data"),
        *("publication_feed", "league_table_in_the_terminal", "story_of_a_trust", "audit_of_a_figure"),
        *(
            "comparison_with_the_publisher",
            "differences_of_releases",
            "verification_bundle",
            "lineage_events",
        ),
        *("notebook", "scenarios", "postgresql", "iceberg_lake", "delta_lake", "spark_tables"),
    }
)


@pytest.fixture(scope="module")
def manifest(new_data: NewData, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    data = new_data(tmp_path_factory.mktemp("exposures") / "data")
    return DbtProject(DBT_PROJECT_DIR, data.root / "dbt").manifest


def models(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def marts(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Name in the warehouse by unique id, of all tables of the schema that readers use."""
    return {
        node["unique_id"]: node.get("alias") or node["name"]
        for node in (*models(manifest), *manifest["sources"].values())
        if node["schema"] == WAREHOUSE_SCHEMA
    }


@cache
def named_in(path: Path) -> frozenset[str]:
    """Every word of a file that stands where the name of a table does; `*` where it goes through all released ones."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        return frozenset(word for found in IN_OTHERS.findall(text) for word in found)
    return frozenset(_named_in_python(ast.parse(text)))


def _named_in_python(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=str(word)), *_]) if (
                name in READS
            ):
                yield word
            case ast.Constant(value=str(text)):
                yield from (word for found in IN_PYTHON.findall(text) for word in found)
            case ast.JoinedStr():
                yield from (word for found in IN_PYTHON.findall(ast.unparse(node)) for word in found)
            case ast.Name(id="RELEASED_TABLES"):
                yield "*"


def read_by(places: list[str], known: set[str]) -> set[str]:
    """The tables that the files at these places of the checkout read."""
    found: set[str] = set()
    for place in places:
        path = PROJECT_ROOT / place
        assert path.exists(), place
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.suffix in (".py", ".sql", ".j2", ".ipynb"):
                found |= named_in(file)
    return (found & known) | (RELEASED if "*" in found else set())


def test_every_product_that_consumers_use_is_an_exposure_that_depends_on_what_it_reads(
    manifest: Mapping[str, Any],
) -> None:
    known = marts(manifest)
    exposures = {exposure["name"]: exposure for exposure in manifest["exposures"].values()}
    assert exposures.keys() == PRODUCTS
    whole = {"every released table": RELEASED, "every mart": set(known.values())}
    for name, exposure in exposures.items():
        assert exposure["owner"]["name"], name
        assert exposure["description"], name
        declared = {known[unique_id] for unique_id in exposure["depends_on"]["nodes"]}
        meta = exposure["config"]["meta"]
        if "read_by" in meta:
            assert declared == read_by(meta["read_by"], set(known.values())), name
        if "holds" in meta:
            assert declared == whole[meta["holds"]], name
        assert "read_by" in meta or "holds" in meta, name


def test_what_reads_a_table_more_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "reader.py"
    file.write_text(
        'content.find("caveat")\nf"select * from {WAREHOUSE_SCHEMA}.movement"\nfolder / "extract.parquet"\n'
    )
    assert {"caveat", "movement", "extract"} <= named_in(file)
    template = tmp_path / "page.html.j2"
    template.write_text("{% for row in content.rows('lineage') %} from league.exemplar {% endfor %}")
    assert {"lineage", "exemplar"} <= named_in(template)


def test_the_released_tables_are_public_and_nothing_else_is(manifest: Mapping[str, Any]) -> None:
    public = {node["alias"] for node in models(manifest) if node["access"] == "public"}
    assert public == RELEASED - NO_MODEL
    assert all(node["schema"] == WAREHOUSE_SCHEMA for node in models(manifest) if node["access"] == "public")


def test_every_model_has_a_group_with_an_owner_and_what_only_its_group_reads_is_private(
    manifest: Mapping[str, Any],
) -> None:
    groups = {group["name"]: group["owner"]["name"] for group in manifest["groups"].values()}
    assert all(groups.values())
    assert {node["group"] for node in models(manifest)} == groups.keys()
    private = {"/".join(node["fqn"][1:-1]) for node in models(manifest) if node["access"] == "private"}
    assert private == {"insight/movement", "insight/steps", "scenarios/inputs", "scenarios/nowcast"}
