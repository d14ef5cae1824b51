"""A small publisher: a few organisations with hidden values, and their figures as official files print them.

Hidden values have one place more than printed ones and crowd around the limits of the rules, so that printed
values tie, and lie on standards, floors and band edges, far more often than in a real quarter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import NamedTuple

from compiled_models import PublishedFigure, as_csv
from hypothesis import strategies as st
from independent_scorer import Scored, score_quarter

CENT = Decimal("0.01")
TABLES = ("acute", "non_acute", "ambulance")


class SmallMetric(NamedTuple):
    """A metric of the small publisher: where it applies, and the values that its hidden ones lie around."""

    figure: str
    tables: tuple[str, ...]
    better: str
    around: tuple[str, ...]
    unit: str = "percent"
    kind: str = "plain"


METRICS = (
    SmallMetric("OF0014", ("acute",), "low", ("5", "6")),
    SmallMetric("OF0003", ("acute",), "low", ("1", "1.02"), kind="standard"),
    SmallMetric("OF0010", ("acute",), "high", ("80", "79.98"), kind="standard"),
    SmallMetric("OF0057", ("acute", "non_acute"), "high", ("70", "71"), kind="floor"),
    SmallMetric("OF0005", ("acute", "non_acute"), "low", ("0.5", "3")),
    SmallMetric("OF0061", TABLES, "high", ("6.5",), "out of 10"),
    SmallMetric("OF0082", TABLES, "low", ("4.8", "5.1")),
    SmallMetric("OF0086", ("non_acute", "ambulance"), "low", ("100",)),
    SmallMetric("OF0048", ("acute",), "low", ("1", "1.02"), "rate", kind="standard"),
    SmallMetric("OF0020", ("acute",), "low", (), "count", kind="standard"),
    SmallMetric("OF0079", TABLES, "high", ("0", "-1", "-2"), kind="band"),
    SmallMetric("OF0081", TABLES, "high", ("0", "-0.5", "-1"), kind="band"),
)
RANKED = tuple(metric for metric in METRICS if metric.kind != "band")
PLAIN = tuple(metric for metric in METRICS if metric.kind == "plain")
_RANK_IS_OF_THE_SCORE = ("OF0048",)


def organisations(draw: st.DrawFn) -> dict[str, str]:
    """The table of each of a few organisations; every table has one at least."""
    sizes = zip(
        TABLES, "ACB", draw(st.tuples(st.integers(2, 8), st.integers(1, 5), st.integers(1, 3))), strict=True
    )
    return {f"Z{letter}{n}": table for table, letter, size in sizes for n in range(size)}


def near(metric: SmallMetric, places: int) -> st.SearchStrategy[Decimal]:
    """Values with so many decimal places, close to what the metric's values lie around."""
    if metric.unit == "count":
        return st.integers(0, 4).map(Decimal)
    step = Decimal(1).scaleb(-places)
    steps = st.integers(-13, 13).map(lambda number: number * step)
    return st.builds(Decimal.__add__, st.sampled_from([Decimal(text) for text in metric.around]), steps)


@st.composite
def figures(draw: st.DrawFn, *, places: int = 2) -> list[PublishedFigure]:
    """Values of every metric where it applies, some missing, flags, and scores without a value."""
    found = []
    tables = organisations(draw)
    for metric in METRICS:
        codes = [code for code, table in tables.items() if table in metric.tables]
        values = st.tuples(*[st.none() | near(metric, places) for _ in codes])
        for code, drawn in zip(codes, draw(values), strict=True):
            unit, shown = metric.unit, drawn
            if shown is not None and metric.unit == "rate" and shown < 1 and draw(st.booleans()):
                unit, shown = "count", Decimal(int(shown * 1000) % 5)
            if shown is not None:
                found.append(PublishedFigure(tables[code], code, metric.figure, shown, unit))
    for code, table in tables.items():
        flag = draw(st.none() | st.integers(0, 1))
        if flag is not None:
            found.append(PublishedFigure(table, code, "OF5004", Decimal(flag), "flag"))
        # every organisation has a score, and every table a metric
        score = Decimal(draw(st.integers(1, 4)))
        found.append(PublishedFigure(table, code, "OF1067", score, "score"))
    return found


class Publication(NamedTuple):
    """What a quarter really was, and what of it is printed."""

    quarter: str
    truth: Scored
    printed: list[PublishedFigure]


@st.composite
def publications(draw: st.DrawFn, *, whole: bool) -> Publication:
    """A quarter scored from hidden values of all tables, then printed, all tables of it or some of them."""
    quarter = draw(st.sampled_from(("2025-26-Q1", "2025-26-Q2")))
    hidden = draw(figures(places=3))
    truth = score_quarter([as_csv(hidden, quarter)], quarter)
    tables = TABLES if whole else draw(st.sampled_from((("acute", "non_acute"), ("acute",), ("non_acute",))))
    printed = [row for figure in hidden if figure.table in tables for row in _rows_of(figure, hidden, truth)]
    printed += [row for row in results_of(truth) if row.table in tables]
    return Publication(quarter, truth, printed)


def _rows_of(
    figure: PublishedFigure, hidden: Iterable[PublishedFigure], truth: Scored
) -> list[PublishedFigure]:
    """The value at two places with the rank of the hidden one within the table, and the score at two places."""
    if not figure.figure.startswith("OF0"):
        return [figure] if figure.figure.startswith("OF1") else []
    better = {metric.figure: metric.better for metric in METRICS}[figure.figure]
    rivals = [row.value for row in hidden if row.table == figure.table and row.figure == figure.figure]
    sign = 1 if better == "low" else -1
    rank = 1 + sum(sign * rival < sign * figure.value for rival in rivals)
    printed = figure._replace(
        value=figure.value.quantize(CENT, ROUND_HALF_UP),
        rank=None if figure.figure in _RANK_IS_OF_THE_SCORE else rank,
    )
    score = truth.scores[figure.code, figure.figure]
    return [
        printed,
        figure._replace(figure="OF1" + figure.figure[3:], value=printed_score(score), unit="score"),
    ]


def results_of(truth: Scored) -> list[PublishedFigure]:
    """The publisher's averages, domain scores, unadjusted segments and flags."""
    ids = {"access": "00", "safety": "02", "finance": "03", "people": "04", "effectiveness": "05"}
    rows = []
    for code, standing in truth.standings.items():
        rows.append(PublishedFigure(standing.table, code, "OF5002", printed_score(standing.average), "score"))
        segment = Decimal(standing.unadjusted_segment)
        rows.append(PublishedFigure(standing.table, code, "OF5003", segment, "segment"))
        rows.append(PublishedFigure(standing.table, code, "OF5004", Decimal(standing.flagged), "flag"))
    for (code, domain), score in truth.domain_scores.items():
        table, segment = truth.standings[code].table, Decimal(truth.domain_segments[code, domain])
        rows.append(PublishedFigure(table, code, f"OF40{ids[domain]}", printed_score(score), "score"))
        rows.append(PublishedFigure(table, code, f"OF41{ids[domain]}", segment, "segment"))
    return rows


def printed_score(score: Fraction) -> Decimal:
    """Half-up to two places."""
    return Decimal((score * 100 + Fraction(1, 2)).__floor__()) / 100


def renamed(figures: Iterable[PublishedFigure], names: Mapping[str, str]) -> list[PublishedFigure]:
    """The same figures under other organisation codes."""
    return [figure._replace(code=names[figure.code]) for figure in figures]
