"""Assets of the first stage, read: each publisher's source, and what is landed from them."""

# No postponed annotations here: Dagster reads the type of `context`.
from collections.abc import Iterator, Sequence
from datetime import timedelta

import dagster as dg

from dagster_project.assets.column_lineage import SOURCES, landed_column_lineage
from dagster_project.assets.dbt_translation import COLUMN_LINEAGE, OWNERS, REQUEST
from dagster_project.assets.failures import plainly
from dagster_project.assets.partitions import PARTITIONS
from dagster_project.assets.quarterly_run_resource import WAREHOUSE_POOL, QuarterlyRunResource
from dagster_project.assets.row_counts import ROW_COUNT, Metadata, materialised, materialised_tables
from dagster_project.assets.shown_steps import chosen
from dagster_project.catalogue.catalogue import Source, bundled_catalogue
from dagster_project.data_kind import kind_of
from dagster_project.extracts.load import LoadedExtracts
from dagster_project.extracts.source import SourceRecord, source_records
from dagster_project.quarters import Quarter
from dagster_project.runs.flow import stage
from dagster_project.runs.left_out import left_out_lines
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.shown import markdown

# By landed table, what it holds and the kinds of source that it is read from.
_EVERY = ("framework", "statistic", "organisations")
LANDING = {
    "extract": ("One row per raw file used", _EVERY),
    "extract_row": ("One row per published figure, with the file and line that it stands on", ("framework",)),
    "statistic_row": ("One row per counted cell of an underlying statistic", ("statistic",)),
    "organisation_reference": (
        "Organisations as the Organisation Data Service lists them",
        ("organisations",),
    ),
    "row_set_aside": ("Rows that hold no figure, each with the reason", _EVERY),
    "revision": ("Figures that a newer file gives anew", ("framework",)),
}
KEPT = {
    "release_event": "The journal of releases, as the run found it",
    "reconciliation_ledger": "Every difference from the publisher ever seen, as the run found it",
}
_LANDED_FROM = landed_column_lineage(list(LANDING))
SINGLE_RUN = dg.BackfillPolicy.single_run()
# A run reads a quarter's files of every source, so that each is due once a quarter, as early as it is published.
_QUARTER = timedelta(days=92)


def _source_spec(record: SourceRecord) -> dg.AssetSpec:
    """A publisher's source: only a run that had files of it materialises it."""
    source = bundled_catalogue().sources[record.name]
    pages = ", ".join(f"[{page.address}]({page.address})" for page in source.index_pages)
    return dg.AssetSpec(
        [SOURCES, record.name],
        description=f"{source.title}, published by {source.publisher} ({source.cadence}; {source.licence}): {pages}",
        group_name=SOURCES,
        owners=OWNERS,
        kinds={"python", *source.formats},
        tags={"publisher": source.publisher.lower().replace(" ", "_"), "source_kind": record.kind},
        metadata={
            "publisher": source.publisher,
            "licence": source.licence,
            "pages": dg.MetadataValue.url(source.index_pages[0].address),
            "metrics": source.metrics if isinstance(source.metrics, str) else ", ".join(source.metrics),
        },
        freshness_policy=_freshness_of(source),
    )


def _freshness_of(source: Source) -> dg.FreshnessPolicy | None:
    """Late once a quarter has gone by since it was read and its usual weeks of publication are over."""
    if source.publication_weeks is None:
        return None
    first, last = source.publication_weeks
    warn = _QUARTER + timedelta(weeks=1)
    return dg.FreshnessPolicy.time_window(
        fail_window=warn + timedelta(weeks=last - first + 1), warn_window=warn
    )


def _sources_of(kinds: Sequence[str]) -> list[list[str]]:
    return [[SOURCES, record.name] for record in source_records() if record.kind in kinds]


def _columns_of(name: str) -> dict[str, dg.TableColumnLineageMetadataValue]:
    lineage = _LANDED_FROM.get(dg.AssetKey(["landing", name]))
    return {} if lineage is None else {COLUMN_LINEAGE: dg.MetadataValue.column_lineage(lineage)}


def _specs() -> Iterator[dg.AssetSpec]:
    yield from map(_source_spec, source_records())
    for name, (says, kinds) in LANDING.items():
        yield dg.AssetSpec(
            ["landing", name],
            description=f"{says}.",
            deps=_sources_of(kinds),
            group_name="extracts",
            owners=OWNERS,
            kinds={"python", "duckdb"},
            metadata=_columns_of(name),
        )
    yield dg.AssetSpec(
        REQUEST,
        description="The quarters of the run, with framework and release id.",
        deps=_sources_of(("framework",)),
        group_name="extracts",
        owners=OWNERS,
        kinds={"python", "duckdb"},
    )
    for name, says in KEPT.items():
        yield dg.AssetSpec(
            [WAREHOUSE_SCHEMA, name],
            description=f"{says}.",
            group_name="releases",
            owners=OWNERS,
            kinds={"python", "duckdb"},
        )


@dg.multi_asset(
    name=stage("read").name,
    specs=[spec.replace_attributes(skippable=spec.key.path[0] == SOURCES) for spec in _specs()],
    can_subset=True,
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    pool=WAREHOUSE_POOL,
)
def read_extracts(
    context: dg.AssetExecutionContext, quarterly_run: QuarterlyRunResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Finds, archives and reads the files of the run's quarters, and lands them in the candidate warehouse."""
    with plainly(quarterly_run.record):
        passage = quarterly_run.passage
        extracts = passage.read().extracts
    quarters = passage.run.quarters
    # A file that no reader takes is of no source: whoever looks at one of them sees it.
    record = passage.run.record
    left_out = left_out_lines(record.content, listed_in=str(record.folder))
    read = set(extracts.extract["source"])
    for key in chosen(dg.AssetKey(key) for key in _sources_of(_EVERY)):
        if key.path[-1] in read:
            shared, by_quarter = _files_of_source(extracts, key, quarters, left_out)
            yield materialised(context, key, shared, by_quarter)
    keys = [
        *(dg.AssetKey(["landing", name]) for name in LANDING),
        REQUEST,
        *(dg.AssetKey([WAREHOUSE_SCHEMA, name]) for name in KEPT),
    ]
    with passage.run.candidate.connect() as connection:
        yield from materialised_tables(context, connection, quarters, chosen(keys), _LANDED_FROM)


def _files_of_source(
    extracts: LoadedExtracts, key: dg.AssetKey, quarters: Sequence[Quarter], left_out: Sequence[str]
) -> tuple[Metadata, dict[Quarter, Metadata]]:
    """What is the same in every quarter of the run, and the rows of each; a list of organisations is of all."""
    files = extracts.extract[extracts.extract["source"] == key.path[-1]]
    listed = "\n".join(
        f"- {markdown(name)} (`{extract_id[:16]}`, {size:,} bytes)"
        for name, extract_id, size in zip(
            files["file_name"], files["extract_id"], files["bytes"], strict=True
        )
    )
    shared: Metadata = {
        "kind": dg.MetadataValue.text(str(kind_of(extracts.is_sample))),
        "files": dg.MetadataValue.md(listed),
        "rows_set_aside": dg.MetadataValue.int(
            int(extracts.row_set_aside["extract_id"].isin(files["extract_id"]).sum())
        ),
        "passed_over": dg.MetadataValue.int(len(extracts.ignored)),
        "left_out": dg.MetadataValue.text("\n".join(left_out) or "nothing: all of it was taken"),
    }
    everywhere = int(extracts.organisation_reference["extract_id"].isin(files["extract_id"]).sum())
    counts = dict.fromkeys(map(str, quarters), everywhere)
    for rows in (extracts.extract_row, extracts.statistic_row):
        of_source = rows[rows["extract_id"].isin(files["extract_id"])]
        for quarter, count in of_source["quarter"].value_counts().items():
            counts[str(quarter)] = counts.get(str(quarter), 0) + int(count)
    return shared, {quarter: {ROW_COUNT: dg.MetadataValue.int(counts[str(quarter)])} for quarter in quarters}
