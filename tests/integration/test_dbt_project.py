"""dbt's own tests: scoring rules worked by hand, and what must hold in every mart."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dagster_project.settings import DBT_PROJECT_DIR, DataFolder
from dagster_project.warehouse.dbt_project import DbtProject


@pytest.mark.parametrize("kind", ["unit", "data"])
def test_every_dbt_test_passes_on_the_released_sample(
    kind: str, six_quarters: DataFolder, tmp_path: Path
) -> None:
    warehouse = tmp_path / six_quarters.warehouse.name
    shutil.copyfile(six_quarters.warehouse, warehouse)
    project = DbtProject(DBT_PROJECT_DIR, six_quarters.root / "dbt")
    passed = project.build("test", [f"test_type:{kind}"], warehouse, threads=2)
    assert len(passed) >= {"unit": 50, "data": 200}[kind]
