"""The floor under a run: the bare imports of the stack, and the same compiled SQL on one bare connection.

    python benchmarks/floor.py compile DATA FILE    writes the compiled SQL of every model that a run builds
    python benchmarks/floor.py run DATA FILE        imports the stack and runs that SQL on a copy of DATA's warehouse

DATA is a data folder with a release; its warehouse holds what was landed for the last run.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

IMPORTS = "import dagster, dagster_dbt, dbt.cli.main, duckdb, great_expectations, pandas"


def compile_models(data: Path, file: Path) -> None:
    """Writes [[name, SQL], ...] in the order of their dependencies; ephemeral models are within those reading them."""
    from dagster_project.runs import flow
    from dagster_project.settings import DBT_PROJECT_DIR, DataFolder
    from dagster_project.warehouse.dbt_project import DbtProject

    project = DbtProject(DBT_PROJECT_DIR, data / "dbt")
    with tempfile.TemporaryDirectory(prefix="league-benchmark-") as folder:
        # An empty warehouse, so that what is incremental compiles whole.
        built = project.build(
            "compile",
            flow.selected(*flow.folders()),
            Path(folder) / DataFolder(data).warehouse.name,
            threads=1,
        )
        compiled = {path.stem: path.read_text("utf-8") for path in Path(folder).glob("**/compiled/**/*.sql")}
    nodes = project.manifest["nodes"]
    waiting = {name: nodes[name] for name in built if name.startswith("model.")}
    ordered = []
    while waiting:
        ready = sorted(n for n in waiting if not waiting.keys() & set(waiting[n]["depends_on"]["nodes"]))
        for node in (waiting.pop(name) for name in ready):
            if node["config"]["materialized"] != "ephemeral":
                ordered.append([node["name"], compiled[node["name"]]])
    file.write_text(json.dumps(ordered), "utf-8")


def run(data: Path, file: Path) -> None:
    """Imports the stack, then makes a temporary table of each model."""
    exec(IMPORTS)
    import duckdb

    from dagster_project.settings import DataFolder

    warehouse = DataFolder(data).warehouse
    with tempfile.TemporaryDirectory(prefix="league-benchmark-") as folder:
        copy = Path(shutil.copy(warehouse, Path(folder) / warehouse.name))
        copy.chmod(0o644)
        with duckdb.connect(str(copy), config={"threads": 2}) as connection:
            for name, sql in json.loads(file.read_text("utf-8")):
                connection.execute(f"create or replace temp table floor_{name} as {sql}")


if __name__ == "__main__":
    what, folder, target = sys.argv[1:]
    {"compile": compile_models, "run": run}[what](Path(folder), Path(target))
