"""The plain way to the same tables: a Dagster job with its default executor, and dbt as a subprocess.

    python benchmarks/plain_way.py EXTRACTS QUARTER FOLDER

Runs `dagster job execute` on the job below, which reads, gates, scores and exports one quarter into FOLDER with the
same readers, models, suites and draws as `league run`, but without its archive, history of releases and lock.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
from dagster_dbt import DbtCliResource

from dagster_project.gates.gate import run_gate
from dagster_project.runs import flow
from dagster_project.settings import DBT_PROJECT_DIR, EXPECTATIONS_DIR, WAREHOUSE_NAME

_EXTRACTS, _QUARTER, _FOLDER = "LEAGUE_PLAIN_EXTRACTS", "LEAGUE_PLAIN_QUARTER", "LEAGUE_PLAIN_FOLDER"


def _connect() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(os.environ["LEAGUE_WAREHOUSE"])


@dg.op(out=dg.Out(dg.Nothing))
def read() -> None:
    """Reads the extracts and lands the quarter."""
    from dagster_project.extracts.load import load_folder
    from dagster_project.quarters import Quarter
    from dagster_project.releases.journal import keep_journal
    from dagster_project.releases.ledger import keep_ledger
    from dagster_project.settings import DataFolder
    from dagster_project.warehouse.landing import QuarterInScope, land

    quarter = Quarter.from_canonical(os.environ[_QUARTER])
    loaded = load_folder(Path(os.environ[_EXTRACTS]), None).for_quarters([quarter])
    framework = f"{quarter.start_year}-{(quarter.start_year + 1) % 100:02d}"
    scope = QuarterInScope(
        quarter=quarter,
        framework=framework,
        release_id="0" * 16,
        is_sample=loaded.is_sample,
        release_state="final",
        previous_quarter=quarter.shifted(-1),
        previous_release_id=None,
    )
    with _connect() as connection:
        keep_journal(connection, DataFolder(Path(os.environ[_FOLDER])))
        keep_ledger(connection)
        land(connection, loaded, [scope])


def _dbt(command: str, selection: tuple[str, ...]) -> None:
    project = os.fspath(DBT_PROJECT_DIR)
    executable = os.fspath(Path(sys.executable).with_name("dbt"))
    dbt = DbtCliResource(project_dir=project, profiles_dir=project, dbt_executable=executable)
    folder = Path(os.environ[_FOLDER])
    select = ("--select", " ".join(selection), "--threads", "2")
    dbt.cli([command, *select], target_path=folder / "target").wait()


def _step(step: flow.Step) -> dg.OpDefinition:
    """A stage of dbt's, or a gate, as an op of its own that waits for the one before."""

    @dg.op(name=step.step.replace(" ", "_"), ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
    def op() -> None:
        if isinstance(step, flow.Gate):
            with _connect() as connection:
                error = run_gate(step.name, connection, expectations_dir=EXPECTATIONS_DIR).error()
            if error is not None:
                raise error
            return
        _dbt(str(step.command), step.selection)
        if step.draws:
            from dagster_project.likely_ranges.drawn import draw_likely_ranges

            with _connect() as connection:
                draw_likely_ranges(connection)

    return op


@dg.op(ins={"after": dg.In(dg.Nothing)})
def export() -> None:
    """Every released table as Parquet and CSV."""
    folder = Path(os.environ[_FOLDER]) / "tables"
    folder.mkdir()
    with _connect() as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'league'")
        for (table,) in tables.fetchall():
            for form in ("parquet", "csv"):
                connection.execute(f"copy league.{table} to '{folder / table}.{form}' (format {form})")


@dg.job
def plain_way() -> None:
    """One step after the other, each in a process of its own, as Dagster does without being told otherwise."""
    done = read()
    for step in flow.steps():
        if isinstance(step, flow.Gate) or step.command is not None:
            done = _step(step)(done)
    export(done)


def main() -> None:
    """Runs the job as a user would from the command line."""
    extracts, quarter, target = sys.argv[1:]
    folder = Path(target).resolve()
    folder.mkdir(parents=True)
    environment = {
        _EXTRACTS: str(Path(extracts).resolve()),
        _QUARTER: quarter,
        _FOLDER: str(folder),
        "LEAGUE_WAREHOUSE": str(folder / f"{WAREHOUSE_NAME}.duckdb"),
        "DAGSTER_HOME": str(folder / "dagster"),
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    (folder / "dagster").mkdir()
    command = (sys.executable, "-m", "dagster", "job", "execute", "-f", __file__, "-j", "plain_way")
    sys.exit(subprocess.run(command, env={**os.environ, **environment}, check=False).returncode)


if __name__ == "__main__":
    main()
