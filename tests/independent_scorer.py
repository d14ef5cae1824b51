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
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

INFECTIONS = ("OF0020", "OF0048", "OF0088")  # a third of a weight each
ENTER_ROUNDED = {  # scores that entered the averages at two places, by quarter
    "2025-26-Q1": "OF0003 OF0005 OF0013 OF0014 OF0016 OF0023 OF0025 OF0061 OF0063 OF0106".split(),
}
DOMAIN_FIGURES = {  # score and segment, as published
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


@dataclass
class Scored:
    """Scores by organisation and metric, domain scores and segments by organisation and domain, standings."""

    scores: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    domain_scores: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    domain_segments: dict[tuple[str, str], int] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)


def score_quarter(files: Iterable[str], quarter: str) -> Scored:
    """Scores `quarter` ("2025-26-Q1") from the texts of data files, the oldest publication first."""
    figures: dict[tuple[str, str, str], Figure] = {}
    for text in files:
        figures.update(_figures_of(text, quarter))
    loaded = {table for table, _, figure in figures if figure.startswith(("OF0", "OF1"))}
    scored = Scored(scores=_banded(figures))
    for rule in _rules():
        for tables in [rule.pool] if rule.pool else [frozenset([table]) for table in ORGANISATIONS]:
            scored.scores.update(_ranked_scores(rule, tables, tables <= loaded, figures))
    _average_and_place(scored, figures, quarter, national=loaded >= set(ORGANISATIONS))
    return scored


# ---- reading


def _figures_of(text: str, quarter: str) -> dict[tuple[str, str, str], Figure]:
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    only = next((row["Reporting_date"] for row in rows if row["Metric_ID"] == "OF5002"), "")
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


def _average_and_place(scored: Scored, figures: Figures, quarter: str, *, national: bool) -> None:
    domains = {rule.metric: rule.domain for rule in _rules()} | SCORE_ONLY | {COMBINED_FINANCE: "finance"}
    table_of = {code: table for table, code, _ in figures}
    entering: dict[tuple[str, str], list[tuple[Fraction, Fraction]]] = defaultdict(list)
    for (code, metric), score in sorted(scored.scores.items()):
        if metric in domains:
            shown = half_up(score) if metric in ENTER_ROUNDED.get(quarter, ()) else score
            weighted = (shown, Fraction(1, 3) if metric in INFECTIONS else Fraction(1))
            entering[code, domains[metric]].append(weighted)
            entering[code, ""].append(weighted)
    means = {key: sum(s * w for s, w in each) / sum(w for _, w in each) for key, each in entering.items()}
    segments: dict[tuple[str, str], int] = {}
    for domain, names in {"": ("OF5002", "OF5003"), **DOMAIN_FIGURES}.items():
        mine = {code: mean for (code, of), mean in means.items() if of == domain}
        segments |= {
            (code, domain): segment for code, segment in _segments(mine, names, figures, national).items()
        }
    scored.domain_scores = {key: mean for key, mean in means.items() if key[1]}
    scored.domain_segments = {key: segment for key, segment in segments.items() if key[1]}
    places = {
        code: (
            max(segments[code, ""], 3) if _flagged(figures, table_of[code], code) else segments[code, ""],
            half_up(mean),
        )
        for (code, of), mean in means.items()
        if not of
    }
    for code, place in places.items():
        table = table_of[code]
        programme = figures.get((table, code, "OF5007"))
        scored.standings[code] = Standing(
            table=table,
            average_exact=means[code, ""],
            average=place[1],
            metrics=len(entering[code, ""]),
            unadjusted_segment=segments[code, ""],
            flagged=_flagged(figures, table, code),
            adjusted_segment=place[0],
            final_segment=None if programme is None else 5 if programme.value else place[0],
            rank=1 + sum(other < place for rival, other in places.items() if table_of[rival] == table),
        )


def _segments(
    means: Mapping[str, Fraction], names: tuple[str, str], figures: Figures, national: bool
) -> dict[str, int]:
    """Quartiles of all trusts, exact against exact; else the publisher's own cut-points, at two places."""
    if national:
        cuts = [_quantile(sorted(means.values()), Fraction(k, 4)) for k in (1, 2, 3)] if means else []
        return {code: 1 + sum(mean > cut for cut in cuts) for code, mean in means.items()}
    worst = [Fraction(0)] * 4
    for (table, code, name), figure in figures.items():
        if name == names[1] and (score := figures.get((table, code, names[0]))):
            worst[int(figure.value) - 1] = max(worst[int(figure.value) - 1], score.value)
    known = [max(worst[: k + 1]) for k in range(3)]
    return {code: 1 + sum(half_up(mean) > cut for cut in known if cut) for code, mean in means.items()}


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


