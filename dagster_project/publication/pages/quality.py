"""What the gates found and where figures differ from the publisher's, per quarter; corrections and changes over all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import duckdb
from markupsafe import Markup

from dagster_project.explanation.recomputation.measured import score_figure
from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.feed import news_for
from dagster_project.publication.rendering import Produced, page
from dagster_project.runs.record import QUALITY_PAGE
from dagster_project.sql_text import literal

Row = Mapping[str, Any]
_FIGURES = {
    "OF5000": "Segment after the override",
    "OF5002": "Average metric score",
    "OF5003": "Segment before the override",
    "OF5004": "Financial override",
    "OF5005": "Final segment",
    "OF5007": "Special support flag",
}
_PARTS = {
    "rank": "rank",
    "rank_likely_low": "likely range of the rank, better end",
    "rank_likely_high": "likely range of the rank, worse end",
    "likely_low": "likely range, better end",
    "likely_high": "likely range, worse end",
}
OUTCOMES = {
    "different": "Different from the publisher's figure",
    "admissible": "As near as rounded figures allow",
    "within_tolerance": "Within the stated tolerance",
    "not_computable": "Can't be recomputed",
    "not_published": "Computed here, but not published",
}


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's quality report, and its differences from the publisher."""
    yield page("quality.html.j2", addresses.quality(content.quarter), content, report=_report(content))
    yield page(
        "differences_in_quarter.html.j2",
        addresses.differences(content.quarter),
        content,
        by_outcome=_differences(content),
        outcomes=OUTCOMES,
    )


def of_all(contents: Contents) -> Iterator[Produced]:
    """Differences in short, corrections and changes."""
    newest_first = list(reversed(contents.quarters))
    outcomes = OUTCOMES
    yield page(
        "differences.html.j2", addresses.DIFFERENCES, contents, quarters=newest_first, outcomes=outcomes
    )
    news = news_for(contents)
    yield page(
        "corrections.html.j2",
        addresses.CORRECTIONS,
        contents,
        news=[one for one in reversed(news) if one.what != "released"],
        revised=_revised(contents),
    )
    yield page(
        "changes.html.j2",
        addresses.CHANGES,
        contents,
        news=list(reversed(news)),
        changes=[_Change.between(one.before, one) for one in newest_first if one.before is not None],
    )


def _report(content: QuarterContent) -> Markup | None:
    """The quality report of the release, word for word, without its own head; None for a release without one."""
    file = content.release.folder / QUALITY_PAGE
    if not file.is_file():
        return None
    _, _, body = file.read_text(encoding="utf-8").partition("</h1>")
    body, _, _ = body.partition("</main>")
    return Markup(body)


@dataclass(frozen=True)
class _Difference:
    """Figures of one kind with one outcome for one reason; `metric_id` where it is a metric's."""

    figure: str
    name: str
    metric_id: str | None
    outcome: str
    reason: str
    times: int


def _differences(content: QuarterContent) -> dict[str, list[_Difference]]:
    counted = Counter(
        (row["outcome"], row["figure"], row["reason"])
        for row in content.rows("reconciliation")
        if row["outcome"] != "equal"
    )
    names = {row["metric_id"]: row["metric_name"] for row in content.rows("metric")}
    by_score = {score_figure(metric_id): metric_id for metric_id in names}
    found = [
        _Difference(figure, *_named(figure, names, by_score), outcome, reason, times)
        for (outcome, figure, reason), times in counted.items()
    ]
    order = list(OUTCOMES)
    found.sort(
        key=lambda one: (
            order.index(one.outcome) if one.outcome in order else len(order),
            one.outcome,
            -one.times,
            one.figure,
            one.reason,
        )
    )
    return {outcome: list(some) for outcome, some in groupby(found, key=lambda one: one.outcome)}


def _named(figure: str, names: Mapping[str, str], by_score: Mapping[str, str]) -> tuple[str, str | None]:
    """What a figure is called, and the metric that it belongs to."""
    whole, _, part = figure.partition(".")
    metric_id = whole if whole in names else by_score.get(whole)
    if metric_id is not None:
        kind = "value" if whole == metric_id else "score"
        return f"{names[metric_id]} ({_PARTS.get(part, part) if part else kind})", metric_id
    name = _FIGURES.get(whole, whole)
    return f"{name}, {_PARTS.get(part, part)}" if part else name, None


@dataclass(frozen=True)
class _Revised:
    """How many figures of a quarter a newer file of the publisher changed, by what they are."""

    quarter: QuarterContent
    times: int
    by_figure: Sequence[tuple[str, str | None, int]]


def _revised(contents: Contents) -> list[_Revised]:
    """The publisher's revisions of the quarters that are shown, newest first; none from before they were kept."""
    counted: dict[str, list[tuple[str, int]]] = {}
    for quarter, figure, times in _revisions(contents):
        counted.setdefault(quarter, []).append((figure, times))
    found = []
    for content in reversed(contents.quarters):
        figures = counted.get(content.quarter, [])
        if figures:
            names = {row["metric_id"]: row["metric_name"] for row in content.rows("metric")}
            by_score = {score_figure(metric_id): metric_id for metric_id in names}
            named = [(*_named(figure, names, by_score), times) for figure, times in figures]
            found.append(_Revised(content, sum(times for _, times in figures), named))
    return found


def _revisions(contents: Contents) -> list[tuple[str, str, int]]:
    """Quarter, figure and how many of it were changed, the most first."""
    warehouse = contents.newest.warehouse
    if not warehouse.is_file():
        return []
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(f"attach {literal(warehouse)} as published (read_only)")
        there = connection.execute(
            "select 1 from duckdb_tables() where database_name = 'published' and schema_name = 'landing' "
            "and table_name = 'revision'"
        ).fetchone()
        if there is None:
            return []
        return connection.execute(
            "select quarter, figure, count(*) from published.landing.revision where changed "
            "group by quarter, figure order by quarter, count(*) desc, figure"
        ).fetchall()


@dataclass(frozen=True)
class _Change:
    """What differs from the quarter before in who is ranked and what is counted."""

    quarter: QuarterContent
    before: QuarterContent
    came: Sequence[Row]
    left: Sequence[Row]
    new_metrics: Sequence[Row]
    old_metrics: Sequence[Row]

    @classmethod
    def between(cls, before: QuarterContent, now: QuarterContent) -> _Change:
        return cls(
            now,
            before,
            _only_in(now, before, "organisation", "organisation_code", "organisation_name"),
            _only_in(before, now, "organisation", "organisation_code", "organisation_name"),
            _only_in(now, before, "metric", "metric_id", "metric_name"),
            _only_in(before, now, "metric", "metric_id", "metric_name"),
        )

    @property
    def frameworks(self) -> tuple[str, str]:
        return (
            str(self.before.release.release_file.get("framework", "")),
            str(self.quarter.release.release_file.get("framework", "")),
        )


def _only_in(one: QuarterContent, other: QuarterContent, table: str, key: str, name: str) -> list[Row]:
    known = {row[key] for row in other.rows(table)}
    return sorted(
        (row for row in one.rows(table) if row[key] not in known), key=lambda row: (row[name], row[key])
    )
