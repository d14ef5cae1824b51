"""Verbs about quarters that the publisher has not published yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import Json, existing_folder, finish, reporting
from dagster_project.commands.help_panels import WHAT_IF
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command(rich_help_panel=WHAT_IF)
def nowcast(
    quarter: Annotated[str, typer.Argument(help="A quarter that isn't published, such as 2025-26-Q3.")],
    extracts: Annotated[
        Path | None,
        typer.Option("--extracts", help="Folder of statistics as downloaded; without it, the archive."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Estimate a quarter's tables from the statistics so far; all else carried from the last release."""
    with reporting(as_json):
        from dagster_project.scenarios.nowcast.make import make_nowcast
        from dagster_project.scenarios.nowcast.presentation import show_nowcast

        wanted = Quarter.from_argument(quarter)
        with presentation.at_work():
            result = make_nowcast(
                wanted, DataFolder.from_environment(), extracts_dir=existing_folder(extracts)
            )
        finish(result, as_json, lambda: show_nowcast(result))


@app.command("nowcast-accuracy", rich_help_panel=WHAT_IF)
def nowcast_accuracy(
    quarter: Annotated[str, typer.Argument(help="A released quarter such as 2025-26-Q2.")],
    as_json: Json = False,
) -> None:
    """Say how far the nowcast of a released quarter would have been from the official result."""
    with reporting(as_json):
        from dagster_project.scenarios.nowcast.accuracy import accuracy_of
        from dagster_project.scenarios.nowcast.presentation import show_accuracy

        wanted = Quarter.from_argument(quarter)
        with presentation.at_work():
            result = accuracy_of(wanted, DataFolder.from_environment())
        finish(result, as_json, lambda: show_accuracy(result))
