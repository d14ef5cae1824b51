"""A dbt project small enough to be parsed in a test: without a model or seed until a test writes one."""

from __future__ import annotations

from pathlib import Path

import pytest

_PROFILE = """
small:
  target: duckdb
  outputs:
    duckdb: {type: duckdb, path: "{{ env_var('LEAGUE_WAREHOUSE') }}", threads: 1}
"""


@pytest.fixture
def empty_project(tmp_path: Path) -> Path:
    """The folder of a dbt project with empty folders for models and seeds."""
    folder = tmp_path / "project"
    for name in ("models", "seeds"):
        (folder / name).mkdir(parents=True)
    (folder / "dbt_project.yml").write_text('name: small\nversion: "1.0"\nprofile: small\n', "utf-8")
    (folder / "profiles.yml").write_text(_PROFILE, "utf-8")
    return folder
