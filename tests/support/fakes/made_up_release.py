"""What a release.json says of a made-up release, for tests that read a release without building one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster_project.notices import SAMPLE_NOTICE
from dagster_project.quarters import Quarter
from dagster_project.releases.folder import RELEASE_FILE, release_file_bytes
from dagster_project.releases.identity import ReleaseIdentity


def write_release_file(
    folder: Path, *, quarter: str = "2025-26-Q1", framework: str = "2025-26", **said: Any
) -> None:
    """Writes `release.json` with `said` in place of what it says itself; its files are only what is said."""
    identity = ReleaseIdentity(
        quarter=Quarter.from_canonical(quarter),
        framework=framework,
        is_sample=True,
        previous_release_id=None,
        extracts={"ab" * 32: "sample-acute.csv"},
        rules={"metric.csv": "cd" * 32},
        code={"dbt/model.sql": "ef" * 32},
        versions={"duckdb": "1.5.6"},
    )
    content = {
        **identity.components,
        "release_id": identity.release_id,
        "notice": SAMPLE_NOTICE,
        "gates": [],
        "files": {},
    }
    (folder / RELEASE_FILE).write_bytes(release_file_bytes(content | said))
