"""The folder `nowcasts/<quarter>/<nowcast id>/`, and what its id is made of: written whole, apart from the releases,
and never rewritten.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.durable import flush, make_folder, remove, seal_file, write_new_file
from dagster_project.errors import LeagueError
from dagster_project.files import sha256_of_file
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import ReleaseIdentity, hash_code, hash_rules, locked_versions
from dagster_project.releases.publish import CurrentRelease
from dagster_project.releases.tables import ReleasedTable, export_table
from dagster_project.scenarios.nowcast.build import STATE
from dagster_project.settings import DataFolder

NOWCAST_FILE = "nowcast.json"
_TABLES = (
    ReleasedTable("league_table", ("table_name", "organisation_code")),
    ReleasedTable("metric_score", ("organisation_code", "metric_id")),
)


@dataclass(frozen=True)
class NowcastIdentity(ReleaseIdentity):
    """A nowcast never has the id of a release: its state is among the components."""

    carried_from_quarter: Quarter

    @property
    def components(self) -> dict[str, Any]:
        return {
            **super().components,
            "release_state": STATE,
            "carried_from_quarter": str(self.carried_from_quarter),
        }


def identify_nowcast(
    quarter: Quarter, *, framework: str, statistics: dict[str, str], last: CurrentRelease
) -> NowcastIdentity:
    """The identity of a nowcast; `statistics` maps the sha256 of each file used to its name."""
    return NowcastIdentity(
        quarter=quarter,
        framework=framework,
        is_sample=last.is_sample,
        previous_release_id=last.release_id,
        extracts=statistics,
        rules=hash_rules(),
        code=hash_code(),
        versions=locked_versions(),
        carried_from_quarter=last.quarter,
    )


def nowcast_path(data: DataFolder, identity: NowcastIdentity) -> Path:
    """Where a nowcast lies, whether or not it exists."""
    return data.nowcasts / str(identity.quarter) / identity.release_id


def write_nowcast(
    connection: duckdb.DuckDBPyConnection,
    data: DataFolder,
    identity: NowcastIdentity,
    content: Mapping[str, Any],
) -> Path:
    """Writes the tables as Parquet and CSV, and `nowcast.json` with `content` and every file's sha256.

    Raises LeagueError naming the file if that nowcast exists and differs.
    """
    final = nowcast_path(data, identity)
    make_folder(final.parent)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=final.parent))
    try:
        files = {}
        for table in _TABLES:
            rows = export_table(connection, table, identity, unfinished)
            for name in (f"{table.name}.csv", f"{table.name}.parquet"):
                files[name] = {"rows": rows, "sha256": sha256_of_file(unfinished / name)}
        text = json.dumps({**content, "files": files}, sort_keys=True, ensure_ascii=False, indent=2)
        write_new_file(unfinished / NOWCAST_FILE, (text + "\n").encode())
        if final.exists():
            _refuse_difference(final, unfinished)
            return final
        for file in sorted(unfinished.iterdir()):
            seal_file(file)
        unfinished.chmod(0o755)
        flush(unfinished)
        unfinished.rename(final)
        flush(final.parent)
        return final
    finally:
        remove(unfinished)


def _refuse_difference(existing: Path, fresh: Path) -> None:
    for file in sorted(fresh.iterdir()):
        there = existing / file.name
        if not there.is_file() or sha256_of_file(there) != sha256_of_file(file):
            raise LeagueError(
                f"{there}: expected the bytes that the same inputs give now (sha256 {sha256_of_file(file)}); found "
                "others. A nowcast is never rewritten: move that folder away and run again."
            )
