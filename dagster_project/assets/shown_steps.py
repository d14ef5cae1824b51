"""Which of dbt's models are assets: what a reader or a later stage reads. Steps within a stage stay out of the graph.

They are built all the same, and dbt's pages, `league lineage` and the warehouse have them. What depends on one depends
here on what the step is made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from dagster_project.runs.flow import FLOW
from dagster_project.settings import WAREHOUSE_SCHEMA


def internal_steps(manifest: Mapping[str, Any]) -> frozenset[str]:
    """The unique ids of the models that only their own stage reads, and that aren't among the league tables' marts."""
    stages = {folder: stage.name for stage in FLOW for folder in stage.folders}
    nodes = manifest["nodes"]

    def stage_of(unique_id: str) -> str | None:
        node = nodes.get(unique_id)
        is_model = node is not None and node["resource_type"] == "model"
        return stages.get(node["fqn"][1]) if is_model else None

    def read_by(unique_id: str) -> Iterator[str]:
        for reader in manifest["child_map"].get(unique_id, ()):
            stage = stage_of(reader)
            if stage is not None and nodes[reader]["config"]["materialized"] == "ephemeral":
                yield from read_by(reader)
            elif stage is not None:
                yield stage

    return frozenset(
        unique_id
        for unique_id, node in nodes.items()
        if stage_of(unique_id) is not None
        and node["schema"] != WAREHOUSE_SCHEMA
        and {*read_by(unique_id)} <= {stage_of(unique_id)}
    )


def without_steps(specs: Sequence[dg.AssetSpec], steps: Iterable[dg.AssetKey]) -> list[dg.AssetSpec]:
    """The specs but for those of steps; what depended on one depends on what that depended on."""
    hidden = {spec.key: spec for spec in specs if spec.key in set(steps)}

    def behind(key: dg.AssetKey) -> Iterator[dg.AssetKey]:
        if key not in hidden:
            yield key
            return
        for dep in hidden[key].deps:
            yield from behind(dep.asset_key)

    return [
        spec.replace_attributes(
            deps=sorted({key for dep in spec.deps for key in behind(dep.asset_key)} - {spec.key})
        )
        for spec in specs
        if spec.key not in hidden
    ]


def chosen(keys: Iterable[dg.AssetKey]) -> list[dg.AssetKey]:
    """Of a stage, which is always done whole, the assets that the run in progress was asked for."""
    selected = dg.AssetExecutionContext.get().selected_asset_keys
    return [key for key in keys if key in selected]
