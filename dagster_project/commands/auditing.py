"""Verbs that ask a release how its figures came about."""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import Json, finish, reporting
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command()
def reconcile(
    quarter: Annotated[str, typer.Argument(help="A released quarter such as 2025-26-Q1.")],
    as_json: Json = False,
) -> None:
    """Compare a released quarter with the publisher's figures, figure by figure."""
    with reporting(as_json):
        from dagster_project.audit.reconcile import reconciliation_of

        result = reconciliation_of(DataFolder.from_environment(), Quarter.from_argument(quarter))
        finish(result, as_json, lambda: presentation.show_reconciliation(result))
