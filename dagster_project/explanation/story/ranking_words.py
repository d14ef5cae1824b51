"""The working of a ranked score in words and sums: rule, pool, rank, ties, grid and what the value admits."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dagster_project.explanation.recomputation.exact import decimal, equals, fixed
from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.explanation.recomputation.metric_scores import MetricScore
from dagster_project.explanation.recomputation.pool import Member, Pool
from dagster_project.explanation.recomputation.rules import Rule

_NAMED = 6


def rule_words(rule: Rule, better: str) -> str:
    """A ranked metric's rule as a sentence, with how sure it is."""
    best, worst = rule["score_best"], rule["score_worst"]
    span = f"from {_plain(best)} (best) to {_plain(worst)} (worst)"
    side = "or more" if better == "high" else "or less"
    lower = "higher" if better == "high" else "lower"
    words = f"Rule plain: all values are ranked, {lower} is better, and score {span}"
    if rule["rule"] == "standard":
        words = (
            f"Rule standard: a value of {_plain(rule['standard'])} {side} meets the standard and scores "
            f"{_plain(rule['score_if_met'])}; all others are ranked, {lower} is better, and score {span}"
        )
    if rule["rule"] == "floor":
        words = (
            f"Rule floor: a value {_beyond_floor(better)} {_plain(rule['standard'])} fails and scores "
            f"{_plain(rule['score_if_failed'])}; all others are ranked, {lower} is better, and score {span}"
        )
    return f"{words} ({certainty(rule)})"


def _beyond_floor(better: str) -> str:
    return "below" if better == "high" else "above"


def certainty(rule: Rule) -> str:
    """How sure a rule is, and where it comes from."""
    return rule.state if not rule.source else f"{rule.state}: {rule.source}"


def ranking_words(score: MetricScore) -> Iterator[str]:
    """Line by line from the pool to the score."""
    pool, member = score.pool, score.member
    if pool is None or member is None:
        return
    yield rule_words(pool.rule, pool.metric["better"])
    yield _pool_words(pool)
    if not member.is_ranked:
        yield _outside_words(score, pool, member)
    else:
        first, last = pool.places_admitted(member)
        ties = pool.tied_with(member)
        if len(ties) > 1:
            yield _tie_words(member, ties, first, last)
        yield from _rank_words(score, pool, member, first, last)
    if score.low == score.high:
        yield f"Admissible: only {equals(score.low)}"
    else:
        yield f"Admissible, given the printed values: {equals(score.low)} to {equals(score.high)}"


def _pool_words(pool: Pool) -> str:
    met = sum(one.meets_standard for one in pool.members.values())
    failed = sum(one.fails_floor for one in pool.members.values())
    taken = [f"{met} {'meets' if met == 1 else 'meet'} the standard"] * bool(met)
    taken += [f"{failed} {'fails' if failed == 1 else 'fail'} the floor"] * bool(failed)
    values = f"{len(pool.members)} {'value' if len(pool.members) == 1 else 'values'}"
    words = f"Pool {pool.name} (tables {', '.join(pool.tables)}): {values}, " + (
        f"of which {' and '.join(taken)}; {len(pool.ranked)} ranked" if taken else "all ranked"
    )
    if pool.tables_missing:
        words += f"; {', '.join(pool.tables_missing)} isn't loaded, so the size of the whole pool isn't known"
    return words


def _outside_words(score: MetricScore, pool: Pool, member: Member) -> str:
    limit = pool.rule["standard"]
    value = member.measured.rank_value or Fraction(0)
    on_limit = (
        " (printed on the limit: the published score says which side)" if value == Fraction(limit) else ""
    )
    side = _beyond_floor(pool.metric["better"])
    what = "meets the standard" if member.meets_standard else f"is {side} the floor"
    words = f"{decimal(value)} {what} of {_plain(limit)}{on_limit}: it isn't ranked and scores {equals(score.exact)}"
    if score.basis == "published":
        words += ", as published; the rule is an assumption that would give another score"
    return words


def _tie_words(member: Member, ties: list[Member], first: int, last: int) -> str:
    others = [one.measured.organisation for one in ties if one is not member]
    value = decimal(member.measured.rank_value or Fraction(0))
    named = _names(others)
    if last == first:
        return f"Ties: {value} is exact and also the value of {named}: all share rank {first}"
    return (
        f"Ties: {value} as printed is also the value of {named}: unrounded they stand somewhere in ranks {first} "
        f"to {last} of the values at hand"
    )


def _names(others: list[Organisation]) -> str:
    listed = ", ".join(code for _, code in others[:_NAMED])
    return listed if len(others) <= _NAMED else f"{listed} and {len(others) - _NAMED} more"


def _rank_words(score: MetricScore, pool: Pool, member: Member, first: int, last: int) -> Iterator[str]:
    published = member.measured.published_score
    rank, size = score.rank, score.size
    if score.way == "publisher's rank":
        met = pool.met_by_table[member.measured.organisation[0]]
        published_rank = member.measured.published_rank
        less = f" and also those that meet the standard: {published_rank} - {met} = {rank} of {size}"
        yield (
            f"Rank: the published Rank {published_rank} orders the unrounded values"
            + (less if met else f": {rank} of {size}")
        )
    elif score.way in ("values", "contradicted"):
        yield f"Rank: {first - 1} of the {size} ranked values are better: {first - 1} + 1 = {rank} of {size}"
    elif score.way == "grid" and published is not None and size is not None:
        yield from _grid_words(score, pool, published, size, first, last)
    elif score.way == "end of the grid":
        yield f"Published score {decimal(score.exact)}: an end of the grid, which is exact whatever the pool's size"
    else:
        yield f"Neither values nor grid give the published score {decimal(score.exact)}: it is taken as it is"
    if rank is not None and size is not None:
        yield f"Score: {grid_sum(pool.best, pool.worst, rank, size, score.exact)}"
    if score.way == "contradicted" and published is not None:
        yield f"The publisher says {fixed(published)}, which these values don't admit"


def _grid_words(
    score: MetricScore, pool: Pool, published: Fraction, size: int, first: int, last: int
) -> Iterator[str]:
    fitting = pool.sizes_that_fit
    if not pool.is_complete:
        others = f"; so do {', '.join(map(str, fitting[1:]))}" if len(fitting) > 1 else "; no other does"
        yield (
            f"Size: of {len(pool.ranked)} (values at hand) to {max(pool.expected, len(pool.ranked))} "
            f"(organisations expected), {size} is the smallest on whose grid all published scores lie{others}"
        )
    low, high = decimal(pool.best), decimal(pool.worst)
    place = (published - pool.best) * (size - 1) / (pool.worst - pool.best)
    yield (
        f"Rank: the published score gives 1 + ({fixed(published)} - {low}) x ({size} - 1) / ({high} - {low}) = "
        f"{equals(1 + place)}, so {score.rank} of {size}"
        + (f"; the values admit {first} to {last}" if pool.is_complete else "")
    )


def grid_sum(best: Fraction, worst: Fraction, rank: int, size: int, score: Fraction) -> str:
    """`2 + (4 - 2) x (51 - 1) / (118 - 1) = 2.854700854701`."""
    if size <= 1:
        return f"the only one that is ranked scores {decimal(best)}"
    low, high = decimal(best), decimal(worst)
    return f"{low} + ({high} - {low}) x ({rank} - 1) / ({size} - 1) = {equals(score)}"


def _plain(number: str) -> str:
    return decimal(Fraction(number)) if number else "none"
