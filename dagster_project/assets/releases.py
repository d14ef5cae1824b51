"""The last asset: the immutable release of each quarter and the commit that makes it current."""

# No postponed annotations here: Dagster reads the type of `context`.
from collections.abc import Sequence

import dagster as dg

from dagster_project.assets.dbt_translation import OWNERS
from dagster_project.assets.extracts import PARTITIONS, SINGLE_RUN
from dagster_project.assets.quarterly_run_resource import QuarterlyRunResource
from dagster_project.data_kind import kind_of
from dagster_project.presentation import kind_notice
from dagster_project.quarters import Quarter
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import WAREHOUSE_SCHEMA

MADE_BY_GATES = "quality_result"


@dg.asset(
    key=["releases", "release"],
    deps=[[WAREHOUSE_SCHEMA, table.name] for table in RELEASED_TABLES if table.name != MADE_BY_GATES],
    group_name="releases",
    owners=OWNERS,
    kinds={"parquet", "csv"},
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    description="Parquet and CSV of every released table, immutable, under a content-derived id.",
)
def released(
    context: dg.AssetExecutionContext, quarterly_run: QuarterlyRunResource
) -> dg.MaterializeResult[None]:
    """Writes the release folders and commits the candidate."""
    passage = quarterly_run.passage
    folders = passage.release()
    _report_quarters_beyond_the_partitions(context, passage.run.quarters)
    kind = str(kind_of(passage.found.extracts.is_sample))
    return dg.MaterializeResult(
        metadata={
            "kind": dg.MetadataValue.text(f"{kind}: {kind_notice(kind)}"),
            "releases": dg.MetadataValue.md(
                "\n".join(f"- {folder.quarter}: `{folder.release_id}`" for folder in folders)
                or "dry run: nothing was released"
            ),
            "reconciliation": dg.MetadataValue.json(
                {item["quarter"]: item["reconciliation"] for item in passage.run.record.content["summary"]}
            ),
        }
    )


def _report_quarters_beyond_the_partitions(
    context: dg.AssetExecutionContext, quarters: Sequence[Quarter]
) -> None:
    """A run over quarters with gaps has one partition: its assets are materialised in the other quarters too."""
    beyond = {str(quarter) for quarter in quarters} - set(context.partition_keys)
    for quarter in sorted(beyond):
        for key in context.job_def.asset_layer.executable_asset_keys:
            context.log_event(dg.AssetMaterialization(key, partition=quarter))
