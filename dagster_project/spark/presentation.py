"""How the answers of a run on Spark, and of rows landed for one, look on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from dagster_project.errors import ExitCode
from dagster_project.layout import Column, Rows, shown_path
from dagster_project.notices import notice_of
from dagster_project.presentation import show_run, show_what_was_built
from dagster_project.settings import DataFolder
from dagster_project.shown import Terminal


def show_run_on_spark(outcome: Mapping[str, Any], data: DataFolder, *, verbose: bool = False) -> None:
    """As any run's answer, with what is in the lake and what the release folders of the same ids say."""
    if outcome.get("exit_code") != ExitCode.DONE:
        show_run(outcome, data)
        return
    out = Terminal()
    show_what_was_built(outcome, data, verbose=verbose)
    for one in outcome["compared"]:
        out.print(
            f"{one['quarter']}: {one['equal']:,} of {one['cells']:,} cells are those of release {one['release_id']}, "
            "which DuckDB made"
        )
    if not outcome["compared"]:
        out.print("No release folder of these ids is at hand to compare with.")
    if outcome["dry_run"]:
        out.print("Dry run: nothing was released.")
    else:
        lake = outcome["lake"]
        out.print(
            f"Current in the database [bold]{escape(lake['database'])}[/bold]: {lake['rows']:,} rows in "
            f"{lake['tables']} tables"
        )
    out.print(notice_of(is_sample=outcome["is_sample"]))


def show_landed(result: Mapping[str, Any]) -> None:
    """Which files were written, and the command that takes them."""
    out = Terminal()
    rows = [(name, f"{number:,}") for name, number in result["rows"].items()]
    out.print(Rows((Column("file"), Column("rows", right=True)), rows, title=shown_path(result["folder"])))
    out.print("Next: `league run QUARTER --target spark --extract-rows` with this folder")
    out.print(notice_of(is_sample=result["is_sample"]))
