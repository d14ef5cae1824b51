"""dbt's own documentation as one page that loads nothing from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from dagster_project.errors import LeagueError
from dagster_project.settings import DBT_PROJECT_DIR, WAREHOUSE_NAME

# dbt's page would load its tracker from here if telemetry were on; and it names a favicon by an unfilled template.
_TRACKER = '"//d1fc8wv8zag5ca.cloudfront.net/2.9.0/sp.js"'
_FAVICON = '<link rel="shortcut icon" href="${require(\'./assets/favicons/favicon.ico\')}"/>'


def write_dbt_page(file: Path) -> None:
    """Writes the page: every model, seed, source and test with SQL and descriptions.

    It is compiled against an empty warehouse, so it needs no data. Raises LeagueError with dbt's own words.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        arguments = ["docs", "generate", "--static", "--empty-catalog", "--quiet"]
        folders = ["--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)]
        ended = subprocess.run(
            [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments, *folders],
            env=os.environ
            | {
                "LEAGUE_WAREHOUSE": str(target / f"{WAREHOUSE_NAME}.duckdb"),
                "DBT_TARGET_PATH": str(target),
                "DBT_LOG_PATH": str(target / "logs"),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
                "DBT_USE_COLORS": "false",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode != 0:
            raise LeagueError(f"dbt can't document {DBT_PROJECT_DIR}:\n{ended.stdout}{ended.stderr}")
        page = (target / "static_index.html").read_text(encoding="utf-8")
    file.write_text(_offline(page).replace(folder, "target"), encoding="utf-8")


def _offline(page: str) -> str:
    """The page without what it could load; raises LeagueError where a new dbt loads it in another way."""
    for text in (_TRACKER, _FAVICON):
        if text not in page:
            raise LeagueError(
                f"dbt's page no longer holds {text}: look at what this version of dbt loads from elsewhere, "
                "and change documents/dbt_page.py."
            )
    return page.replace(_TRACKER, '""').replace(_FAVICON, "")
