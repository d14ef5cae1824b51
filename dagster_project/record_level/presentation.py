"""What was counted of patient-level rows, for people: how many, what was set aside and why, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from dagster_project.layout import Column, Rows, counted, shown_path
from dagster_project.notices import SAMPLE_NOTICE
from dagster_project.shown import Terminal

_out = Terminal()
_COLUMNS = (Column("rows", right=True), Column("why they aren't counted", least=40))


def show_counted(result: Mapping[str, Any]) -> None:
    """The counts, each reason, the files and how a run takes them."""
    _out.print(f"{counted(result['pathways'], 'pathway')} of {counted(result['rows'], 'row')} counted")
    for reason, number in result["ended"].items():
        _out.print(f"{counted(number, 'row')} of none that waits: {reason}")
    if result["set_aside"]:
        rows = [(f"{number:,}", reason) for reason, number in result["set_aside"].items()]
        _out.print(Rows(_COLUMNS, rows, title="Rows set aside"))
    if result["listed_in"]:
        _out.print(f"each with its reason in {escape(shown_path(result['listed_in']))}")
    else:
        _out.print("The rows stay in the table: none is listed here.")
    for extract in result["extracts"]:
        _out.print(f"counts in {escape(shown_path(extract))}")
    _out.print("Next: put that file beside the quarter's others, for league run --extracts")
    if result["is_sample"]:
        _out.print(SAMPLE_NOTICE)
