"""How the command shows a nowcast and its accuracy on a terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.markup import escape

from dagster_project.layout import Column, Rows, counted, digits, shown_path
from dagster_project.runs.left_out import left_out_lines
from dagster_project.shown import Terminal

_SHOWN = 5

_PLACE_COLUMNS = (
    Column("rank", right=True),
    Column("code"),
    Column("organisation", least=24),
    Column("average", right=True),
    Column("segment", right=True),
    Column("fresh metrics", right=True),
)
_ACCURACY_COLUMNS = (
    Column("table"),
    Column("forecast"),
    Column("organisations", right=True),
    Column("average off by", right=True),
    Column("same segment", right=True),
    Column("median rank off", right=True),
    Column("90% within", right=True),
)

_out = Terminal()


def show_nowcast(result: Mapping[str, Any]) -> None:
    """The best places of each table, what is fresh and what is carried, and where the files are."""
    last = result["carried_from"]
    for name, places in groupby(result["places"], key=lambda place: place["table_name"]):
        rows = [
            (
                str(place["rank"]),
                place["organisation_code"],
                place["organisation_name"] or "",
                place["average_metric_score"],
                str(place["adjusted_segment"]),
                f"{place['fresh_metric_count']} of {place['metric_count']}",
            )
            for place in list(places)[:_SHOWN]
        ]
        title = f"NOWCAST {result['quarter']} {name}: the best {len(rows)}"
        _out.print(Rows(_PLACE_COLUMNS, rows, title=title))
        _out.print()
    for metric in result["metrics"]:
        if metric["organisations_fresh"] or metric["held_back"] or metric["incomplete"]:
            because = metric["held_back"] or metric["known_difference"]
            _out.print(
                f"{metric['metric_id']} {escape(metric['metric_name'])}: {metric['state']}, "
                f"{metric['organisations_fresh']} fresh and {metric['organisations_carried']} carried"
                + (f" ({escape(because)})" if because else "")
            )
            for line in _incomplete(metric["incomplete"]):
                _out.print(f"  {escape(line)}")
    _out.print(
        f"All other figures are carried from {last['quarter']} (release {last['release_id']}), "
        f"{counted(last['age_quarters'], 'quarter')} old."
    )
    for line in left_out_lines(result):
        _out.print(escape(line))
    _out.print(f"Nowcast [bold]{result['nowcast_id']}[/bold] in {escape(shown_path(result['path']))}")
    _out.print(result["notice"])


def show_accuracy(result: Mapping[str, Any]) -> None:
    """The distance per table of the nowcast, and of the last release as it was."""
    rows = []
    for item in result["tables"]:
        for name in ("nowcast", "last_release"):
            off = item[name]
            rows.append(
                (
                    item["table_name"],
                    name.replace("_", " "),
                    str(off["organisations"]),
                    digits(off["mean_absolute_difference_of_average"]),
                    f"{off['same_segment_percent']} %",
                    off["rank_difference_median"],
                    off["rank_difference_90th_percentile"],
                )
            )
    title = f"Nowcast of {result['quarter']} against its release {result['official_release_id']}"
    _out.print(Rows(_ACCURACY_COLUMNS, rows, title=title))
    fresh = [metric["metric_id"] for metric in result["metrics"] if metric["organisations_fresh"]]
    last = result["carried_from"]
    _out.print(f"Fresh: {', '.join(fresh) or 'nothing'}. Carried from {last['quarter']}: all else.")
    for name in ("only_in_official", "only_in_nowcast"):
        if result[name]:
            _out.print(f"{name.replace('_', ' ').capitalize()}: {escape(', '.join(result[name]))}")
    _out.print(result["how"])


def _incomplete(reasons: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is missing, most organisations first."""
    for item in reasons[:_SHOWN]:
        codes = item["organisations"]
        more = f" and {len(codes) - _SHOWN} more" if len(codes) > _SHOWN else ""
        yield f"not complete, so carried: {', '.join(codes[:_SHOWN])}{more} ({item['reason']})"
    if len(reasons) > _SHOWN:
        rest = sum(len(item["organisations"]) for item in reasons[_SHOWN:])
        yield f"not complete, so carried: {rest} more, each with its reason in nowcast.json"
