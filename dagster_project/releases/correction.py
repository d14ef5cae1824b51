"""Opens the published state for a correction outside a run: lock, links, and a candidate to correct."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dagster_project.errors import InputMissing
from dagster_project.releases.candidate import Candidate, open_candidate
from dagster_project.releases.publish import mend_current_links, refuse_foreign_wal
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder


@contextmanager
def correcting(data: DataFolder, what: str) -> Iterator[Candidate]:
    """A copy of the published warehouse that `publish.commit` can put in its place; gone at the end.

    `what` names the correction to whoever finds the lock taken. Raises InputMissing where nothing is published.
    """
    with writer_lock(data, what):
        mend_current_links(data)
        refuse_foreign_wal(data)
        if not data.warehouse.exists():
            raise InputMissing(
                f"{data.warehouse}: expected a published warehouse; there is none. Nothing has been released "
                "or held yet: `league run QUARTER` does that."
            )
        candidate = open_candidate(data, what)
        try:
            yield candidate
        finally:
            candidate.discard()
