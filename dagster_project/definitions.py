"""What Dagster loads: assets, gates, the job and its resource. Assembly only."""

from __future__ import annotations

import dagster as dg

from dagster_project.assets.deliveries import DELIVERIES, deliveries
from dagster_project.assets.extracts import read_extracts
from dagster_project.assets.gates import gate_checks, schema_change_checks
from dagster_project.assets.league_tables import dbt_stages
from dagster_project.assets.publication import PUBLICATION, published
from dagster_project.assets.quarterly_run_resource import resource_for
from dagster_project.assets.releases import released
from dagster_project.automation.run_requests import ALL_STEPS, RETRY_STRATEGY_TAG
from dagster_project.automation.schedules import publication_weeks_schedule
from dagster_project.automation.sensors import (
    deliveries_sensor,
    new_extracts_sensor,
    publication_sensor,
    summary_sensors,
)
from dagster_project.automation.telling import alert_sensors
from dagster_project.runs.request import RunRequest

JOB_NAME = "quarterly_league_tables"
PUBLICATION_JOB = "publication"
DELIVERIES_JOB = "deliveries"

quarterly_league_tables = dg.define_asset_job(
    JOB_NAME,
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(PUBLICATION, *DELIVERIES),
    description="A quarter from raw extracts to released league tables, through three gates.",
    # A run whose process died may have died before there was anything to go on from: tried again, it begins anew.
    tags={RETRY_STRATEGY_TAG: ALL_STEPS},
    executor_def=dg.in_process_executor,
)

publication = dg.define_asset_job(
    PUBLICATION_JOB,
    selection=dg.AssetSelection.assets(PUBLICATION),
    description="Pages, charts, spreadsheets and data files of the current releases.",
    executor_def=dg.in_process_executor,
)

deliveries_job = dg.define_asset_job(
    DELIVERIES_JOB,
    selection=dg.AssetSelection.assets(*DELIVERIES),
    description="The current releases in the configured database and lakes; withdrawn ones are taken away.",
    executor_def=dg.in_process_executor,
)

defs = dg.Definitions(
    assets=[read_extracts, *dbt_stages(), released, published, *deliveries()],
    asset_checks=[*gate_checks(), *schema_change_checks()],
    jobs=[quarterly_league_tables, publication, deliveries_job],
    sensors=[
        new_extracts_sensor(JOB_NAME),
        *summary_sensors(),
        *alert_sensors(),
        publication_sensor(PUBLICATION_JOB),
        deliveries_sensor(DELIVERIES_JOB),
    ],
    schedules=[publication_weeks_schedule(JOB_NAME)],
    resources={"quarterly_run": resource_for(RunRequest)()},
    executor=dg.in_process_executor,
    loggers={"console": dg.colored_console_logger},
)
