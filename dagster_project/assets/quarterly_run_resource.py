"""The resource that holds a quarterly run open for the life of a Dagster run: lock, candidate, connections.

The in-process executor sets a resource up once per run and tears it down at its end, so every asset and check
of the run sees the same candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from pydantic import Field, PrivateAttr

from dagster_project.errors import WrongUsage
from dagster_project.progress import listening
from dagster_project.quarters import Quarter
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.request import RunRequest, day_of

if TYPE_CHECKING:
    from dagster import InitResourceContext

QUARTERS_TAG = "league/quarters"


class QuarterlyRunResource(dg.ConfigurableResource["QuarterlyRunResource"]):
    """What a run is asked for, as configuration; the quarters are the run's partitions."""

    extracts_dir: str | None = Field(
        default=None, description="Folder of extracts as downloaded; empty reads the archive"
    )
    sample: bool = Field(default=False, description="Generate and use the fictional sample")
    archived_sample: bool = Field(
        default=False, description="Read the fictional files of the archive, not the official ones"
    )
    as_of: str | None = Field(
        default=None,
        description="Read the archive as it was at the end of this day (UTC), such as 2025-09-30",
    )
    release: str | None = Field(
        default=None, description="Make an old release of the one quarter again, from the extracts it used"
    )
    rebuild: bool = Field(
        default=False, description="With `release` and `hold`: under the code, rules and versions of now"
    )
    follows: str | None = Field(
        default=None, description="With `rebuild`: the release of the quarter before to follow"
    )
    scale: int = Field(default=1, description="With `sample`: times as many organisations of each table")
    rules_dir: str | None = Field(default=None, description="Folder of a year's own rules")
    dry_run: bool = Field(default=False, description="Do all but publish")
    hold: bool = Field(
        default=False, description="Write the releases, but make none current until somebody else approves"
    )
    by: str | None = Field(
        default=None, description="Who asks for the run; empty is LEAGUE_PERSON or the system's user"
    )
    accept_fewer: str | None = Field(
        default=None,
        description="Why a release may hold fewer tables, organisations or metrics than the one it replaces; the "
        "journal keeps it. Empty refuses such a release",
    )
    threads: int = Field(default=2, description="Threads of dbt")

    _run: QuarterlyRun | None = PrivateAttr(default=None)

    @property
    def run(self) -> QuarterlyRun:
        """The run that is open; raises WrongUsage outside one."""
        if self._run is None:
            raise WrongUsage("No quarterly run is open: materialise the job quarterly_league_tables.")
        return self._run

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[QuarterlyRunResource]:
        """Opens the run for the quarters that the Dagster run's partitions name."""
        from dagster_project.lineage.run_events import RunEvents
        from dagster_project.lineage.sending import Sender, is_asked_for

        run_id = context.run_id or "unknown"
        log = context.log
        request = RunRequest(
            quarters=_quarters_of(context.run.tags if context.run else {}),
            extracts_dir=Path(self.extracts_dir) if self.extracts_dir else None,
            sample=self.sample,
            as_of=day_of(self.as_of) if self.as_of else None,
            release=self.release or None,
            rebuild=self.rebuild,
            follows=self.follows or None,
            archived_sample=self.archived_sample,
            scale=self.scale,
            rules_dir=Path(self.rules_dir) if self.rules_dir else None,
            dry_run=self.dry_run,
            hold=self.hold,
            by=self.by or None,
            accept_fewer=self.accept_fewer or None,
            threads=self.threads,
        )
        events = RunEvents(Sender() if is_asked_for() else None)
        quarterly_run = QuarterlyRun(request, request.data_folder, run_id, witness=events)
        with listening(lambda text: log.info(text) if log else None):
            try:
                with quarterly_run as run:
                    self._run = run
                    yield self
            finally:
                self._run = None
                # When the writer's lock is free again: an endpoint that is slow holds nobody else up.
                events.send(quarterly_run)


def _quarters_of(tags: Mapping[str, str]) -> tuple[Quarter, ...]:
    """The quarters of a Dagster run: one partition, a range, or the list that `league run` tags."""
    if QUARTERS_TAG in tags:
        return tuple(Quarter.from_canonical(text) for text in tags[QUARTERS_TAG].split(","))
    if PARTITION_NAME_TAG in tags:
        return (Quarter.from_canonical(tags[PARTITION_NAME_TAG]),)
    first, last = tags.get(ASSET_PARTITION_RANGE_START_TAG), tags.get(ASSET_PARTITION_RANGE_END_TAG)
    if first is None or last is None:
        raise WrongUsage("Choose the quarters to build: a run without a partition has none.")
    quarters = [Quarter.from_canonical(first)]
    while str(quarters[-1]) < last:
        quarters.append(quarters[-1].shifted(1))
    return tuple(quarters)
