"""The verb that counts patient-level rows into a file that a run reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import Json, finish, reporting
from dagster_project.commands.help_panels import MAKE
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command(rich_help_panel=MAKE)
def count(
    records: Annotated[
        str,
        typer.Argument(help="Pathways as a Parquet file, a folder of them or, with --target spark, a table."),
    ],
    folder: Annotated[Path, typer.Argument(help="Where to write the counts and the rows set aside.")],
    target: Annotated[str, typer.Option(help="What does the counting: duckdb or spark.")] = "duckdb",
    as_json: Json = False,
) -> None:
    """Count patient-level pathways into the publisher's layout, for a run to read."""
    with reporting(as_json):
        from dagster_project.record_level.count import count_pathways
        from dagster_project.record_level.presentation import show_counted

        with presentation.at_work():
            result = count_pathways(records, folder, DataFolder.from_environment(), target=target).as_record()
        finish(result, as_json, lambda: show_counted(result))
