"""Set-up's last step: parses the dbt project and derives its column lineage where every data folder finds them.

What is done here a first run would do otherwise, and after a change of the project the next run does it.
"""

from __future__ import annotations

import sys

from dagster_project.errors import LeagueError
from dagster_project.lineage.of_project import lineage_of
from dagster_project.settings import DBT_PROJECT_DIR
from dagster_project.warehouse.dbt_project import SHARED, DbtProject


def main() -> None:
    """Ends with the exit code of an expected failure, its message on standard error."""
    try:
        lineage_of(DbtProject(DBT_PROJECT_DIR, SHARED))
    except LeagueError as error:
        print(error, file=sys.stderr)
        sys.exit(int(error.exit_code))


if __name__ == "__main__":
    main()
