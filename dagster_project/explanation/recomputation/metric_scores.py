"""The metric scores of a quarter: from the rank in a pool, a band, the matrix, or the publisher alone.

Pure functions of values and rules. Averages aren't here (standings), nor is reading (recomputation).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from dagster_project.explanation.recomputation.exact import half_up
from dagster_project.explanation.recomputation.measured import Measured, Organisation
from dagster_project.explanation.recomputation.pool import Member, Pool
from dagster_project.explanation.recomputation.rules import FrameworkRules, Rule

RANKED = frozenset({"plain", "standard", "floor"})


@dataclass(frozen=True)
class MetricScore:
    """A recomputed score and how it came about.

    `interval` gives the lowest and highest score that the printed value admits. `way` is one of: meets the
    standard, fails the floor, publisher's rank, values, grid, end of the grid, contradicted, published, band,
    edge of a band, matrix. `rank` and `size` are those of the pool's grid.
    """

    measured: Measured
    rule: Rule
    exact: Fraction
    interval: Callable[[], tuple[Fraction, Fraction]]
    basis: str
    way: str
    pool: Pool | None = None
    member: Member | None = None
    size: int | None = None
    rank: int | None = None
    standard_met: bool | None = None
    band: Rule | None = None
    inputs: tuple[MetricScore, ...] = ()

    @cached_property
    def _admissible(self) -> tuple[Fraction, Fraction]:
        return self.interval()

    @property
    def low(self) -> Fraction:
        """The lowest admissible score."""
        return self._admissible[0]

    @property
    def high(self) -> Fraction:
        """The highest admissible score."""
        return self._admissible[1]

    @property
    def rounded(self) -> Fraction:
        """The score as it is shown, at two places."""
        return half_up(self.exact)


def ranked_score(pool: Pool, member: Member) -> MetricScore | None:
    """The score of a value that is ranked in a pool or taken out of it; None where nothing gives one."""
    return _place_in_ranking(pool, member) if member.is_ranked else _outside_ranking(pool, member)


def _outside_ranking(pool: Pool, member: Member) -> MetricScore:
    term = "score_if_met" if member.meets_standard else "score_if_failed"
    by_rule = pool.rule.number(term) or Fraction(0)
    published = member.measured.published_score
    # A published score weighs more only than a rule or pool that is itself no more than likely.
    follows = published is None or published == by_rule or pool.is_firm
    low = pool.best if member.is_on_standard and not member.meets_standard else by_rule
    high = pool.worst if member.is_on_standard else by_rule
    return MetricScore(
        measured=member.measured,
        rule=pool.rule,
        exact=by_rule if follows or published is None else published,
        interval=lambda: (low, high),
        basis="computed" if follows else "published",
        way="meets the standard" if member.meets_standard else "fails the floor",
        pool=pool,
        member=member,
        standard_met=member.meets_standard,
    )


def _place_in_ranking(pool: Pool, member: Member) -> MetricScore | None:
    published = member.measured.published_score
    way, size, rank = _way(pool, member)
    exact = published if rank is None or size is None else pool.score_at(rank, size)
    if exact is None:
        return None
    return MetricScore(
        measured=member.measured,
        rule=pool.rule,
        exact=exact,
        interval=lambda: _admissible(pool, member),
        basis=_BASIS_OF_WAY.get(way, "computed"),
        way=way,
        pool=pool,
        member=member,
        size=size,
        rank=rank,
        standard_met={"standard": False, "floor": True}.get(pool.rule["rule"]),
    )


def _way(pool: Pool, member: Member) -> tuple[str, int | None, int | None]:
    """The best way back to the score, with size and rank on its grid: the first that prints as published."""
    published = member.measured.published_score
    ranked, first = len(pool.ranked), 1 + pool.better_than(member)

    def gives(rank: int | None, size: int | None) -> bool:
        if rank is None or size is None:
            return False
        return published is None or half_up(pool.score_at(rank, size)) == published

    if pool.is_complete:
        by_publisher = rank_from_publisher(pool, member)
        if gives(by_publisher, ranked):
            return "publisher's rank", ranked, by_publisher
        if gives(first, ranked):
            return "values", ranked, first
    low, high = _admissible(pool, member)
    is_admissible = published is None or half_up(low) <= published <= half_up(high)
    if not pool.is_complete and is_admissible and published in (pool.best, pool.worst):
        return "end of the grid", None, None
    by_grid = rank_from_grid(pool, member)
    if published is not None and is_admissible and gives(by_grid, pool.grid_size):
        return "grid", pool.grid_size, by_grid
    if pool.is_complete and pool.is_firm and not is_admissible:
        return "contradicted", ranked, first
    return "published", None, None


_BASIS_OF_WAY = {"grid": "resolved", "end of the grid": "resolved", "published": "published"}


def rank_from_publisher(pool: Pool, member: Member) -> int | None:
    """The published Rank of the unrounded value less those taken out for meeting the standard.

    Only where the publisher ranks this pool, and only if the tie of the printed values admits it.
    """
    published_rank = member.measured.published_rank
    if not pool.is_ranked_by_publisher or published_rank is None:
        return None
    rank = published_rank - pool.met_by_table[member.measured.organisation[0]]
    first, last = pool.places_admitted(member)
    return rank if first <= rank <= last else None


def rank_from_grid(pool: Pool, member: Member) -> int | None:
    """The rank nearest to the published score that the values admit; None without a score or a grid."""
    published, size = member.measured.published_score, pool.grid_size
    if published is None or size is None:
        return None
    lowest, highest = 1, size
    if pool.is_complete:
        moved = max(size - len(pool.ranked), 0)
        lowest, highest = (place + moved for place in pool.places_admitted(member))
    return min(max(pool.nearest_rank(published, size), lowest), highest)


def _admissible(pool: Pool, member: Member) -> tuple[Fraction, Fraction]:
    """The scores that the printed values admit."""
    if not pool.is_complete:
        return pool.neighbours(member)
    first, last = pool.places_admitted(member)
    ranked = len(pool.ranked)
    highest = pool.score_at(last + pool.on_standard, ranked + pool.on_standard - pool.on_floor)
    return pool.score_at(first, ranked), min(pool.worst, highest)


def band_score(measured: Measured, rule: Rule, bands: Sequence[Rule]) -> MetricScore | None:
    """The score of the band that holds the value; on the edge of two, the published one of them."""
    value, published = measured.value, measured.published_score
    if value is None:
        return None
    places = measured.printed_places
    half_unit = Fraction(0) if places is None else Fraction(1, 2 * 10**places)
    holding = [band for band in bands if _holds(band, value)]
    near = [band for band in bands if _reaches(band, value, half_unit)] if half_unit else holding
    scores = [Fraction(band["score"]) for band in near]
    by_band = max((Fraction(band["score"]) for band in holding), default=None)
    admitted = published is not None and bool(scores) and min(scores) <= published <= max(scores)
    exact = published if admitted else by_band
    if exact is None:
        return None
    on_edge = admitted and by_band is not None and published != by_band
    return MetricScore(
        measured=measured,
        rule=rule,
        exact=exact,
        interval=lambda: (min(scores), max(scores)),
        basis="resolved" if on_edge else "computed",
        way="edge of a band" if on_edge else "band",
        band=next((band for band in near if Fraction(band["score"]) == exact), None),
    )


def _holds(band: Rule, value: Fraction) -> bool:
    lower, upper = band.number("lower_bound"), band.number("upper_bound")
    above = lower is None or value > lower or (band.is_true("lower_inclusive") and value == lower)
    below = upper is None or value < upper or (band.is_true("upper_inclusive") and value == upper)
    return above and below


def _reaches(band: Rule, value: Fraction, half_unit: Fraction) -> bool:
    lower, upper = band.number("lower_bound"), band.number("upper_bound")
    return (lower is None or value + half_unit >= lower) and (upper is None or value - half_unit <= upper)


def matrix_score(
    measured: Measured, rules: FrameworkRules, planned: MetricScore | None, variance: MetricScore | None
) -> MetricScore | None:
    """Combined finance: the matrix of the planned and the variance score, else what is published."""
    combined = None
    if planned is not None and variance is not None:
        combined = rules.combined_finance.get((planned.exact, variance.exact))
    exact = measured.published_score if combined is None else Fraction(combined["combined_score"])
    rule = rules.metric_rules.get((measured.metric_id, measured.unit))
    if exact is None or rule is None:
        return None
    return MetricScore(
        measured=measured,
        rule=rule,
        exact=exact,
        interval=lambda: (exact, exact),
        basis="published" if combined is None else "computed",
        way="published" if combined is None else "matrix",
        band=combined,
        inputs=tuple(score for score in (planned, variance) if score is not None),
    )


def published_score(measured: Measured, rule: Rule) -> MetricScore | None:
    """A score that is published without a value, taken as it is."""
    exact = measured.published_score
    if exact is None:
        return None
    return MetricScore(measured, rule, exact, lambda: (exact, exact), basis="published", way="published")


class MetricScores:
    """The scores of a quarter from what was measured; each is worked out when it is asked for."""

    def __init__(
        self,
        rules: FrameworkRules,
        measured: Callable[[str], Mapping[Organisation, Measured]],
        tables_loaded: frozenset[str],
    ) -> None:
        """`measured` gives the values of a metric by organisation; `tables_loaded` are those that are complete:
        the ranking of a pool that draws on another table isn't known from its values."""
        self.rules = rules
        self.measured = measured
        self._tables_loaded = tables_loaded
        self._pools: dict[tuple[str, str], dict[str, Pool]] = {}
        self._scores: dict[tuple[Organisation, str], MetricScore | None] = {}

    def pools(self, metric_id: str, unit: str) -> Mapping[str, Pool]:
        """The pools of a ranked metric and unit by name."""
        key = metric_id, unit
        if key not in self._pools:
            values: dict[str, list[Measured]] = defaultdict(list)
            for (table, _), one in self.measured(metric_id).items():
                pool = self.rules.pools.get((metric_id, table))
                if one.value is not None and one.unit == unit and pool is not None:
                    values[pool["pool"]].append(one)
            rule = self.rules.metric_rules[key]
            self._pools[key] = {
                name: Pool(self.rules, rule, name, members, self._tables_loaded)
                for name, members in values.items()
            }
        return self._pools[key]

    def of(self, organisation: Organisation, metric_id: str) -> MetricScore | None:
        """The score of an organisation on a metric; None where it has none."""
        key = organisation, metric_id
        if key not in self._scores:
            one = self.measured(metric_id).get(organisation)
            self._scores[key] = None if one is None else self._score(one)
        return self._scores[key]

    def _score(self, one: Measured) -> MetricScore | None:
        metric_id = one.metric_id
        rule = self.rules.metric_rules.get((metric_id, one.unit))
        if rule is None:
            return None
        kind = rule["rule"]
        if kind == "matrix":
            planned, variance = (
                self.of(one.organisation, self.rules.matrix_inputs[axis]["input_metric_id"])
                for axis in ("planned", "variance")
            )
            return matrix_score(one, self.rules, planned, variance)
        if one.value is None:
            return published_score(one, rule)
        if kind == "band":
            return band_score(one, rule, self.rules.bands[metric_id, one.unit])
        pool = self.rules.pools.get((metric_id, one.organisation[0]))
        if kind not in RANKED or pool is None:
            return None
        ranking = self.pools(metric_id, one.unit)[pool["pool"]]
        return ranked_score(ranking, ranking.members[one.organisation])
