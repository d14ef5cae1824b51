"""The verb that brings released tables to where their readers work already."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from dagster_project import presentation
from dagster_project.commands.answers import By, Json, finish, reporting
from dagster_project.commands.help_panels import READ
from dagster_project.errors import WrongUsage
from dagster_project.layout import counted
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder
from dagster_project.shown import Terminal

app = typer.Typer()


@app.command(rich_help_panel=READ)
def deliver(
    target: Annotated[
        str,
        typer.Argument(
            help="Where to: postgresql://USER@HOST/DATABASE, iceberg:FOLDER or delta:FOLDER. A password comes from "
            "~/.pgpass, PGPASSWORD or a service.",
        ),
    ],
    quarters: Annotated[
        list[str] | None,
        typer.Argument(help="Released quarters such as 2025-26-Q1; without them all that are released."),
    ] = None,
    schema: Annotated[
        str | None, typer.Option("--schema", help="The schema or namespace there; by default league.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
    grants_sql: Annotated[
        bool,
        typer.Option(
            "--grants-sql",
            help="Print SQL that makes the roles and schemas, for an administrator; do nothing.",
        ),
    ] = False,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="Replace releases that another data folder delivered there."),
    ] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Deliver the current releases into a database or a lake, take withdrawn ones away, and read back what is there."""
    with reporting(as_json):
        # A second address among the quarters may hold a password: it isn't repeated.
        if any("://" in text for text in quarters or ()):
            raise WrongUsage("Name one TARGET, and quarters such as 2025-26-Q1 behind it.")
        wanted = [Quarter.from_argument(text) for text in quarters or ()]
        from dagster_project.delivery.target import target_of

        place = target_of(target, schema=schema)
        if grants_sql:
            print(place.grants(), end="")
            return
        with presentation.at_work("reading the releases"):
            from dagster_project.delivery.delivered import Wanted
            from dagster_project.releases.journal import person

            if place.says_password:
                announce(
                    "The address holds a password, which whoever lists this machine's processes can read: better "
                    "~/.pgpass, PGPASSWORD or a service file"
                )
            report = place.deliver(
                Wanted.of(DataFolder.from_environment(), wanted),
                by=person(by),
                dry_run=dry_run,
                take_over=take_over,
                tell=announce,
            )
        result = report.as_answer()
        finish(result, as_json, lambda: show_delivery(result))


def show_delivery(result: dict[str, Any]) -> None:
    """What became of each quarter, what was read back, and whose figures they are."""
    out = Terminal()
    words = {"delivered": "would be delivered", "kept": "would be kept", "withdrawn": "would be taken away"}
    for one in sorted(
        ({**one, "outcome": outcome} for outcome in words for one in result[outcome]),
        key=lambda one: one["quarter"],
    ):
        outcome = words[one["outcome"]] if result["dry_run"] else one["outcome"]
        instead = f", in place of {one['replaces']}" if one["replaces"] else ""
        rows = f": {one['rows']:,} rows" if one["outcome"] != "withdrawn" else ""
        out.print(escape(f"{one['quarter']}  {outcome}{rows}, release {one['release_id']}{instead}"))
    for change in result["changes"]:
        out.print(escape(change))
    if not result["dry_run"]:
        tables = counted(result["hashes_verified"], "table")
        out.print(
            f"Read back: {result['rows_verified']:,} rows in {tables}, each with the hash of the release's"
        )
    out.print(escape(f"Target: {result['target']}"))
    out.print(escape(result["notice"]))
