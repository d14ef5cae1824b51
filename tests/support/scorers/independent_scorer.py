"""A second scorer, in plain fractions, that shares no code and no rule table with the project it checks.

It reads the publisher's data files as text and scores one quarter of the framework 2025-26: metric scores
(`independent_metric_scores`), averages, segments, override and ranks, as the methodology manual states them.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from independent_metric_scores import (
    ACUTE,
    AMBULANCE,
    COMBINED_FINANCE,
    COMMUNITY,
    ORGANISATIONS,
    PLANNED,
    SCORE_ONLY,
    VARIANCE,
    Figure,
    Figures,
    half_up,
    metric_scores,
    ranked_rules,
)

INFECTIONS = ("OF0020", "OF0048", "OF0088")  # a third of a weight each
ENTER_ROUNDED = {  # scores that entered the averages at two places, by quarter
    "2025-26-Q1": [
        *("OF0003", "OF0005", "OF0013", "OF0014", "OF0016"),
        *("OF0023", "OF0025", "OF0061", "OF0063", "OF0106"),
    ],
}
OVERALL = ""
PUBLISHED_AS = {  # the publisher's ids of score and segment, overall and by domain
    OVERALL: ("OF5002", "OF5003"),
    "access": ("OF4000", "OF4100"),
    "safety": ("OF4002", "OF4102"),
    "finance": ("OF4003", "OF4103"),
    "people": ("OF4004", "OF4104"),
    "effectiveness": ("OF4005", "OF4105"),
}


@dataclass(frozen=True)
class Standing:
    """An organisation's line of the league table."""

    table: str
    average_exact: Fraction
    average: Fraction
    metrics: int
    unadjusted_segment: int
    flagged: bool
    adjusted_segment: int
    final_segment: int | None
    rank: int


@dataclass(frozen=True)
class Scored:
    """Scores by organisation and metric, domain scores and segments by organisation and domain, standings."""

    scores: dict[tuple[str, str], Fraction]
    domain_scores: dict[tuple[str, str], Fraction]
    domain_segments: dict[tuple[str, str], int]
    standings: dict[str, Standing]


def score_quarter(files: Iterable[str], quarter: str) -> Scored:
    """Scores `quarter` ("2025-26-Q1") from the texts of data files, the oldest publication first."""
    figures: dict[tuple[str, str, str], Figure] = {}
    for text in files:
        figures.update(_figures_of(text, quarter))
    scores = metric_scores(figures)
    means, counts = _means(scores, quarter)
    is_national = {table for table, _, figure in figures if figure.startswith(("OF0", "OF1"))} >= set(
        ORGANISATIONS
    )
    segments: dict[tuple[str, str], int] = {}
    for domain, names in PUBLISHED_AS.items():
        mine = {code: mean for (code, of), mean in means.items() if of == domain}
        for code, segment in _segments(mine, names, figures, is_national).items():
            segments[code, domain] = segment
    return Scored(
        scores=scores,
        domain_scores={key: mean for key, mean in means.items() if key[1] != OVERALL},
        domain_segments={key: segment for key, segment in segments.items() if key[1] != OVERALL},
        standings=_standings(figures, means, counts, segments),
    )


# ---- reading


def _figures_of(text: str, quarter: str) -> dict[tuple[str, str, str], Figure]:
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    only = next(
        (row["Reporting_date"] for row in rows if row["Metric_ID"] == "OF5002" and "Quarter" not in row), ""
    )
    return {
        (_table(row["Trust_type"]), row["Trust_code"].strip().upper(), row["Metric_ID"].strip()): Figure(
            Fraction(row["Value"].strip()),
            {"%": "percent"}.get(row["Units"].strip(), row["Units"].strip()),
            int(Fraction(row["Rank"].strip())) if row["Rank"].strip() else None,
        )
        for row in rows
        if row["Value"].strip() and _quarter(row.get("Quarter", only)) == quarter
    }


def _quarter(text: str) -> str:
    number, year = re.search(r"Q([1-4])\D+(\d{4})", text).groups()  # type: ignore[union-attr]
    return f"{year}-{(int(year) + 1) % 100:02}-Q{number}"


def _table(trust_type: str) -> str:
    kind = trust_type.casefold()
    if "ambulance" in kind:
        return AMBULANCE
    return COMMUNITY if "non-acute" in kind or "community" in kind else ACUTE


# ---- from scores to rank


def _means(
    scores: Mapping[tuple[str, str], Fraction], quarter: str
) -> tuple[dict[tuple[str, str], Fraction], dict[tuple[str, str], int]]:
    """The weighted mean of each organisation's scores, overall and by domain, and how many enter it."""
    domains = (
        {rule.metric: rule.domain for rule in ranked_rules()} | SCORE_ONLY | {COMBINED_FINANCE: "finance"}
    )
    entering: dict[tuple[str, str], list[tuple[Fraction, Fraction]]] = defaultdict(list)
    for (code, metric), score in scores.items():
        if metric in domains:
            enters = half_up(score) if metric in ENTER_ROUNDED.get(quarter, ()) else score
            weight = Fraction(1, 3) if metric in INFECTIONS else Fraction(1)
            for of in (OVERALL, domains[metric]):
                entering[code, of].append((enters, weight))
    means = {
        key: sum((score * weight for score, weight in each), Fraction(0)) / sum(weight for _, weight in each)
        for key, each in entering.items()
    }
    return means, {key: len(each) for key, each in entering.items()}


def _standings(
    figures: Figures,
    means: Mapping[tuple[str, str], Fraction],
    counts: Mapping[tuple[str, str], int],
    segments: Mapping[tuple[str, str], int],
) -> dict[str, Standing]:
    """Rank by adjusted segment, then by the average at two places."""
    table_of = {code: table for table, code, _ in figures}
    flagged = {code: _flagged(figures, table_of[code], code) for code, of in means if of == OVERALL}
    adjusted = {code: max(segments[code, OVERALL], 3 if flagged[code] else 1) for code in flagged}
    place = {code: (adjusted[code], half_up(means[code, OVERALL])) for code in flagged}
    standings = {}
    for code, mine in place.items():
        programme = figures.get((table_of[code], code, "OF5007"))
        standings[code] = Standing(
            table=table_of[code],
            average_exact=means[code, OVERALL],
            average=mine[1],
            metrics=counts[code, OVERALL],
            unadjusted_segment=segments[code, OVERALL],
            flagged=flagged[code],
            adjusted_segment=mine[0],
            final_segment=None if programme is None else 5 if programme.value else mine[0],
            rank=1 + sum(place[rival] < mine for rival in place if table_of[rival] == table_of[code]),
        )
    return standings


def _segments(
    means: Mapping[str, Fraction], names: tuple[str, str], figures: Figures, national: bool
) -> dict[str, int]:
    """Quartiles of all trusts, exact against exact; else the publisher's own cut-points, at two places."""
    if national:
        cuts = [_quantile(sorted(means.values()), Fraction(k, 4)) for k in (1, 2, 3)] if means else []
        return {code: 1 + sum(mean > cut for cut in cuts) for code, mean in means.items()}
    published = [
        (int(figure.value), figures[table, code, names[0]].value)
        for (table, code, name), figure in figures.items()
        if name == names[1] and (table, code, names[0]) in figures
    ]
    # a segment that no published row holds ends where the one before it ends; the first begins at 0
    cuts = [max((score for held, score in published if held <= k), default=Fraction(0)) for k in (1, 2, 3)]
    return {code: 1 + sum(half_up(mean) > cut for cut in cuts if published) for code, mean in means.items()}


def _quantile(ordered: Sequence[Fraction], share: Fraction) -> Fraction:
    place = share * (len(ordered) - 1)
    below, above = ordered[floor(place)], ordered[min(floor(place) + 1, len(ordered) - 1)]
    return below + (above - below) * (place - floor(place))


def _flagged(figures: Figures, table: str, code: str) -> bool:
    """The publisher's flag; without it, whether the plan or the variance shows a deficit."""
    flag = figures.get((table, code, "OF5004"))
    if flag is not None:
        return flag.value == 1
    return any(f.value < 0 for m in (PLANNED, VARIANCE) if (f := figures.get((table, code, m))))
