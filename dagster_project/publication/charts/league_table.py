"""Charts of a whole league table: every organisation's average in rank order, and a metric's values among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import altair as alt

from dagster_project.publication import words
from dagster_project.publication.charts.chart import Cell, Chart, Row
from dagster_project.publication.charts.drawing import WIDTH, Frame, charted, compiled, drawn
from dagster_project.publication.contents import QuarterContent

_SHAPES = {1: "circle", 2: "square", 3: "triangle-up", 4: "diamond", 5: "cross"}
_SEGMENTS = alt.Scale(domain=list(_SHAPES), range=[f"segment-{one}" for one in _SHAPES])
_UNITS = {"percent": "%", "count": "number", "band": "band"}
_DOT = 7.0


def ranked_dots(content: QuarterContent, table_name: str, marked: str | None = None) -> Chart | None:
    """Every organisation of a league table in rank order: its average, the likely range of that, and its segment."""
    places = [row for row in content.places.values() if row["table_name"] == table_name]
    if not places:
        return None
    step = 6 if len(places) > 60 else 11 if len(places) > 20 else 20
    rows = [
        {
            "x": float(row["average_metric_score"]),
            "low": _number(row["average_likely_low"]),
            "high": _number(row["average_likely_high"]),
            "y": number * step + step / 2,
            "segment": row["adjusted_segment"],
            "code": row["organisation_code"],
        }
        for number, row in enumerate(places)
    ]
    every = 20 if len(places) > 60 else 10 if len(places) > 20 else 1
    ranks = [
        {"y": row["y"], "text": str(place["rank"])}
        for number, (row, place) in enumerate(zip(rows, places, strict=True))
        if number == 0 or (number + 1) % every == 0
    ]
    there = sorted({row["segment"] for row in rows})
    ours = [row for row in rows if row["code"] == marked]
    picture = drawn(
        _ranked_dots(),
        {
            "rows": [row for row in rows if row["code"] != marked],
            "ranges": [row for row in rows if row["low"] is not None and row["code"] != marked],
            "marked": ours,
            "marked_ranges": [row for row in ours if row["low"] is not None],
            "ranks": ranks,
            "named": [_named(content, row) for row in ours],
            "legend": [
                {"x": 85 * number, "y": -52, "segment": one, "text": f"Segment {one}"}
                for number, one in enumerate(there)
            ],
        },
        len(places) * step,
    )
    name = f"ranks-{table_name}" + (f"-{marked}" if marked else "")
    title = f"{words.table_name(table_name)} in rank order"
    alt_text = _about_ranks(content, places, marked)
    missing = len(places) - sum(row["low"] is not None for row in rows)
    notes = (f"No likely range is known of {missing} of these.",) if missing else ()
    return charted(
        name,
        title,
        alt_text,
        picture,
        ("Organisation", "Rank", "Average", "Likely from", "Likely to", "Segment"),
        [
            (
                row["organisation_name"],
                *(
                    Cell("league_table", row, column)
                    for column in (
                        "rank",
                        "average_metric_score",
                        "average_likely_low",
                        "average_likely_high",
                        "adjusted_segment",
                    )
                ),
            )
            for row in places
        ],
        notes,
    )


def distribution(
    content: QuarterContent, table_name: str, metric_id: str, marked: str | None = None
) -> Chart | None:
    """The values of a metric in a league table, each a dot, with the quartiles and the standard."""
    ranked = [
        row
        for row in content.find("metric_ranking", table_name=table_name, metric_id=metric_id)
        if row["value"] is not None
    ]
    metric = content.one("metric", metric_id=metric_id)
    if not ranked or metric is None:
        return None
    ranked = sorted(ranked, key=lambda row: (row["value"], row["organisation_code"]))
    standard = _standard(content, table_name, metric_id)
    low, high = _domain(ranked, standard)
    signs = _signs(ranked, standard, marked)
    dots = _stacked(ranked, low, high)
    levels = max(dot["level"] for dot in dots)
    size = min(_DOT, 170 / (levels + 1))
    height = 16 * len(signs) + 8 + size * (levels + 1)
    for dot in dots:
        dot["y"] = height - size / 2 - size * dot["level"]
    for number, sign in enumerate(signs):
        sign |= {"y": 12 + 16 * number, "from": 16 + 16 * number, "to": height}
    middle = (low + high) / 2
    picture = drawn(
        _distribution(),
        {
            "rows": [dot for dot in dots if dot["code"] != marked],
            "marked": [dot for dot in dots if dot["code"] == marked],
            "signs": signs,
            "left": [sign for sign in signs if sign["x"] <= middle],
            "right": [sign for sign in signs if sign["x"] > middle],
            "unit": [{"y": height + 38, "text": _axis_title(metric)}],
        },
        height,
        {"x": (low, high)},
    )
    name = f"values-{metric_id}-{table_name}" + (f"-{marked}" if marked else "")
    title = f"{metric['metric_name']}, {words.table_name(table_name).lower()}"
    alt_text = (
        f"{len(ranked)} values from {words.trimmed(ranked[0]['value'])} to {words.trimmed(ranked[-1]['value'])}. "
        + "; ".join(f"{sign['text']}" for sign in signs)
        + f". {_axis_title(metric)}."
    )
    return charted(
        name,
        title,
        alt_text,
        picture,
        ("Organisation", "Value", "Rank", "Of"),
        [
            (
                _organisation(content, row["organisation_code"]),
                Cell("metric_ranking", row, "value", words.trimmed(row["value"])),
                Cell("metric_ranking", row, "rank_in_table"),
                Cell("metric_ranking", row, "organisations_ranked"),
            )
            for row in ranked
        ],
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _organisation(content: QuarterContent, code: str) -> str:
    place = content.places.get(code)
    return str(place["organisation_name"]) if place is not None else code


def _named(content: QuarterContent, row: dict[str, Any]) -> dict[str, Any]:
    """The label of the marked one: on the side where more room is."""
    place = content.places[row["code"]]
    return {**row, "text": f"{place['organisation_code']}: rank {place['rank']}"}


def _about_ranks(content: QuarterContent, places: Sequence[Row], marked: str | None) -> str:
    by_segment: dict[int, int] = defaultdict(int)
    for row in places:
        by_segment[row["adjusted_segment"]] += 1
    said = ", ".join(f"{by_segment[one]} in segment {one}" for one in sorted(by_segment))
    text = (
        f"{len(places)} organisations in rank order, the best on top, each a dot at its average with a line for the "
        f"likely range. The averages go from {places[0]['average_metric_score']} to "
        f"{places[-1]['average_metric_score']}. {said}."
    )
    place = content.places.get(marked or "")
    if place is None:
        return text
    return (
        f"{text} {place['organisation_name']} ranks {place['rank']} with an average of "
        f"{place['average_metric_score']}."
    )


def _standard(content: QuarterContent, table_name: str, metric_id: str) -> Decimal | None:
    """The standard of the metric, where all of the table have the same."""
    found = {
        row["standard"] for row in content.find("metric_step", table_name=table_name, metric_id=metric_id)
    }
    return found.pop() if len(found) == 1 else None


def _domain(ranked: Sequence[Row], standard: Decimal | None) -> tuple[float, float]:
    values = [float(row["value"]) for row in ranked] + ([float(standard)] if standard is not None else [])
    low, high = min(values), max(values)
    room = (high - low) * 0.02 or max(abs(high) * 0.1, 1.0)
    return low - room, high + room


def _signs(ranked: Sequence[Row], standard: Decimal | None, marked: str | None) -> list[dict[str, Any]]:
    """What is named above the dots, each a line down to the axis."""
    first = ranked[0]
    found = []
    for column, what in (
        ("lower_quartile", "a quarter at or below"),
        ("median", "middle"),
        ("upper_quartile", "a quarter at or above"),
    ):
        if first[column] is not None:
            found.append(
                {"x": float(first[column]), "text": f"{what} {words.trimmed(first[column])}", "kind": "peers"}
            )
    if standard is not None:
        found.append(
            {"x": float(standard), "text": f"standard {words.trimmed(standard)}", "kind": "standard"}
        )
    for row in ranked:
        if row["organisation_code"] == marked:
            found.append(
                {
                    "x": float(row["value"]),
                    "text": f"{row['organisation_code']}: {words.trimmed(row['value'])}",
                    "kind": "mine",
                }
            )
    return found


def _stacked(ranked: Sequence[Row], low: float, high: float) -> list[dict[str, Any]]:
    """A dot for each value, at its value; those that would cover each other on top of each other."""
    column = (high - low) / ((WIDTH - 16) / _DOT)
    levels: dict[int, int] = defaultdict(int)
    dots = []
    for row in ranked:
        place = int((float(row["value"]) - low) / column)
        dots.append({"x": float(row["value"]), "level": levels[place], "code": row["organisation_code"]})
        levels[place] += 1
    return dots


def _axis_title(metric: Row) -> str:
    unit = _UNITS.get(metric["unit"], metric["unit"])
    better = {"low": "lower is better", "high": "higher is better"}.get(metric["better"])
    return f"{unit}; {better}" if better else str(unit)


def _y(field: str = "y") -> alt.Y:
    return alt.Y(f"{field}:Q", scale=None, axis=None)


@cache
def _ranked_dots() -> dict[str, Any]:
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[1, 4], nice=False, zero=False),
        axis=alt.Axis(
            orient="top",
            values=[1, 2, 3, 4],
            format="d",
            labelPadding=6,
            grid=True,
            labelExpr="datum.value == 1 ? '1 best' : datum.value == 4 ? '4 worst' : datum.label",
        ),
    )
    color = alt.Color("segment:N", scale=_SEGMENTS, legend=None)
    shape = alt.Shape(
        "segment:N", scale=alt.Scale(domain=list(_SHAPES), range=list(_SHAPES.values())), legend=None
    )

    def of(data: str) -> alt.Chart:
        return alt.Chart(alt.NamedData(data))

    return compiled(
        of("ranges").mark_rule(strokeWidth=1.5).encode(x="low:Q", x2="high:Q", y=_y(), color=color)
        + of("rows").mark_point(filled=True, size=26).encode(x=x, y=_y(), color=color, shape=shape)
        + of("marked_ranges").mark_rule(strokeWidth=4, stroke="ink").encode(x="low:Q", x2="high:Q", y=_y())
        + of("marked")
        .mark_point(filled=True, size=150, stroke="ground", strokeWidth=1.5)
        .encode(
            x="x:Q",
            y=_y(),
            fill=alt.Fill("segment:N", scale=_SEGMENTS, legend=None),
            shape=shape,
        )
        + of("named")
        .mark_text(align="left", dy=-10, dx=-20, fill="label")
        .encode(x="x:Q", y=_y(), text="text:N")
        + of("ranks")
        .mark_text(align="right", dy=4.5, fill="axis")
        .encode(x=alt.value(-10), y=_y(), text="text:N")
        + of("legend")
        .mark_point(filled=True, size=60)
        .encode(x=alt.X("x:Q", scale=None), y=_y(), color=color, shape=shape)
        + of("legend")
        .mark_text(align="left", dx=8, dy=4.5)
        .encode(x=alt.X("x:Q", scale=None), y=_y(), text="text:N"),
        Frame(1, 36, 28, 64, 10),
    )


@cache
def _distribution() -> dict[str, Any]:
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[0, 1], nice=False, zero=False),
        axis=alt.Axis(
            orient="bottom", tickCount=5, grid=False, labelPadding=18, domain=True, domainColor="axis"
        ),
    )

    def of(data: str) -> alt.Chart:
        return alt.Chart(alt.NamedData(data))

    kinds = ["peers", "standard", "mine"]
    kind = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=["ink", "standard", "mine"]), legend=None)
    return compiled(
        of("signs").mark_rule(strokeWidth=1).encode(x="x:Q", y=_y("from"), y2="to:Q", color=kind)
        + of("rows").mark_point(filled=True, size=34, fill="others").encode(x=x, y=_y())
        + of("marked")
        .mark_point(filled=True, size=110, fill="mine", stroke="ground", strokeWidth=1.5)
        .encode(x="x:Q", y=_y())
        + of("left").mark_text(align="left", dx=-2, fill="label").encode(x="x:Q", y=_y(), text="text:N")
        + of("right").mark_text(align="right", dx=2, fill="label").encode(x="x:Q", y=_y(), text="text:N")
        + of("unit")
        .mark_text(align="center", fill="axis")
        .encode(x=alt.value((WIDTH - 16) / 2), y=_y(), text="text:N"),
        Frame(1, 8, 8, 4, 46),
    )
