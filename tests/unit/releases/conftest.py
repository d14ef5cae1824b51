"""What the tests of releases share: a data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.settings import DataFolder


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "o'data")
