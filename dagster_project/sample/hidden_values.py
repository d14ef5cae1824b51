"""What is true of the fictional organisations: full-precision values that persist and drift in time.

Only additions, multiplications, divisions and square roots, which every machine rounds alike.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, sqrt

from dagster_project.explanation.recomputation.exact import half_up
from dagster_project.explanation.recomputation.measured import Measured
from dagster_project.explanation.recomputation.rules import FrameworkRules
from dagster_project.quarters import Quarter
from dagster_project.sample.metric_shapes import (
    BANDS,
    Shape,
    counts_instead_of_rate,
    has_metric,
    is_island,
    on_curve,
    shape_of,
    subtype_advantage,
)
from dagster_project.sample.organisations import Organisation

FIRST_QUARTER = Quarter(2025, 1)
RATES = ("OF0048", "OF0088")
_SAFE_RATING = "OF0067"
_RELATIVE_COST = "OF0086"
_WITH_GAPS = ("OF0005", "OF0025", "OF0041", "OF0057")
_OF_QUALITY, _OF_ITS_OWN, _OF_THE_TIME = 0.40, 0.71, 0.58
_PERSISTENCE = 0.7


@dataclass(frozen=True)
class TrueQuarter:
    """What is true of one quarter before it is scored: what was measured, and who is flagged."""

    measurements: tuple[Measured, ...]
    overridden: frozenset[str]
    in_recovery: frozenset[str]


class HiddenWorld:
    """The fictional truth behind the extracts; the same seed gives the same truth, quarter by quarter."""

    def __init__(self, organisations: Sequence[Organisation], seed: int) -> None:
        self._organisations = organisations
        self._seed = seed
        self._quality = {each.code: _normal(self._chance(each.code, "quality")) for each in organisations}
        self._paths: dict[tuple[str, str], _Path] = {}

    def quarter(self, framework: FrameworkRules, quarter: Quarter) -> TrueQuarter:
        """What is true in `quarter`, of every organisation and every metric of its table."""
        measurements: list[Measured] = []
        overridden: set[str] = set()
        present = [each for each in self._organisations if each.exists_in(quarter)]
        for organisation in present:
            if organisation.table not in framework.expected_organisations:
                continue
            own = self._measure(framework, organisation, quarter)
            measurements.extend(own)
            if self._is_overridden(framework, organisation, own, quarter):
                overridden.add(organisation.code)
        in_recovery = {
            each.code for each in present if self._quality[each.code] < -1.35 and each.table != "icb"
        }
        return TrueQuarter(tuple(measurements), frozenset(overridden), frozenset(in_recovery))

    def _measure(
        self, framework: FrameworkRules, organisation: Organisation, quarter: Quarter
    ) -> list[Measured]:
        measured = []
        derived = framework.matrix_metric()
        for metric_id, tables in framework.tables_of_metric.items():
            if organisation.table not in tables or metric_id == derived:
                continue
            path = self._path(organisation, metric_id)
            subtype = organisation.subtype or organisation.table
            place = organisation.place_in_subtype
            if not has_metric(metric_id, organisation.table, subtype, place, path.draw):
                continue
            if path.is_missing(metric_id, organisation, quarter):
                continue
            goodness = path.goodness(quarter, _same_for(metric_id, organisation.table))
            goodness += self._quality[organisation.code] * _OF_QUALITY
            goodness += subtype_advantage(metric_id, organisation.subtype_in(quarter))
            measured.append(_measurement(framework, organisation, metric_id, goodness, path))
        return measured

    def _path(self, organisation: Organisation, metric_id: str) -> _Path:
        key = (organisation.code, metric_id)
        path = self._paths.get(key)
        if path is None:
            path = self._paths[key] = _Path(self._chance(organisation.code, metric_id))
        return path

    def _is_overridden(
        self,
        framework: FrameworkRules,
        organisation: Organisation,
        measured: Sequence[Measured],
        quarter: Quarter,
    ) -> bool:
        """Mostly a planned deficit or a shortfall against plan; some are flagged without, a few not with."""
        inputs = {rule["input_metric_id"] for rule in framework.matrix_inputs.values()}
        finance = [one.value for one in measured if one.metric_id in inputs]
        in_deficit = any(value is not None and value < 0 for value in finance)
        exception = self._chance(organisation.code, f"override/{quarter.financial_year}").getrandbits(10)
        return exception >= 70 if in_deficit else exception < 50

    def _chance(self, *of: str) -> random.Random:
        return random.Random("/".join((str(self._seed), *of)))


class _Path:
    """How one organisation does on one metric in time: a level, a drift, and a disturbance that fades."""

    def __init__(self, chance: random.Random) -> None:
        self.draw = chance.getrandbits(32) % 1000
        self._missing = chance.getrandbits(64)
        self._size = chance.getrandbits(32)
        self._level = _normal(chance)
        self._drift = _normal(chance) * 0.05 + 0.02
        self._disturbances = [_normal(chance)]
        self._chance = chance

    def goodness(self, quarter: Quarter, same_for: str) -> float:
        """Higher is better, in standard deviations; without the organisation's quality and subtype."""
        epoch = _epoch(quarter, same_for)
        while len(self._disturbances) <= epoch:
            fresh = _normal(self._chance) * sqrt(1 - _PERSISTENCE * _PERSISTENCE)
            self._disturbances.append(self._disturbances[-1] * _PERSISTENCE + fresh)
        return self._level * _OF_ITS_OWN + self._disturbances[epoch] * _OF_THE_TIME + self._drift * epoch

    def size(self, lowest: int, highest: int) -> int:
        return lowest + self._size % (highest - lowest + 1)

    def is_missing(self, metric_id: str, organisation: Organisation, quarter: Quarter) -> bool:
        """Whether a metric that the organisation has isn't there in one quarter."""
        number = _epoch(quarter, "quarter")
        if metric_id == _RELATIVE_COST:
            return number == 0 and organisation.subtype == "Community" and organisation.place_in_subtype == 3
        if metric_id == _SAFE_RATING:
            # inspected in the two years before: a rating comes in during some quarter and lapses later
            return not 0 <= number - (self._missing % 72 - 8) < 8
        return metric_id in _WITH_GAPS and (self._missing >> (6 * (number % 10))) % 64 == 0


def _same_for(metric_id: str, table: str) -> str:
    if metric_id in BANDS:
        return {"OF0046": "quarter", _SAFE_RATING: "rating"}.get(metric_id, "survey")
    return shape_of(metric_id, table).same_for


def _epoch(quarter: Quarter, same_for: str) -> int:
    """How often a metric has changed since the first quarter."""
    number = (quarter.start_year - FIRST_QUARTER.start_year) * 4 + quarter.number - FIRST_QUARTER.number
    return {"quarter": number, "year": number // 4, "survey": (number + 1) // 4, "rating": 0}[same_for]


def _measurement(
    framework: FrameworkRules, organisation: Organisation, metric_id: str, goodness: float, path: _Path
) -> Measured:
    metric = framework.metrics[metric_id]
    table, unit = organisation.table, metric["unit"]
    who = (table, organisation.code)
    if metric_id in BANDS:
        return Measured(who, metric, unit, published_score=_band(metric_id, goodness))
    better_up = 1 if metric["better"] == "high" else -1
    shape = shape_of(metric_id, table)
    raw = on_curve(shape.curve, goodness * better_up)
    if metric_id in RATES:
        if counts_instead_of_rate(organisation.subtype, organisation.place_in_subtype):
            unit, exact = "count", Fraction(max(floor((raw - 0.7) * 2.4), 0))
        else:
            smallest, largest = (8, 30) if organisation.subtype == "Acute - Specialist" else (40, 240)
            exact = cases_over_threshold(raw, path.size(smallest, largest), framework, metric_id)
    else:
        exact = away_from_boundaries(_on_grid(raw, shape), framework, metric_id, unit)
    if is_island(organisation.subtype, organisation.place_in_subtype) and metric_id == "OF0017":
        exact = min(exact, Fraction(2987, 100))
    return Measured(who, metric, unit, value=exact)


def _band(metric_id: str, goodness: float) -> Fraction:
    # the share of a normal variable below `goodness`, near enough: x / sqrt(c + x^2) instead of the integral
    share_better = 500 - 500 * goodness / sqrt(1.9 + goodness * goodness)
    score = next(
        (score for score, upper in BANDS[metric_id] if share_better < upper), BANDS[metric_id][-1][0]
    )
    return Fraction(score)


def _on_grid(raw: float, shape: Shape) -> Fraction:
    kept = min(max(raw, shape.lowest), shape.highest)
    return Fraction(floor(kept * shape.steps + 0.5), shape.steps)


def cases_over_threshold(raw: float, threshold: int, framework: FrameworkRules, metric_id: str) -> Fraction:
    """Cases over the trust's threshold; exactly the standard where it would print as the standard."""
    rate = Fraction(floor(raw * threshold + 0.5), threshold)
    standard = framework.metric_rules[metric_id, "rate"].number("standard")
    places = framework.metrics[metric_id].whole("value_dp")
    if standard is not None and places is not None and half_up(rate, places) == standard:
        return standard
    return rate


def away_from_boundaries(value: Fraction, framework: FrameworkRules, metric_id: str, unit: str) -> Fraction:
    """A value that isn't a standard, floor or band's bound is never printed as one."""
    places = framework.metrics[metric_id].whole("value_dp")
    if places is None:
        return value
    bounds = [framework.metric_rules[metric_id, unit].number("standard")]
    bounds += [
        band.number(bound)
        for band in framework.bands.get((metric_id, unit), ())
        for bound in ("lower_bound", "upper_bound")
    ]
    for bound in bounds:
        if bound is not None and value != bound and half_up(value, places) == bound:
            step = Fraction(1, 10**places)
            return value + step if value > bound else value - step
    return value


def _normal(chance: random.Random) -> float:
    """Nearly normal: the sum of twelve even draws, so that nothing depends on a machine's logarithm."""
    drawn = chance.randbytes(24)
    return (256 * sum(drawn[::2]) + sum(drawn[1::2])) / 65536 - 6.0
