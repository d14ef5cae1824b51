"""The sample's one revision: what the acute table said of a quarter before it was re-issued."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from dagster_project.explanation.recomputation.measured import Measured
from dagster_project.explanation.recomputation.rules import FrameworkRules
from dagster_project.quarters import Quarter
from dagster_project.sample.hidden_values import TrueQuarter, away_from_boundaries
from dagster_project.sample.scored_quarter import OrganisationScore, ScoredQuarter, score_quarter

REVISED_QUARTER = Quarter(2025, 3)
REVISED_TABLE = "acute"
RE_ISSUE = "-v2"
# a metric whose scores hang together, and one whose score is a trust's own: (metric, trusts, largest change)
_CHANGED = (("OF0010", 3, 3), ("OF0081", 1, 2))
_ATTEMPTS = 400


def score_truth(framework: FrameworkRules, truth: TrueQuarter) -> ScoredQuarter:
    """Scores what is true of a quarter."""
    return score_quarter(
        framework, truth.measurements, overridden=truth.overridden, in_recovery=truth.in_recovery
    )


def before_revision(
    framework: FrameworkRules, quarter: Quarter, truth: TrueQuarter, final: ScoredQuarter, seed: int
) -> ScoredQuarter:
    """The scores of the first issue, with a few values of the revised table still wrong.

    Pools and quartiles join the tables, and the other tables aren't re-issued: only values are taken that
    leave every figure of theirs as it is. Raises RuntimeError when no attempt finds such values.
    """
    for attempt in range(_ATTEMPTS):
        chance = random.Random(f"{seed}/revision/{attempt}")
        wrong = _wrong_values(framework, truth, chance)
        scored = score_truth(framework, replace(truth, measurements=wrong))
        if _others(scored) == _others(final) and _differs(scored, final):
            return scored
    raise RuntimeError(f"no revision of {REVISED_TABLE} in {quarter} leaves the other tables as they are")


def _wrong_values(
    framework: FrameworkRules, truth: TrueQuarter, chance: random.Random
) -> tuple[Measured, ...]:
    measurements = list(truth.measurements)
    for metric_id, trusts, largest in _CHANGED:
        places = [
            place
            for place, each in enumerate(measurements)
            if each.metric_id == metric_id and each.organisation[0] == REVISED_TABLE and each.value
        ]
        for _ in range(trusts):
            place = places[chance.getrandbits(32) % len(places)]
            old = truth.measurements[place]
            change = Fraction(chance.getrandbits(32) % (largest * 100_000), 100_000) + Fraction(1, 2)
            sign = 1 if chance.getrandbits(1) else -1
            value = (old.value or Fraction(0)) + sign * change
            exact = away_from_boundaries(value, framework, metric_id, old.unit)
            measurements[place] = replace(old, value=exact)
    return tuple(measurements)


def _others(scored: ScoredQuarter) -> Mapping[str, OrganisationScore]:
    return {code: each for code, each in scored.organisations.items() if each.table != REVISED_TABLE}


def _differs(scored: ScoredQuarter, final: ScoredQuarter) -> bool:
    """Whether at least one trust's place in the revised table moves."""
    return any(each.rank != final.organisations[code].rank for code, each in scored.organisations.items())
