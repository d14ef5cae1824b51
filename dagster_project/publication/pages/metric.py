"""A page per metric and per domain, with whole rankings on pages of their own where they are long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster_project.documents.rule_words import STATE_MEANS
from dagster_project.publication import addresses, charts, words
from dagster_project.publication.contents import QuarterContent, label_of
from dagster_project.publication.rendering import Produced, page
from dagster_project.publication.rules import QuarterRules, SaidRule, rules_of
from dagster_project.quarters import Quarter

Row = Mapping[str, Any]
# Above so many rows in all a page would be larger than 150 kB, and long rankings get pages of their own.
_ROWS_ON_A_PAGE = 140
_SHORT = 20
_ENDS = 5
_MOVED = 5
BETTER = {
    "low": "A lower value is better.",
    "high": "A higher value is better.",
    "none": "No value is published, only a score. A lower score is better.",
}
# By whether the table is incomplete without the metric; None where no rule says whom it applies to.
WHY_MISSING = {
    True: "This league table needs the metric, but the publisher's files have no figure for them.",
    False: "The metric counts only for those that provide the service; they aren't marked down for it.",
    None: "The publisher's files have no figure for them, and no rule says whether there should be one.",
}


@dataclass(frozen=True)
class Ranked:
    """An organisation in a ranking: its rows of `organisation`, of the score, and of the rank where it has one."""

    organisation: Row
    score: Row
    ranking: Row | None = None


@dataclass(frozen=True)
class Ranking:
    """The organisations of one league table, the best first, and who of that table isn't in it.

    `address` leads to the whole ranking where the page shows its two ends alone.
    """

    table_name: str
    rows: Sequence[Ranked]
    missing: Sequence[Row]
    is_required: bool | None
    address: str | None = None

    @property
    def first(self) -> Sequence[Ranked]:
        return self.rows[:_ENDS]

    @property
    def last(self) -> Sequence[Ranked]:
        return self.rows[-_ENDS:]

    @property
    def spread(self) -> Row | None:
        """The row that holds the middle of the table's values, the same in all of its rows."""
        return next((one.ranking for one in self.rows if one.ranking is not None), None)


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's metrics and domains."""
    rules = rules_of(content)
    by_domain = {name: list(content.find("metric", domain=name)) for name in _domains(content)}
    yield page("metrics.html.j2", addresses.metrics(content.quarter), content, by_domain=by_domain)
    for metric in content.rows("metric"):
        yield from _metric_pages(content, rules, metric)
    for name, metrics in by_domain.items():
        yield from _domain_pages(content, name, metrics)


def _domains(content: QuarterContent) -> list[str]:
    """The domains of the quarter's metrics in the order of every page."""
    found = {row["domain"] for row in content.rows("metric")}
    known = list(words.DOMAINS)
    return sorted(found, key=lambda name: (known.index(name) if name in known else len(known), name))


def _metric_pages(content: QuarterContent, rules: QuarterRules, metric: Row) -> Iterator[Produced]:
    metric_id = metric["metric_id"]
    rankings = [
        ranking
        for table_name in _tables(content)
        if (ranking := _by_metric(content, rules, metric, table_name)) is not None
    ]
    rankings = _shortened(rankings, lambda name: addresses.metric_ranking(content.quarter, metric_id, name))
    shared = {"metric": metric, "better": BETTER, "why_missing": WHY_MISSING}
    yield page(
        "metric.html.j2",
        addresses.metric(content.quarter, metric_id),
        content,
        rankings=rankings,
        pictures={
            one.table_name: charts.distribution(content, one.table_name, metric_id) for one in rankings
        },
        moved=_moved(content, metric_id),
        rules=_of_metric(rules, metric_id),
        standards=_standards(rules, metric),
        state_means=STATE_MEANS,
        **shared,
    )
    for ranking in rankings:
        if ranking.address is not None:
            yield page("metric_ranking.html.j2", ranking.address, content, ranking=ranking, **shared)


def _domain_pages(content: QuarterContent, name: str, metrics: Sequence[Row]) -> Iterator[Produced]:
    rankings = [
        ranking
        for table_name in _tables(content)
        if (ranking := _by_domain(content, name, table_name)) is not None
    ]
    rankings = _shortened(rankings, lambda table: addresses.domain_ranking(content.quarter, name, table))
    yield page(
        "domain.html.j2",
        addresses.domain(content.quarter, name),
        content,
        domain=name,
        metrics=metrics,
        rankings=rankings,
    )
    for ranking in rankings:
        if ranking.address is not None:
            yield page("domain_ranking.html.j2", ranking.address, content, domain=name, ranking=ranking)


def _tables(content: QuarterContent) -> Sequence[str]:
    """The league tables of the quarter; those too in which no organisation has a place."""
    others = {row["table_name"] for row in content.rows("organisation")} - set(content.tables)
    return (*content.tables, *sorted(others))


def _by_metric(content: QuarterContent, rules: QuarterRules, metric: Row, table_name: str) -> Ranking | None:
    metric_id = metric["metric_id"]
    applies = rules.rows("metric_applicability", metric_id=metric_id, table_name=table_name)
    scores = {
        row["organisation_code"]: row
        for row in content.find("metric_score", metric_id=metric_id, table_name=table_name)
    }
    if not applies and not scores:
        return None
    ranks = {
        row["organisation_code"]: row
        for row in content.find("metric_ranking", metric_id=metric_id, table_name=table_name)
    }
    organisations = content.find("organisation", table_name=table_name)
    rows = [
        Ranked(one, scores[code], ranks.get(code))
        for one in organisations
        if (code := one["organisation_code"]) in scores
    ]
    rows.sort(key=_place_by_metric)
    return Ranking(
        table_name=table_name,
        rows=rows,
        missing=_by_name(one for one in organisations if one["organisation_code"] not in scores),
        is_required=any(row["required"] == "true" for row in applies) if applies else None,
    )


def _place_by_metric(one: Ranked) -> tuple[Any, ...]:
    rank = one.ranking["rank_in_table"] if one.ranking is not None else None
    return (*_last_if_none(rank), *_last_if_none(one.score["metric_score"]), *_name(one.organisation))


def _by_domain(content: QuarterContent, name: str, table_name: str) -> Ranking | None:
    scores = {
        row["organisation_code"]: row
        for row in content.find("domain_score", domain=name, table_name=table_name)
    }
    if not scores:
        return None
    organisations = content.find("organisation", table_name=table_name)
    rows = [
        Ranked(one, scores[one["organisation_code"]])
        for one in organisations
        if one["organisation_code"] in scores
    ]
    rows.sort(key=lambda one: (*_last_if_none(one.score["domain_score"]), *_name(one.organisation)))
    missing = _by_name(one for one in organisations if one["organisation_code"] not in scores)
    return Ranking(table_name, rows, missing, is_required=None)


def _last_if_none(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)


def _name(organisation: Row) -> tuple[str, str]:
    return str(organisation["organisation_name"]).casefold(), organisation["organisation_code"]


def _by_name(organisations: Iterator[Row]) -> list[Row]:
    return sorted(organisations, key=_name)


def _shortened(rankings: list[Ranking], address: Any) -> list[Ranking]:
    """The rankings of one page: where they are too long together, the long ones lead to pages of their own."""
    if sum(len(ranking.rows) for ranking in rankings) <= _ROWS_ON_A_PAGE:
        return rankings
    return [
        Ranking(one.table_name, one.rows, one.missing, one.is_required, address(one.table_name))
        if len(one.rows) > _SHORT
        else one
        for one in rankings
    ]


def _standards(rules: QuarterRules, metric: Row) -> list[str]:
    """What is to be reached, in words; more than one where it depends on the unit."""
    bound = "at most" if metric["better"] == "low" else "at least"
    rows = rules.rows("metric_rule", metric_id=metric["metric_id"])
    return [f"{bound} {row['standard']} {row['unit']}" for row in rows if row["standard"]]


def _of_metric(rules: QuarterRules, metric_id: str) -> list[SaidRule]:
    tables = ("metric_rule", "rule_band", "matrix_input", "metric_pool", "enters_at_dp", "known_difference")
    return [said for table in tables for said in rules.said(table, metric_id=metric_id)]


@dataclass(frozen=True)
class _Moved:
    """Whose score changed most since the quarter before, each with its organisation; `why_none` where nobody can."""

    better: Sequence[tuple[Row, Row]]
    worse: Sequence[tuple[Row, Row]]
    label_before: str
    why_none: str


def _moved(content: QuarterContent, metric_id: str) -> _Moved:
    rows = [
        row
        for row in content.find("movement_total", measure="metric_score", metric_id=metric_id)
        if row["change"] is not None and row["figure_before"] is not None and row["figure_after"] is not None
    ]
    by_code = {row["organisation_code"]: row for row in content.rows("organisation")}
    pairs = [(by_code[row["organisation_code"]], row) for row in rows if row["organisation_code"] in by_code]
    better = sorted((one for one in pairs if one[1]["change"] < 0), key=lambda one: _by_change(one, 1))
    worse = sorted((one for one in pairs if one[1]["change"] > 0), key=lambda one: _by_change(one, -1))
    if not content.rows("movement_total"):
        why = _why_nothing_moved(content)
    elif not rows:
        why = "Nobody has a score for this metric in both quarters."
    else:
        why = "" if better or worse else "No score changed."
    before = label_of(Quarter.from_canonical(rows[0]["quarter_before"])) if rows else ""
    return _Moved(better[:_MOVED], worse[:_MOVED], before, why)


def _why_nothing_moved(content: QuarterContent) -> str:
    if content.lacks_quarter_before:
        return words.NOT_ADJACENT
    if content.earlier:
        return "This release doesn't say what changed since the quarter just before."
    return "There is no earlier quarter here to compare with."


def _by_change(one: tuple[Row, Row], sign: int) -> tuple[Any, ...]:
    organisation, row = one
    return (sign * row["change"], *_name(organisation))
