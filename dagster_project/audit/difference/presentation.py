"""How the command shows the difference of two releases on a terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from dagster_project.notices import NOT_A_VERDICT
from dagster_project.shown import Terminal

_CAUSES_SHOWN = 4
_NAMES_SHOWN = 6
_SCORE_PLACES = 5

_out = Terminal()


def show_difference(result: Mapping[str, Any]) -> None:
    """What the releases are made of, what moved by which cause, and who moved most; or one organisation."""
    before, after = result["before"], result["after"]
    _out.print(
        f"[bold]{after['quarter']}[/bold], release {after['release_id']}, against "
        f"[bold]{before['quarter']}[/bold], release {before['release_id']}"
    )
    if result["organisation"] is None:
        _show_components(result)
        _show_measures(result)
        _show_movers(result["biggest_movers"])
    else:
        for movement in result["movements"]:
            _show_organisation(movement)
    _out.print("Negative is better: a lower score, segment or rank. Causes add up to the whole change.")
    _out.print(result["notice"])
    _out.print(NOT_A_VERDICT)


def _show_components(result: Mapping[str, Any]) -> None:
    components = result["components"]
    frameworks = [result[side]["framework"] for side in ("before", "after")]
    if frameworks[0] != frameworks[1]:
        _out.print(f"Framework: {frameworks[0]} -> {frameworks[1]}")
    for side in ("in", "out"):
        files = [file["file_name"] for file in components["extracts"][side]]
        _out.print(f"Extracts {side}: {_listed(files)}")
    for part in ("rules", "code", "versions"):
        _out.print(f"{part.capitalize()} changed: {_listed(components[part])}")
    for side in ("in", "out"):
        found = [
            f"{one['organisation_code']} {one['organisation_name']} ({one['table_name']})"
            for one in result[f"organisations_{side}"]
        ]
        _out.print(f"Organisations {side}: {_listed(found)}")
    values = result["values"]
    _out.print(
        f"Metric values: {values['changed']:,} changed, {values['unchanged']:,} as before, "
        f"{values['in']:,} in, {values['out']:,} out"
    )


def _show_measures(result: Mapping[str, Any]) -> None:
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
    _out.print(table)


def _show_movers(movers: Sequence[Mapping[str, Any]]) -> None:
    if not movers:
        _out.print("No rank moved.")
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
    _out.print(table)
    _out.print("`--organisation CODE` shows one of them metric by metric.")


def _show_organisation(one: Mapping[str, Any]) -> None:
    _out.print(
        f"\n[bold]{escape(one['organisation_code'])} {escape(one['organisation_name'])}[/bold], {one['table_name']}"
    )
    average = one["average_metric_score"]
    if average["is_in"] or average["is_out"]:
        _out.print("Only in the later release." if average["is_in"] else "Only in the earlier release.")
        return
    for measure in ("rank", "adjusted_segment"):
        moved = one[measure]
        _out.print(
            f"{_words(measure)}: {moved['before']} -> {moved['after']} ({moved['change']:+d}): "
            f"{_causes(moved['causes'], shown=None) or 'as before'}"
        )
    _out.print(
        f"average metric score: {average['before']} -> {average['after']} ({average['change']}), of which:"
    )
    names = {score["metric_id"]: score["metric_name"] for score in one["metric_scores"]}
    shares = Table("metric", "", "cause", "adds to the average", box=None, pad_edge=False)
    for share in average["causes"]:
        metric = share["metric_id"] or ""
        shares.add_row(metric, escape(names.get(metric) or ""), _words(share["cause"]), share["change"])
    _out.print(shares)
    scores = Table("metric", "", "before", "after", "change", "why the score moved", box=None, pad_edge=False)
    for score in one["metric_scores"]:
        scores.add_row(
            score["metric_id"],
            escape(score["metric_name"] or ""),
            score["before"] or "not there",
            score["after"] or "not there",
            score["change"] or "",
            _causes(score["causes"], shown=None),
        )
    _out.print(scores)


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
