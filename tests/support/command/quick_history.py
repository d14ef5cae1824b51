"""Dagster's history without its cost to a test: engines are kept, and nothing waits for the disk.

Dagster makes a database engine for each event that it writes, some thousand in a run, which then compiles each
statement anew and waits for the disk twice. What is written, and how it is read, stays the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy.pool import NullPool


@cache
def _kept(address: str, timeout: float | None) -> sqlalchemy.Engine:
    arguments = {} if timeout is None else {"timeout": timeout}
    engine = sqlalchemy.create_engine(address, poolclass=NullPool, connect_args=arguments)
    sqlalchemy.event.listen(engine, "connect", _without_waiting)
    return engine


def _without_waiting(connection: Any, _: Any) -> None:
    connection.execute("pragma synchronous = off")


@cache
def make_history_quick() -> None:
    """Makes Dagster's SQLite storages of this process ask for their engines here."""
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage

    def create_engine(
        address: str, *, connect_args: dict[str, Any] | None = None, **_: Any
    ) -> sqlalchemy.Engine:
        return _kept(address, (connect_args or {}).get("timeout"))

    for storage in (sqlite_event_log, sqlite_run_storage):
        storage.create_engine = create_engine  # type: ignore[attr-defined]
