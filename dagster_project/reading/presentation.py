"""How the command shows a league table and an organisation's places on a terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from dagster_project.layout import Column, Rows
from dagster_project.notices import NOT_A_VERDICT
from dagster_project.shown import Terminal
from dagster_project.typed_names import TABLES

# Ends of names that tell nobody from another: left out where lines are short.
_IDLE_ENDS = (" NHS Foundation Trust", " NHS Trust")
_FICTIONAL = " (fictional)"
_WIDE = 100


def show_table(result: Mapping[str, Any]) -> None:
    """The table in the order of its ranks."""
    out = Terminal(soft_wrap=False)
    shown, there = len(result["rows"]), result["organisations_in_table"]
    count = str(there) if shown == there else f"{shown} of {there}"
    table = TABLES.get(result["table_name"], result["table_name"])
    out.print(f"[bold]{result['quarter']}[/bold], {count} {table}, release {result['release_id']}")
    columns = (
        Column("rank", right=True),
        Column("likely", right=True),
        Column("code"),
        Column("organisation", least=30),
        Column("segment", right=True),
        Column("average", right=True),
        Column("override"),
    )
    rows = [
        (
            str(row["rank"]),
            _range(row, "rank"),
            row["organisation_code"],
            _name(row["organisation_name"], out.width),
            str(row["adjusted_segment"]),
            row["average_metric_score"],
            _override(row),
        )
        for row in result["rows"]
    ]
    out.print(Rows(columns, rows))
    _close(out, result)


def show_places(result: Mapping[str, Any]) -> None:
    """A line per quarter, first to last."""
    out = Terminal(soft_wrap=False)
    out.print(f"[bold]{escape(result['organisation_name'])}[/bold] ({escape(result['organisation_code'])})")
    columns = (
        Column("quarter"),
        Column("table"),
        Column("rank", right=True),
        Column("of", right=True),
        Column("likely", right=True),
        Column("segment", right=True),
        Column("average", right=True),
        Column("likely", right=True),
        Column("override"),
    )
    rows = [
        (
            row["quarter"],
            row["table_name"],
            str(row["rank"]),
            str(row["organisations_in_table"]),
            _range(row, "rank"),
            str(row["adjusted_segment"]),
            row["average_metric_score"],
            _range(row, "average"),
            _override(row),
        )
        for row in result["rows"]
    ]
    out.print(Rows(columns, rows))
    _close(out, result)


def _close(out: Terminal, result: Mapping[str, Any]) -> None:
    if any(row["financial_override"] for row in result["rows"]):
        out.print("override: held = in a worse segment by it; flagged = it changes nothing.")
    out.print(escape(result["notice"]))
    out.print(NOT_A_VERDICT)


def _range(row: Mapping[str, Any], of: str) -> str:
    low, high = row[f"{of}_likely_low"], row[f"{of}_likely_high"]
    return "" if low is None or high is None else f"{low}-{high}"


def _override(row: Mapping[str, Any]) -> str:
    if not row["financial_override"]:
        return ""
    return "flagged" if row["adjusted_segment"] == row["unadjusted_segment"] else "held"


def _name(name: str, width: int) -> str:
    if width >= _WIDE:
        return name
    # That all are fictional stands below the table.
    short = name.removesuffix(_FICTIONAL)
    for idle in _IDLE_ENDS:
        short = short.removesuffix(idle).removesuffix(",")
    return short
