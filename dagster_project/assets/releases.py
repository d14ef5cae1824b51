"""The last asset: the immutable release of each quarter and the commit that makes it current."""

# No postponed annotations here: Dagster reads the type of `context`.
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from dagster_project.assets.dbt_translation import OWNERS, release_freshness
from dagster_project.assets.extracts import SINGLE_RUN
from dagster_project.assets.failures import plainly
from dagster_project.assets.partitions import PARTITIONS
from dagster_project.assets.quarterly_run_resource import WAREHOUSE_POOL, QuarterlyRunResource
from dagster_project.assets.row_counts import Metadata, materialised
from dagster_project.data_kind import kind_of
from dagster_project.extracts.rows import TABLES
from dagster_project.presentation import kind_notice
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import ReleaseFolder
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.runs.record import QUALITY_PAGE
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.shown import markdown
from dagster_project.sql_text import literal

MADE_BY_GATES = "quality_result"
RELEASE = ["releases", "release"]
# What stands behind the release says which state of the journal it was brought to; sensors compare it with today's.
STATE = "state"
LEAGUE_TABLES = tuple(
    table.name for table in RELEASED_TABLES if table.name.removeprefix("league_table_") in TABLES
)
_PREVIEWED = ("rank", "organisation_code", "organisation_name", "adjusted_segment", "average_metric_score")
_SHOWN = 5


@dg.asset(
    key=RELEASE,
    deps=[[WAREHOUSE_SCHEMA, table.name] for table in RELEASED_TABLES if table.name != MADE_BY_GATES],
    group_name="releases",
    owners=OWNERS,
    kinds={"parquet", "csv"},
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    pool=WAREHOUSE_POOL,
    freshness_policy=release_freshness(),
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
            **release_metadata([folder] if folder else []),
        }
    shared: Metadata = {"kind": dg.MetadataValue.text(f"{kind}: {kind_notice(kind)}")}
    return materialised(context, dg.AssetKey(RELEASE), shared, by_quarter)


def release_metadata(folders: Sequence[ReleaseFolder]) -> dict[str, dg.MetadataValue[Any]]:
    """Where each release lies, its quality page, and the first and last places of each of its league tables."""
    found: dict[str, dg.MetadataValue[Any]] = {}
    for folder in folders:
        of = f" {folder.quarter}" if len(folders) > 1 else ""
        found[f"folder{of}"] = dg.MetadataValue.path(folder.path)
        found[f"quality page{of}"] = dg.MetadataValue.path(folder.path / QUALITY_PAGE)
        for table in LEAGUE_TABLES:
            preview = league_table_preview(folder.path, table)
            if preview:
                found[f"{table}{of}"] = dg.MetadataValue.md(preview)
    return found


def league_table_preview(folder: Path, table: str) -> str:
    """A released league table in the order of ranks as Markdown; empty where the quarter has none of its rows."""
    file = literal(folder / f"{table}.parquet")
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        rows = connection.execute(
            f"select {', '.join(_PREVIEWED)} from read_parquet({file}) order by rank, organisation_code"
        ).fetchall()
    if not rows:
        return ""
    left_out = [] if len(rows) <= 2 * _SHOWN else [("...", *[""] * (len(_PREVIEWED) - 1))]
    shown = [*rows[:_SHOWN], *left_out, *rows[max(_SHOWN, len(rows) - _SHOWN) :]]
    head = ["rank", "code", "organisation", "segment", "average metric score"]
    lines = [
        head,
        ["---"] * len(head),
        *([markdown(str(cell)) for cell in row[: len(head)]] for row in shown),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
