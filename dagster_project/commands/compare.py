"""The verb that sets two organisations beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import typer

from dagster_project import presentation
from dagster_project.commands import completion
from dagster_project.commands.answers import Json, finish, reporting
from dagster_project.commands.help_panels import READ
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

_WIDTH = 80

app = typer.Typer()


@app.command(rich_help_panel=READ)
def compare(
    first: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.organisations, help="An organisation: its code, or part of its name."
        ),
    ],
    second: Annotated[
        str,
        typer.Argument(autocompletion=completion.organisations, help="Another one of the same league table."),
    ],
    quarter: Annotated[
        str | None,
        typer.Argument(help="A quarter such as 2025-26-Q2; without it the newest that is released."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two organisations of a table: how often chance alone would put either before the other."""
    with reporting(as_json):
        from dagster_project.likely_ranges.pair import compare_pair

        of = None if quarter is None else Quarter.from_argument(quarter)
        with presentation.at_work("drawing the scores anew"):
            result = compare_pair(DataFolder.from_environment(), first, second, of)
        finish(result, as_json, lambda: _show_pair(result))


def _show_pair(result: Mapping[str, Any]) -> None:
    """Both organisations with their likely ranges, then how often either comes out before the other."""
    from rich.markup import escape

    from dagster_project.notices import NOT_A_VERDICT
    from dagster_project.shown import Terminal

    out = Terminal(highlight=False, width=_WIDTH)
    out.print(
        f"[bold]{result['quarter']}[/bold], release {result['release_id']}, table {result['table_name']}"
    )
    for item in result["organisations"]:
        out.print(f"\n[bold]{item['organisation_code']}[/bold]  {escape(item['organisation_name'])}")
        out.print(
            f"  average {item['average_metric_score']}, likely {item['average_likely_low']} to "
            f"{item['average_likely_high']}; segment {item['adjusted_segment']}; rank {item['rank']}, likely "
            f"{item['rank_likely_low']} to {item['rank_likely_high']}"
        )
    first, second = (item["organisation_code"] for item in result["organisations"])
    out.print("\nWith the metric scores of both drawn anew:")
    for says, shares in (("average is lower", "by_average"), ("rank is better", "by_rank")):
        share = result[shares]
        out.print(
            f"  {first}'s {says} in {_percent(share['first'])}, {second}'s in {_percent(share['second'])}, "
            f"equal in {_percent(share['neither'])}"
        )
    needed = _percent(result["told_apart_from"])
    out.print(
        f"One ranks better in {needed} or more: they can be told apart."
        if result["told_apart"]
        else f"Neither ranks better in {needed}: they can't be told apart."
    )
    out.print(f"Of all pairs of {result['replicates']:,} replicates each.")
    out.print("A rank counts the override, an average doesn't.")
    out.print(result["notice"])
    out.print(NOT_A_VERDICT)


def _percent(share: str) -> str:
    return f"{Decimal(share) * 100:.2f}".rstrip("0").rstrip(".") + " %"
