"""What the tests of releases share: a data folder, and hand-made runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dagster_project.settings import DataFolder

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "o'data")
