"""Charts of a whole league table: every organisation's average in rank order, and a metric's values among them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt

from dagster_project.publication import words
from dagster_project.publication.charts.chart import Cell, Chart, Row
from dagster_project.publication.charts.drawing import (
    WIDTH,
    Frame,
    charted,
    compiled,
    drawn,
    in_place,
    said,
    texts,
)
from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.standings import placed_by_publisher

# What the names of charts of a league table start with.
RANKS = "ranks-"
_SHAPES = {1: "circle", 2: "square", 3: "triangle-up", 4: "diamond", 5: "cross"}
_SEGMENTS = alt.Scale(domain=list(_SHAPES), range=[f"segment-{one}" for one in _SHAPES])
_QUARTILES = {
    "A quarter below": "lower_quartile",
    "Middle": "median",
    "A quarter above": "upper_quartile",
}
_UNITS = {"count": "number", "score": "score"}
_RANKS = Frame(1, 36, 28, 58, 10)
# Of a distribution: the size of a dot, how far apart texts lie, and how wide it is.
_DOT, _LEVEL, _ACROSS = 7.0, 17, WIDTH - 16


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
    texts_ = [
        said(-10, row["y"] + 5, str(place["rank"]), "axis", "right")
        for number, (row, place) in enumerate(zip(rows, places, strict=True))
        if number == 0 or (number + 1) % every == 0
    ]
    key = [
        {"x": 84 * number - 28, "y": -44, "segment": segment}
        for number, segment in enumerate(sorted({row["segment"] for row in rows}))
    ]
    texts_ += [said(one["x"] + 9, one["y"] + 5, f"Segment {one['segment']}") for one in key]
    ours = [row for row in rows if row["code"] == marked]
    for row in ours:
        place = content.places[row["code"]]
        left = row["x"] < 2.5
        at = (row["x"] - 1) / 3 * (WIDTH - _RANKS.left - _RANKS.right)
        label = f"{place['organisation_code']}: rank {place['rank']}"
        # Below the first few, so that it doesn't cover the axis.
        beside = row["y"] + 20 if row["y"] < 24 else row["y"] - 11
        texts_.append(said(at - 20 if left else at + 20, beside, label, "label", "left" if left else "right"))
    picture = drawn(
        _ranked_dots(),
        {
            "rows": [row for row in rows if row["code"] != marked],
            "ranges": [row for row in rows if row["low"] is not None and row["code"] != marked],
            "marked": ours,
            "marked_ranges": [row for row in ours if row["low"] is not None],
            "legend": key,
            "texts": texts_,
        },
        len(places) * step,
    )
    name = f"{RANKS}{table_name}" + (f"-{marked}" if marked else "")
    title = f"{words.table_name(table_name)} in rank order"
    alt_text = _about_ranks(content, places, marked)
    missing = len(places) - sum(row["low"] is not None for row in rows)
    notes: tuple[str, ...] = (f"No likely range is known of {missing} of these.",) if missing else ()
    if any(row["adjusted_segment"] > row["unadjusted_segment"] for row in places):
        notes += (
            "Some rank lower than their average says: a financial deficit holds them in a worse segment.",
        )
    placed = sum(map(placed_by_publisher, places))
    if placed:
        notes += (f"Segments are by the figures; the publisher placed {placed} of these in another.",)
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
    named = _named(content, ranked, marked)
    low, high = _domain(
        [*(float(row["value"]) for row in ranked), *(float(cell.row[cell.column]) for _, cell, _ in named)]
    )
    signs = _in_levels(named, low, high)
    dots = _stacked(ranked, low, high)
    size = min(_DOT, 170 / (1 + max(dot["level"] for dot in dots)))
    height = _LEVEL * len(signs) + 8 + size * (1 + max(dot["level"] for dot in dots))
    for dot in dots:
        dot["y"] = height - size / 2 - size * dot["level"]
    picture = drawn(
        _distribution(),
        {
            "rows": [dot for dot in dots if dot["code"] != marked],
            "marked": [dot for dot in dots if dot["code"] == marked],
            "signs": [{**sign, "to": height} for sign in signs],
            "texts": [
                *(said(sign["at"], sign["from"] - 4, sign["text"], "label", sign["align"]) for sign in signs),
                said(_ACROSS / 2, height + 40, _axis_title(metric), "axis", "center"),
            ],
        },
        height,
        {"x": (low, high)},
    )
    name = f"values-{metric_id}-{table_name}" + (f"-{marked}" if marked else "")
    title = f"{metric['metric_name']}: {words.table_name(table_name).lower()}"
    alt_text = (
        f"{len(ranked)} values from {words.trimmed(ranked[0]['value'])} to {words.trimmed(ranked[-1]['value'])}, each "
        f"a dot, in {_axis_title(metric)}. {'. '.join(f'{what}: {cell.shown}' for what, cell, _ in named)}."
    )
    return charted(
        name,
        title,
        alt_text,
        picture,
        ("Organisation", "Value", "Rank", "Of"),
        [
            *((what, cell, "", "") for what, cell, kind in named if kind != "mine"),
            *(
                (
                    _organisation(content, row["organisation_code"]),
                    Cell("metric_ranking", row, "value", words.trimmed(row["value"])),
                    Cell("metric_ranking", row, "rank_in_table"),
                    Cell("metric_ranking", row, "organisations_ranked"),
                )
                for row in ranked
            ),
        ],
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _organisation(content: QuarterContent, code: str) -> str:
    place = content.places.get(code)
    return str(place["organisation_name"]) if place is not None else code


def _about_ranks(content: QuarterContent, places: Sequence[Row], marked: str | None) -> str:
    segments = Counter(row["adjusted_segment"] for row in places)
    counted = ", ".join(f"{segments[one]} in segment {one}" for one in sorted(segments))
    text = (
        f"{len(places)} organisations in rank order, the best on top, each a dot at its average with a line for the "
        f"likely range. The averages go from {places[0]['average_metric_score']} to "
        f"{places[-1]['average_metric_score']}. {counted}."
    )
    place = content.places.get(marked or "")
    if place is None:
        return text
    return (
        f"{text} {place['organisation_name']} ranks {place['rank']} with an average of "
        f"{place['average_metric_score']}."
    )


def _named(content: QuarterContent, ranked: Sequence[Row], marked: str | None) -> list[tuple[str, Cell, str]]:
    """What is named above the dots: its words, the released cell, and the class of its line."""
    first = ranked[0]
    found = [
        (what, Cell("metric_ranking", first, column, words.trimmed(first[column])), "ink")
        for what, column in _QUARTILES.items()
        if first[column] is not None
    ]
    steps = content.find("metric_step", table_name=first["table_name"], metric_id=first["metric_id"])
    # Where one standard holds for all of the table.
    if len({row["standard"] for row in steps}) == 1 and steps[0]["standard"] is not None:
        shown = words.trimmed(steps[0]["standard"])
        found.append(("Standard", Cell("metric_step", steps[0], "standard", shown), "standard"))
    for row in ranked:
        if row["organisation_code"] == marked:
            shown = words.trimmed(row["value"])
            found.append((str(marked), Cell("metric_ranking", row, "value", shown), "mine"))
    return found


def _domain(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.02 or max(abs(high) * 0.1, 1.0)
    return low - room, high + room


def _in_levels(named: Sequence[tuple[str, Cell, str]], low: float, high: float) -> list[dict[str, Any]]:
    """Each name on a level of its own, in an order in which few lines cross a text: those that have room at their
    right from the left, then the others from the right.
    """
    signs: list[dict[str, Any]] = []
    for what, cell, kind in named:
        figure = float(cell.row[cell.column])
        text = f"{what}: {cell.shown}"
        at, room = (figure - low) / (high - low) * _ACROSS, 7.6 * len(text)
        to_the_right = at + room <= _ACROSS or (at < room and at < _ACROSS / 2)
        align = "left" if to_the_right else "right"
        signs.append({"x": figure, "text": text, "kind": kind, "at": at, "align": align})
    signs.sort(key=lambda one: (one["align"], one["at"] if one["align"] == "left" else -one["at"]))
    return [{**sign, "from": _LEVEL * (1 + number)} for number, sign in enumerate(signs)]


def _stacked(ranked: Sequence[Row], low: float, high: float) -> list[dict[str, Any]]:
    """A dot for each value, at its value; those that would cover each other on top of each other."""
    column = (high - low) / (_ACROSS / _DOT)
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
        of("ranges").mark_rule(strokeWidth=1.5).encode(x="low:Q", x2="high:Q", y=in_place("y"), color=color)
        + of("rows").mark_point(filled=True, size=26).encode(x=x, y=in_place("y"), color=color, shape=shape)
        + of("marked_ranges")
        .mark_rule(strokeWidth=4, stroke="ink")
        .encode(x="low:Q", x2="high:Q", y=in_place("y"))
        + of("marked")
        .mark_point(filled=True, size=150, stroke="ground", strokeWidth=1.5)
        .encode(
            x="x:Q",
            y=in_place("y"),
            fill=alt.Fill("segment:N", scale=_SEGMENTS, legend=None),
            shape=shape,
        )
        + of("legend")
        .mark_point(filled=True, size=60)
        .encode(x=in_place("x", alt.X), y=in_place("y"), color=color, shape=shape)
        + texts(),
        _RANKS,
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

    return compiled(
        of("signs")
        .mark_rule(strokeWidth=1)
        .encode(x="x:Q", y=in_place("from"), y2="to:Q", stroke=alt.Stroke("kind:N", scale=None))
        + of("rows").mark_point(filled=True, size=34, fill="others").encode(x=x, y=in_place("y"))
        + of("marked")
        .mark_point(filled=True, size=110, fill="mine", stroke="ground", strokeWidth=1.5)
        .encode(x="x:Q", y=in_place("y"))
        + texts(),
        Frame(1, 8, 8, 4, 46),
    )
