"""The last asset: the immutable release of each quarter and the commit that makes it current."""

# No postponed annotations here: Dagster reads the type of `context`.
import dagster as dg

from dagster_project.assets.dbt_translation import OWNERS
from dagster_project.assets.extracts import SINGLE_RUN
from dagster_project.assets.failures import plainly
from dagster_project.assets.partitions import PARTITIONS
from dagster_project.assets.quarterly_run_resource import QuarterlyRunResource
from dagster_project.assets.row_counts import Metadata, materialised
from dagster_project.data_kind import kind_of
from dagster_project.presentation import kind_notice
from dagster_project.quarters import Quarter
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import WAREHOUSE_SCHEMA

MADE_BY_GATES = "quality_result"
RELEASE = ["releases", "release"]


@dg.asset(
    key=RELEASE,
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
    with plainly(quarterly_run.record):
        passage = quarterly_run.passage
        folders = {folder.quarter: folder for folder in passage.release()}
    kind = str(kind_of(passage.found.extracts.is_sample))
    reconciled = {item["quarter"]: item["reconciliation"] for item in passage.run.record.content["summary"]}
    by_quarter: dict[Quarter, Metadata] = {}
    for quarter in passage.run.quarters:
        folder = folders.get(quarter)
        by_quarter[quarter] = {
            "releases": dg.MetadataValue.md(
                f"- {quarter}: `{folder.release_id}`" if folder else "dry run: nothing was released"
            ),
            "reconciliation": dg.MetadataValue.json(reconciled.get(str(quarter), {})),
        }
    shared: Metadata = {"kind": dg.MetadataValue.text(f"{kind}: {kind_notice(kind)}")}
    return materialised(context, dg.AssetKey(RELEASE), shared, by_quarter)
