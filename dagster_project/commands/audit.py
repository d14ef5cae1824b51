"""Verbs that ask a release how its figures came about."""

from __future__ import annotations

from typing import Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import Json, Organisation, ReleasedQuarter, finish, reporting
from dagster_project.commands.help_panels import CHECK, READ
from dagster_project.errors import ExitCode, WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

app = typer.Typer()


@app.command(rich_help_panel=CHECK)
def reconcile(
    quarter: ReleasedQuarter,
    as_json: Json = False,
) -> None:
    """Compare a released quarter with the publisher's figures, figure by figure."""
    with reporting(as_json):
        from dagster_project.audit.presentation import show_reconciliation
        from dagster_project.audit.reconcile import reconciliation_of

        result = reconciliation_of(DataFolder.from_environment(), Quarter.from_argument(quarter))
        finish(result, as_json, lambda: show_reconciliation(result))


@app.command(rich_help_panel=CHECK)
def ledger(
    quarter: Annotated[str | None, typer.Argument(help="A quarter; without it, all.")] = None,
    as_json: Json = False,
) -> None:
    """Every difference from the publisher ever seen, in releases and in runs whose gate closed."""
    with reporting(as_json):
        from dagster_project.audit.ledger_reading import ledger_of
        from dagster_project.audit.presentation import show_ledger

        wanted = Quarter.from_argument(quarter) if quarter is not None else None
        result = ledger_of(DataFolder.from_environment(), wanted)
        finish(result, as_json, lambda: show_ledger(result))


@app.command(rich_help_panel=CHECK)
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
        from dagster_project.warehouse.dbt_project import checkout_project

        with presentation.at_work("tracing the columns through the models"):
            result = lineage_answer(column, checkout_project(DataFolder.from_environment()))
        finish(result, as_json, lambda: show_lineage(result))


@app.command(rich_help_panel=READ)
def explain(
    organisation: Organisation,
    quarter: ReleasedQuarter,
    metric: Annotated[
        str | None, typer.Argument(help="Only this metric: an id such as OF0010, or (part of) its name.")
    ] = None,
    by_option: Annotated[
        str | None, typer.Option("--metric", help="The same as METRIC: its sums and its raw lines.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Everything: each sum of every metric, down to the raw lines.")
    ] = False,
    release: Annotated[
        str | None,
        typer.Option("--release", help="A release on this disk, by id; without it, the current one."),
    ] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the answer as Markdown.")] = False,
    as_json: Json = False,
) -> None:
    """Say in ten lines why a rank is what it is, recomputed from the raw lines; 6 if a released cell differs."""
    with reporting(as_json):
        from dagster_project.explanation import explain as explaining
        from dagster_project.explanation.story import markdown, terminal, tree

        if as_json and as_markdown:
            raise WrongUsage("--json and --markdown are two forms of the answer: ask for one.")
        if metric is not None and by_option is not None:
            raise WrongUsage("The metric is given twice: as an argument and by --metric.")
        with presentation.at_work("recomputing from the raw lines"):
            found = explaining.explain(
                DataFolder.from_environment(),
                organisation,
                Quarter.from_argument(quarter),
                metric if by_option is None else by_option,
                release_id=release,
                tell=presentation.progress,
            )
        code = ExitCode.RECONCILIATION_DIFFERENT if found.differences else ExitCode.DONE
        result = {"exit_code": int(code), "message": found.verdict, **tree.as_json(found)}
        if as_markdown:
            finish(result, as_json, lambda: print(markdown.as_markdown(found), end=""))
        show = terminal.show_explanation if full else terminal.show_brief
        finish(result, as_json, lambda: show(found))
