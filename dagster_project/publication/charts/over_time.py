"""Charts over the quarters that a quarter's content knows, itself the last: places, metrics, and why a place moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

import altair as alt

from dagster_project.publication import words
from dagster_project.publication.charts import strips
from dagster_project.publication.charts.chart import Cell, Chart, Row
from dagster_project.publication.charts.drawing import (
    LINE_HEIGHT,
    WIDTH,
    Frame,
    charted,
    compiled,
    drawn,
    in_place,
    said,
    texts,
    wrapped,
)
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
_PLACE = (
    "average_metric_score",
    "average_likely_low",
    "average_likely_high",
    "rank",
    "rank_likely_low",
    "rank_likely_high",
    "organisations_in_table",
)
# A panel of `trend`: its height, the room above it, and where its quarters start and end.
_PANEL, _ABOVE, _FIRST, _LAST = 110, 48, 44.0, 300.0
# A row of `metric_trends`: its height, where the line starts and ends, and how wide the label is.
_ROW, _START, _END, _LABEL = 52, 190.0, 296.0, 178
_MOST_QUARTERS_NAMED = 6
Known = Sequence[tuple[int, QuarterContent, Row]]


def trend(content: QuarterContent, code: str) -> Chart | None:
    """The average and the rank of an organisation over the quarters, each with its likely range."""
    quarters = _timeline(content)
    known = [(number, one, one.places[code]) for number, one in quarters if code in one.places]
    if len(known) < 2 or code not in content.places:
        return None
    last = max(row["organisations_in_table"] for _, _, row in known)
    step = 50 if last > 100 else 20 if last > 30 else 5
    newest_number = quarters[-1][0]
    x = _between(0, newest_number, _FIRST, _LAST)
    lines = _Lines()
    top = _panel(lines, known, x, -14, _PLACE[:3], (1, 2, 3, 4), 4, "Average, the better on top")
    ranks = [1, *range(step, last, step), *([last] if last > 2 else [])]
    if len(ranks) > 2 and last - ranks[-2] < last / 8:
        del ranks[-2]
    top = _panel(lines, known, x, top, _PLACE[3:6], ranks, last, "Rank, the better on top")
    named_years: set[str] = set()
    every = -(-(newest_number + 1) // _MOST_QUARTERS_NAMED)
    for number, one in quarters:
        if (newest_number - number) % every == 0:
            year, _, quarter = one.quarter.rpartition("-")
            # The year once, so that labels stand apart.
            named = [quarter] if year in named_years else [quarter, year]
            named_years.add(year)
            lines.texts.append(said(x(number), top + 20, named, "axis", "center"))
    first, newest = known[0][2], known[-1][2]
    return charted(
        f"trend-{code}",
        "Average and rank over the quarters",
        f"Over {len(known)} quarters, {known[0][1].quarter} to {content.quarter}, the average went from "
        f"{first['average_metric_score']} to {newest['average_metric_score']}, where lower is better, and the rank "
        f"from {first['rank']} of {first['organisations_in_table']} to {newest['rank']} of "
        f"{newest['organisations_in_table']}. Bars are likely ranges: where they meet, the change may be chance.",
        lines.picture(top + 44),
        ("Quarter", "Average", "Likely from", "Likely to", "Rank", "Likely from", "Likely to", "Of"),
        [(one.quarter, *(Cell("league_table", row, column) for column in _PLACE)) for _, one, row in known],
        (*_rules_changed(known), *_without_ranges(known), *_gaps(quarters)),
    )


def metric_trends(content: QuarterContent, code: str) -> Chart | None:
    """The values of each metric of an organisation over the quarters, with the limits of what chance explains."""
    quarters = _timeline(content)
    metrics = [
        row for row in content.find("metric_score", organisation_code=code) if row["value"] is not None
    ]
    metrics.sort(key=lambda row: (words.domain_order(row["domain"]), row["metric_id"]))
    lines, x = _Lines(), _between(0, quarters[-1][0], _START, _END)
    cells: list[tuple[str | Cell, ...]] = []
    top, drawn_metrics = 0.0, 0
    for metric in metrics:
        values = _values(quarters, code, metric)
        if len(values) < 2:
            continue
        variation = content.one("metric_variation", organisation_code=code, metric_id=metric["metric_id"])
        top = _metric(lines, _with_unit(content, metric), values, x, _limits(variation), top)
        drawn_metrics += 1
        cells += [
            (
                metric["metric_name"],
                one.quarter,
                Cell("metric_score", row, "value", words.trimmed(row["value"])),
            )
            for _, one, row in values
        ]
    if not drawn_metrics:
        return None
    return charted(
        f"metric-trends-{code}",
        "Each metric over the quarters",
        f"The values of {drawn_metrics} metrics over the quarters {quarters[0][1].quarter} to {content.quarter}, "
        "the newest beside each. Each has a scale of its own.",
        lines.picture(top),
        ("Metric", "Quarter", "Value"),
        cells,
        (
            "The band is where chance alone moves a value."
            if lines.bands
            else "What is chance and what isn't is worked out over all released quarters, and not all of them are here."
            if content.withholds("metric_variation", code)
            else "Too few quarters are known to say what is chance and what isn't.",
            *_gaps(quarters),
        ),
    )


def movement(content: QuarterContent, code: str) -> Chart | None:
    """From the rank of the quarter before to the rank now, cause by cause."""
    total = content.one("movement_total", organisation_code=code, measure="rank", metric_id=None)
    causes = list(content.find("movement", organisation_code=code, measure="rank", metric_id=None))
    if total is None or total["figure_before"] is None or total["figure_after"] is None or not causes:
        return None
    order = list(_CAUSES)
    causes.sort(key=lambda row: order.index(row["cause"]) if row["cause"] in order else len(order))
    before, after = int(total["figure_before"]), int(total["figure_after"])
    names = f"Rank in {total['quarter_before']}", f"Rank in {content.quarter}"
    told = [f"{_cause(row).lower()} {_places(row)}" for row in causes]
    return charted(
        f"movement-{code}",
        "Why the rank moved",
        f"From rank {before} in {total['quarter_before']} to rank {after} in {content.quarter}; fewer is better. "
        f"The causes in places: {', '.join(told)}.",
        _waterfall(names, total, causes),
        ("Cause", "Places"),
        [
            (names[0], Cell("movement_total", total, "figure_before", str(before))),
            *((_cause(row), Cell("movement", row, "change", _places(row))) for row in causes),
            (names[1], Cell("movement_total", total, "figure_after", str(after))),
        ],
    )


@dataclass
class _Lines:
    """What lies in a picture of lines, in user units."""

    bands: list[dict[str, Any]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    dots: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)

    def picture(self, height: float) -> Element:
        return drawn(
            _lines(),
            {
                "bands": self.bands,
                "rules": self.rules,
                "dots": self.dots,
                "texts": self.texts,
            },
            height,
        )


def _panel(
    lines: _Lines,
    known: Known,
    x: Callable[[float], float],
    top: float,
    columns: Sequence[str],
    ticks: Sequence[int],
    last: int,
    title: str,
) -> float:
    """Adds a figure over the quarters with its likely ranges; returns where it ends."""
    top += _ABOVE
    y = _between(1, max(last, 2), top, top + _PANEL)
    figure, low, high = columns
    lines.texts.append(said(0, top - 20, title, "strong"))
    for tick in ticks:
        lines.rules.append(_rule(_FIRST - 8, _LAST + 8, y(tick), y(tick), "grid", 1))
        lines.texts.append(said(_FIRST - 14, y(tick) + 5, str(tick), "axis", "right"))
    for number, _, row in known:
        if row[low] is not None and row[high] is not None:
            lines.rules.append(_rule(x(number), x(number), y(row[low]), y(row[high]), "peers", 8))
        lines.dots.append({"x": x(number), "y": y(row[figure])})
    for (before, _, row_before), (number, _, row) in pairwise(known):
        # A quarter without a place, or one that isn't known, leaves a gap.
        if number == before + 1:
            lines.rules.append(_rule(x(before), x(number), y(row_before[figure]), y(row[figure]), "mine", 2))
    newest = known[-1][2][figure]
    shown = words.ordinal(newest) if figure == "rank" else words.plain(newest)
    lines.texts.append(said(_LAST + 14, y(newest) + 5, shown, "strong"))
    return top + _PANEL


def _metric(
    lines: _Lines,
    label: str,
    values: Known,
    x: Callable[[float], float],
    chance: tuple[float, float, float] | None,
    top: float,
) -> float:
    """Adds a metric's line below `top`, beside its name; returns where the next one starts."""
    name = wrapped(label, _LABEL)
    height = max(_ROW, LINE_HEIGHT * len(name) + 14)
    figures = [float(row["value"]) for _, _, row in values] + list(chance or ())
    y = _between(max(figures), min(figures), top + 8, top + height - 14)
    if chance is not None:
        low, middle, high = map(y, chance)
        lines.bands.append({"x": _START, "x2": _END, "y": high, "y2": low})
        lines.rules.append(_rule(_START, _END, middle, middle, "peers", 1))
    joined = set()
    for (before, _, row_before), (number, _, row) in pairwise(values):
        if number == before + 1:
            joined |= {before, number}
            lines.rules.append(
                _rule(x(before), x(number), y(row_before["value"]), y(row["value"]), "mine", 2)
            )
    last, _, newest = values[-1]
    lines.dots += [
        {"x": x(number), "y": y(row["value"])}
        for number, _, row in values
        if number not in joined or number == last
    ]
    lines.texts.append(said(0, top + 14, name))
    shown = words.trimmed(newest["value"])
    lines.texts.append(said(WIDTH, y(newest["value"]) + 5, shown, "strong", "right"))
    return top + height


def _with_unit(content: QuarterContent, metric: Row) -> str:
    rule = content.one("metric", metric_id=metric["metric_id"])
    better = {"low": ", lower is better", "high": ", higher is better"}.get(
        rule["better"] if rule else "", ""
    )
    return f"{metric['metric_name']} ({metric['unit']}{better})"


def _waterfall(names: tuple[str, str], total: Row, causes: Sequence[Row]) -> Element:
    at = float(total["figure_before"])
    found = [_place_of(names[0], at)]
    ends = [at]
    for row in causes:
        # Not better or worse: a move may well be chance.
        kind, way = ("better", "up") if row["change"] < 0 else ("worse", "down")
        change = float(row["change"])
        found.append(strips.Strip(_cause(row), f"{_places(row)}, {way}", [(at, at + change, kind, 14)], [at]))
        at += change
        ends.append(at)
    found.append(_place_of(names[1], float(total["figure_after"])))
    room = max(1.0, (max(ends) - min(ends)) * 0.06)
    low, high = min(ends) - room, max(ends) + room
    return strips.picture(found, strips.Axis(low, high, [(low, "nearer 1st"), (high, "nearer last")]))


def _place_of(label: str, rank: float) -> strips.Strip:
    return strips.Strip(label, words.ordinal(int(rank)), dots=[(rank, "mine", "circle")])


def _cause(row: Row) -> str:
    return _CAUSES.get(row["cause"], str(row["cause"]).replace("_", " "))


def _places(row: Row) -> str:
    return f"{int(row['change']):+d}"


def _rules_changed(known: Known) -> tuple[str, ...]:
    changed = [
        after.quarter
        for (_, _, row_before), (_, after, row) in pairwise(known)
        if row_before["framework"] != row["framework"]
    ]
    if not changed:
        return ()
    return (f"The rules changed in {', '.join(changed)}, so what lies before isn't quite comparable.",)


def _without_ranges(known: Known) -> tuple[str, ...]:
    missing = [one.quarter for _, one, row in known if row["rank_likely_low"] is None]
    return (f"No likely range is known for {', '.join(missing)}.",) if missing else ()


def _timeline(content: QuarterContent) -> list[tuple[int, QuarterContent]]:
    """The quarters up to this one, each with how many quarters it comes after the first: some may not be known."""
    known = (*content.earlier, content)
    first = known[0].release.quarter
    return [
        (
            4 * (one.release.quarter.start_year - first.start_year)
            + one.release.quarter.number
            - first.number,
            one,
        )
        for one in known
    ]


def _gaps(quarters: Sequence[tuple[int, QuarterContent]]) -> tuple[str, ...]:
    if quarters[-1][0] == len(quarters) - 1:
        return ()
    return ("Quarters that this publication doesn't have leave a gap.",)


def _values(quarters: Sequence[tuple[int, QuarterContent]], code: str, metric: Row) -> Known:
    """The values of a metric over the quarters, in the unit that it has now."""
    found = []
    for number, one in quarters:
        row = one.one("metric_score", organisation_code=code, metric_id=metric["metric_id"])
        if row is not None and row["value"] is not None and row["unit"] == metric["unit"]:
            found.append((number, one, row))
    return found


def _limits(variation: Row | None) -> tuple[float, float, float] | None:
    columns = ("lower_limit", "mean", "upper_limit")
    if variation is None or any(variation[column] is None for column in columns):
        return None
    low, middle, high = (float(variation[column]) for column in columns)
    return low, middle, high


def _between(first: float, last: float, start: float, end: float) -> Callable[[Any], float]:
    """Maps figures from `first` to `last` to user units from `start` to `end`; to the middle where they are one."""
    if first == last:
        return lambda _: (start + end) / 2
    return lambda figure: start + (float(figure) - first) / (last - first) * (end - start)


def _rule(x: float, x2: float, y: float, y2: float, kind: str, width: int) -> dict[str, Any]:
    return {"x": x, "x2": x2, "y": y, "y2": y2, "kind": kind, "width": width}


@cache
def _lines() -> dict[str, Any]:
    """One specification for all pictures of lines."""

    def of(data: str) -> alt.Chart:
        return alt.Chart(alt.NamedData(data)).encode(x=in_place("x", alt.X), y=in_place("y"))

    return compiled(
        of("bands").mark_rect(fill="track").encode(x2="x2:Q", y2="y2:Q")
        + of("rules")
        .mark_rule()
        .encode(
            x2="x2:Q",
            y2="y2:Q",
            stroke=alt.Stroke("kind:N", scale=None),
            strokeWidth=alt.StrokeWidth("width:Q", scale=None),
        )
        + of("dots").mark_point(filled=True, size=70, fill="mine", stroke="ground", strokeWidth=1.5)
        + texts(),
        Frame(1, 0, 0, 0, 0),
    )
