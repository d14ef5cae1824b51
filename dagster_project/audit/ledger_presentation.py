"""How the reconciliation ledger looks on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from dagster_project.notices import notice_of
from dagster_project.shown import Terminal

_LISTED = 40


def show_ledger(result: Mapping[str, Any]) -> None:
    """Counts, then the first differences; `--json` has all of them."""
    out = Terminal()
    table = Table(
        title="Differences from the publisher ever seen",
        title_justify="left",
        box=None,
        title_style="bold",
    )
    for column in ("quarter", "table", "figure", "outcome", "published by us"):
        table.add_column(column)
    for column in ("differences", "releases", "largest"):
        table.add_column(column, justify="right")
    for item in result["counts"]:
        table.add_row(
            item["quarter"],
            item["table_name"],
            escape(item["figure_kind"]),
            item["outcome"],
            "yes" if item["was_released"] else "no",
            str(item["differences"]),
            str(item["releases"]),
            item["largest_difference"] or "",
        )
    out.print(table)
    for item in result["differences"][:_LISTED]:
        out.print(
            f"{item['quarter']} {item['release_id']} {item['outcome']}: "
            f"{escape(item['organisation_code'])} {escape(item['figure'])}: "
            f"ours {item['computed']}, published {item['published']}: {escape(item['reason'])}"
        )
    more = len(result["differences"]) - _LISTED
    if more > 0:
        out.print(f"and {more:,} more: --json lists all")
    if not result["differences"]:
        out.print("No figure that was compared has ever differed.")
    out.print(notice_of(is_sample=result["is_sample"]))
