"""What a page says of an organisation beside its figures: which third it is among, what counts, why one is missing.

Counts and orderings of released rows, never a new figure. Pages of an organisation and comparisons say it alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dagster_project.publication import words
from dagster_project.publication.contents import QuarterContent, Row

# Fewer can't be split in thirds that say anything.
_LEAST_RANKED = 6
_SIGNS = {"percent": " %", "percentage points": " percentage points", "out of 10": " out of 10"}
_IDLE_UNITS = ("count", "rate", "score", "band")
NO_FIGURE = {
    True: "The publisher's files have none for it. Perhaps it doesn't do this: they don't say.",
    False: "It counts only for those that provide the service, and the publisher's files have none for it.",
    None: "The publisher's files have none for it.",
}


@dataclass(frozen=True)
class Third:
    """A symbol and what it means in words; `key` names it in a style sheet."""

    key: str
    symbol: str
    words: str


BEST = Third("best", "\u25b2", "among the best third")
MIDDLE = Third("middle", "\u25cf", "about the middle")
WORST = Third("worst", "\u25bc", "among the worst third")
SAME = Third("same", "=", "the same as many others")
FEW = Third("none", "\u2013", "too few to compare")
UNRANKED = Third("none", "\u2013", "not ranked: only a score")


@dataclass(frozen=True)
class Line:
    """A metric of an organisation: its rows, and the words that go with them. No `score`: there is no figure."""

    metric: Row
    score: Row | None
    ranking: Row | None
    third: Third
    missing: str = ""

    @property
    def counts(self) -> str:
        if self.score is None:
            return ""
        if not self.score["enters_average"]:
            return "no, only through another"
        return "yes" if self.score["weight"] == 1 else "yes, shares one place with others"

    @property
    def standard(self) -> str:
        met = None if self.score is None else self.score["standard_met"]
        return "none set" if met is None else "\u2713 met" if met else "\u2717 not met"


@dataclass(frozen=True)
class Domain:
    """A domain of an organisation: its score where there is one, and its metrics."""

    name: str
    score: Row | None
    lines: Sequence[Line]


def third_of(ranking: Row | None, sharing: int = 1) -> Third:
    """Among which third a rank is that so many share: the first third of the places, the last, or between.

    Those that share the better rank take as many places from it on, and the middle of these says which third it is.
    More than a third of all that are ranked can't be among one: of them it is only said that they are the same.
    """
    if ranking is None or ranking["rank_in_table"] is None:
        return UNRANKED
    rank, size = ranking["rank_in_table"], ranking["organisations_ranked"]
    if size < _LEAST_RANKED:
        return FEW
    if 3 * sharing > size:
        return SAME
    twice_the_middle = 2 * rank + sharing - 1
    if 3 * twice_the_middle <= 2 * size:
        return BEST
    return WORST if 3 * (twice_the_middle - 2) >= 4 * size else MIDDLE


def measured(value: Decimal | None, unit: str | None) -> str:
    """A value with its unit, without idle zeroes: `62.24 %`, `6.42 out of 10`, `4`."""
    if value is None:
        return "not published"
    if unit is None or unit in _IDLE_UNITS:
        return words.trimmed(value)
    return f"{words.trimmed(value)}{_SIGNS.get(unit, f' {unit}')}"


def domains_of(content: QuarterContent, code: str, table_name: str | None) -> Sequence[Domain]:
    """An organisation's domains in the order of every page, each with all metrics that its table has."""
    scores = {row["metric_id"]: row for row in content.find("metric_score", organisation_code=code)}
    rankings = {row["metric_id"]: row for row in content.find("metric_ranking", organisation_code=code)}
    asked = _asked(content, table_name)
    by_domain: dict[str, list[Line]] = {}
    for metric in content.rows("metric"):
        metric_id = metric["metric_id"]
        score = scores.get(metric_id)
        if score is None and metric_id not in asked:
            continue
        ranking = rankings.get(metric_id)
        missing = "" if score else NO_FIGURE[asked.get(metric_id)]
        line = Line(metric, score, ranking, third_of(ranking, _sharing(content, ranking)), missing)
        by_domain.setdefault(metric["domain"], []).append(line)
    order = list(words.DOMAINS)
    names = sorted(by_domain, key=lambda name: (order.index(name) if name in order else len(order), name))
    return [
        Domain(
            name,
            content.one("domain_score", organisation_code=code, domain=name),
            sorted(by_domain[name], key=lambda line: line.score is None),
        )
        for name in names
    ]


def _sharing(content: QuarterContent, ranking: Row | None) -> int:
    """How many of its table have the rank of this row, itself among them."""
    told_by = ("metric_id", "table_name", "rank_in_table")
    return len(content.find("metric_ranking", **{one: ranking[one] for one in told_by})) if ranking else 1


def _asked(content: QuarterContent, table_name: str | None) -> Mapping[str, bool]:
    """The metrics that the rules have for a league table, each with whether they ask for it."""
    ends = f" {table_name}"
    return {
        row["rule_key"].removesuffix(ends): row["rule_value"] == "required"
        for row in content.find("framework_rule", rule_table="metric_applicability")
        if row["rule_key"].endswith(ends)
    }


def thirds(domains: Sequence[Domain]) -> Mapping[str, int]:
    """How many of the ranked metrics are among which third, by the third's key; `ranked` is all of them."""
    found = Counter(line.third.key for domain in domains for line in domain.lines)
    counted = {third.key: found[third.key] for third in (BEST, MIDDLE, WORST, SAME)}
    return {**counted, "ranked": sum(counted.values())}
