"""How the answers about held, approved, withdrawn and past releases look on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from dagster_project.notices import notice_of
from dagster_project.presentation import kind_notice
from dagster_project.shown import Terminal


def show_approval(result: Mapping[str, Any]) -> None:
    """What is current now, and instead of what."""
    out = Terminal()
    for item in result["approved"]:
        instead = f", instead of {item['replaces']}" if item["replaces"] else ""
        out.print(
            f"{item['quarter']}: release [bold]{item['release_id']}[/bold] is current now{instead}; "
            f"approved by {escape(result['by'])}, it was {item['was']}"
        )
    for item in result["approved_before"]:
        out.print(
            f"{item['quarter']}: release [bold]{item['release_id']}[/bold] is current since {item['at']}: "
            f"{escape(result['by'])} approved it then"
        )
    out.print(notice_of(is_sample=result["is_sample"]))


def show_withdrawal(result: Mapping[str, Any]) -> None:
    """What was withdrawn, what is current instead, and what was built on it."""
    out = Terminal()
    out.print(
        f"{result['quarter']}: release [bold]{result['release_id']}[/bold] ({result['was']}) is withdrawn by "
        f"{escape(result['by'])}: {escape(result['reason'])}"
    )
    instead = result["current_release_id"]
    out.print(f"Current now: {instead}" if instead else f"{result['quarter']} has no current release now.")
    for item in result["built_on_it"]:
        out.print(
            f"Built on it and unchanged: release {item['release_id']} of {item['quarter']}. Run that quarter again, "
            "or withdraw it too."
        )


def show_history(result: Mapping[str, Any]) -> None:
    """The journal, or what was current on a day."""
    out = Terminal()
    if result["on"] is not None:
        table = Table(
            title=f"Current at the end of {result['on']} (UTC)",
            title_justify="left",
            box=None,
            title_style="bold",
        )
        for column in ("quarter", "release", "since (UTC)", "how"):
            table.add_column(column)
        for item in result["current"]:
            table.add_row(item["quarter"], item["release_id"], item["since"], item["how"])
        out.print(table)
        out.print(kind_notice(result["kind"]))
        return
    table = Table(title="Releases", title_justify="left", box=None, title_style="bold")
    for column in ("quarter", "when (UTC)", "release", "event", "how", "by", "reason"):
        table.add_column(column)
    for item in result["events"]:
        table.add_row(
            item["quarter"],
            item["at"],
            item["release_id"],
            item["event"],
            item["how"] or "",
            escape(item["by"] or "not known"),
            escape(item["reason"] or ""),
        )
    out.print(table)
    out.print(kind_notice(result["kind"]))
