"""Sensors: one watches the publisher's pages, two the journal (for the publication and for deliveries), two write a
summary of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from dagster_project.assets.deliveries import GROUP, VARIABLES, configured, state_of
from dagster_project.assets.partitions import offer
from dagster_project.assets.publication import PUBLICATION
from dagster_project.assets.quarterly_run_resource import STARTED_BY_TAG
from dagster_project.assets.releases import STATE
from dagster_project.automation.publication import seconds_between_looks
from dagster_project.automation.run_requests import REASON_TAG, is_requested, run_request
from dagster_project.automation.run_summary import deliver, write_summary
from dagster_project.automation.watching import Surroundings, look_for_vintages, watched_sources
from dagster_project.catalogue.catalogue import load_catalogue
from dagster_project.errors import InputMissing, LeagueError
from dagster_project.releases.journal import published_state
from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder

NEW_EXTRACTS = "new_extracts"
PUBLICATION_AFTER_CHANGES = "publication_after_changes"
DELIVERIES_AFTER_CHANGES = "deliveries_after_changes"
_SECONDS_BETWEEN_LOOKS_AT_JOURNAL = 60
# A run whose process died stays under way for ever where nothing watches runs. Were it alive, a second one would
# wait for its lock.
_LONGEST_RUN = timedelta(hours=3)
_UNDER_WAY = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_SECONDS_BETWEEN_SUMMARIES = 30


def new_extracts_sensor(job_name: str, around: Surroundings | None = None) -> dg.SensorDefinition:
    """Watches the framework's pages; starts a quarter once per vintage of its files. Off until switched on."""
    surroundings = around or Surroundings()

    @dg.sensor(
        name=NEW_EXTRACTS,
        job_name=job_name,
        # The bundled catalogue: one of a person's own is read, and its faults said, when the sensor looks.
        minimum_interval_seconds=seconds_between_looks(watched_sources(load_catalogue())[0]),
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Fetches new and revised files from the publishers' pages and starts their quarter.",
    )
    def new_extracts(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            look = look_for_vintages(DataFolder.to_write(is_sample=False), context.cursor, surroundings)
        except LeagueError as error:
            return dg.SkipReason(str(error))
        for message in look.messages:
            context.log.info(message)
        offer(context.instance, [wanted.vintage.quarter for wanted in look.wanted])
        requests = [
            run_request(wanted.vintage, wanted.reason, f"sensor {NEW_EXTRACTS}")
            for wanted in look.wanted
            if not is_requested(context.instance, wanted.vintage)
        ]
        if requests:
            return dg.SensorResult(run_requests=requests, cursor=look.cursor)
        said = "\n".join(look.messages) or "These files were asked for before."
        return dg.SensorResult(skip_reason=said, cursor=look.cursor or None)

    return new_extracts


def publication_sensor(
    job_name: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> dg.SensorDefinition:
    """Publishes whenever what is published isn't what is current: after a release, and also after an approval, a
    roll-back or a withdrawal. Off until switched on.
    """

    def states(data: DataFolder) -> Mapping[dg.AssetKey, str]:
        if not current_release(data):
            # There are no pages of nothing: a run would fail, each hour anew.
            raise InputMissing(
                f"No release is current, so that there is nothing to publish. Pages made before stay in "
                f"{data.publication} until somebody takes them away."
            )
        return {dg.AssetKey(PUBLICATION): published_state(data)}

    return _after_changes(
        PUBLICATION_AFTER_CHANGES,
        job_name,
        states,
        of="publication",
        up_to_date="The publication shows what is current.",
        description="Makes the publication anew when something was released, approved, rolled back or withdrawn.",
        now=now,
    )


def deliveries_sensor(
    job_name: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> dg.SensorDefinition:
    """Delivers to each configured target that isn't what is published now. Off until switched on."""

    def states(data: DataFolder) -> Mapping[dg.AssetKey, str]:
        names = configured()
        if not names:
            raise InputMissing(f"No target is configured: set {' or '.join(VARIABLES.values())}.")
        return {dg.AssetKey([GROUP, name]): state_of(name, data) for name in names}

    return _after_changes(
        DELIVERIES_AFTER_CHANGES,
        job_name,
        states,
        of="delivery",
        up_to_date="What is published is delivered.",
        description="Delivers whatever was released, approved, rolled back or withdrawn to the configured targets.",
        now=now,
    )


def _after_changes(
    name: str,
    job_name: str,
    states: Callable[[DataFolder], Mapping[dg.AssetKey, str]],
    *,
    of: str,
    up_to_date: str,
    description: str,
    now: Callable[[], datetime],
) -> dg.SensorDefinition:
    """Starts the assets whose last materialisation says another state than `states` gives.

    It watches the journal: an approval, a roll-back and a withdrawal are no events of Dagster's. What failed is asked
    for again each hour, until it is up to date.
    """

    @dg.sensor(
        name=name,
        job_name=job_name,
        minimum_interval_seconds=_SECONDS_BETWEEN_LOOKS_AT_JOURNAL,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=description,
    )
    def after_changes(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        try:
            data = DataFolder.from_environment()
            wanted = states(data)
        except LeagueError as error:
            return dg.SkipReason(str(error))
        if not data.warehouse.exists():
            return dg.SkipReason("Nothing is released yet.")
        behind = {
            key: state for key, state in wanted.items() if _state_reached(context.instance, key) != state
        }
        if not behind:
            return dg.SkipReason(up_to_date)
        under_way = dg.RunsFilter(
            job_name=job_name, statuses=list(_UNDER_WAY), created_after=now() - _LONGEST_RUN
        )
        if context.instance.get_runs(under_way, limit=1):
            return dg.SkipReason(f"A {of} is under way.")
        said = " ".join(f"{key.path[-1]}:{state}" for key, state in behind.items())
        return dg.RunRequest(
            run_key=f"{said} {now():%Y-%m-%dT%H}",
            asset_selection=list(behind),
            tags={
                REASON_TAG: f"What is current has changed since the last {of}",
                STARTED_BY_TAG: f"sensor {name}",
            },
        )

    return after_changes


def _state_reached(instance: dg.DagsterInstance, key: dg.AssetKey) -> object:
    """What an asset's latest materialisation brought it to; None before the first."""
    event = instance.get_latest_materialization_event(key)
    made = event.asset_materialization if event is not None else None
    return made.metadata[STATE].value if made is not None and STATE in made.metadata else None


def summary_sensors() -> list[dg.SensorDefinition]:
    """After success and after failure: `summary.txt` of the run, and the webhook if there is one."""
    return [
        _summary_sensor("summary_of_success", dg.DagsterRunStatus.SUCCESS),
        _summary_sensor("summary_of_failure", dg.DagsterRunStatus.FAILURE),
    ]


def _summary_sensor(name: str, status: dg.DagsterRunStatus) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=status,
        name=name,
        minimum_interval_seconds=_SECONDS_BETWEEN_SUMMARIES,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Writes the run's summary.txt, and posts it to LEAGUE_WEBHOOK_URL if that is set.",
    )
    def summarise(context: dg.RunStatusSensorContext) -> None:
        run = context.dagster_run
        try:
            text = write_summary(
                DataFolder.from_environment(),
                run.run_id,
                reason=run.tags.get(REASON_TAG, ""),
                fallback=context.dagster_event.message or "",
            )
        except (OSError, ValueError) as error:
            context.log.warning(f"The summary of run {run.run_id} wasn't written: {error}")
            return
        undelivered = deliver(text)
        if undelivered:
            context.log.warning(undelivered)

    return summarise
