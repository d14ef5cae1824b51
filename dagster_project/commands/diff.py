"""Verbs that compare releases."""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import Json, finish, reporting
from dagster_project.commands.help_panels import READ
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command(rich_help_panel=READ)
def diff(
    first: Annotated[
        str,
        typer.Argument(help="A quarter such as 2025-26-Q2, or a release id (its first six digits will do)."),
    ],
    second: Annotated[
        str | None,
        typer.Argument(
            help="The later one. Without it a quarter is compared with the quarter before it, a release with "
            "the current release of its quarter."
        ),
    ] = None,
    organisation: Annotated[
        str | None, typer.Option("--organisation", help="One organisation in full, by code or name.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two releases: what changed, for whom, and why, with causes that add up to the whole change."""
    with reporting(as_json):
        from dagster_project.audit.difference.difference import difference_of
        from dagster_project.audit.difference.presentation import show_difference

        with presentation.at_work("comparing the releases"):
            result = difference_of(DataFolder.from_environment(), first, second, organisation=organisation)
        finish(result, as_json, lambda: show_difference(result))
