"""A pool: who is ranked against whom on one metric, who is taken out first, and each place in the ranking.

What a place scores in the end isn't here (metric_scores).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, groupby

from dagster_project.explanation.recomputation.exact import half_up, whole_numbers
from dagster_project.explanation.recomputation.measured import Measured, Organisation
from dagster_project.explanation.recomputation.rules import FrameworkRules, Rule


@dataclass(frozen=True)
class Member:
    """A value in its pool. `key` is the value turned so that lower is better."""

    measured: Measured
    key: Fraction
    meets_standard: bool
    fails_floor: bool
    is_on_standard: bool

    @property
    def is_ranked(self) -> bool:
        return not self.meets_standard and not self.fails_floor


class Pool:
    """The values of one metric and unit whose organisations are ranked together."""

    def __init__(
        self,
        rules: FrameworkRules,
        rule: Rule,
        name: str,
        values: Iterable[Measured],
        tables_loaded: frozenset[str],
    ) -> None:
        self.rule = rule
        self.name = name
        self._scores: dict[tuple[int, int], Fraction] = {}
        self.metric = rules.metrics[rule["metric_id"]]
        self.members = {measured.organisation: _member(measured, rule) for measured in values}
        self.tables = rules.tables_of_pool(rule["metric_id"], name)
        self.tables_missing = [table for table in self.tables if table not in tables_loaded]
        self.expected = sum(rules.expected_organisations.get(table, 0) for table in self.tables)
        self.is_firm = rule.is_firm and all(
            rules.pools[rule["metric_id"], table].is_firm for table in self.tables
        )
        # The published Rank ranks values within one table, so it ranks a pool only where the two are one.
        self.is_ranked_by_publisher = len(self.tables) == 1 and self.metric["published_rank_of"] == "value"
        self.best = rule.number("score_best") or Fraction(0)
        self.worst = rule.number("score_worst") or Fraction(0)

    @property
    def is_complete(self) -> bool:
        """Whether every table that the pool draws on is loaded."""
        return not self.tables_missing

    @cached_property
    def ranked(self) -> list[Member]:
        """Those who are ranked, best first."""
        members = [one for one in self.members.values() if one.is_ranked]
        keys = whole_numbers([one.key for one in members])
        return [members[at] for at in sorted(range(len(members)), key=keys.__getitem__)]

    @cached_property
    def met_by_table(self) -> Counter[str]:
        """How many of each table meet the standard, and so are left out of the ranking."""
        return Counter(one.measured.organisation[0] for one in self.members.values() if one.meets_standard)

    @cached_property
    def on_standard(self) -> int:
        """Printed exactly on the standard, without a published score that would show which side they are on."""
        return self._on_limit if self.rule["rule"] == "standard" else 0

    @cached_property
    def on_floor(self) -> int:
        """Printed exactly on the floor, without a published score."""
        return self._on_limit if self.rule["rule"] == "floor" else 0

    @property
    def _on_limit(self) -> int:
        return sum(one.is_on_standard for one in self.members.values())

    @cached_property
    def _blocks(self) -> dict[Organisation, tuple[int, int]]:
        """Where in the ranking each one's block of equal values begins and ends (exclusive)."""
        found: dict[Organisation, tuple[int, int]] = {}
        first = 0
        for _, block in groupby(self.ranked, key=lambda one: one.key):
            equals = list(block)
            for one in equals:
                found[one.measured.organisation] = first, first + len(equals)
            first += len(equals)
        return found

    def better_than(self, member: Member) -> int:
        """How many ranked values are strictly better."""
        return self._blocks[member.measured.organisation][0]

    def tied_with(self, member: Member) -> list[Member]:
        """The ranked members whose values print the same, the member itself among them."""
        first, end = self._blocks[member.measured.organisation]
        return self.ranked[first:end]

    def places_admitted(self, member: Member) -> tuple[int, int]:
        """The first and last rank that the printed value admits: its block's; the first alone where it is exact."""
        first, end = self._blocks[member.measured.organisation]
        return first + 1, first + 1 if member.measured.printed_places is None else end

    def score_at(self, rank: int, size: int) -> Fraction:
        """lo + (hi - lo) * (r - 1) / (N - 1); a trust alone scores lo."""
        if (rank, size) not in self._scores:
            span = self.worst - self.best
            self._scores[rank, size] = (
                self.best if size <= 1 else self.best + span * Fraction(rank - 1, size - 1)
            )
        return self._scores[rank, size]

    def nearest_rank(self, score: Fraction, size: int) -> int:
        """The rank whose score lies nearest to a published one."""
        return 1 + int(half_up((score - self.best) * (size - 1) / (self.worst - self.best), 0))

    @cached_property
    def sizes_that_fit(self) -> list[int]:
        """Sizes on whose grid every published score lies; looked for only where the size isn't known."""
        ranked = len(self.ranked)
        if not ranked or (self.is_complete and not self.on_standard and not self.on_floor):
            return []
        if self.is_complete:
            sizes = range(ranked - self.on_floor, ranked + self.on_standard + 1)
        else:
            sizes = range(ranked, max(self.expected, ranked) + 1)
        scores = {
            one.measured.published_score
            for one in self.ranked
            if one.measured.published_score is not None and not one.is_on_standard
        }
        return [size for size in sizes if scores and all(self._is_on_grid(score, size) for score in scores)]

    def _is_on_grid(self, score: Fraction | None, size: int) -> bool:
        return score is not None and half_up(self.score_at(self.nearest_rank(score, size), size)) == score

    @cached_property
    def grid_size(self) -> int | None:
        """The smallest size that fits; in a complete pool without one, those who are ranked."""
        if self.sizes_that_fit:
            return self.sizes_that_fit[0]
        return len(self.ranked) if self.is_complete else None

    def neighbours(self, member: Member) -> tuple[Fraction, Fraction]:
        """The worst published score of the better values and the best of the worse: a score lies between."""
        worst_so_far, best_from_here = self._running_scores
        first, end = self._blocks[member.measured.organisation]
        return worst_so_far[first], best_from_here[end]

    @cached_property
    def _running_scores(self) -> tuple[list[Fraction], list[Fraction]]:
        """By place: the worst published score of all before it, the best of it and all after it."""
        scores = [one.measured.published_score for one in self.ranked]
        return (
            list(accumulate((self.best if s is None else s for s in scores), max, initial=self.best)),
            list(
                accumulate(
                    (self.worst if s is None else s for s in reversed(scores)), min, initial=self.worst
                )
            )[::-1],
        )


def _member(measured: Measured, rule: Rule) -> Member:
    value, standard = measured.rank_value, rule.number("standard")
    if value is None:
        raise ValueError("a value to rank")
    sign = -1 if measured.metric["better"] == "high" else 1
    key = sign * value
    if standard is None:
        return Member(measured, key, meets_standard=False, fails_floor=False, is_on_standard=False)
    limit, score, printed = sign * standard, measured.published_score, measured.printed_places is not None
    # Printed on the limit, the unrounded value may lie on either side: the published score shows which.
    on_limit = key == limit
    meets = rule["rule"] == "standard" and (
        key < limit or (on_limit and (not printed or score is None or score == rule.number("score_if_met")))
    )
    fails = rule["rule"] == "floor" and (
        key > limit
        or (on_limit and printed and score is not None and score == rule.number("score_if_failed"))
    )
    return Member(measured, key, meets, fails, printed and measured.value == standard and score is None)
