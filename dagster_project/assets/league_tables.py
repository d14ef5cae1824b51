"""Assets of dbt's stages: the rules, the values, all that is scored from them, and likely ranges drawn between."""

# No postponed annotations here: Dagster reads the type of `context`.
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import build_dbt_asset_specs

from dagster_project.assets.column_lineage import column_lineage_by_asset
from dagster_project.assets.dbt_translation import (
    COLUMN_LINEAGE,
    OWNERS,
    LeagueTablesTranslator,
    asset_keys_by_unique_id,
)
from dagster_project.assets.extracts import SINGLE_RUN
from dagster_project.assets.failures import plainly
from dagster_project.assets.partitions import PARTITIONS
from dagster_project.assets.quarterly_run_resource import WAREHOUSE_POOL, QuarterlyRunResource
from dagster_project.assets.row_counts import materialised_tables
from dagster_project.assets.shown_steps import chosen, internal_steps, without_steps
from dagster_project.likely_ranges.drawn import READ, SCHEMA, TABLES
from dagster_project.lineage.of_project import lineage_if_told
from dagster_project.runs.flow import FLOW, Stage
from dagster_project.settings import DataFolder
from dagster_project.warehouse.dbt_project import checkout_project

DRAWN = {
    "replicate_outcome": "How often each segment and average came up for each organisation, over its replicates.",
    "likely_range_end": "Both ends of each organisation's average, segment and rank, with their Monte-Carlo errors.",
    "not_told_apart": "From which rank to which nobody can be told apart from an organisation.",
}


def dbt_stage(
    stage: Stage,
    manifest: Mapping[str, Any],
    lineage: Mapping[dg.AssetKey, dg.TableColumnLineage],
    steps: Collection[dg.AssetKey],
    translator: LeagueTablesTranslator,
) -> dg.AssetsDefinition:
    """The models that one stage builds, as assets but for `steps`, and the tables that are drawn from them: one dbt
    invocation for all of them, in this process.
    """
    keys = asset_keys_by_unique_id(manifest)
    drawn = [drawn_table(name, lineage) for name in TABLES] if stage.draws else []
    models = build_dbt_asset_specs(
        manifest=manifest,
        dagster_dbt_translator=translator,
        select=" ".join(stage.selection),
    )

    @dg.multi_asset(
        name=stage.name,
        specs=without_steps([*models, *drawn], steps),
        can_subset=True,
        partitions_def=PARTITIONS,
        backfill_policy=SINGLE_RUN,
        pool=WAREHOUSE_POOL,
    )
    def build(
        context: dg.AssetExecutionContext, quarterly_run: QuarterlyRunResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        with plainly(quarterly_run.record):
            passage = quarterly_run.passage
            built = [keys[unique_id] for unique_id in passage.build(stage)]
        with passage.run.candidate.connect() as connection:
            yield from materialised_tables(
                *(context, connection, passage.run.quarters),
                chosen([*built, *(spec.key for spec in drawn)]),
                lineage,
            )

    return build


def drawn_table(name: str, lineage: Mapping[dg.AssetKey, dg.TableColumnLineage]) -> dg.AssetSpec:
    """A table of likely ranges that numpy draws, between dbt's scores and dbt's league tables."""
    key = dg.AssetKey([SCHEMA, name])
    known = lineage.get(key)
    return dg.AssetSpec(
        key,
        description=DRAWN[name],
        deps=[[SCHEMA, read] for read in READ],
        group_name=SCHEMA,
        owners=OWNERS,
        kinds={"python", "numpy", "duckdb"},
        metadata={} if known is None else {COLUMN_LINEAGE: dg.MetadataValue.column_lineage(known)},
    )


def dbt_stages() -> list[dg.AssetsDefinition]:
    """The stages of the flow that dbt builds."""
    project = checkout_project(DataFolder.from_environment())
    manifest = project.manifest
    keys = asset_keys_by_unique_id(manifest)
    steps = {keys[unique_id] for unique_id in internal_steps(manifest)}
    lineage = column_lineage_by_asset(lineage_if_told(project), steps)
    translator = LeagueTablesTranslator(lineage)
    stages = [stage for stage in FLOW if stage.command is not None]
    return [dbt_stage(stage, manifest, lineage, steps, translator) for stage in stages]
