"""How dbt's models and seeds look as Dagster assets: keys, groups, owners, kinds, partitions, dependencies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from dagster_project.automation.publication import release_deadline
from dagster_project.catalogue.catalogue import bundled_catalogue
from dagster_project.extracts.source import FRAMEWORK_DATA, FRAMEWORK_TABLES
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DBT_PROJECT_DIR, OWNER, PROJECT_ROOT, WAREHOUSE_SCHEMA

COLUMN_LINEAGE = "dagster/column_lineage"
OWNERS = [OWNER]
_DICTIONARY = PROJECT_ROOT / "docs" / "reference" / "data-dictionary.md"
_RELEASED = frozenset(table.name for table in RELEASED_TABLES)
REQUEST = dg.AssetKey(["run", "quarter_in_scope"])


class LeagueTablesTranslator(DagsterDbtTranslator):
    """Schema and name make the key, the folder makes the group.

    dbt's tests are no asset checks, as a run doesn't run them: CI does, on a warehouse of its own.
    """

    def __init__(self, columns: Mapping[dg.AssetKey, dg.TableColumnLineage] | None = None) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=False))
        self._columns = columns or {}
        self._specs: dict[str, dg.AssetSpec] = {}

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`<schema>/<name in the warehouse>`; sources are the assets of earlier stages."""
        name = dbt_resource_props.get("alias") or dbt_resource_props["name"]
        return dg.AssetKey([dbt_resource_props["schema"], name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The stage of the flow: the folder of the model or seed."""
        return str(dbt_resource_props["fqn"][1])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The words of the YAML alone: dagster-dbt would add the SQL with its Jinja, which a code reference opens."""
        return str(dbt_resource_props["description"])

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The spec with owners and kinds; the rules in force are chosen by the request, so they come after it."""
        # dagster-dbt asks for a model once for itself and once for each that reads it.
        if unique_id not in self._specs:
            self._specs[unique_id] = self._spec(manifest, unique_id, project)
        return self._specs[unique_id]

    def _spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        is_seed = unique_id.startswith("seed.")
        node = manifest["nodes"].get(unique_id)
        columns = self._columns.get(spec.key)
        more = {COLUMN_LINEAGE: dg.MetadataValue.column_lineage(columns)} if columns is not None else {}
        return spec.replace_attributes(
            owners=OWNERS,
            kinds={"dbt", "duckdb", "seed" if is_seed else "sql"},
            tags={"holds": "rules" if is_seed else _holds(spec.key)},
            deps=[dg.AssetDep(REQUEST)] if is_seed else spec.deps,
            metadata={**spec.metadata, **more, **({} if node is None else _code(node, spec.key))},
            freshness_policy=release_freshness() if _holds(spec.key) == "released_table" else None,
        )


@cache
def release_freshness() -> dg.FreshnessPolicy | None:
    """Of what each quarter's release makes anew: late once the framework's usual weeks of publication are over, by the
    catalogue.
    """
    catalogue = bundled_catalogue()
    due = release_deadline(catalogue.sources[name] for name in (FRAMEWORK_DATA, FRAMEWORK_TABLES))
    if due is None:
        return None
    deadline, before = due
    return dg.FreshnessPolicy.cron(deadline_cron=deadline, lower_bound_delta=before, timezone="Europe/London")


def _holds(key: dg.AssetKey) -> str:
    """What a catalogue can be searched by: the tables of a release, other marts, or the results of a stage."""
    if key.path[0] != WAREHOUSE_SCHEMA:
        return "stage_result"
    return "released_table" if key.path[-1] in _RELEASED else "mart"


def _code(node: Mapping[str, Any], key: dg.AssetKey) -> Mapping[str, Any]:
    """Where the model is written, and where a released table is described for its readers."""
    model = DBT_PROJECT_DIR / node["original_file_path"]
    references: list[Any] = [dg.LocalFileCodeReference(file_path=str(model), line_number=1, label=model.name)]
    line = _described_at().get(key.path[-1]) if key.path[0] == WAREHOUSE_SCHEMA else None
    if line is not None:
        label = "its page in the data dictionary"
        references.append(
            dg.LocalFileCodeReference(file_path=str(_DICTIONARY), line_number=line, label=label)
        )
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=references)}


@cache
def _described_at() -> Mapping[str, int]:
    """The line of each table's heading in the data dictionary; empty in a checkout without documents."""
    if not _DICTIONARY.is_file():
        return {}
    lines = enumerate(_DICTIONARY.read_text("utf-8").splitlines(), start=1)
    return {text.removeprefix("### "): number for number, text in lines if text.startswith("### ")}


def asset_keys_by_unique_id(manifest: Mapping[str, Any]) -> dict[str, dg.AssetKey]:
    """The asset key of every model and seed."""
    translator = LeagueTablesTranslator()
    return {
        unique_id: translator.get_asset_key(node)
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
