"""Charts over the quarters that a quarter's content knows, itself the last: places, metrics, and why a place moved."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import altair as alt

from dagster_project.publication import words
from dagster_project.publication.charts import strips
from dagster_project.publication.charts.chart import Cell, Chart, Row
from dagster_project.publication.charts.drawing import (
    LINE_HEIGHT,
    WIDTH,
    Frame,
    compiled,
    drawn,
    inline,
    wrapped,
)
from dagster_project.publication.charts.league_table import shown
from dagster_project.publication.contents import QuarterContent

_CAUSES = {
    "value": "Its own new values",
    "others_moved": "Others moved",
    "pool": "Organisations came into a pool or left it",
    "rule": "Another rule",
    "metric_in": "Metrics newly counted",
    "metric_out": "Metrics no longer counted",
    "cut_points": "Other cut-points",
    "override": "The financial override",
    "organisations": "Organisations came or left",
    "revision": "Revised figures",
    "code": "Another computation",
    "rounding": "Rounding",
}
_LABEL, _SPARK = 165, 120
_ROW = 52
_PANEL, _BETWEEN = 120, 48


def trend(content: QuarterContent, code: str) -> Chart | None:
    """The average and the rank of an organisation over the quarters, each with its likely range."""
    known = [
        (number, one, one.places[code])
        for number, one in enumerate((*content.earlier, content))
        if code in one.places
    ]
    if len(known) < 2 or known[-1][1] is not content:
        return None
    quarters = (*content.earlier, content)
    last = max(row["organisations_in_table"] for _, _, row in known)
    picture = drawn(
        _trend(len(quarters), last),
        {
            "averages": _points(known, "average_metric_score", "average_likely_low", "average_likely_high"),
            "ranks": _points(known, "rank", "rank_likely_low", "rank_likely_high"),
            "quarters": _quarter_labels([one.quarter for one in quarters]),
            "names": [
                {"y": -14, "text": "Average, the better on top"},
                {"y": _PANEL + _BETWEEN - 14, "text": "Rank, the better on top"},
            ],
        },
    )
    name, title = f"trend-{code}", "Average and rank over the quarters"
    first, newest = known[0][2], known[-1][2]
    alt_text = (
        f"Over {len(known)} quarters, {known[0][1].quarter} to {content.quarter}, the average went from "
        f"{first['average_metric_score']} to {newest['average_metric_score']}, where lower is better, and the rank "
        f"from {first['rank']} of {first['organisations_in_table']} to {newest['rank']} of "
        f"{newest['organisations_in_table']}."
    )
    columns = (
        "average_metric_score",
        "average_likely_low",
        "average_likely_high",
        "rank",
        "rank_likely_low",
        "rank_likely_high",
        "organisations_in_table",
    )
    return Chart(
        name,
        title,
        alt_text,
        inline(picture, name, title, alt_text),
        ("Quarter", "Average", "Likely from", "Likely to", "Rank", "Likely from", "Likely to", "Of"),
        [(one.quarter, *(Cell("league_table", row, column) for column in columns)) for _, one, row in known],
        _rules_changed(known),
    )


def metric_trends(content: QuarterContent, code: str) -> Chart | None:
    """The values of each metric of an organisation over the quarters, with the limits of what chance explains."""
    quarters = (*content.earlier, content)
    metrics = [
        row for row in content.find("metric_score", organisation_code=code) if row["value"] is not None
    ]
    metrics.sort(
        key=lambda row: (
            list(words.DOMAINS).index(row["domain"]) if row["domain"] in words.DOMAINS else 99,
            row["metric_id"],
        )
    )
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("points", "last", "labels", "limits")}
    cells: list[Sequence[str | Cell]] = []
    top, told, limited = 0.0, 0, 0
    for metric in metrics:
        values = _values(quarters, code, metric)
        if len(values) < 2:
            continue
        told += 1
        lines = wrapped(f"{metric['metric_name']} ({metric['unit']})", _LABEL)
        height = max(_ROW, LINE_HEIGHT * len(lines) + 12)
        variation = content.one("metric_variation", organisation_code=code, metric_id=metric["metric_id"])
        limits = _limits(variation)
        limited += bool(limits)
        place = _scale([float(row["value"]) for _, row in values], limits, top + 8, top + height - 12)
        for number, row in values:
            point = {
                "x": _spark_x(number, len(quarters)),
                "y": place(float(row["value"])),
                "metric": metric["metric_id"],
                "run": f"{metric['metric_id']}",
            }
            rows["points"].append(point)
        rows["last"].append({**point, "said": shown(metric["value"]), "middle": top + height / 2})
        rows["labels"].append({"y": top + 12, "label": lines})
        if limits:
            rows["limits"].append(
                {"low": place(limits[0]), "high": place(limits[2]), "middle": place(limits[1])}
            )
        cells += [
            (
                metric["metric_name"],
                quarters[number].quarter,
                Cell("metric_score", row, "value", shown(row["value"])),
            )
            for number, row in values
        ]
        top += height
    if not told:
        return None
    picture = drawn(_metric_trends(), rows, top)
    name, title = f"metric-trends-{code}", "Each metric over the quarters"
    alt_text = (
        f"A line for each of {told} metrics over the quarters {quarters[0].quarter} to {content.quarter}, with the "
        "newest value beside it. The table holds all values."
    )
    notes = (
        ()
        if limited
        else (
            "Too few quarters are known to say what is chance and what isn't: the limits within which chance moves a "
            "value are drawn once there are enough.",
        )
    )
    return Chart(
        name,
        title,
        alt_text,
        inline(picture, name, title, alt_text),
        ("Metric", "Quarter", "Value"),
        cells,
        notes,
    )


def movement(content: QuarterContent, code: str) -> Chart | None:
    """From the rank of the quarter before to the rank now, cause by cause."""
    total = content.one("movement_total", organisation_code=code, measure="rank", metric_id=None)
    causes = list(content.find("movement", organisation_code=code, measure="rank"))
    if total is None or total["figure_before"] is None or total["figure_after"] is None or not causes:
        return None
    order = list(_CAUSES)
    causes.sort(key=lambda row: order.index(row["cause"]) if row["cause"] in order else 99)
    at = float(total["figure_before"])
    before, after = int(total["figure_before"]), int(total["figure_after"])
    labels = [f"Rank in {total['quarter_before']}"]
    rows: list[dict[str, Any]] = [{"x": at, "x2": at, "said": words.ordinal(before), "way": "place"}]
    for row in causes:
        change = float(row["change"])
        labels.append(_cause(row))
        rows.append(
            {
                "x": at,
                "x2": at + change,
                "said": f"{int(row['change']):+d}",
                "way": "better" if change < 0 else "worse",
            }
        )
        at += change
    labels.append(f"Rank in {content.quarter}")
    rows.append({"x": at, "x2": at, "said": words.ordinal(after), "way": "place"})
    laid = strips.laid_out(labels)
    placed = [{**row, "y": y} for row, y in zip(rows, laid.middles, strict=True)]
    ends = [row[key] for row in rows for key in ("x", "x2")]
    picture = drawn(
        _movement(),
        {
            "labels": laid.labels,
            "rows": placed,
            "places": [row for row in placed if row["way"] == "place"],
            "causes": [row for row in placed if row["way"] != "place"],
        },
        laid.height,
        {"x": (min(ends) - 1, max(ends) + 1)},
    )
    name, title = f"movement-{code}", "Why the rank moved"
    said = ", ".join(f"{_cause(row).lower()} {int(row['change']):+d}" for row in causes)
    alt_text = (
        f"From rank {before} in {total['quarter_before']} to rank {after} in {content.quarter}; fewer is better. "
        f"The causes in places: {said}."
    )
    return Chart(
        name,
        title,
        alt_text,
        inline(picture, name, title, alt_text),
        ("Cause", "Places"),
        [
            (
                f"Rank in {total['quarter_before']}",
                Cell("movement_total", total, "figure_before", str(before)),
            ),
            *(
                (
                    _cause(row),
                    Cell("movement", row, "change", f"{int(row['change']):+d}"),
                )
                for row in causes
            ),
            (f"Rank in {content.quarter}", Cell("movement_total", total, "figure_after", str(after))),
        ],
    )


def _cause(row: Row) -> str:
    return _CAUSES.get(row["cause"], str(row["cause"]).replace("_", " "))


def _points(
    known: Sequence[tuple[int, QuarterContent, Row]], figure: str, low: str, high: str
) -> list[dict[str, Any]]:
    return [
        {
            "x": number,
            "y": float(row[figure]),
            "low": None if row[low] is None else float(row[low]),
            "high": None if row[high] is None else float(row[high]),
            "said": words.plain(row[figure]),
        }
        for number, _, row in known
    ]


def _quarter_labels(quarters: Sequence[str]) -> list[dict[str, Any]]:
    every = -(-len(quarters) // 6)
    return [
        {"x": number, "text": [quarter[-2:], quarter[:-3]]}
        for number, quarter in enumerate(quarters)
        if (len(quarters) - 1 - number) % every == 0
    ]


def _rules_changed(known: Sequence[tuple[int, QuarterContent, Row]]) -> tuple[str, ...]:
    changed = [
        after.quarter
        for (_, _, before_row), (_, after, row) in pairwise(known)
        if before_row["framework"] != row["framework"]
    ]
    return (
        (f"The rules changed in {', '.join(changed)}: what lies before isn't quite comparable.",)
        if changed
        else ()
    )


def _values(quarters: Sequence[QuarterContent], code: str, metric: Row) -> list[tuple[int, Row]]:
    """The values of a metric by the number of the quarter, in the unit that it has now."""
    found = []
    for number, one in enumerate(quarters):
        row = one.one("metric_score", organisation_code=code, metric_id=metric["metric_id"])
        if row is not None and row["value"] is not None and row["unit"] == metric["unit"]:
            found.append((number, row))
    return found


def _limits(variation: Row | None) -> tuple[float, float, float] | None:
    if variation is None or variation["lower_limit"] is None or variation["upper_limit"] is None:
        return None
    return float(variation["lower_limit"]), float(variation["mean"]), float(variation["upper_limit"])


def _scale(
    values: Sequence[float], limits: tuple[float, float, float] | None, top: float, bottom: float
) -> Any:
    everything = [*values, *(limits or ())]
    low, high = min(everything), max(everything)
    if low == high:
        return lambda _: (top + bottom) / 2
    return lambda value: bottom - (value - low) / (high - low) * (bottom - top)


def _spark_x(number: int, quarters: int) -> float:
    return _LABEL + 12 + number * _SPARK / max(quarters - 1, 1)


@cache
def _trend(quarters: int, last: int) -> dict[str, Any]:
    """Two panels below each other, the better end on top in both."""
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, quarters - 1], nice=False, zero=False), axis=None)
    step = 50 if last > 100 else 20 if last > 30 else 5
    upper = _panel("averages", x, [1, 4], [1, 2, 3, 4], (0, _PANEL))
    lower = _panel(
        "ranks",
        x,
        [1, max(last, 2)],
        [1, *range(step, last + 1, step)],
        (_PANEL + _BETWEEN, 2 * _PANEL + _BETWEEN),
    )
    named = (
        alt.Chart(alt.NamedData("names"))
        .mark_text(align="left", fill="strong")
        .encode(x=alt.value(-30), y=strips.y(), text="text:N")
    )
    when = (
        alt.Chart(alt.NamedData("quarters"))
        .mark_text(align="center", fill="axis")
        .encode(x=x, y=alt.value(2 * _PANEL + _BETWEEN + 22), text="text:N")
    )
    whole = alt.layer(*upper, *lower, named, when).resolve_scale(y="independent")
    return compiled(whole, Frame(2 * _PANEL + _BETWEEN, 34, 34, 30, 44))


def _panel(
    data: str, x: alt.X, domain: list[int], values: list[int], place: tuple[int, int]
) -> list[alt.Chart]:
    """A figure over the quarters with its likely ranges, between two heights of the picture."""
    scale = alt.Scale(domain=domain, range=list(place), nice=False, zero=False)
    base = alt.Chart(alt.NamedData(data)).encode(x=x)
    axis = alt.Axis(values=values, format="d", labelPadding=14, labelOffset=4, grid=True, orient="left")
    bare = alt.Y("y:Q", scale=scale, axis=None)
    return [
        base.mark_rule(strokeWidth=8, stroke="peers")
        .encode(y=alt.Y("low:Q", scale=scale, axis=axis), y2="high:Q")
        .transform_filter("datum.low !== null"),
        base.mark_line(strokeWidth=2, stroke="mine").encode(y=bare),
        base.mark_point(filled=True, size=70, fill="mine", stroke="ground", strokeWidth=1.5).encode(y=bare),
    ]


@cache
def _metric_trends() -> dict[str, Any]:
    def of(data: str) -> alt.Chart:
        return alt.Chart(alt.NamedData(data))

    x = alt.X("x:Q", scale=None, axis=None)
    y = strips.y()
    left, right = _LABEL + 12, _LABEL + 12 + _SPARK
    return compiled(
        of("limits")
        .mark_rect(fill="track")
        .encode(x=alt.value(left), x2=alt.value(right), y=strips.y("low"), y2="high:Q")
        + of("limits")
        .mark_rule(stroke="peers")
        .encode(x=alt.value(left), x2=alt.value(right), y=strips.y("middle"))
        + of("points").mark_line(strokeWidth=2, stroke="mine").encode(x=x, y=y, detail="run:N")
        + of("last").mark_point(filled=True, size=60, fill="mine").encode(x=x, y=y)
        + of("last")
        .mark_text(align="right", fill="strong", dy=4.5)
        .encode(x=alt.value(WIDTH), y=y, text="said:N")
        + of("labels").mark_text(align="left").encode(x=alt.value(0), y=y, text="label:N"),
        Frame(1, 0, 0, 4, 4),
    )


@cache
def _movement() -> dict[str, Any]:
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[0, 1], nice=False, zero=False),
        axis=alt.Axis(orient="top", labels=False, grid=False),
    )
    ways = alt.Scale(domain=["better", "worse"], range=["better", "worse"])

    def of(data: str) -> alt.Chart:
        return alt.Chart(alt.NamedData(data))

    return compiled(
        of("causes")
        .mark_rule(strokeWidth=12)
        .encode(x=x, x2="x2:Q", y=strips.y(), color=alt.Color("way:N", scale=ways, legend=None))
        + of("places")
        .mark_point(filled=True, size=120, fill="mine", stroke="ground", strokeWidth=1.5)
        .encode(x="x:Q", y=strips.y())
        + strips.labels()
        + strips.said_beside(),
        strips.frame(),
    )
