"""Charts of where an organisation stands in its quarter: metrics and domains among others', and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt

from dagster_project.publication import words
from dagster_project.publication.charts import strips
from dagster_project.publication.charts.chart import Cell, Chart, Row
from dagster_project.publication.charts.drawing import compiled, drawn, inline
from dagster_project.publication.contents import QuarterContent

_SCORES = (1, 2, 3, 4)
_MOST_SHOWN = 8
_CHOICES = {
    "equal_domain_weights": "If every domain counted alike",
    "without_override": "Without the financial override",
}


def positions(content: QuarterContent, code: str) -> Chart | None:
    """All scored metrics of an organisation: its score of each, and where the middle half of its table lies."""
    scores = [row for row in content.find("metric_score", organisation_code=code) if _scored(row)]
    if not scores:
        return None
    order = list(words.DOMAINS)
    scores.sort(
        key=lambda row: (order.index(row["domain"]) if row["domain"] in order else 99, row["metric_id"])
    )
    rows: list[dict[str, Any]] = []
    cells: list[tuple[str | Cell, ...]] = []
    for row in scores:
        ranking = content.one("metric_ranking", organisation_code=code, metric_id=row["metric_id"])
        others = content.find("metric_score", table_name=row["table_name"], metric_id=row["metric_id"])
        low, middle, high = _middle_half([one["metric_score"] for one in others if _scored(one)])
        said = f"score {row['metric_score']}"
        rows.append(
            {"x": float(row["metric_score"]), "low": low, "middle": middle, "high": high, "said": said}
        )
        cells.append(
            (
                row["metric_name"],
                Cell("metric_score", row, "metric_score"),
                *_rank_cells(ranking),
            )
        )
    best = [row for row in rows if row["x"] < row["low"]]
    worst = [row for row in rows if row["x"] > row["high"]]
    name = _name(content, code)
    alt_text = (
        f"Scores of {name} on {len(rows)} metrics, from 1, the best, to 4, the worst. On {len(best)} it does better "
        f"than the middle half of its table, on {len(worst)} worse, on {len(rows) - len(best) - len(worst)} it lies "
        "among it."
    )
    return _on_strips(
        f"positions-{code}",
        "Every metric at a glance",
        alt_text,
        [row["metric_name"] for row in scores],
        rows,
        ("Metric", "Score", "Rank", "Of"),
        cells,
        _missing_scores(content, code),
    )


def domain_profile(content: QuarterContent, code: str) -> Chart | None:
    """The domain scores of an organisation, each with where the middle half of its table lies."""
    order = list(words.DOMAINS)
    scores = sorted(
        content.find("domain_score", organisation_code=code),
        key=lambda row: (order.index(row["domain"]) if row["domain"] in order else 99, row["domain"]),
    )
    scores = [row for row in scores if row["domain_score"] is not None]
    if not scores:
        return None
    rows, cells = [], []
    for row in scores:
        others = content.find("domain_score", table_name=row["table_name"], domain=row["domain"])
        low, middle, high = _middle_half(
            [one["domain_score"] for one in others if one["domain_score"] is not None]
        )
        rows.append(
            {
                "x": float(row["domain_score"]),
                "low": low,
                "middle": middle,
                "high": high,
                "said": f"score {row['domain_score']}",
            }
        )
        cells.append(
            (
                words.domain_name(row["domain"]),
                Cell("domain_score", row, "domain_score"),
                Cell("domain_score", row, "domain_segment"),
                Cell("domain_score", row, "metric_count"),
            )
        )
    ordered = sorted(scores, key=lambda row: (row["domain_score_exact"], row["domain"]))
    alt_text = (
        f"Scores of {_name(content, code)} in {len(rows)} domains, from 1, the best, to 4, the worst. Its best is "
        f"{words.domain_name(ordered[0]['domain'])} with {ordered[0]['domain_score']}, its worst "
        f"{words.domain_name(ordered[-1]['domain'])} with {ordered[-1]['domain_score']}."
    )
    return _on_strips(
        f"domains-{code}",
        "Scores by domain",
        alt_text,
        [words.domain_name(row["domain"]) for row in scores],
        rows,
        ("Domain", "Score", "Segment", "Metrics"),
        cells,
        (),
    )


def segment_probabilities(content: QuarterContent, code: str) -> Chart | None:
    """In how many of the draws an organisation is in each segment."""
    found = sorted(
        (row for row in content.find("segment_probability", organisation_code=code)),
        key=lambda row: (row["variant"], row["segment"]),
    )
    found = [row for row in found if row["variant"] == found[0]["variant"]]
    if not found:
        return None
    rows, cells = [], []
    for row in found:
        rows.append(
            {"x": float(row["probability"]), "zero": 0, "said": _percent(row), "segment": row["segment"]}
        )
        cells.append(
            (
                f"Segment {row['segment']}",
                Cell("segment_probability", row, "probability", _percent(row)),
                Cell("segment_probability", row, "times"),
                Cell("segment_probability", row, "replicates"),
            )
        )
    laid = strips.laid_out([_segment_label(row["segment"]) for row in found])
    picture = drawn(_bars(), _placed(laid, rows), laid.height)
    likely = "; ".join(
        f"segment {row['segment']} in {_percent(row)}" for row in found if row["probability"] > 0
    )
    name, title = f"segments-{code}", "How sure the segment is"
    alt_text = f"If chance had chosen other metrics, {_name(content, code)} would have been in {likely} of the draws."
    return Chart(
        name,
        title,
        alt_text,
        inline(picture, name, title, alt_text),
        ("Segment", "Share of the draws", "Draws", "Of"),
        cells,
    )


def hangs_on(content: QuarterContent, code: str) -> Chart | None:
    """What rank an organisation would have without each of the metrics that matter most, and under other choices."""
    place = content.places.get(code)
    metrics = sorted(
        content.find("metric_influence", organisation_code=code), key=lambda row: row["influence_rank"]
    )[:_MOST_SHOWN]
    if place is None or not metrics:
        return None
    tried: list[tuple[str, Row]] = []
    for choice, label in _CHOICES.items():
        row = content.one("sensitivity", organisation_code=code, choice=choice)
        if row is not None and row["rank"] is not None and row["rank_change"] is not None:
            if choice == "without_override" and not place["financial_override"]:
                continue
            tried.append((label, row))
    for metric in metrics:
        row = content.one(
            "sensitivity", organisation_code=code, choice="without_metric", subject=metric["metric_id"]
        )
        if row is not None and row["rank"] is not None:
            tried.append((f"Without: {metric_name(content, metric['metric_id'])}", row))
    if not tried:
        return None
    rows = [{"x": row["rank"], "now": place["rank"], "said": words.ordinal(row["rank"])} for _, row in tried]
    laid = strips.laid_out([label for label, _ in tried])
    picture = drawn(_moves(place["organisations_in_table"]), _placed(laid, rows), laid.height)
    ranks = [row["rank"] for _, row in tried]
    name, title = f"hangs-on-{code}", "What the place hangs on"
    alt_text = (
        f"{_name(content, code)} ranks {place['rank']} of {place['organisations_in_table']}. Under the {len(tried)} "
        f"other choices shown it would rank from {min(ranks)} to {max(ranks)}."
    )
    return Chart(
        name,
        title,
        alt_text,
        inline(picture, name, title, alt_text),
        ("Choice", "Rank", "Change of rank", "Segment"),
        [
            (
                label,
                Cell("sensitivity", row, "rank"),
                Cell("sensitivity", row, "rank_change"),
                Cell("sensitivity", row, "adjusted_segment"),
            )
            for label, row in tried
        ],
    )


def metric_name(content: QuarterContent, metric_id: str) -> str:
    """The name of a metric as the quarter's framework has it."""
    row = content.one("metric", metric_id=metric_id)
    return str(row["metric_name"]) if row is not None else metric_id


def _name(content: QuarterContent, code: str) -> str:
    place = content.places.get(code)
    return str(place["organisation_name"]) if place is not None else code


def _scored(row: Row) -> bool:
    return row["metric_score"] is not None


def _middle_half(scores: Sequence[Any]) -> tuple[float, float, float]:
    """The scores a quarter, half and three quarters of the way down: ones that somebody has, so nothing is computed."""
    ordered = sorted(scores)
    last = len(ordered) - 1
    return tuple(float(ordered[(last * part) // 4]) for part in (1, 2, 3))  # type: ignore[return-value]


def _rank_cells(ranking: Row | None) -> tuple[str | Cell, str | Cell]:
    if ranking is None or ranking["rank_in_table"] is None:
        return "not ranked", "not ranked"
    return Cell("metric_ranking", ranking, "rank_in_table"), Cell(
        "metric_ranking", ranking, "organisations_ranked"
    )


def _missing_scores(content: QuarterContent, code: str) -> tuple[str, ...]:
    missing = [
        row["metric_name"] for row in content.find("metric_score", organisation_code=code) if not _scored(row)
    ]
    return (f"Without a score, and so not in the picture: {'; '.join(missing)}.",) if missing else ()


def _percent(row: Row) -> str:
    return f"{words.plain((row['probability'] * 100).normalize())}%"


def _segment_label(segment: int) -> str:
    return f"Segment {segment}" + {1: ", the best", 4: ", the worst of an average"}.get(segment, "")


def _placed(laid: strips.Laid, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "labels": laid.labels,
        "rows": [{**row, "y": middle} for row, middle in zip(rows, laid.middles, strict=True)],
    }


def _on_strips(
    name: str,
    title: str,
    alt_text: str,
    labels: Sequence[str],
    rows: Sequence[dict[str, Any]],
    headings: tuple[str, ...],
    cells: Sequence[Sequence[str | Cell]],
    notes: tuple[str, ...],
) -> Chart:
    laid = strips.laid_out(labels)
    picture = drawn(_scores(), _placed(laid, rows), laid.height)
    return Chart(name, title, alt_text, inline(picture, name, title, alt_text), headings, cells, notes)


@cache
def _scores() -> dict[str, Any]:
    """Dots on strips from 1 to 4, each with a bar for the middle half and a tick for the middle."""
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[1, 4], nice=False, zero=False),
        axis=strips.axis(("1 best", "4 worst"), _SCORES),
    )
    base = alt.Chart(alt.NamedData("rows")).encode(y=strips.y())
    return compiled(
        base.mark_rule(stroke="track", strokeWidth=8).encode(x=alt.XDatum(1), x2=alt.X2Datum(4))
        + base.mark_rule(stroke="peers", strokeWidth=8).encode(x="low:Q", x2="high:Q")
        + base.mark_tick(orient="vertical", size=14, thickness=2, fill="ink").encode(x="middle:Q")
        + base.mark_point(filled=True, size=120, fill="mine", stroke="ground", strokeWidth=1.5).encode(x=x)
        + strips.labels()
        + strips.said_beside(),
        strips.frame(),
    )


@cache
def _bars() -> dict[str, Any]:
    """Bars from nothing to all."""
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[0, 1], nice=False, zero=False),
        axis=strips.axis(("never", "always"), (0, 1)),
    )
    base = alt.Chart(alt.NamedData("rows")).encode(y=strips.y())
    return compiled(
        base.mark_rule(stroke="track", strokeWidth=12).encode(x=alt.XDatum(0), x2=alt.X2Datum(1))
        + base.mark_rule(stroke="mine", strokeWidth=12).encode(x=x, x2="zero:Q")
        + strips.labels()
        + strips.said_beside(),
        strips.frame(),
    )


@cache
def _moves(last: int) -> dict[str, Any]:
    """Lines from the rank as it is to the rank as it would be."""
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[1, max(last, 2)], nice=False, zero=False),
        axis=strips.axis(("1st", "last"), (1, max(last, 2))),
    )
    base = alt.Chart(alt.NamedData("rows")).encode(y=strips.y())
    return compiled(
        base.mark_rule(stroke="track", strokeWidth=8).encode(x=alt.XDatum(1), x2=alt.X2Datum(max(last, 2)))
        + base.mark_rule(stroke="mine", strokeWidth=2).encode(x=x, x2="now:Q")
        + base.mark_tick(orient="vertical", size=16, thickness=2, fill="ink").encode(x="now:Q")
        + base.mark_point(filled=True, size=120, fill="mine", stroke="ground", strokeWidth=1.5).encode(
            x="x:Q"
        )
        + strips.labels()
        + strips.said_beside(),
        strips.frame(),
    )
