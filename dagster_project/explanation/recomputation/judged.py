"""The recomputed quarter beside its release: the judgement of every cell, in one place for tree and test."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

from dagster_project.explanation.recomputation.agreement import (
    Judgement,
    domain_score_row,
    judge,
    league_table_row,
    metric_score_row,
    segment_threshold_row,
)
from dagster_project.explanation.recomputation.exact import half_up
from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.explanation.recomputation.metric_score import MetricScore
from dagster_project.explanation.recomputation.recomputation import Recomputation
from dagster_project.explanation.recomputation.rules import FrameworkRules
from dagster_project.explanation.recomputation.standings import OVERALL, Standings

Row = dict[str, Any]


class Judged:
    """Judgements by organisation; released rows are read once per table, or only those of the code `only`."""

    def __init__(self, recomputation: Recomputation, only: str | None = None) -> None:
        self.recomputation = recomputation
        self._only = {} if only is None else {"organisation_code": only}
        self.standings = Standings(recomputation)

    @property
    def rules(self) -> FrameworkRules:
        return self.recomputation.rules

    def league_table(self, organisation: Organisation) -> list[Judgement]:
        """The cells of the organisation's line of the league table."""
        standing = self.standings.standing(organisation)
        recomputed = None if standing is None else league_table_row(self.standings, standing)
        return judge("league_table", recomputed, self.released_league_table.get(organisation))

    def metric_score(self, organisation: Organisation, metric_id: str) -> list[Judgement]:
        """The cells of a metric's score."""
        score = self.recomputation.score(organisation, metric_id)
        recomputed = None
        if score is not None:
            recomputed = metric_score_row(
                score,
                self.rules.metrics[metric_id].is_true("enters_average"),
                self.rules.weight(metric_id),
                self.entering(score),
            )
        return judge("metric_score", recomputed, self.released_metric_score.get((organisation, metric_id)))

    def entering(self, score: MetricScore) -> Fraction:
        """The score as it enters averages."""
        places = self.rules.enters_at_dp.get(score.measured.metric["metric_id"])
        return score.exact if places is None else half_up(score.exact, places)

    def domain_score(self, organisation: Organisation, domain: str) -> list[Judgement]:
        """The cells of a domain's score and segment."""
        recomputed = domain_score_row(self.standings, organisation, domain)
        return judge("domain_score", recomputed, self.released_domain_score.get((organisation, domain)))

    def cut_points(self, domain: str = OVERALL) -> list[Judgement]:
        """The cells of the cut-points of the average or of a domain's score."""
        figure, _ = self.standings.figures_of(domain)
        return [
            judgement
            for cut in self.standings.cut_points(domain)
            for judgement in judge(
                "segment_threshold",
                segment_threshold_row(cut),
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

    @cached_property
    def released_caveats(self) -> list[Row]:
        """None of a release that was made before caveats were released."""
        release = self.recomputation.release
        return release.rows("caveat", **self._only) if release.has("caveat") else []

    @cached_property
    def released_segment_threshold(self) -> dict[tuple[str, int], Row]:
        return {
            (row["figure"], row["segment"]): row
            for row in self.recomputation.release.rows("segment_threshold")
        }


def _organisation(row: Row) -> Organisation:
    return row["table_name"], row["organisation_code"]


class ByColumn:
    """Judgements that each go to the step of their figure, and none gets lost."""

    def __init__(self, judgements: Sequence[Judgement]) -> None:
        self._left = {one.column: one for one in judgements}

    def take(self, *columns: str) -> tuple[Judgement, ...]:
        return tuple(self._left.pop(column) for column in columns if column in self._left)

    def rest(self) -> tuple[Judgement, ...]:
        """Those that no step has taken."""
        return tuple(self._left.values())
