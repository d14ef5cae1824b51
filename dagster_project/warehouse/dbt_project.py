"""dbt in this process: parsing the project once, running parts of it on a warehouse file.

dbt is imported where it is used: it costs two seconds. Its parser would start anew for every warehouse
path, so the project is parsed under a fixed name and runs are given the parsed manifest.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster_project.errors import LeagueError
from dagster_project.methodology.rule_set import RuleSet, write_rules
from dagster_project.settings import DBT_PROJECT_DIR, WAREHOUSE_NAME

_MADE_BY_DBT = ("target", "logs", "dbt_packages", ".user.yml")


@dataclass(frozen=True)
class DbtProject:
    """A dbt project folder and the folder that dbt writes into."""

    project_dir: Path
    target_dir: Path

    @cached_property
    def parsed(self) -> Any:
        """dbt's manifest object; parsing reuses what an earlier process left in the target folder."""
        with _dbt_environment(self.target_dir, Path(f"{WAREHOUSE_NAME}.duckdb")):
            return _invoke(["parse", "--log-level", "none", *self._folders()]).result

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest as JSON values, as dagster-dbt reads it."""
        _ = self.parsed
        content: Mapping[str, Any] = json.loads((self.target_dir / "manifest.json").read_bytes())
        return content

    def build(self, command: str, select: Sequence[str], warehouse: Path, *, threads: int) -> list[str]:
        """Runs `dbt seed` or `dbt run` for a selection; returns the unique ids that were built, in order.

        Raises LeagueError with dbt's own words for each node that failed.
        """
        arguments = [command, "--log-level", "none", "--select", *select, *self._folders(), "--threads", str(threads)]
        with _dbt_environment(self.target_dir, warehouse):
            try:
                result = _invoke(arguments, self.parsed, check=False)
            finally:
                _close_connections()
        if result.exception is not None:
            raise LeagueError(f"dbt {command} failed: {result.exception}") from result.exception
        failed = [node for node in result.result if str(node.status) not in ("success", "pass")]
        if failed:
            said = "\n".join(f"  - {node.node.name}: {node.message}" for node in failed)
            raise LeagueError(f"dbt {command} failed; nothing was published:\n{said}")
        return [node.node.unique_id for node in result.result]

    def _folders(self) -> list[str]:
        return ["--project-dir", str(self.project_dir), "--profiles-dir", str(self.project_dir)]


def project_with_rules(rules: RuleSet, folder: Path) -> DbtProject:
    """A copy of the dbt project in `folder` whose methodology seeds hold these rules."""
    copy = folder / "dbt"
    shutil.copytree(DBT_PROJECT_DIR, copy, ignore=shutil.ignore_patterns(*_MADE_BY_DBT))
    write_rules(rules, copy / "seeds" / "methodology")
    return DbtProject(copy, folder / "dbt_target")


def _invoke(arguments: list[str], manifest: Any = None, *, check: bool = True) -> Any:
    from dbt.cli.main import dbtRunner

    result = dbtRunner(manifest=manifest).invoke(arguments)
    if check and not result.success:
        raise LeagueError(f"dbt {arguments[0]} failed: {result.exception or result.result}")
    return result


def _close_connections() -> None:
    """dbt-duckdb keeps the file open for the process; a candidate must be closed before it is published."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


@contextmanager
def _dbt_environment(target_dir: Path, warehouse: Path) -> Iterator[None]:
    """What the profile and dbt itself read from the environment, for the time of one invocation."""
    wanted = {
        "LEAGUE_WAREHOUSE": str(warehouse),
        "DBT_TARGET_PATH": str(target_dir),
        "DBT_LOG_PATH": str(target_dir / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
