"""The Dagster run that a new vintage asks for: partition, run key, tags, and what is worth another try."""

from __future__ import annotations

import dagster as dg

from dagster_project.assets.quarterly_run_resource import MAX_RETRIES_TAG, STARTED_BY_TAG
from dagster_project.automation.vintage import QuarterVintage

VINTAGE_TAG = "league/vintage"
REASON_TAG = "league/reason"
QUARTER_TAG = "league/quarter"
RETRY_STRATEGY_TAG, ALL_STEPS = "dagster/retry_strategy", "ALL_STEPS"
RETRIES = {
    # A run whose process died may succeed the next time, and so may one that found another one writing, which says
    # so of itself. A closed gate or a rejected file stays one; the files are fetched before the run.
    MAX_RETRIES_TAG: "2",
    "dagster/retry_on_asset_or_op_failure": "false",
}


def run_request(vintage: QuarterVintage, reason: str, started_by: str) -> dg.RunRequest:
    """The job for the vintage's quarter, reading the archive."""
    config = {"resources": {"quarterly_run": {"config": {"archived_sample": True}}}}
    return dg.RunRequest(
        run_key=vintage.key,
        partition_key=str(vintage.quarter),
        run_config=config if vintage.is_sample else None,
        tags={
            QUARTER_TAG: str(vintage.quarter),
            REASON_TAG: reason,
            STARTED_BY_TAG: started_by,
            VINTAGE_TAG: vintage.key,
            **RETRIES,
        },
    )


def is_requested(instance: dg.DagsterInstance, vintage: QuarterVintage) -> bool:
    """Whether the history has a run of that vintage, whoever asked for it."""
    runs = instance.get_runs(filters=dg.RunsFilter(tags={VINTAGE_TAG: vintage.key}), limit=1)
    return bool(runs)
