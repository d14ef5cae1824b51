"""The recomputed quarter beside its release: a judgement per released cell, in the released tables' own names.

How a figure was recomputed isn't here (metric_scores, standings), nor how a judgement is shown (story).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from dagster_project.explanation.recomputation.exact import shown
from dagster_project.explanation.recomputation.measured import Measured, Organisation
from dagster_project.explanation.recomputation.metric_scores import MetricScore
from dagster_project.explanation.recomputation.raw_rows import PublishedFigures
from dagster_project.explanation.recomputation.recomputation import Recomputation
from dagster_project.explanation.recomputation.rules import FrameworkRules
from dagster_project.explanation.recomputation.standings import OVERALL, CutPoint, Standing, Standings, Term
from dagster_project.extracts.source import FRAMEWORK_DATA

# A released score is one division kept to twelve places; sums of such scores differ in the last of them.
_LAST_PLACES = Fraction(1, 10**11)
# Ten thousand draws can't be redone on paper: they are compared with an independent working in numpy instead.
_DRAWN = frozenset(
    f"{figure}_likely_{end}" for figure in ("average", "segment", "rank") for end in ("low", "high")
)
# Nor are these judged: what is the same in every row, and words about a basis that is itself judged.
NOT_RECOMPUTED = _DRAWN | {"quarter", "release_id", "is_sample", "release_state", "score_basis_reason"}
Value = Fraction | int | bool | str | None
Row = dict[str, Any]


@dataclass(frozen=True)
class Judgement:
    """One released cell beside what the raw bytes give, both as shown."""

    table: str
    column: str
    recomputed: str
    released: str
    agrees: bool

    @property
    def words(self) -> str:
        """A disagreement in words."""
        return f"{self.table}.{self.column}: recomputed {self.recomputed}, the release says {self.released}"


def judge(
    table: str, recomputed: Mapping[str, Value] | None, released: Mapping[str, Any] | None
) -> list[Judgement]:
    """A judgement per column that both know; a row that one of them lacks is one disagreement."""
    if recomputed is None or released is None:
        if recomputed is None and released is None:
            return []
        there, missing = ("a row", "no such row") if released is None else ("no such row", "a row")
        return [Judgement(table, "row", there, missing, agrees=False)]
    return [_judgement(table, column, value, released.get(column)) for column, value in recomputed.items()]


def _judgement(table: str, column: str, recomputed: Value, released: Any) -> Judgement:
    plain = _plain(released)
    agrees = _same(recomputed, plain, is_rounded=isinstance(released, Decimal))
    return Judgement(table, column, shown(recomputed), shown(plain), agrees)


def _plain(released: Any) -> Value:
    return Fraction(released) if isinstance(released, Decimal) else released


def _same(recomputed: Value, released: Value, *, is_rounded: bool) -> bool:
    if is_rounded and isinstance(recomputed, Fraction) and isinstance(released, Fraction):
        return recomputed == released or abs(recomputed - released) <= _LAST_PLACES
    return recomputed == released and (recomputed is None) == (released is None)


class Judged:
    """Judgements by organisation; released rows are read once per table, or only those of the code `only`."""

    def __init__(self, recomputation: Recomputation, only: str | None = None) -> None:
        self.recomputation = recomputation
        self._only = {} if only is None else {"organisation_code": only}

    @property
    def standings(self) -> Standings:
        return self.recomputation.standings

    @property
    def rules(self) -> FrameworkRules:
        return self.recomputation.rules

    def league_table(self, organisation: Organisation) -> list[Judgement]:
        """The cells of the organisation's line of the league table."""
        standing, figures = self.standings.standing(organisation), self.recomputation.figures
        recomputed = None if standing is None else _league_table_row(self.standings, standing, figures)
        return judge("league_table", recomputed, self.released_league_table.get(organisation))

    def metric_score(self, organisation: Organisation, metric_id: str) -> list[Judgement]:
        """The cells of a metric's score."""
        score = self.recomputation.score(organisation, metric_id)
        recomputed = None if score is None else _metric_score_row(score, self.standings.term(score))
        return judge("metric_score", recomputed, self.released_metric_score.get((organisation, metric_id)))

    def domain_score(self, organisation: Organisation, domain: str) -> list[Judgement]:
        """The cells of a domain's score and segment."""
        recomputed = _domain_score_row(self.standings, organisation, domain)
        return judge("domain_score", recomputed, self.released_domain_score.get((organisation, domain)))

    def cut_points(self, domain: str = OVERALL) -> list[Judgement]:
        """The cells of the cut-points of the average or of a domain's score."""
        figure, _ = self.standings.figures_of(domain)
        return [
            judgement
            for cut in self.standings.cut_points(domain)
            for judgement in judge(
                "segment_threshold",
                _segment_threshold_row(cut),
                self.released_segment_threshold.get((figure, cut.segment)),
            )
        ]

    @cached_property
    def released_league_table(self) -> dict[Organisation, Row]:
        return {
            _organisation(row): row for row in self.recomputation.release.rows("league_table", **self._only)
        }

    @cached_property
    def released_metric_score(self) -> dict[tuple[Organisation, str], Row]:
        rows = self.recomputation.release.rows("metric_score", **self._only)
        return {(_organisation(row), row["metric_id"]): row for row in rows}

    @cached_property
    def released_domain_score(self) -> dict[tuple[Organisation, str], Row]:
        rows = self.recomputation.release.rows("domain_score", **self._only)
        return {(_organisation(row), row["domain"]): row for row in rows}

    def released_caveats(self, organisation: Organisation, metric_id: str | None) -> list[Row]:
        """The caveats of a metric, or of the organisation's place; none of a release that was made before there
        were any."""
        return self._caveats.get((organisation, metric_id), [])

    @cached_property
    def _caveats(self) -> dict[tuple[Organisation, str | None], list[Row]]:
        release = self.recomputation.release
        found: dict[tuple[Organisation, str | None], list[Row]] = defaultdict(list)
        for row in release.rows("caveat", **self._only) if release.has("caveat") else ():
            found[_organisation(row), row["metric_id"]].append(row)
        return found

    @cached_property
    def released_segment_threshold(self) -> dict[tuple[str, int], Row]:
        return {
            (row["figure"], row["segment"]): row
            for row in self.recomputation.release.rows("segment_threshold")
        }


def _organisation(row: Row) -> Organisation:
    return row["table_name"], row["organisation_code"]


def _metric_score_row(score: MetricScore, term: Term) -> dict[str, Value]:
    one = score.measured
    return {
        "metric_name": one.metric["metric_name"],
        "domain": one.metric["domain"],
        "value": one.value,
        "unit": one.unit,
        "period": one.period,
        "value_source": _value_source(one),
        "metric_score": score.rounded,
        "metric_score_exact": score.exact,
        "admissible_score_low": score.low,
        "admissible_score_high": score.high,
        "score_basis": score.basis,
        "weight": term.weight,
        "enters_average": one.metric.is_true("enters_average"),
        "score_entering_average": term.entering,
        "rule": score.rule["rule"],
        "pool": None if score.pool is None else score.pool.name,
        "pool_size": score.size,
        "rank_in_pool": score.rank,
        "standard_met": score.standard_met,
    }


def _league_table_row(
    standings: Standings, standing: Standing, figures: PublishedFigures
) -> dict[str, Value]:
    rows = figures.by_organisation[standing.organisation]
    return {
        "organisation_name": _largest(row.organisation_name for row in rows),
        "organisation_subtype": _largest(row.organisation_subtype for row in rows),
        "region": _largest(row.region for row in rows),
        "average_metric_score": standing.average.rounded,
        "average_metric_score_exact": standing.average.exact,
        "metric_count": len(standing.average.terms),
        "unadjusted_segment": standing.unadjusted_segment,
        "financial_override": standing.override.flagged,
        "financial_override_basis": standing.override.basis,
        "adjusted_segment": standing.adjusted_segment,
        "final_segment": standing.final_segment,
        "rank": standings.rank(standing),
        "organisations_in_table": len(standings.table(standing.organisation[0])),
        "threshold_basis": standings.threshold_basis,
        "framework": standings.rules.framework,
    }


def _domain_score_row(
    standings: Standings, organisation: Organisation, domain: str
) -> dict[str, Value] | None:
    """None where no score is in the domain."""
    average = standings.average(organisation, domain)
    if average is None:
        return None
    return {
        "domain_score": average.rounded,
        "domain_score_exact": average.exact,
        "domain_segment": standings.segment(organisation, domain),
        "threshold_basis": standings.threshold_basis,
        "metric_count": len(average.terms),
    }


def _segment_threshold_row(cut: CutPoint) -> dict[str, Value]:
    return {"cut_point": cut.value, "threshold_basis": cut.basis}


def _largest(texts: Iterable[str | None]) -> str | None:
    """As a name that changes within a file is settled: the last by its letters."""
    return max((text for text in texts if text is not None), default=None)


def _value_source(one: Measured) -> str | None:
    """The source of the value that is ranked; None where nothing is published at all."""
    if one.value is None and one.published_score is None:
        return None
    return FRAMEWORK_DATA if one.counted is None else one.counted.source
