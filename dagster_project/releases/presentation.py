"""How the answers about held, approved, withdrawn and past releases look on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from dagster_project.layout import Column, Rows
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
        columns = [Column(heading) for heading in ("quarter", "release", "since (UTC)", "how")]
        current = [
            (item["quarter"], item["release_id"], _minute(item["since"]), item["how"])
            for item in result["current"]
        ]
        out.print(Rows(columns, current, title=f"Current at the end of {result['on']} (UTC)"))
        out.print(kind_notice(result["kind"]))
        return
    rows = [
        (
            item["quarter"],
            _minute(item["at"]),
            item["release_id"],
            " by ".join(filter(None, (item["event"], item["how"]))).replace("_", " "),
            item["by"] or "not known",
            item["reason"] or "",
        )
        for item in result["events"]
    ]
    columns = [Column(heading) for heading in ("quarter", "when (UTC)", "release", "event", "who")]
    if any(row[-1] for row in rows):
        columns.append(Column("reason", least=20))
    out.print(Rows(columns, [row[: len(columns)] for row in rows], title="Releases"))
    out.print(kind_notice(result["kind"]))


def _minute(moment: str) -> str:
    """A moment to the minute, as `2026-11-27 08:56`."""
    return moment[: len("2026-11-27T08:56")].replace("T", " ")
