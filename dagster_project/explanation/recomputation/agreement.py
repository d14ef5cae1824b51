"""Whether a recomputed figure is the released one: column by column, in the released tables' own names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dagster_project.explanation.recomputation.arithmetic import shown
from dagster_project.explanation.recomputation.cut_points import CutPoint
from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.explanation.recomputation.metric_score import MetricScore
from dagster_project.explanation.recomputation.standings import Standing, Standings

# A released score is one division kept to twelve places; sums of such scores differ in the last of them.
_LAST_PLACES = Fraction(1, 10**11)
# Ten thousand draws can't be redone on paper: they are set against an independent working in numpy instead.
_DRAWN = frozenset(
    f"{figure}_likely_{end}" for figure in ("average", "segment", "rank") for end in ("low", "high")
)
# Nor judged: what stamps every row, and words about a basis that is judged itself.
NOT_RECOMPUTED = _DRAWN | {"quarter", "release_id", "is_sample", "release_state", "score_basis_reason"}
Value = Fraction | int | bool | str | None


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
    return [
        Judgement(
            table,
            column,
            shown(value),
            shown(_plain(released.get(column))),
            _same(value, released.get(column)),
        )
        for column, value in recomputed.items()
    ]


def disagreements(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Those that don't agree."""
    return [one for one in judgements if not one.agrees]


def _plain(released: Any) -> Value:
    return Fraction(released) if isinstance(released, Decimal) else released


def _same(recomputed: Value, released: Any) -> bool:
    if isinstance(released, Decimal) and isinstance(recomputed, Fraction):
        return abs(recomputed - Fraction(released)) <= _LAST_PLACES
    return recomputed == released and (recomputed is None) == (released is None)


def metric_score_row(
    score: MetricScore, enters: bool, weight: Fraction, entering: Fraction
) -> dict[str, Value]:
    """The row of `metric_score` that the recomputation gives."""
    one = score.measured
    return {
        "metric_name": one.metric["metric_name"],
        "domain": one.metric["domain"],
        "value": one.value,
        "unit": one.unit,
        "period": one.period,
        "value_source": one.value_source,
        "metric_score": score.rounded,
        "metric_score_exact": score.exact,
        "admissible_score_low": score.low,
        "admissible_score_high": score.high,
        "score_basis": score.basis,
        "weight": weight,
        "enters_average": enters,
        "score_entering_average": entering,
        "rule": score.rule["rule"],
        "pool": None if score.pool is None else score.pool.name,
        "pool_size": score.size,
        "rank_in_pool": score.rank,
        "standard_met": score.standard_met,
    }


def league_table_row(standings: Standings, standing: Standing) -> dict[str, Value]:
    """The row of `league_table` that the recomputation gives."""
    rows = standings.recomputation.figures.by_organisation[standing.organisation]
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


def domain_score_row(
    standings: Standings, organisation: Organisation, domain: str
) -> dict[str, Value] | None:
    """The row of `domain_score` that the recomputation gives; None where no score is in the domain."""
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


def segment_threshold_row(cut: CutPoint) -> dict[str, Value]:
    """The row of `segment_threshold` that the recomputation gives."""
    return {"cut_point": cut.value, "threshold_basis": cut.basis}


def _largest(texts: Iterable[str | None]) -> str | None:
    """As a name that changes within a file is settled: the last by its letters."""
    return max((text for text in texts if text is not None), default=None)
