"""Verbs that ask what would be."""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import (
    Json,
    Organisation,
    ReleasedQuarter,
    Rules,
    existing_folder,
    finish,
    reporting,
)
from dagster_project.commands.help_panels import WHAT_IF
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command("what-if", rich_help_panel=WHAT_IF)
def what_if(
    organisation: Organisation,
    quarter: ReleasedQuarter,
    changes: Annotated[
        list[str],
        typer.Argument(
            metavar="METRIC=VALUE...",
            help="OF0nnn=VALUE, OF1nnn=SCORE for a score-only metric, OF5004=0 or 1 for the override flag.",
        ),
    ],
    rules: Rules = None,
    as_json: Json = False,
) -> None:
    """Recompute a quarter's tables with other figures of one organisation; no release is touched."""
    with reporting(as_json):
        from dagster_project.scenarios.what_if.changes import typed_changes

        asked, wanted = typed_changes(changes), Quarter.from_argument(quarter)
        from dagster_project.scenarios.what_if import ask
        from dagster_project.scenarios.what_if.presentation import show_what_if

        with presentation.at_work():
            result = ask.what_if(
                organisation, wanted, asked, DataFolder.from_environment(), rules_dir=existing_folder(rules)
            )
        finish(result, as_json, lambda: show_what_if(result))
