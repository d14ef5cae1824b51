"""How the command shows a what-if on a terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from dagster_project.shown import Terminal

_SHOWN = 10
_ROWS = (
    ("average metric score", "average_metric_score"),
    ("unadjusted segment", "unadjusted_segment"),
    ("financial override", "financial_override"),
    ("adjusted segment", "adjusted_segment"),
    ("rank", "rank"),
)

_out = Terminal()


def show_what_if(result: Mapping[str, Any]) -> None:
    """The organisation before and after, its changed scores, and the others that move."""
    asked = ", ".join(f"{change['figure']} = {change['value']}" for change in result["changes"])
    table = Table("", "as released", "what if", box=None)
    table.title = escape(f"{result['organisation_code']} in {result['quarter']} with {asked}")
    for label, name in _ROWS:
        table.add_row(label, str(result["before"][name]), str(result["after"][name]))
    _out.print(table)
    for score in result["scores"]:
        values = "" if score["value"] is None else f"value {score['value_before']} to {score['value']}, "
        _out.print(
            f"{score['metric_id']} {escape(score['metric_name'])}: {values}"
            f"score {score['score_before']} to {score['score']}"
        )
    others = result["others"]
    _out.print(f"{len(others)} other organisations move{':' if others else '.'}")
    for other in others[:_SHOWN]:
        _out.print(
            f"  {escape(other['organisation_code'])} {escape(other['organisation_name'])}: "
            f"average {other['average_before']} to {other['average']}, "
            f"segment {other['segment_before']} to {other['segment']}, "
            f"rank {other['rank_before']} to {other['rank']}"
        )
    if len(others) > _SHOWN:
        _out.print(f"  and {len(others) - _SHOWN} more: --json lists them all")
    _out.print(f"Release {result['release_id']} is untouched. {result['notice']}")
