"""Averages: the weighted mean of an organisation's scores, overall and within a domain, term by term."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from dagster_project.explanation.recomputation.exact import half_up
from dagster_project.explanation.recomputation.metric_score import MetricScore


@dataclass(frozen=True)
class Term:
    """A score as it enters an average: `entering` is rounded to `places` where the quarter's rules say so."""

    score: MetricScore
    weight: Fraction
    entering: Fraction
    places: int | None


@dataclass(frozen=True)
class Average:
    """A mean of at least one term."""

    terms: Sequence[Term]

    @cached_property
    def weighted_sum(self) -> Fraction:
        return sum((term.entering * term.weight for term in self.terms), Fraction(0))

    @cached_property
    def weights(self) -> Fraction:
        return sum((term.weight for term in self.terms), Fraction(0))

    @cached_property
    def exact(self) -> Fraction:
        return self.weighted_sum / self.weights

    @cached_property
    def rounded(self) -> Fraction:
        """At two places, rounded once."""
        return half_up(self.exact)


def average_of(terms: Iterable[Term]) -> Average | None:
    """The average of the terms; None where there are none."""
    found = tuple(terms)
    return Average(found) if found else None


def term_of(score: MetricScore, weight: Fraction, places: int | None) -> Term:
    """The score as it enters averages."""
    return Term(score, weight, score.exact if places is None else half_up(score.exact, places), places)
