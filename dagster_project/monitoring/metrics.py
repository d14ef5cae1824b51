"""How things stand, in Prometheus' text form: runs, queue, releases, gates, warehouse, backups, daemon,
writer's lock.

All are gauges that are looked up when asked for: nothing is counted in this process, which may be started anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.automation.alerts import late_on
from dagster_project.errors import WrongUsage
from dagster_project.keeping.backup_folder import BackupFolder
from dagster_project.monitoring.health import heartbeat_ages
from dagster_project.quarters import Quarter
from dagster_project.releases.journal import PUBLISHED, read_events
from dagster_project.releases.publish import current_release
from dagster_project.releases.writer_lock import run_that_writes
from dagster_project.runs.record import OUTCOME_FILE, read_outcome
from dagster_project.settings import DataFolder

if TYPE_CHECKING:
    from dagster import DagsterInstance

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BACKUP_VARIABLE = "LEAGUE_BACKUP_DIR"
_RUNS_LOOKED_AT = 100


def metrics_text(data: DataFolder, instance: DagsterInstance, health: Mapping[str, Any]) -> bytes:
    """The page that Prometheus scrapes. Raises WrongUsage without the extra `production`."""
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ImportError:
        raise WrongUsage(
            "Metrics need the package prometheus-client: pip install 'nhs-league-tables[production]'."
        ) from None

    class Standing:
        """What the registry asks for its gauges."""

        def collect(self) -> Iterator[Any]:
            yield from _health(health)
            yield from _dagster(instance)
            yield from _releases(data, datetime.now(UTC))
            yield from _files(data)
            yield from _backups()

    registry = CollectorRegistry()
    registry.register(Standing())
    return bytes(generate_latest(registry))


def published_at(data: DataFolder) -> dict[Quarter, datetime]:
    """When the current release of each quarter was last made current (UTC), by the journal."""
    current = {release.quarter: release.release_id for release in current_release(data)}
    return {
        event.quarter: event.at.replace(tzinfo=UTC)
        for event in read_events(data)
        if event.event == PUBLISHED and current.get(event.quarter) == event.release_id
    }


def gates_of_latest_runs(data: DataFolder) -> dict[tuple[str, str], bool]:
    """By quarter and gate, whether it is closed, as the latest run that came to it found it."""
    outcomes = sorted(
        data.runs.glob(f"*/{OUTCOME_FILE}"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    found: dict[tuple[str, str], bool] = {}
    for path in outcomes[:_RUNS_LOOKED_AT]:
        outcome = read_outcome(data, path.parent.name)
        for gate in outcome.get("gates") or ():
            for quarter in outcome.get("quarters") or ():
                found.setdefault((quarter, gate["gate"]), not gate["passed"])
    return found


def _gauge(name: str, says: str, values: Mapping[Any, float], labels: tuple[str, ...] = ()) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    gauge = GaugeMetricFamily(f"league_{name}", says, labels=labels)
    for key, value in sorted(values.items()):
        gauge.add_metric(key, value)
    return gauge


def _health(health: Mapping[str, Any]) -> Iterator[Any]:
    states = {(check["name"],): float(check["healthy"]) for check in health["checks"]}
    yield _gauge("healthy", "1 if what /health looked at is well.", states, ("check",))


def _dagster(instance: DagsterInstance) -> Iterator[Any]:
    from dagster import DagsterRunStatus, RunsFilter

    counts = {
        (status.value.lower(),): float(instance.get_runs_count(RunsFilter(statuses=[status])))
        for status in DagsterRunStatus
    }
    yield _gauge("runs", "Runs in Dagster's history, by status.", counts, ("status",))
    queued = instance.get_run_records(RunsFilter(statuses=[DagsterRunStatus.QUEUED]), limit=1, ascending=True)
    waited = [time.time() - record.create_timestamp.timestamp() for record in queued]
    yield _gauge("queue_length", "Runs that wait in the queue.", {(): counts[("queued",)]})
    yield _gauge("queue_oldest_seconds", "How long the oldest of them has waited.", {(): max([0.0, *waited])})
    ages = {(kind.lower(),): age for kind, age in heartbeat_ages(instance).items() if age is not None}
    yield _gauge(
        "daemon_heartbeat_age_seconds", "Since a part of the daemon gave a sign of life.", ages, ("part",)
    )


def _releases(data: DataFolder, now: datetime) -> Iterator[Any]:
    published = published_at(data)
    times = {(str(quarter),): at.timestamp() for quarter, at in published.items()}
    says = "When the quarter's current release was made current."
    yield _gauge("release_published_timestamp_seconds", says, times, ("quarter",))
    age = {(): now.timestamp() - max(times.values())} if times else {}
    yield _gauge("newest_release_age_seconds", "Since a release was made current.", age)
    late = {(str(quarter),): 1.0 for quarter in late_on(now.date(), data)}
    yield _gauge("quarter_late", "1 for each quarter that should have a release by now.", late, ("quarter",))
    closed = {key: float(is_closed) for key, is_closed in gates_of_latest_runs(data).items()}
    yield _gauge(
        "gate_closed", "1 if the gate was closed in the quarter's latest run.", closed, ("quarter", "gate")
    )


def _files(data: DataFolder) -> Iterator[Any]:
    size = {(): float(data.warehouse.stat().st_size)} if data.warehouse.exists() else {}
    yield _gauge("warehouse_bytes", "Size of the published warehouse.", size)
    held = float(run_that_writes(data) is not None)
    yield _gauge("writer_lock_held", "1 while a run writes.", {(): held})


def _backups() -> Iterator[Any]:
    """Of the folder that `deploy/systemd/league-backup.service` writes to; nothing where the environment names none."""
    named = os.environ.get(BACKUP_VARIABLE, "").strip()
    files = {}
    if named:
        folder = BackupFolder(Path(named, "data"))
        files[("dagster",)] = Path(named, "dagster.dump")
        if taken := folder.ids():
            files[("data",)] = folder.manifest_of(taken[-1])
    times = {part: file.stat().st_mtime for part, file in files.items() if file.is_file()}
    says = "When the newest backup of a part was made."
    yield _gauge("newest_backup_timestamp_seconds", says, times, ("part",))
