"""How dbt's models and seeds look as Dagster assets: keys, groups, owners, kinds, partitions, dependencies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from dagster_project.settings import OWNER

COLUMN_LINEAGE = "dagster/column_lineage"
OWNERS = [OWNER]
REQUEST = dg.AssetKey(["run", "quarter_in_scope"])


class LeagueTablesTranslator(DagsterDbtTranslator):
    """Schema and name make the key, the folder makes the group; dbt's tests run in CI, the gates at run time."""

    def __init__(self, columns: Mapping[dg.AssetKey, dg.TableColumnLineage] | None = None) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=False))
        self._columns = columns or {}

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`<schema>/<name in the warehouse>`; sources are the assets of earlier stages."""
        name = dbt_resource_props.get("alias") or dbt_resource_props["name"]
        return dg.AssetKey([dbt_resource_props["schema"], name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The stage of the flow: the folder of the model or seed."""
        return str(dbt_resource_props["fqn"][1])

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The spec with owners and kinds; the rules in force are chosen by the request, so they come after it."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        is_seed = unique_id.startswith("seed.")
        columns = self._columns.get(spec.key)
        more = {COLUMN_LINEAGE: dg.MetadataValue.column_lineage(columns)} if columns is not None else {}
        return spec.replace_attributes(
            owners=OWNERS,
            kinds={"dbt", "duckdb", "seed" if is_seed else "sql"},
            deps=[dg.AssetDep(REQUEST)] if is_seed else spec.deps,
            metadata={**spec.metadata, **more},
        )


def asset_keys_by_unique_id(manifest: Mapping[str, Any]) -> dict[str, dg.AssetKey]:
    """The asset key of every model and seed."""
    translator = LeagueTablesTranslator()
    return {
        unique_id: translator.get_asset_key(node)
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
