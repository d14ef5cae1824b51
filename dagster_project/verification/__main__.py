"""Makes a release again in a clean place that lies ready: DATA_FOLDER QUARTER RELEASE_ID [RULES].

Verification starts this in the code that a release was made with, where that isn't the code installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dagster_project.errors import LeagueError
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder
from dagster_project.verification.clean_place import make_again


def main(place: str, quarter: str, release_id: str, rules_dir: str | None = None) -> None:
    """Ends with the exit code of an expected failure, its message on standard error."""
    try:
        make_again(
            DataFolder(Path(place)),
            Quarter.from_canonical(quarter),
            release_id,
            Path(rules_dir) if rules_dir else None,
        )
    except LeagueError as error:
        print(error, file=sys.stderr)
        sys.exit(int(error.exit_code))


if __name__ == "__main__":
    main(*sys.argv[1:])
