"""Verbs that read a release out: its league tables, an organisation's places and its story."""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project.commands import completion
from dagster_project.commands.answers import Json, finish, reporting
from dagster_project.commands.help_panels import READ
from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command(rich_help_panel=READ)
def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="TABLE|ORGANISATION",
            autocompletion=completion.tables_and_organisations,
            help="acute, non_acute, ambulance or icb; or an organisation: its code, or part of its name.",
        ),
    ],
    quarter: Annotated[
        str | None,
        typer.Argument(
            help="A released quarter such as 2025-26-Q1. Without it a table of the newest one, an organisation "
            "in all of them."
        ),
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="Only a region: words of its name.")] = None,
    subtype: Annotated[
        str | None, typer.Option("--subtype", help="Only a subtype such as Teaching: words of its name.")
    ] = None,
    segment: Annotated[
        int | None, typer.Option("--segment", help="Only an adjusted segment: 1 to 4.")
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print the rows as CSV, with whole names and all columns.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print a league table with its likely ranges, or an organisation's place in every released quarter."""
    with reporting(as_json):
        from dagster_project.reading.league_table import Only, show

        if as_json and as_csv:
            raise WrongUsage("--json and --csv are two forms of the answer: ask for one.")
        of = None if quarter is None else Quarter.from_argument(quarter)
        result = show(DataFolder.from_environment(), what, of, Only(region, subtype, segment))
        if as_csv:
            from dagster_project.shown import csv_text

            rows = [[row[column] for column in result["columns"]] for row in result["rows"]]
            finish(result, as_json, lambda: print(csv_text(result["columns"], rows), end=""))
        from dagster_project.reading.presentation import show_places, show_table

        finish(result, as_json, lambda: (show_table if "table_name" in result else show_places)(result))


@app.command(rich_help_panel=READ)
def story(
    organisation: Annotated[str, typer.Argument(help="A code such as RP6, or (part of) a name.")],
    quarter: Annotated[str, typer.Argument(help="A released quarter such as 2025-26-Q1.")],
    as_json: Json = False,
) -> None:
    """Write a board's page in Markdown: how sure a place is, why it moved, what would change it, with every query."""
    with reporting(as_json):
        from dagster_project.reading import board_page

        page = board_page.board_page(
            DataFolder.from_environment(), organisation, Quarter.from_argument(quarter)
        )
        finish(dict(board_page.as_json(page)), as_json, lambda: print(board_page.as_markdown(page), end=""))
