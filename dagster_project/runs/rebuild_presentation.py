"""How a rebuild is shown on a terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from dagster_project import presentation
from dagster_project.notices import notice_of
from dagster_project.runs.left_out import left_out_lines
from dagster_project.shown import Terminal

_out = Terminal()
_FIRST_SHOWN = 3


def show_rebuild(result: Mapping[str, Any]) -> None:
    """What each rebuilt quarter changes, and how what is held becomes current."""
    for quarter, left_out in zip(result["quarters"], result["left_out"], strict=True):
        _show_quarter(quarter)
        for line in left_out_lines(left_out, listed_in=left_out["listed_in"]):
            _out.print(f"  {escape(line)}")
    if result["exit_code"] != 0:
        presentation.failure(result["message"])
    if result["held"]:
        _out.print(
            "Nothing current has changed. Another person makes the rebuilt releases current, in one commit: "
            f"league approve {' '.join(result['held'])}"
        )
    elif result["exit_code"] == 0:
        _out.print("Every release came out as it is, byte for byte: there is nothing to approve.")
    kinds = {quarter["is_sample"] for quarter in result["quarters"]}
    for is_sample in sorted(kinds):
        _out.print(notice_of(is_sample=is_sample))


def _show_quarter(quarter: Mapping[str, Any]) -> None:
    if quarter["release_id"] == quarter["was"]:
        _out.print(f"[bold]{quarter['quarter']}[/bold]: release {quarter['was']} as it is")
        return
    counts = ", ".join(f"{item['changed']:,} {name}" for name, item in quarter["figures"].items())
    moved = any(item["changed"] for item in quarter["figures"].values())
    _out.print(
        f"[bold]{quarter['quarter']}[/bold]: release {quarter['was']} -> {quarter['release_id']}: "
        f"{counts} changed" + ("" if moved else "; no figure moved")
    )
    for name, item in quarter["figures"].items():
        for first in item["first"][:_FIRST_SHOWN]:
            place = " ".join(str(value) for key, value in first.items() if key not in ("before", "after"))
            _out.print(escape(f"  {name}: {place}: {first['before']} -> {first['after']}"))
        if item["changed"] > _FIRST_SHOWN:
            _out.print(f"  {name}: ... and {item['changed'] - _FIRST_SHOWN:,} more")
    for direction, codes in quarter["organisations"].items():
        if codes:
            _out.print(f"  organisations {direction}: {escape(', '.join(codes))}")
    if moved:
        _out.print(f"  why: league diff {quarter['was']} {quarter['release_id']}")
    for table in quarter["tables"]:
        _out.print(f"  table {table['table']}: {_difference(table)}")


def _difference(table: Mapping[str, Any]) -> str:
    if "only_in" in table:
        return f"only in the release {table['only_in']}"
    said = [f"{table['rows_gone']:,} rows gone, {table['rows_new']:,} rows new"]
    said += [
        f"columns {name}: {', '.join(table[f'columns_{name}'])}"
        for name in ("in", "out")
        if table[f"columns_{name}"]
    ]
    return "; ".join(said)
