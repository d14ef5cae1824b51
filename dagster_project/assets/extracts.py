"""Assets of the first stage, read: the raw files of each table, and the figures landed from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from dagster_project.assets.column_lineage import landed_column_lineage
from dagster_project.assets.dbt_translation import COLUMN_LINEAGE, OWNERS
from dagster_project.assets.quarterly_run_resource import QuarterlyRunResource
from dagster_project.assets.row_counts import materialised_tables
from dagster_project.assets.selected import only_selected
from dagster_project.data_kind import kind_of
from dagster_project.extracts.load import LoadedExtracts
from dagster_project.quarters import partition_keys
from dagster_project.runs.flow import stage
from dagster_project.runs.left_out import left_out_lines
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.shown import markdown

TABLES = {
    "acute": "acute trusts",
    "non_acute": "non-acute (mental health and community) trusts",
    "ambulance": "ambulance trusts",
    "icb": "integrated care boards",
}
STATISTICS = "statistics"
LANDING = {
    "extract": "One row per raw file used",
    "extract_row": "One row per published figure, with the file and line that it stands on",
    "statistic_row": "One row per counted cell of an underlying statistic",
    "organisation_reference": "Organisations as the Organisation Data Service lists them",
    "row_set_aside": "Rows that hold no figure, each with the reason",
    "revision": "Figures that a newer file gives anew",
}
KEPT = {
    "release_event": "The journal of releases, as the run found it",
    "reconciliation_ledger": "Every difference from the publisher ever seen, as the run found it",
}
_LANDED_FROM = landed_column_lineage(list(TABLES))
PARTITIONS = dg.StaticPartitionsDefinition(partition_keys())
SINGLE_RUN = dg.BackfillPolicy.single_run()


def _columns_of(name: str) -> dict[str, dg.TableColumnLineageMetadataValue]:
    lineage = _LANDED_FROM.get(dg.AssetKey(["landing", name]))
    return {} if lineage is None else {COLUMN_LINEAGE: dg.MetadataValue.column_lineage(lineage)}


@dg.multi_asset(
    name=stage("read").name,
    specs=[
        *(
            dg.AssetSpec(
                ["extracts", table],
                description=f"The publisher's files about {says}, archived by hash.",
                group_name="extracts",
                owners=OWNERS,
                kinds={"csv", "python"},
            )
            for table, says in TABLES.items()
        ),
        *(
            dg.AssetSpec(
                ["landing", name],
                description=f"{says}.",
                deps=[["extracts", table] for table in TABLES],
                group_name="extracts",
                owners=OWNERS,
                kinds={"python", "duckdb"},
                metadata=_columns_of(name),
            )
            for name, says in LANDING.items()
        ),
        dg.AssetSpec(
            ["run", "quarter_in_scope"],
            description="The quarters of the run, with framework and release id.",
            deps=[["extracts", table] for table in TABLES],
            group_name="extracts",
            owners=OWNERS,
            kinds={"python", "duckdb"},
        ),
        *(
            dg.AssetSpec(
                [WAREHOUSE_SCHEMA, name],
                description=f"{says}.",
                group_name="releases",
                owners=OWNERS,
                kinds={"python", "duckdb"},
            )
            for name, says in KEPT.items()
        ),
    ],
    can_subset=True,
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
)
def read_extracts(quarterly_run: QuarterlyRunResource) -> Iterator[dg.MaterializeResult[None]]:
    """Finds, archives and reads the files of the run's quarters, and lands them in the candidate warehouse."""
    yield from only_selected(_read(quarterly_run))


def _read(quarterly_run: QuarterlyRunResource) -> Iterator[dg.MaterializeResult[None]]:
    passage = quarterly_run.passage
    extracts = passage.read().extracts
    # A file that no reader takes is of no table: whoever looks at one of them sees it.
    record = passage.run.record
    left_out = left_out_lines(record.content, listed_in=str(record.folder))
    for table in TABLES:
        yield _files_of_table(extracts, table, left_out)
    keys = [
        *(dg.AssetKey(["landing", name]) for name in LANDING),
        dg.AssetKey(["run", "quarter_in_scope"]),
        *(dg.AssetKey([WAREHOUSE_SCHEMA, name]) for name in KEPT),
    ]
    with passage.run.candidate.connect() as connection:
        yield from materialised_tables(connection, keys, _LANDED_FROM)


def _files_of_table(
    extracts: LoadedExtracts, table: str, left_out: Sequence[str]
) -> dg.MaterializeResult[None]:
    files = extracts.extract[extracts.extract["table_name"] == table]
    listed = "\n".join(
        f"- {markdown(name)} (`{extract_id[:16]}`, {size:,} bytes)"
        for name, extract_id, size in zip(
            files["file_name"], files["extract_id"], files["bytes"], strict=True
        )
    )
    return dg.MaterializeResult(
        asset_key=dg.AssetKey(["extracts", table]),
        metadata={
            "kind": dg.MetadataValue.text(str(kind_of(extracts.is_sample))),
            "files": dg.MetadataValue.md(listed or "not loaded: no file of these quarters"),
            "dagster/row_count": dg.MetadataValue.int(int(files["rows"].sum())),
            "rows_set_aside": dg.MetadataValue.int(
                int(extracts.row_set_aside["extract_id"].isin(files["extract_id"]).sum())
            ),
            "passed_over": dg.MetadataValue.int(len(extracts.ignored)),
            "left_out": dg.MetadataValue.text("\n".join(left_out) or "nothing: all of it was taken"),
        },
    )
