"""Dagster's run history of a data folder, and runs of its job, whole or in part, as the web server starts them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from league_command import environment_of
from quick_history import make_history_quick

from dagster_project.settings import DataFolder


@contextmanager
def history(data: DataFolder) -> Iterator[dg.DagsterInstance]:
    """The run history of a data folder, as the web server opens it."""
    make_history_quick()
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment_of(data).items():
            patched.setenv(name, value)
        with dg.DagsterInstance.get() as instance:
            yield instance


def run_of_job(
    data: DataFolder,
    quarter: str,
    extracts: Path,
    *,
    part: Sequence[dg.AssetKey] | None = None,
    after: str | None = None,
    **config: Any,
) -> dg.JobExecutionResult:
    """A run of the job or of a part of it, or one that re-executes another from its failure."""
    from dagster._core.definitions.reconstruct import ReconstructableRepository

    repository = ReconstructableRepository.for_module("dagster_project.definitions", "defs")
    asked = {
        "resources": {"quarterly_run": {"config": {"extracts_dir": str(extracts), **config}}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    with history(data) as instance:
        instance.add_dynamic_partitions("quarter", [quarter])
        return dg.execute_job(
            repository.get_reconstructable_job("quarterly_league_tables"),
            instance,
            run_config=asked,
            tags={"dagster/partition": quarter},
            asset_selection=part,
            reexecution_options=None
            if after is None
            else dg.ReexecutionOptions.from_failure(after, instance),
        )
