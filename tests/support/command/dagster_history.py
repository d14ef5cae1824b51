"""Dagster's run history of a data folder, for tests that ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
