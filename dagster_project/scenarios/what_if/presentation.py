"""How the command shows a what-if on a terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from dagster_project.layout import Column, Rows, counted, digits
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
    title = f"{result['organisation_code']} in {result['quarter']} with {asked}"
    rows = [(label, _plain(result["before"][name]), _plain(result["after"][name])) for label, name in _ROWS]
    _out.print(Rows((Column(""), Column("as released"), Column("what if")), rows, title=title))
    for score in result["scores"]:
        values = (
            ""
            if score["value"] is None
            else f"value {digits(score['value_before'])} to {digits(score['value'])}, "
        )
        _out.print(
            f"{score['metric_id']} {escape(score['metric_name'])}: {values}"
            f"score {score['score_before']} to {score['score']}"
        )
    others = result["others"]
    moves = counted(len(others), "other organisation moves", "other organisations move")
    _out.print(f"{moves}{':' if others else '.'}")
    for other in others[:_SHOWN]:
        _out.print(
            f"  {escape(other['organisation_code'])} {escape(other['organisation_name'])}: "
            f"average {other['average_before']} to {other['average']}, "
            f"segment {other['segment_before']} to {other['segment']}, "
            f"rank {other['rank_before']} to {other['rank']}"
        )
    if len(others) > _SHOWN:
        _out.print(f"  and {len(others) - _SHOWN:,} more: --json lists them all")
    _out.print(f"Release {result['release_id']} is untouched. {result['notice']}")


def _plain(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
