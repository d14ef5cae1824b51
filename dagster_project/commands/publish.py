"""Verbs that put a publication out: making it, and serving it on this machine for a look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from dagster_project import presentation
from dagster_project.commands.answers import Json, finish, reporting
from dagster_project.commands.help_panels import READ
from dagster_project.errors import WrongUsage
from dagster_project.layout import counted, shown_path
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder
from dagster_project.shown import Terminal

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
    held: Annotated[
        bool,
        typer.Option(
            "--held",
            help="With the releases that wait for approval, marked EMBARGOED, by default to publication-embargoed/.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make pages, charts, spreadsheets and data files of the current releases, to open or to put on a server."""
    with reporting(as_json):
        from dagster_project.publication.publish import publish, publish_held

        data = DataFolder.from_environment()
        wanted = [Quarter.from_argument(text) for text in quarters or ()]
        if held and wanted:
            raise WrongUsage(
                "--held shows every quarter, as an approval would leave it: name no quarter with it."
            )
        with presentation.at_work("reading the releases"):
            result = (
                publish_held(data, to, tell=announce) if held else publish(data, wanted, to, tell=announce)
            )
        finish(result, as_json, lambda: show_publication(result))


@app.command(rich_help_panel=READ)
def serve(
    folder: Annotated[
        Path | None, typer.Option("--from", help="A publication; by default publication/ of the data folder.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any that is free.")] = 8000,
) -> None:
    """Serve a publication on this machine alone, for a look; Ctrl-C ends it."""
    with reporting(as_json=False):
        from dagster_project.publication.serving import serve as serve_folder

        chosen = folder or DataFolder.from_environment().publication
        serve_folder(chosen, port, lambda address: print(f"Open {address} (Ctrl-C ends it)", flush=True))


def show_publication(result: dict[str, Any]) -> None:
    """What was made, whose figures they are, and last the file to open."""
    out = Terminal()
    made, kept = (counted(len(result[f"quarters_{what}"]), "quarter") for what in ("made", "kept"))
    out.print(f"{made} made, {kept} kept: {result['files']:,} files, {result['bytes'] / 1e6:.1f} MB")
    out.print(escape(result["notice"]))
    out.print(escape(f"Open {shown_path(result['index'])}"))
