"""A run on Spark: the stages of the flow in their order, each over databases of the run's own, and the commit.

What a run leaves on the disk is as of any run (`runs/<run id>/`); released rows go to the lake, not into folders.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb

from dagster_project.data_kind import require_kind
from dagster_project.durable import make_folder, remove
from dagster_project.errors import WrongUsage
from dagster_project.gates.outcome import GateOutcome
from dagster_project.interruption import end_if_asked, to_the_end
from dagster_project.keeping.listings import write_lake_listing
from dagster_project.likely_ranges.drawn_on_spark import draw_likely_ranges
from dagster_project.machine import require_memory
from dagster_project.methodology.rule_check import sound_rules
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.fewer import REPLACED, accepted_in_words, fewer_than_replaced, refuse_fewer
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.releases.journal import EVENT_TABLE, put_events
from dagster_project.releases.ledger import LEDGER_TABLE, load_ledger
from dagster_project.releases.publish import describe_release
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.runs import flow
from dagster_project.runs.flow import Gate, Stage
from dagster_project.runs.left_out import left_out_lines
from dagster_project.runs.read import Loaded, identify, in_scope, keep_listings, load
from dagster_project.runs.record import QUALITY_PAGE, RunRecord
from dagster_project.runs.request import RunRequest
from dagster_project.runs.stages import gates_as_record, quality_page
from dagster_project.runs.summary import changes_against, summarise
from dagster_project.settings import WAREHOUSE_SCHEMA, DataFolder
from dagster_project.spark.judging import (
    collect,
    collect_earlier,
    compare_with_folders,
    judge_on_spark,
    refuse_differing,
)
from dagster_project.spark.lake import Lake
from dagster_project.spark.landing import ExtractRows, read_rows, rows_at
from dagster_project.spark.session import folder_id, rows_on_spark, spark_session
from dagster_project.warehouse.dbt_project import DbtProject, checkout_project, project_with_rules
from dagster_project.warehouse.landing import QuarterInScope
from dagster_project.warehouse.quality import QUALITY_TABLE, record_quality

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TARGET = "spark"
_QUALITY = QUALITY_TABLE.rsplit(".", 1)[-1]
# What dbt's models read of earlier runs and no model makes.
_KEPT_ACROSS_RUNS = (EVENT_TABLE, LEDGER_TABLE)
_DUCKDB_ONLY = {
    "hold": "--hold waits for an approval, which the lake doesn't have",
    "release": "--release makes a release folder again",
    "rebuild": "a rebuild makes a release folder again",
}


@dataclass(frozen=True)
class _Found:
    """What the first stage gives to those behind it."""

    loaded: Loaded
    rows: ExtractRows
    project: DbtProject
    identities: tuple[ReleaseIdentity, ...]
    scope: tuple[QuarterInScope, ...]

    @property
    def releases(self) -> dict[Quarter, tuple[str, str | None]]:
        """By quarter, its release's id and that of the quarter before."""
        return {item.quarter: (item.release_id, item.previous_release_id) for item in self.identities}


def run_on_spark(request: RunRequest, data: DataFolder, *, extract_rows: str | None = None) -> dict[str, Any]:
    """Does the whole flow on Spark and commits to the lake; returns the outcome as `runs/<run id>/` has it.

    `extract_rows` is where extract rows lie that are taken in place of files (landing.rows_at). What went wrong is in
    the outcome, with its exit code; what is asked for and can't be is raised as WrongUsage.
    """
    _refuse_what_only_duckdb_does(request, extract_rows)
    require_memory()
    data = DataFolder(data.root.resolve())
    run_id = str(uuid.uuid4())
    record = RunRecord(data, run_id)
    record.note(**request.recorded(), target=TARGET)
    try:
        with (
            writer_lock(data, run_id),
            spark_session(data, threads=request.threads) as session,
            _Run(request, data, record, session, extract_rows) as run,
        ):
            run.through_the_flow()
    except BaseException as error:
        with to_the_end():
            record.failed(error)
        if not isinstance(error, Exception):
            raise
    return record.content


def _refuse_what_only_duckdb_does(request: RunRequest, extract_rows: str | None) -> None:
    for name, why in _DUCKDB_ONLY.items():
        if getattr(request, name):
            raise WrongUsage(f"{why}: leave it out, or leave out --target spark.")
    given = [
        option
        for option, value in (("--extracts", request.extracts_dir), ("--sample", request.sample))
        if value
    ]
    if extract_rows is not None and (given or request.as_of is not None):
        other = given[0] if given else "--as-of"
        raise WrongUsage(f"--extract-rows has the rows already: leave out {other}, or leave it out.")


class _Run:
    """One run: its databases on Spark, a room of DuckDB's for the gates, and what is done. A context that ends both."""

    def __init__(
        self,
        request: RunRequest,
        data: DataFolder,
        record: RunRecord,
        session: SparkSession,
        extract_rows: str | None,
    ) -> None:
        self.request, self.data, self.record, self.session = request, data, record, session
        self.extract_rows = extract_rows
        self.lake = Lake(session)
        self.folder = data.candidates / record.run_id
        self.room = duckdb.connect(":memory:")
        self.outcomes: list[GateOutcome] = []
        self.seconds: dict[str, float] = {}
        self._found: _Found | None = None
        # Runs of one data folder are told from others' in a catalogue that several share.
        self._mine = f"run_{folder_id(data)}_"
        self.prefix = f"{self._mine}{record.run_id[:8]}__"

    def __enter__(self) -> _Run:
        self.lake.refuse_moved(self.data)
        # Whoever holds the lock is the only run of this data folder alive.
        self._drop(self._mine)
        make_folder(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        with to_the_end():
            self.room.close()
            # The failure that ended the run is the one to be told of.
            with suppress(Exception):
                self._drop(self.prefix)
            remove(self.folder)

    def _drop(self, prefix: str) -> None:
        for row in self.session.sql(f"show databases like '{prefix}*'").collect():
            self.session.sql(f"drop database if exists {row[0]} cascade")

    @property
    def found(self) -> _Found:
        """What was read."""
        if self._found is None:
            raise WrongUsage("The run's extracts haven't been read.")
        return self._found

    def through_the_flow(self) -> None:
        """Every step in its order; nothing behind a closed gate begins."""
        for step in flow.steps():
            says = step.says
            if isinstance(step, Gate):
                work = partial(self._judge, step)
            elif step.command is not None:
                work = partial(self._build, step)
            elif step.name == flow.RELEASE:
                work = partial(self._release)
                says = "Dry run: comparing, not releasing" if self.request.dry_run else says
            else:
                work = partial(self._read)
            end_if_asked()
            announce(says)
            started = time.monotonic()
            work()
            self.seconds[step.step] = time.monotonic() - started
        self.record.note(seconds=self.seconds)

    def _read(self) -> None:
        loaded, rows = self._loaded()
        project = checkout_project(self.data)
        if loaded.own_rules is not None:
            project = project_with_rules(loaded.rules, self.folder, self.data)
        current = self.lake.current()
        identities = identify(loaded, self.request, self.data, self.room, project.rules_dir, current=current)
        scope = tuple(in_scope(loaded.extracts, identity) for identity in identities)
        rows.land(self.session, self.prefix, loaded.extracts, scope)
        self._provide_earlier()
        keep_listings(self.record, loaded, identities)
        on_spark = replace(project, target=TARGET, schema_prefix=self.prefix)
        self._found = _Found(loaded, rows, on_spark, identities, scope)
        announce(f"  {len(loaded.extracts.extract)} files, landed on Spark")

    def _loaded(self) -> tuple[Loaded, ExtractRows]:
        """From files, or of rows that lie there."""
        request = self.request
        if self.extract_rows is None:
            loaded = load(request, self.data, self.folder)
            return loaded, read_rows(self.session, loaded.extracts)
        rows = rows_at(self.session, self.extract_rows, request.in_time)
        require_kind(self.data, rows.covered.is_sample, write=not request.dry_run)
        mine = rows.covered.for_quarters(request.in_time)
        return Loaded(mine, rows.covered, sound_rules(request.rules_dir), request.rules_dir, None), rows

    def _provide_earlier(self) -> None:
        """What models and gates read of earlier releases: the readers' rows, and what is kept across runs."""
        database = f"{self.prefix}{WAREHOUSE_SCHEMA}"
        self.session.sql(f"create database if not exists {database}")
        for table in RELEASED_TABLES:
            if self.lake.readable(table.name):
                self.session.sql(
                    f"create view {database}.{table.name}__released as select * from {self.lake.database}.{table.name}"
                )
        put_events(self.room, (entry.event for entry in self.lake.journal()))
        load_ledger(self.room, self.data)
        for name in _KEPT_ACROSS_RUNS:
            rows = self.room.execute(f"select * from {name}").to_arrow_table()
            rows_on_spark(self.session, rows).write.saveAsTable(f"{self.prefix}{name}")
        collect_earlier(self.session, self.lake.database, self.room)

    def _build(self, stage: Stage) -> None:
        assert stage.command is not None
        self.found.project.build(
            stage.command, stage.selection, self.folder / TARGET, threads=self.request.threads
        )
        if stage.draws:
            draw_likely_ranges(self.session, self.prefix)

    def _judge(self, gate: Gate) -> None:
        ledger = None if self.request.dry_run else self.data
        outcome = judge_on_spark(gate, self.session, self.prefix, self.found.scope, self.room, ledger)
        self.outcomes.append(outcome)
        self.record.keep(QUALITY_PAGE, quality_page(self.outcomes, self.found.scope))
        self.record.note(gates=gates_as_record(self.outcomes))
        error = outcome.error()
        if error is not None:
            raise error

    def _release(self) -> None:
        """Compares with the release folder of the same id and with what is current, then writes and commits."""
        request, found = self.request, self.found
        frames = self._candidate_tables()
        releases = [describe_release(self.room, quarter) for quarter in request.in_time]
        with self._replaced():
            reasons = self._reasons_to_hold_less()
            changes = (
                changes_against(self.room, REPLACED, request.in_time)
                if self.lake.readable("league_table")
                else [{"quarter": str(quarter), "change": "new"} for quarter in request.in_time]
            )
        compared = compare_with_folders(self.room, self.data, found.identities)
        self.record.note(
            summary=summarise(self.room, request.in_time),
            changes=changes,
            compared=[one.as_record() for one in compared],
            dry_run=request.dry_run,
            held=[],
        )
        refuse_differing(compared)
        if request.dry_run:
            self.record.note(exit_code=0)
            return
        rows = self.lake.write(found.releases, frames, threads=request.threads)
        for identity in found.identities:
            write_lake_listing(self.data, identity, self.record.run_id)
        end_if_asked()
        with to_the_end():
            previous = {quarter: before for quarter, (_, before) in found.releases.items()}
            self.lake.publish(releases, by=request.by, reasons=reasons, previous=previous)
            self.record.note(
                exit_code=0,
                lake={"database": self.lake.database, "tables": len(rows), "rows": sum(rows.values())},
                releases=[
                    {"quarter": str(release.quarter), "release_id": release.release_id}
                    for release in releases
                ],
            )
        for release in releases:
            announce(f"  {release.quarter}: release {release.release_id} is current in {self.lake.database}")

    def _candidate_tables(self) -> dict[str, DataFrame]:
        """The released tables as the candidate has them, collected into the room as well."""
        from pyspark.sql.functions import col

        record_quality(self.room, self.found.scope, self.outcomes)
        rows = self.room.execute(f"select * from {QUALITY_TABLE}").to_arrow_table()
        quality = rows_on_spark(self.session, rows)
        database, quarters = f"{self.prefix}{WAREHOUSE_SCHEMA}", [str(one) for one in self.request.in_time]
        frames = {}
        for table in RELEASED_TABLES:
            if table.name == _QUALITY:
                frames[table.name] = quality
                continue
            frame = self.session.table(f"{database}.{table.name}").where(col("quarter").isin(quarters))
            frames[table.name] = frame
            collect(frame, self.room, f"{WAREHOUSE_SCHEMA}.{table.name}")
        return frames

    def _reasons_to_hold_less(self) -> dict[Quarter, str]:
        """For the journal, why releases may hold less than those they replace; raises SuiteFailed where nobody says."""
        accepted = self.request.accept_fewer
        fewer = fewer_than_replaced(self.room, self.request.in_time)
        self.record.note(fewer=[item.as_record() for item in fewer], accepted_fewer=accepted)
        refuse_fewer(fewer, accepted, beside=left_out_lines(self.record.content))
        if accepted is None:
            return {}
        return {item.quarter: accepted_in_words(item, accepted) for item in fewer if item.refused}

    @contextmanager
    def _replaced(self) -> Iterator[None]:
        """The readers' rows of the run's quarters, attached to the room as what would be replaced."""
        from pyspark.sql.functions import col

        quarters = [str(quarter) for quarter in self.request.in_time]
        self.room.execute(f"attach ':memory:' as {REPLACED}")
        try:
            for name in ("league_table", "metric_score", "reconciliation"):
                if self.lake.readable(name):
                    frame = self.session.table(f"{self.lake.database}.{name}")
                    table = f"{REPLACED}.{WAREHOUSE_SCHEMA}.{name}"
                    collect(frame.where(col("quarter").isin(quarters)), self.room, table)
            yield
        finally:
            self.room.execute(f"detach {REPLACED}")
