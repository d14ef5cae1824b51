"""Verbs about the rules of scoring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import Json, finish, reporting

app = typer.Typer(help="The rules of scoring.", no_args_is_help=True)


@app.command("check")
def rules_check(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of rules; without it, the bundled ones.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether rules are complete and consistent, and what is still unknown."""
    with reporting(as_json):
        from dagster_project.methodology.rule_check import check_rules

        result = check_rules(folder)
        finish(result, as_json, lambda: presentation.show_rules(result))
