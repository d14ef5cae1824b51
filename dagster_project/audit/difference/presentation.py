"""How the command shows the difference of two releases on a terminal; nothing is computed here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rich.markup import escape
from rich.table import Table

from dagster_project.layout import Column, Rows, labelled, shortened
from dagster_project.notices import NOT_A_VERDICT
from dagster_project.shown import Terminal

_CAUSES_SHOWN = 4
_NAMES_SHOWN = 6
_SCORE_PLACES = 5
_SCORE_SHOWN, _SHARE_SHOWN = 2, 3
_NAME_SHOWN, _WIDE = 32, 130


def show_difference(result: Mapping[str, Any]) -> None:
    """What the releases are made of, what moved by which cause, and who moved most; or one organisation."""
    out = Terminal(soft_wrap=False)
    before, after = result["before"], result["after"]
    out.print(
        f"[bold]{after['quarter']}[/bold], release {after['release_id']}, against "
        f"[bold]{before['quarter']}[/bold], release {before['release_id']}"
    )
    if result["organisation"] is None:
        _show_components(out, result)
        _show_measures(out, result)
        _show_movers(out, result["biggest_movers"])
    else:
        for movement in result["movements"]:
            _show_organisation(out, movement)
    out.print("Negative is better: a lower score, segment or rank. Causes add up to the whole change.")
    out.print(result["notice"])
    out.print(NOT_A_VERDICT)


def _show_components(out: Terminal, result: Mapping[str, Any]) -> None:
    components = result["components"]
    frameworks = [result[side]["framework"] for side in ("before", "after")]
    if frameworks[0] != frameworks[1]:
        out.print(f"Framework: {frameworks[0]} -> {frameworks[1]}")
    for side in ("in", "out"):
        files = [file["file_name"] for file in components["extracts"][side]]
        out.print(f"Extracts {side}: {_listed(files)}")
    for part in ("rules", "code", "versions"):
        out.print(f"{part.capitalize()} changed: {_listed(components[part])}")
    for side in ("in", "out"):
        found = [
            f"{one['organisation_code']} {one['organisation_name']} ({one['table_name']})"
            for one in result[f"organisations_{side}"]
        ]
        out.print(f"Organisations {side}: {_listed(found)}")
    values = result["values"]
    out.print(
        f"Metric values: {values['changed']:,} changed, {values['unchanged']:,} as before, "
        f"{values['in']:,} in, {values['out']:,} out"
    )


def _show_measures(out: Terminal, result: Mapping[str, Any]) -> None:
    table = Table(
        "measure", "changed", "as before", "in", "out", "changed by cause", box=None, pad_edge=False
    )
    for item in result["measures"]:
        table.add_row(
            _words(item["measure"]),
            f"{item['changed']:,}",
            f"{item['unchanged']:,}",
            str(item["in"]),
            str(item["out"]),
            ", ".join(f"{_words(cause['cause'])} {cause['changed']:,}" for cause in _telling(item["causes"])),
        )
    out.print(table)


def _show_movers(out: Terminal, movers: Sequence[Mapping[str, Any]]) -> None:
    if not movers:
        out.print("No rank moved.")
        return
    table = Table(
        "rank", "code", "organisation", "segment", "average", "why the rank moved", box=None, pad_edge=False
    )
    table.title, table.title_justify = "Moved furthest", "left"
    for one in movers:
        rank = one["rank"]
        table.add_row(
            f"{rank['before']} -> {rank['after']}",
            escape(one["organisation_code"]),
            escape(one["organisation_name"]),
            f"{one['adjusted_segment']['before']} -> {one['adjusted_segment']['after']}",
            _score(one["average_metric_score"]["change"]),
            _causes(rank["causes"]),
        )
    out.print(table)
    out.print("`--organisation CODE` shows one of them metric by metric.")


def _show_organisation(out: Terminal, one: Mapping[str, Any]) -> None:
    """What moved and by how much; metrics in the order of what they add to the average, those unchanged counted."""
    name, code = escape(one["organisation_name"]), escape(one["organisation_code"])
    out.print(f"\n[bold]{name} ({code})[/bold], {one['table_name']}")
    average = one["average_metric_score"]
    if average["is_in"] or average["is_out"]:
        out.print("Only in the later release." if average["is_in"] else "Only in the earlier release.")
        return
    lines = []
    for measure in ("rank", "adjusted_segment"):
        moved = one[measure]
        why = f": {_causes(moved['causes'], shown=None)}" if moved["causes"] else ""
        lines.append((_words(measure), f"{moved['before']} to {moved['after']} ({moved['change']:+d}){why}"))
    before, after = (_at(average[side], _SCORE_SHOWN) for side in ("before", "after"))
    change = _at(average["change"], _SHARE_SHOWN, sign=True)
    lines.append(("average", f"{before} to {after} ({change}), of which the metrics added:"))
    out.print(labelled(lines))
    shares: dict[str, Decimal] = defaultdict(Decimal)
    for share in average["causes"]:
        shares[share["metric_id"] or ""] += Decimal(share["change"])
    scores = {score["metric_id"]: score for score in one["metric_scores"]}
    moved_ones = [metric for metric, score in scores.items() if shares.get(metric) or _has_moved(score)]
    moved_ones.sort(key=lambda metric: (-abs(shares.get(metric, Decimal())), metric))
    name_width = _NAME_SHOWN if out.width < _WIDE else out.width
    rows = [_metric_row(scores[metric], shares.get(metric), name_width) for metric in moved_ones]
    columns = (
        Column("metric"),
        Column("", least=30),
        Column("value", right=True),
        Column("score", right=True),
        Column("average", right=True),
    )
    out.print(Rows(columns, rows))
    unchanged = len(scores) - len(rows)
    if unchanged:
        out.print(f"{unchanged} more metrics: value and score as before.")


def _has_moved(score: Mapping[str, Any]) -> bool:
    """Whether a metric came, went, or has another value or score."""
    return bool(
        score["is_in"]
        or score["is_out"]
        or score["value_before"] != score["value_after"]
        or (score["change"] is not None and Decimal(score["change"]))
    )


def _metric_row(score: Mapping[str, Any], share: Decimal | None, name_width: int) -> tuple[str, ...]:
    name = shortened(score["metric_name"] or "", name_width)
    causes = ", ".join(
        f"{_words(cause['cause'])} {_at(cause['change'], _SCORE_SHOWN, sign=True)}"
        for cause in _telling(score["causes"])
    )
    return (
        score["metric_id"],
        f"{name}\n{causes}" if causes else name,
        _before_after(score["value_before"], score["value_after"]),
        _before_after(*(score[side] and _at(score[side], _SCORE_SHOWN) for side in ("before", "after"))),
        "" if share is None else _at(share, _SHARE_SHOWN, sign=True),
    )


def _before_after(before: str | None, after: str | None) -> str:
    """Both, or one where they are the same; nothing where there is neither."""
    if before == after:
        return before or ""
    return f"{before or 'none'} to {after or 'none'}"


def _at(figure: str | Decimal, places: int, *, sign: bool = False) -> str:
    rounded = Decimal(figure).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded + 0:{'+' if sign else ''}f}"
    return text.replace("-0." + "0" * places, "0." + "0" * places)


def _causes(causes: Sequence[Mapping[str, Any]], shown: int | None = _CAUSES_SHOWN) -> str:
    told = [f"{_words(cause['cause'])} {_signed(cause['change'])}" for cause in causes]
    more = "" if shown is None or len(told) <= shown else f" and {len(told) - shown} more"
    return ", ".join(told[:shown]) + more


def _telling(causes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The twelfth place is part of the sum, but tells a reader nothing."""
    return [cause for cause in causes if cause["cause"] != "rounding"]


def _signed(change: str | int) -> str:
    return _score(change) if isinstance(change, str) else f"{change:+d}"


def _score(text: str) -> str:
    return f"{float(text):+.{_SCORE_PLACES}f}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return escape(", ".join(names[:_NAMES_SHOWN]) + more)
