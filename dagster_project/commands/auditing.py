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


@app.command()
def ledger(
    quarter: Annotated[str | None, typer.Argument(help="A quarter; without it, all.")] = None,
    as_json: Json = False,
) -> None:
    """Every difference from the publisher ever seen, in releases and in runs whose gate closed."""
    with reporting(as_json):
        from dagster_project.audit.ledger_presentation import show_ledger
        from dagster_project.audit.ledger_reading import ledger_of

        wanted = Quarter.from_argument(quarter) if quarter is not None else None
        result = ledger_of(DataFolder.from_environment(), wanted)
        finish(result, as_json, lambda: show_ledger(result))


@app.command()
def lineage(
    column: Annotated[
        str,
        typer.Argument(
            metavar="TABLE[.COLUMN]", help="A released table, or a column such as league_table.rank."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Say from which columns a released column comes, down to the publishers' files and the rules."""
    with reporting(as_json):
        from dagster_project.lineage.answer import lineage_answer
        from dagster_project.lineage.presentation import show_lineage
        from dagster_project.runs.quarterly_run import checkout_project

        result = lineage_answer(column, checkout_project(DataFolder.from_environment()))
        finish(result, as_json, lambda: show_lineage(result))
