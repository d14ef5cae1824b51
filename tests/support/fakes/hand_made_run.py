"""A whole run over hand-made tables; as a script, one that kills itself at a named step."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.quarters import Quarter
from dagster_project.releases import folder
from dagster_project.releases.candidate import open_candidate
from dagster_project.releases.folder import ReleaseFolder, write_release
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.releases.publish import CurrentRelease, mend_current_links, publish
from dagster_project.releases.tables import RELEASED_TABLES, export_table
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import PROJECT_ROOT, DataFolder

Q1 = Quarter(2025, 1)
Q2 = Quarter(2025, 2)
OTHER_COLUMNS = {
    "league_table": (
        ", average_metric_score decimal(4, 2), organisation_name varchar, "
        "framework varchar, release_state varchar"
    ),
    "framework_rule": ", rule_value varchar",
    "reconciliation": (
        ", table_name varchar, computed decimal(18, 6), published decimal(18, 6), "
        "difference decimal(18, 6), tolerance decimal(18, 6), outcome varchar, reason varchar"
    ),
}


def identity_of(average: str, quarter: Quarter = Q1, *, is_sample: bool = True) -> ReleaseIdentity:
    """The average score stands for the rules: another average is another release."""
    return ReleaseIdentity(
        quarter=quarter,
        framework="2025-26",
        is_sample=is_sample,
        previous_release_id=None,
        extracts={"ab" * 32: "sample-acute.csv"},
        rules={"metric.csv": hashlib.sha256(average.encode()).hexdigest()},
        code={"dbt/model.sql": "cd" * 32},
        versions={"duckdb": "1.5.6"},
    )


def build_tables(
    connection: duckdb.DuckDBPyConnection, identity: ReleaseIdentity, average: str, *, lineage_rows: int = 3
) -> None:
    """Two organisations with the same average, and `lineage_rows` rows of lineage in no order."""
    connection.execute("create schema if not exists league")
    for table in RELEASED_TABLES:
        kinds = {"source_row": "integer"}
        key = ", ".join(f"{column} {kinds.get(column, 'varchar')}" for column in table.key)
        connection.execute(
            f"create table if not exists league.{table.name} ({key}{OTHER_COLUMNS.get(table.name, '')}, "
            f"quarter varchar, release_id varchar, is_sample boolean{', rank integer' if table.order else ''})"
        )
        connection.execute(f"delete from league.{table.name} where quarter = ?", [str(identity.quarter)])
    stamps = [str(identity.quarter), identity.release_id, identity.is_sample]
    for code, table_name, name, state in (
        ("ZB2", "acute", 'Ashby, "North"', "final"),
        ("ZA1", "acute", "", "final"),
        ("ZC3", "ambulance", None, "revised"),
    ):
        connection.execute(
            "insert into league.league_table values (?, ?, ?, ?, '2025-26', ?, ?, ?, ?, null)",
            [table_name, code, average, name, state, *stamps],
        )
    connection.execute(
        "insert into league.lineage "
        "select 'Z' || (i * 7919 % 100), 'OF' || (i % 60), 'input', 'ab', null, i, ?, ?, ? "
        "from range(?) as rows(i) order by hash(i)",
        [*stamps, lineage_rows],
    )


def write_hand_made_release(
    connection: duckdb.DuckDBPyConnection, data: DataFolder, identity: ReleaseIdentity, **changes: Any
) -> ReleaseFolder:
    given: dict[str, Any] = {
        "gates": [{"gate": "league_tables", "passed": True, "expectations": 0, "warnings": 0}],
        "quality_page": b"<p>all well</p>\n",
        "provenance": {"run_id": "run-1"},
    }
    return write_release(connection, data, identity, **(given | changes))


def run(data: DataFolder, run_id: str, average: str, *quarters: Quarter) -> list[CurrentRelease]:
    """What a run does, from lock to links."""
    quarters = quarters or (Q1,)
    with writer_lock(data, run_id):
        mend_current_links(data)
        candidate = open_candidate(data, run_id)
        for quarter in quarters:
            identity = identity_of(average, quarter)
            with candidate.connect() as connection:
                build_tables(connection, identity, average)
                write_hand_made_release(connection, data, identity)
        return publish(candidate, data, quarters)


def run_in_another_process(
    data: DataFolder, run_id: str, average: str, *, dies: str = "never", **environment: str
) -> int:
    """The exit status of such a run, in a process that shares nothing with this one's environment."""
    return subprocess.run(
        [sys.executable, __file__, str(data.root), run_id, average, dies],
        env={"PYTHONPATH": str(PROJECT_ROOT), **environment},
        check=False,
    ).returncode


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying(function: Callable[..., Any], *, when: Callable[..., bool], after: bool) -> Callable[..., Any]:
    def wrapper(*arguments: Any, **named: Any) -> Any:
        hit = when(*arguments)
        if hit and not after:
            _die()
        result = function(*arguments, **named)
        if hit:
            _die()
        return result

    return wrapper


def _die_at(step: str) -> None:
    """Replaces what the named step calls by something that does it, or doesn't, and dies."""

    def is_release(source: Path, _: Path) -> bool:
        return source.name.startswith(".unfinished-")

    def is_swap(_: Path, target: Path) -> bool:
        return target.suffix == ".duckdb"

    if step == "after the copy":
        shutil.copyfile = _dying(shutil.copyfile, when=lambda *_: True, after=True)
    elif step == "in the middle of the export":
        folder.export_table = _dying(  # type: ignore[attr-defined]
            export_table, when=lambda _, table, *__: table.name == "lineage", after=True
        )
    elif step == "before the release folder has its name":
        Path.rename = _dying(Path.rename, when=is_release, after=False)  # type: ignore[method-assign]
    elif step == "after the release folder has its name":
        Path.rename = _dying(Path.rename, when=is_release, after=True)  # type: ignore[method-assign]
    elif step == "before the swap":
        Path.replace = _dying(Path.replace, when=is_swap, after=False)  # type: ignore[method-assign]
    elif step == "after the swap":
        Path.replace = _dying(Path.replace, when=is_swap, after=True)  # type: ignore[method-assign]
    elif step != "never":
        raise ValueError(step)


if __name__ == "__main__":
    root, run_id, average, step = sys.argv[1:]
    _die_at(step)
    run(DataFolder(Path(root)), run_id, average)
