"""A data folder whose releases are made by hand in a moment, and what was done with them: for tests of delivery."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
from published_quarters import Rows, write_release

from dagster_project.quarters import Quarter
from dagster_project.releases.journal import HELD, PUBLISHED, WITHDRAWN, add_event, keep_journal, now
from dagster_project.settings import DataFolder

BY = "Ada"


class ReleasesByHand:
    """Releases of any rows, in folders as a run writes them; which is current stands in a warehouse of nothing else."""

    def __init__(self, root: Path, *, is_sample: bool = True) -> None:
        self.data = DataFolder(root)
        self.is_sample = is_sample
        self.data.warehouse.parent.mkdir(parents=True)
        with duckdb.connect(str(self.data.warehouse)) as connection:
            connection.execute("create schema league")
            connection.execute(
                "create table league.current_release (quarter varchar primary key, release_id varchar, "
                "framework varchar, is_sample boolean, release_state varchar, organisations integer, "
                "tables_loaded varchar)"
            )
            keep_journal(connection, self.data)

    def folder(self, quarter: str, release_id: str) -> Path:
        """The folder of a release."""
        return self.data.releases / quarter / release_id

    def release(
        self, quarter: str, release_id: str, tables: Mapping[str, Rows], *, is_held: bool = False
    ) -> Path:
        """Writes a release and makes it current, or lets it wait; its folder, which a test may still change."""
        if not self.folder(quarter, release_id).exists():
            write_release(self.folder(quarter, release_id), quarter, tables, is_sample=self.is_sample)
        with duckdb.connect(str(self.data.warehouse)) as connection:
            self._enter(connection, quarter, release_id, HELD if is_held else PUBLISHED)
            if not is_held:
                connection.execute(
                    "insert or replace into league.current_release values (?, ?, '2025-26', ?, 'final', 1, 'acute')",
                    [quarter, release_id, self.is_sample],
                )
        return self.folder(quarter, release_id)

    def withdraw(self, quarter: str, release_id: str, reason: str) -> None:
        """Takes the current release of a quarter back."""
        with duckdb.connect(str(self.data.warehouse)) as connection:
            self._enter(connection, quarter, release_id, WITHDRAWN, reason)
            connection.execute("delete from league.current_release where quarter = ?", [quarter])

    def _enter(
        self,
        connection: duckdb.DuckDBPyConnection,
        quarter: str,
        release_id: str,
        event: str,
        reason: str | None = None,
    ) -> None:
        how = "run" if event == PUBLISHED else None
        add_event(
            connection,
            Quarter.from_canonical(quarter),
            release_id,
            event,
            at=now(),
            by=BY,
            reason=reason,
            how=how,
        )
