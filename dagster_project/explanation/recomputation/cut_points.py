"""Cut-points between segments: fixed thresholds, national quartiles, or the publisher's own rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from dagster_project.explanation.recomputation.exact import half_up
from dagster_project.explanation.recomputation.measured import Organisation, PublishedFigures
from dagster_project.explanation.recomputation.raw_rows import RawRow
from dagster_project.explanation.recomputation.rules import Rule


@dataclass(frozen=True)
class Quantile:
    """A linear ("inclusive") percentile of `scores` numbers, between the one at `place` and the next.

    The place is share x (scores - 1), counted from 0; `below` and `above` say whose scores stand there.
    """

    share: Fraction
    scores: int
    below: tuple[Organisation, Fraction]
    above: tuple[Organisation, Fraction]

    @property
    def place(self) -> Fraction:
        return self.share * (self.scores - 1)

    @property
    def value(self) -> Fraction:
        return self.below[1] + (self.above[1] - self.below[1]) * (self.place - floor(self.place))


@dataclass(frozen=True)
class CutPoint:
    """The end of a segment. `row` is the published score that sets it, `quantile` the place among all scores."""

    segment: int
    value: Fraction | None
    basis: str
    quantile: Quantile | None = None
    row: RawRow | None = None

    def is_beyond(self, exact: Fraction) -> bool:
        """Whether a score lies beyond: at two places against the publisher's cut-points, exactly else."""
        if self.value is None:
            return False
        return (half_up(exact) if self.basis == "published" else exact) > self.value


def thresholds(boundaries: Sequence[Rule]) -> list[CutPoint]:
    """The thresholds that the framework states."""
    return [CutPoint(int(rule["segment"]), rule.number("threshold"), "threshold") for rule in boundaries]


def national_quartiles(boundaries: Sequence[Rule], scores: Mapping[Organisation, Fraction]) -> list[CutPoint]:
    """Percentiles of every organisation's score of every table together."""
    ordered = sorted(scores.items(), key=lambda one: (one[1], one[0]))
    found = []
    for rule in boundaries:
        share, quantile = rule.number("quantile"), None
        if share is not None and ordered:
            at = floor(share * (len(ordered) - 1))
            above = ordered[min(at + 1, len(ordered) - 1)]
            quantile = Quantile(share, len(ordered), ordered[at], above)
        value = None if quantile is None else quantile.value
        found.append(CutPoint(int(rule["segment"]), value, "national_quartiles", quantile))
    return found


def published_cut_points(
    boundaries: Sequence[Rule], figures: PublishedFigures, score_figure: str, segment_figure: str
) -> list[CutPoint]:
    """The largest published score of each published segment.

    A segment that no published row holds ends where the one before it ends; the first ones below every score.
    Without any published segment there are no cut-points.
    """
    highest: dict[int, RawRow] = {}
    for organisation, segment in _rows_of(figures, segment_figure).items():
        score = figures.of(organisation, score_figure)
        held = highest.get(int(segment.value))
        if score is not None and (held is None or score.value > held.value):
            highest[int(segment.value)] = score
    found: list[CutPoint] = []
    row_so_far: RawRow | None = None
    for rule in boundaries:
        row = highest.get(int(rule["segment"]))
        if row is not None and (row_so_far is None or row.value > row_so_far.value):
            row_so_far = row
        value = Fraction(0) if row_so_far is None else Fraction(row_so_far.value)
        found.append(CutPoint(int(rule["segment"]), value if highest else None, "published", row=row_so_far))
    return found


def segment_of(exact: Fraction, cut_points: Sequence[CutPoint]) -> int:
    """One more than the number of cut-points that the score lies beyond."""
    return 1 + sum(cut.is_beyond(exact) for cut in cut_points)


def _rows_of(figures: PublishedFigures, figure: str) -> Mapping[Organisation, RawRow]:
    return {organisation: row for (organisation, name), row in figures.rows.items() if name == figure}
