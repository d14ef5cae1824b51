"""Verbs that put a publication out: making it, and serving it on this machine for a look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import Json, finish, reporting
from dagster_project.commands.help_panels import READ
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command(rich_help_panel=READ)
def publish(
    quarters: Annotated[
        list[str] | None,
        typer.Argument(help="Released quarters such as 2025-26-Q1; without them all that are released."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="The folder; by default publication/ of the data folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make pages, charts, spreadsheets and data files of the current releases, to open or to put on a server."""
    with reporting(as_json):
        from dagster_project.publication.publish import publish

        wanted = [Quarter.from_argument(text) for text in quarters or ()]
        with presentation.at_work("reading the releases"):
            result = publish(DataFolder.from_environment(), wanted, to, tell=presentation.progress)
        finish(result, as_json, lambda: _show(result))


def _show(result: dict[str, object]) -> None:
    print(f"{result['files']} files, {int(str(result['bytes'])) / 1e6:.1f} MB. {result['notice']}")
    print(f"Open {result['index']}")
