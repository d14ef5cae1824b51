"""Assets of dbt's part: the rules, the metric values, and all that is scored from them; and the likely ranges drawn
between two of its stages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from dagster_project.assets.column_lineage import column_lineage_by_asset
from dagster_project.assets.dbt_translation import (
    COLUMN_LINEAGE,
    OWNERS,
    LeagueTablesTranslator,
    asset_keys_by_unique_id,
)
from dagster_project.assets.extracts import PARTITIONS, SINGLE_RUN
from dagster_project.assets.quarterly_run_resource import QuarterlyRunResource
from dagster_project.assets.row_counts import materialised_tables
from dagster_project.likely_ranges.drawn import READ, SCHEMA, TABLES
from dagster_project.lineage.of_project import lineage_if_told
from dagster_project.runs import stages
from dagster_project.runs.quarterly_run import QuarterlyRun, checkout_project
from dagster_project.settings import DataFolder

Stage = Callable[[QuarterlyRun], list[str]]
DRAWN = {
    "replicate_outcome": "How often each segment and average came up for each organisation, over its replicates.",
    "likely_range_end": "Both ends of each organisation's average, segment and rank, with their Monte-Carlo errors.",
    "not_told_apart": "From which rank to which nobody can be told apart from an organisation.",
}


def dbt_stage(
    name: str,
    select: Sequence[str],
    stage: Stage,
    manifest: Mapping[str, Any],
    lineage: Mapping[dg.AssetKey, dg.TableColumnLineage],
) -> dg.AssetsDefinition:
    """The models that one stage builds, as assets: one dbt invocation for all of them, in this process."""
    keys = asset_keys_by_unique_id(manifest)

    @dbt_assets(
        manifest=manifest,
        select=" ".join(select),
        name=name,
        dagster_dbt_translator=LeagueTablesTranslator(lineage),
        partitions_def=PARTITIONS,
        backfill_policy=SINGLE_RUN,
    )
    def build(quarterly_run: QuarterlyRunResource) -> Iterator[dg.MaterializeResult[None]]:
        built = stage(quarterly_run.run)
        with quarterly_run.run.candidate.connect() as connection:
            yield from materialised_tables(connection, [keys[unique_id] for unique_id in built], lineage)

    definition: dg.AssetsDefinition = build
    return definition


def drawing_stage(lineage: Mapping[dg.AssetKey, dg.TableColumnLineage]) -> dg.AssetsDefinition:
    """The tables of likely ranges that numpy draws, between dbt's scores and dbt's league tables."""
    keys = [dg.AssetKey([SCHEMA, name]) for name in TABLES]

    @dg.multi_asset(
        name="likely_ranges",
        specs=[
            dg.AssetSpec(
                key,
                description=DRAWN[key.path[-1]],
                deps=[[SCHEMA, read] for read in READ],
                group_name=SCHEMA,
                owners=OWNERS,
                kinds={"python", "numpy", "duckdb"},
                metadata={COLUMN_LINEAGE: dg.MetadataValue.column_lineage(lineage[key])}
                if key in lineage
                else {},
            )
            for key in keys
        ],
        partitions_def=PARTITIONS,
        backfill_policy=SINGLE_RUN,
    )
    def likely_ranges(quarterly_run: QuarterlyRunResource) -> Iterator[dg.MaterializeResult[None]]:
        """Draws every organisation's scores anew, and what comes of its average, segment and rank."""
        stages.draw(quarterly_run.run)
        with quarterly_run.run.candidate.connect() as connection:
            yield from materialised_tables(connection, keys, lineage)

    return likely_ranges


def dbt_stages() -> list[dg.AssetsDefinition]:
    """Rules, metric values, scores, likely ranges, league tables."""
    project = checkout_project(DataFolder.from_environment())
    lineage = column_lineage_by_asset(lineage_if_told(project))
    return [
        *(
            dbt_stage(name, select, stage, project.manifest, lineage)
            for name, select, stage in (
                ("methodology_rules", stages.SEEDS, stages.seed_rules),
                ("metric_values", stages.MEASURING, stages.measure),
                ("scores", stages.SCORING, stages.score),
                ("league_tables", stages.TABULATING, stages.tabulate),
            )
        ),
        drawing_stage(lineage),
    ]
