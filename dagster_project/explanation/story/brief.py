"""An organisation's place in ten lines: how sure it is, what made it, what changed, what would change it.

Ranks, averages, effects and distances are recomputed; likely ranges, movement and steps are the release's. Everything
beneath them is in the tree (organisation_branch).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dagster_project.explanation.recomputation.exact import decimal, fixed, half_up
from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.explanation.recomputation.release_tables import ReleaseTables
from dagster_project.explanation.recomputation.standings import CutPoint, Standing
from dagster_project.layout import NARROW, shortened
from dagster_project.typed_names import TABLES

_AVERAGE = "average_metric_score"
_DOWN, _UP = "Pulled down", "Pulled up"
_TEXT = NARROW - len(_DOWN) - len("  ")
_LINES_FOR_EFFECTS = 4
# Half of all names start so, and none is told from another by it.
_SHARE = re.compile(r"^Percentage of (patients |people )?")
_CHANCE = {
    "within_chance": ", within chance",
    "beyond_chance": ", beyond chance",
    "unclear": ", perhaps by chance",
}


@dataclass(frozen=True)
class Effect:
    """What a metric does to the average: the average less what it would be without the metric. Positive is worse."""

    metric_id: str
    metric_name: str
    metric_score: str
    effect: str


@dataclass(frozen=True)
class Change:
    """Against the quarter before: rank and average, whether chance alone could do that, and the metric that moved
    the average most."""

    quarter_before: str
    rank_before: int
    average_before: str
    verdict: str | None
    metric_id: str | None
    metric_name: str | None
    metric_change: str | None


@dataclass(frozen=True)
class SmallestStep:
    """The smallest change of one metric's value that reaches a better segment alone."""

    metric_id: str
    metric_name: str | None
    value: str
    value_needed: str
    unit: str


@dataclass(frozen=True)
class NextSegment:
    """What would bring the next better segment before the override; no `step` where no metric does it alone."""

    segment: int
    average_needed: str
    improvement_needed: str
    step: SmallestStep | None


@dataclass(frozen=True)
class Brief:
    """Numbers as text as they are shown; likely ranges are None where the release has none."""

    table_name: str
    quarter: str
    rank: int
    organisations_in_table: int
    rank_likely: tuple[int, int] | None
    average: str
    average_likely: tuple[str, str] | None
    metric_count: int
    adjusted_segment: int
    unadjusted_segment: int
    segment_likely: tuple[int, int] | None
    is_flagged: bool
    flag_basis: str
    override_limit: int
    pulled_down: tuple[Effect, ...]
    pulled_up: tuple[Effect, ...]
    change: Change | None
    next_segment: NextSegment | None

    @property
    def override_holds(self) -> bool:
        """Whether no average brings a better segment than the override leaves."""
        return self.is_flagged and self.unadjusted_segment <= self.override_limit


def brief_of(judged: Judged, standing: Standing) -> Brief:
    """The ten lines of an organisation that has a place, as values."""
    release, organisation = judged.recomputation.release, standing.organisation
    row = judged.released_league_table.get(organisation, {})
    effects = _effects(standing)
    return Brief(
        table_name=organisation[0],
        quarter=str(release.quarter),
        rank=judged.standings.rank(standing),
        organisations_in_table=len(judged.standings.table(organisation[0])),
        rank_likely=_range(row, "rank"),
        average=fixed(standing.average.exact),
        average_likely=_range(row, "average"),
        metric_count=len(standing.average.terms),
        adjusted_segment=standing.adjusted_segment,
        unadjusted_segment=standing.unadjusted_segment,
        segment_likely=_range(row, "segment"),
        is_flagged=standing.override.flagged,
        flag_basis=standing.override.basis,
        override_limit=int(judged.rules.parameters["override_no_better_than_segment"]),
        pulled_down=tuple(one for one in effects if not one.effect.startswith(("-", "0.00"))),
        pulled_up=tuple(one for one in reversed(effects) if one.effect.startswith("-")),
        change=_change(judged, organisation),
        next_segment=_next_segment(judged, standing),
    )


def _range(row: Mapping[str, Any], of: str) -> tuple[Any, Any] | None:
    low, high = row.get(f"{of}_likely_low"), row.get(f"{of}_likely_high")
    if low is None or high is None:
        return None
    return (str(low), str(high)) if isinstance(low, Decimal) else (low, high)


def _effects(standing: Standing) -> list[Effect]:
    """Of every metric in the average, the worst first; none where it is the only one."""
    average = standing.average
    found = []
    for term in average.terms:
        if average.weights == term.weight:
            continue
        without = (average.weighted_sum - term.weighted) / (average.weights - term.weight)
        found.append((average.exact - without, term.score))
    found.sort(key=lambda one: (-one[0], one[1].measured.metric_id))
    return [
        Effect(
            metric_id=score.measured.metric_id,
            metric_name=score.measured.metric["metric_name"],
            metric_score=fixed(score.exact),
            effect=_without_sign_of_zero(fixed(effect)),
        )
        for effect, score in found
    ]


def _without_sign_of_zero(text: str) -> str:
    return "0.00" if text == "-0.00" else text


def _change(judged: Judged, organisation: Organisation) -> Change | None:
    """None where the quarter before isn't released, or the organisation wasn't in it."""
    release = judged.recomputation.release
    totals = {
        row["measure"]: row
        for row in _released(release, "movement_total", organisation)
        if row["measure"] in ("rank", _AVERAGE) and not row["is_in"] and not row["is_out"]
    }
    if totals.keys() != {"rank", _AVERAGE}:
        return None
    average, rank = totals[_AVERAGE], totals["rank"]
    verdicts = {
        row["measure"]: row["verdict"] for row in _released(release, "movement_beyond_chance", organisation)
    }
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for row in _released(release, "movement", organisation):
        if row["measure"] == _AVERAGE and row["metric_id"] is not None:
            moved[row["metric_id"]] += row["change"]
    most = min(moved, key=lambda metric: (-abs(moved[metric]), metric), default=None)
    return Change(
        quarter_before=average["quarter_before"],
        rank_before=int(rank["figure_before"]),
        average_before=fixed(Fraction(average["figure_before"])),
        verdict=verdicts.get("rank"),
        metric_id=most,
        metric_name=None if most is None else _name_of(judged, most),
        metric_change=None if most is None else _without_sign_of_zero(fixed(Fraction(moved[most]))),
    )


def _name_of(judged: Judged, metric_id: str) -> str | None:
    """None of a metric that this quarter's framework doesn't know any more."""
    rule = judged.rules.metrics.get(metric_id)
    return None if rule is None else rule["metric_name"]


def _next_segment(judged: Judged, standing: Standing) -> NextSegment | None:
    """None in the best segment, and where its end isn't known."""
    better = [cut for cut in judged.standings.cut_points() if cut.segment == standing.unadjusted_segment - 1]
    if not better or better[0].value is None:
        return None
    needed = better[0].value
    steps = [
        row
        for row in _released(judged.recomputation.release, "metric_step", standing.organisation)
        if row["step_rank"] == 1 and row["value_needed"] is not None
    ]
    average = standing.average.rounded if _at_two_places(better[0]) else standing.average.exact
    return NextSegment(
        segment=better[0].segment,
        average_needed=fixed(needed),
        improvement_needed=fixed(average - needed),
        step=_step(judged, steps[0]) if steps else None,
    )


def _step(judged: Judged, row: Mapping[str, Any]) -> SmallestStep:
    return SmallestStep(
        metric_id=row["metric_id"],
        metric_name=_name_of(judged, row["metric_id"]),
        value=decimal(half_up(Fraction(row["value"]))),
        value_needed=decimal(half_up(Fraction(row["value_needed"]))),
        unit=row["unit"],
    )


def _at_two_places(cut: CutPoint) -> bool:
    return cut.basis == "published"


def _released(release: ReleaseTables, table: str, organisation: Organisation) -> list[dict[str, Any]]:
    """The organisation's rows; none of a release that was made without the table."""
    if not release.has(table):
        return []
    return release.rows(table, table_name=organisation[0], organisation_code=organisation[1])


def as_json(brief: Brief) -> dict[str, Any]:
    """The brief as plain JSON values."""
    return {**asdict(brief), "override_holds": brief.override_holds}


def brief_lines(brief: Brief) -> list[tuple[str, str]]:
    """Label and text of nine lines, each narrow enough for its label to stand before it."""
    lines = [
        ("Place", _place(brief)),
        ("Segment", _segment(brief)),
        ("Average", _average(brief)),
        *_pulls(brief),
        *_changed(brief),
        ("Next", _next(brief)),
    ]
    return [(label, shortened(text, _TEXT)) for label, text in lines]


def _place(brief: Brief) -> str:
    where = TABLES.get(brief.table_name, brief.table_name)
    return f"{brief.rank} of {brief.organisations_in_table} {where} in {brief.quarter}{_likely(brief.rank_likely)}"


def _likely(found: tuple[Any, Any] | None) -> str:
    if found is None:
        return ""
    low, high = found
    return f", likely {low}" if low == high else f", likely {low} to {high}"


def _segment(brief: Brief) -> str:
    return f"{brief.adjusted_segment}{_likely(brief.segment_likely)}; {_override(brief)}"


def _override(brief: Brief) -> str:
    if not brief.is_flagged:
        unsure = " (no flag is published)" if brief.flag_basis == "unknown" else ""
        return f"no financial override{unsure}"
    if brief.adjusted_segment != brief.unadjusted_segment:
        return f"the financial override holds it there, else {brief.unadjusted_segment}"
    return "flagged, but the override changes nothing"


def _average(brief: Brief) -> str:
    return (
        f"{brief.average} of {brief.metric_count} metrics, 1 best to 4 worst{_likely(brief.average_likely)}"
    )


def _pulls(brief: Brief) -> Iterator[tuple[str, str]]:
    """Two metrics either way, or fewer where the change needs a line."""
    up_lines = 2 if brief.change is None else 1
    down, up = brief.pulled_down[:2], brief.pulled_up[:up_lines]
    for label, effects in ((_DOWN, down), (_UP, up)):
        for at, one in enumerate(effects):
            yield "" if at else label, _pull(one)


def _pull(one: Effect) -> str:
    sign = "" if one.effect.startswith("-") else "+"
    before = f"{sign}{one.effect} {one.metric_id} ({one.metric_score}) "
    return before + _short(one.metric_name, _TEXT - len(before))


def _short(metric_name: str, width: int) -> str:
    return shortened(_SHARE.sub("% ", metric_name), width)


def _changed(brief: Brief) -> Iterator[tuple[str, str]]:
    change = brief.change
    if change is None:
        yield "Changed", "not told: no quarter before in which it has a place is released"
        return
    chance = "" if change.verdict is None else _CHANCE.get(change.verdict, "")
    yield (
        "Changed",
        f"from rank {change.rank_before}, average {change.average_before}, in {change.quarter_before}{chance}",
    )
    if change.metric_id is not None and change.metric_change is not None:
        sign = "" if change.metric_change.startswith("-") else "+"
        before = f"most by {change.metric_id}, {sign}{change.metric_change}: "
        yield "", before + _short(change.metric_name or "", _TEXT - len(before))


def _next(brief: Brief) -> str:
    coming = brief.next_segment
    if brief.override_holds:
        return f"no average brings it out of segment {brief.adjusted_segment} while it is flagged"
    if coming is None:
        return "it is in the best segment that there is"
    start = f"segment {coming.segment} from {coming.average_needed} ({coming.improvement_needed} better): "
    if coming.step is None:
        return start + "no metric does it alone"
    return start + f"{coming.step.metric_id} {coming.step.value} to {coming.step.value_needed} does"


def effect_notice(shown: Sequence[tuple[str, str]]) -> str:
    """What the signed numbers mean, where there are any."""
    if not any(label in (_DOWN, _UP) for label, _ in shown):
        return ""
    return "+0.01: so much lower, which is better, the average would be without the metric."
