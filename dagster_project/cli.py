"""The `league` command: assembly of its verbs. Heavy imports wait for their verb."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.commands import (
    audit,
    compare,
    count,
    data_folder,
    deliver,
    dev,
    diff,
    docs,
    nowcast,
    publish,
    release,
    rules,
    run,
    show,
    verify,
    what_if,
)
from dagster_project.commands.help_panels import PROJECT
from dagster_project.settings import DATA_VARIABLE

app = typer.Typer(
    name="league",
    help="Recomputes NHS England's quarterly league tables from the published extracts.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="A quarter is written 2025-26-Q1 (April to June 2025). Begin with `league status`.",
    pretty_exceptions_enable=False,
)


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"league {version('nhs-league-tables')}")
        raise typer.Exit


@app.callback()
def root(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="The data folder, as LEAGUE_DATA_DIR; without both, data, or data-sample for the sample.",
        ),
    ] = None,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """What holds for every verb: where its data are."""
    if data is not None:
        os.environ[DATA_VARIABLE] = str(data.resolve())


app.add_typer(run.app)
app.add_typer(count.app)
app.add_typer(show.app)
app.add_typer(publish.app)
app.add_typer(deliver.app)
app.add_typer(audit.app)
app.add_typer(verify.app)
app.add_typer(release.app)
app.add_typer(diff.app)
app.add_typer(compare.app)
app.add_typer(nowcast.app)
app.add_typer(what_if.app)
app.add_typer(data_folder.app)
app.add_typer(dev.app)
app.add_typer(rules.app, name="rules", rich_help_panel=PROJECT)
app.add_typer(docs.app, name="docs", rich_help_panel=PROJECT)


def main() -> None:
    """Entry point of the command `league`."""
    from dagster_project.entry import main as enter

    enter()


if __name__ == "__main__":
    main()
