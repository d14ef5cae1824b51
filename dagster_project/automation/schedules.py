"""The schedule of the usual publication weeks: every morning of them, the quarter that is due."""

from __future__ import annotations

import dagster as dg

from dagster_project.archive.archive import Archive
from dagster_project.assets.partitions import offer
from dagster_project.automation.publication import quarter_due
from dagster_project.automation.run_requests import is_requested, run_request
from dagster_project.automation.vintage import vintage_of
from dagster_project.automation.watching import Surroundings, fetch_for, reason_for, watched_sources
from dagster_project.errors import LeagueError
from dagster_project.settings import DataFolder

PUBLICATION_WEEKS = "publication_weeks"
# Official statistics come out at half past nine.
_EVERY_MORNING = "0 10 * * *"
_PUBLISHERS_TIME = "Europe/London"


def publication_weeks_schedule(job_name: str, around: Surroundings | None = None) -> dg.ScheduleDefinition:
    """Fetches and starts the quarter that is due, once per vintage. Off until switched on."""
    surroundings = around or Surroundings()

    @dg.schedule(
        cron_schedule=_EVERY_MORNING,
        name=PUBLICATION_WEEKS,
        job_name=job_name,
        execution_timezone=_PUBLISHERS_TIME,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every morning of the usual publication weeks: fetches and starts the quarter due then.",
    )
    def publication_weeks(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        try:
            return _due_on(context, surroundings)
        except LeagueError as error:
            return dg.SkipReason(str(error))

    return publication_weeks


def _due_on(context: dg.ScheduleEvaluationContext, around: Surroundings) -> dg.RunRequest | dg.SkipReason:
    data, catalogue = DataFolder.to_write(is_sample=False), around.catalogue()
    quarter = quarter_due(context.scheduled_execution_time.date(), watched_sources(catalogue)[0])
    if quarter is None:
        return dg.SkipReason("Outside the usual publication weeks of the framework's files.")
    faults, _ = fetch_for(quarter, data, catalogue, around.patience)
    if faults:
        return dg.SkipReason("\n".join(faults))
    vintage = vintage_of(quarter, Archive(data.archive).sightings())
    if vintage is None:
        return dg.SkipReason(f"{quarter} is due, and not published yet.")
    if is_requested(context.instance, vintage):
        return dg.SkipReason(f"Nothing new for {quarter}: a run of these files was asked for before.")
    offer(context.instance, [quarter])
    return run_request(vintage, reason_for(vintage, None), f"schedule {PUBLICATION_WEEKS}")
