"""Assets of dbt's part: the rules, the metric values, and all that is scored from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from dagster_project.assets.column_lineage import column_lineage_by_asset
from dagster_project.assets.dbt_translation import LeagueTablesTranslator, asset_keys_by_unique_id
from dagster_project.assets.extracts import PARTITIONS, SINGLE_RUN
from dagster_project.assets.quarterly_run_resource import QuarterlyRunResource
from dagster_project.assets.row_counts import materialised_tables
from dagster_project.lineage.of_project import lineage_if_told
from dagster_project.runs.flow import FLOW, Stage
from dagster_project.settings import DataFolder
from dagster_project.warehouse.dbt_project import checkout_project


def dbt_stage(
    stage: Stage, manifest: Mapping[str, Any], lineage: Mapping[dg.AssetKey, dg.TableColumnLineage]
) -> dg.AssetsDefinition:
    """The models that one stage builds, as assets: one dbt invocation for all of them, in this process."""
    keys = asset_keys_by_unique_id(manifest)

    @dbt_assets(
        manifest=manifest,
        select=" ".join(stage.selection),
        name=stage.name,
        dagster_dbt_translator=LeagueTablesTranslator(lineage),
        partitions_def=PARTITIONS,
        backfill_policy=SINGLE_RUN,
    )
    def build(quarterly_run: QuarterlyRunResource) -> Iterator[dg.MaterializeResult[None]]:
        built = quarterly_run.passage.build(stage)
        with quarterly_run.passage.run.candidate.connect() as connection:
            yield from materialised_tables(connection, [keys[unique_id] for unique_id in built], lineage)

    definition: dg.AssetsDefinition = build
    return definition


def dbt_stages() -> list[dg.AssetsDefinition]:
    """The stages of the flow that dbt builds."""
    project = checkout_project(DataFolder.from_environment())
    lineage = column_lineage_by_asset(lineage_if_told(project))
    return [dbt_stage(stage, project.manifest, lineage) for stage in FLOW if stage.command is not None]
