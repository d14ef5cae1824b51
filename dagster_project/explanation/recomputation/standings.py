"""From metric scores to rank: averages, cut-points, segments, the financial override and the league table.

Pure functions of scores, rules and the publisher's summary figures. Metric scores aren't here (metric_scores).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import floor

from dagster_project.explanation.recomputation.exact import between, half_up, percentile_place, whole_numbers
from dagster_project.explanation.recomputation.measured import Measured, Organisation
from dagster_project.explanation.recomputation.metric_scores import MetricScore, MetricScores
from dagster_project.explanation.recomputation.rules import Rule

OVERALL = ""
AVERAGE, UNADJUSTED, OVERRIDE, PROGRAMME = "OF5002", "OF5003", "OF5004", "OF5007"
Published = Mapping[tuple[Organisation, str], Fraction]  # the publisher's figures by organisation and id


@dataclass(frozen=True)
class Term:
    """A score as it enters an average: `entering` is rounded to `places` where the quarter's rules say so.

    `weighted` is entering x weight.
    """

    score: MetricScore
    weight: Fraction
    entering: Fraction
    weighted: Fraction
    places: int | None


@dataclass(frozen=True)
class Average:
    """The weighted mean of at least one term."""

    terms: Sequence[Term]

    @cached_property
    def weighted_sum(self) -> Fraction:
        return sum((term.weighted for term in self.terms), Fraction(0))

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


@dataclass(frozen=True)
class Quantile:
    """A linear ("inclusive") percentile of `scores` numbers, between the one at `place` and the next.

    The place is counted from 0; `below` and `above` say whose scores stand there.
    """

    share: Fraction
    scores: int
    below: tuple[Organisation, Fraction]
    above: tuple[Organisation, Fraction]

    @property
    def place(self) -> Fraction:
        return percentile_place(self.share, self.scores)

    @property
    def value(self) -> Fraction:
        return between(self.below[1], self.above[1], self.place)


@dataclass(frozen=True)
class CutPoint:
    """The end of a segment; `value` is None where it isn't known.

    `basis` is threshold, national_quartiles or published. `quantile` is the place among all scores, `set_by`
    the organisation whose published score it is.
    """

    segment: int
    value: Fraction | None
    basis: str
    quantile: Quantile | None = None
    set_by: Organisation | None = None

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
    units = dict(zip(scores, whole_numbers(list(scores.values())), strict=True))
    ordered = sorted(scores.items(), key=lambda one: (units[one[0]], one[0]))
    found = []
    for rule in boundaries:
        share, quantile = rule.number("quantile"), None
        if share is not None and ordered:
            at = floor(percentile_place(share, len(ordered)))
            above = ordered[min(at + 1, len(ordered) - 1)]
            quantile = Quantile(share, len(ordered), ordered[at], above)
        value = None if quantile is None else quantile.value
        found.append(CutPoint(int(rule["segment"]), value, "national_quartiles", quantile))
    return found


def published_cut_points(
    boundaries: Sequence[Rule], published: Published, score_figure: str, segment_figure: str
) -> list[CutPoint]:
    """The largest published score of each published segment.

    A segment that nobody is published in ends where the one before it ends; the first ones below every score.
    Without any published segment there are no cut-points.
    """
    highest: dict[int, tuple[Fraction, Organisation]] = {}
    for (organisation, figure), segment in published.items():
        score = published.get((organisation, score_figure))
        if figure != segment_figure or score is None:
            continue
        held = highest.get(int(segment))
        if held is None or score > held[0]:
            highest[int(segment)] = score, organisation
    found: list[CutPoint] = []
    so_far: tuple[Fraction, Organisation] | None = None
    for rule in boundaries:
        segment_number = int(rule["segment"])
        held = highest.get(segment_number)
        if held is not None and (so_far is None or held[0] > so_far[0]):
            so_far = held
        value, set_by = so_far or (Fraction(0), None)
        found.append(CutPoint(segment_number, value if highest else None, "published", set_by=set_by))
    return found


def segment_of(exact: Fraction, cut_points: Iterable[CutPoint]) -> int:
    """One more than the number of cut-points that the score lies beyond."""
    return 1 + sum(cut.is_beyond(exact) for cut in cut_points)


def segment_after_override(unadjusted: int, flagged: bool, no_better_than: int) -> int:
    """The segment after the financial override, which can only make it worse."""
    return max(unadjusted, no_better_than) if flagged else unadjusted


@dataclass(frozen=True)
class Override:
    """The financial override flag: published, or derived from deficits in plan and variance, or unknown."""

    flagged: bool
    basis: str
    finances: tuple[Measured, ...]


@dataclass(frozen=True)
class Standing:
    """An organisation's line of the league table, without its rank.

    `in_programme`: the Recovery Support Programme; None where it isn't published.
    """

    organisation: Organisation
    average: Average
    unadjusted_segment: int
    override: Override
    adjusted_segment: int
    final_segment: int | None
    in_programme: bool | None

    @property
    def place(self) -> tuple[int, Fraction]:
        """What the table is ordered by."""
        return self.adjusted_segment, self.average.rounded


class Standings:
    """The league tables and domain scores of a quarter; each is worked out when it is asked for."""

    def __init__(
        self,
        scores: MetricScores,
        metrics_of: Callable[[Organisation], Iterable[str]],
        organisations: Sequence[Organisation],
        published: Published,
        tables_complete: frozenset[str] | None = None,
    ) -> None:
        """`metrics_of` lists the metrics that an organisation may have a score of. `tables_complete` are those
        whose organisations are all there; by default those in which somebody has an average."""
        self.scores = scores
        self.rules = scores.rules
        self.organisations = organisations
        self.published = published
        self._metrics_of = metrics_of
        self._tables_complete = tables_complete
        self._terms: dict[Organisation, list[tuple[str, Term]]] = {}
        self._averages: dict[tuple[Organisation, str], Average | None] = {}
        self._cut_points: dict[str, list[CutPoint]] = {}
        self._standings: dict[Organisation, Standing | None] = {}
        self._tables: dict[str, list[Standing]] = {}
        self._ranks: dict[str, dict[tuple[int, Fraction], int]] = {}

    def average(self, organisation: Organisation, domain: str = OVERALL) -> Average | None:
        """The average metric score or, with a domain, the domain score; None where no score enters it."""
        key = organisation, domain
        if key not in self._averages:
            terms = tuple(
                term for of_domain, term in self._terms_of(organisation) if domain in (OVERALL, of_domain)
            )
            self._averages[key] = Average(terms) if terms else None
        return self._averages[key]

    def _terms_of(self, organisation: Organisation) -> list[tuple[str, Term]]:
        """The scores that enter averages, each with its domain."""
        if organisation not in self._terms:
            self._terms[organisation] = [
                (metric["domain"], self.term(score))
                for metric_id in self._metrics_of(organisation)
                if (metric := self.rules.metrics[metric_id]).is_true("enters_average")
                and (score := self.scores.of(organisation, metric_id)) is not None
            ]
        return self._terms[organisation]

    def term(self, score: MetricScore) -> Term:
        """The score as it enters averages."""
        metric_id = score.measured.metric_id
        weight, places = self.rules.weight(metric_id), self.rules.enters_at_dp.get(metric_id)
        entering = score.exact if places is None else half_up(score.exact, places)
        return Term(score, weight, entering, entering if weight == 1 else entering * weight, places)

    @cached_property
    def ranked(self) -> list[Organisation]:
        """Every organisation that has an average."""
        return [one for one in self.organisations if self.average(one) is not None]

    @cached_property
    def is_every_table_loaded(self) -> bool:
        """Whether the scores are those of every organisation of every table of the framework."""
        there = self._tables_complete
        return self.rules.tables <= (frozenset(table for table, _ in self.ranked) if there is None else there)

    def cut_points(self, domain: str = OVERALL) -> list[CutPoint]:
        """The ends of all segments but the last, of the average or of a domain's score."""
        if domain not in self._cut_points:
            self._cut_points[domain] = self._find_cut_points(domain)
        return self._cut_points[domain]

    def _find_cut_points(self, domain: str) -> list[CutPoint]:
        boundaries = self.rules.boundaries["domain" if domain else "average"]
        if self.rules.segmentation_method == "thresholds":
            return thresholds(boundaries)
        if self.is_every_table_loaded:
            found = {one: self.average(one, domain) for one in self.ranked}
            return national_quartiles(boundaries, {key: one.exact for key, one in found.items() if one})
        return published_cut_points(boundaries, self.published, *self.figures_of(domain))

    def figures_of(self, domain: str) -> tuple[str, str]:
        """The publisher's ids of a score and its segment."""
        if domain == OVERALL:
            return AVERAGE, UNADJUSTED
        return self.rules.domains[domain]["score_figure"], self.rules.domains[domain]["segment_figure"]

    @property
    def threshold_basis(self) -> str:
        if self.rules.segmentation_method == "thresholds":
            return "threshold"
        return "national_quartiles" if self.is_every_table_loaded else "published"

    def segment(self, organisation: Organisation, domain: str = OVERALL) -> int | None:
        """The segment before the override, or of a domain."""
        average = self.average(organisation, domain)
        return None if average is None else segment_of(average.exact, self.cut_points(domain))

    def override(self, organisation: Organisation) -> Override:
        """The publisher's flag; without it, whether the plan or the variance shows a deficit."""
        finances = tuple(
            one
            for rule in self.rules.matrix_inputs.values()
            if (one := self.scores.measured(rule["input_metric_id"]).get(organisation))
            and one.value is not None
        )
        flag = self.published.get((organisation, OVERRIDE))
        if flag is not None:
            return Override(flag == 1, "published", finances)
        if not finances:
            return Override(False, "unknown", finances)
        in_deficit = any(one.value is not None and one.value < 0 for one in finances)
        return Override(in_deficit, "derived", finances)

    def standing(self, organisation: Organisation) -> Standing | None:
        """The organisation's line; None where it has no average."""
        if organisation not in self._standings:
            self._standings[organisation] = self._find_standing(organisation)
        return self._standings[organisation]

    def _find_standing(self, organisation: Organisation) -> Standing | None:
        average, unadjusted = self.average(organisation), self.segment(organisation)
        if average is None or unadjusted is None:
            return None
        override = self.override(organisation)
        limit = int(self.rules.parameters["override_no_better_than_segment"])
        adjusted = segment_after_override(unadjusted, override.flagged, limit)
        programme = self.published.get((organisation, PROGRAMME))
        ends = {0: adjusted, 1: int(self.rules.parameters["recovery_support_segment"])}
        return Standing(
            organisation=organisation,
            average=average,
            unadjusted_segment=unadjusted,
            override=override,
            adjusted_segment=adjusted,
            final_segment=None if programme is None else ends.get(int(programme)),
            in_programme=None if programme is None else programme == 1,
        )

    def table(self, table_name: str) -> list[Standing]:
        """Everybody in a league table, best first; equals by code."""
        if table_name not in self._tables:
            found = (self.standing(one) for one in self.organisations if one[0] == table_name)
            self._tables[table_name] = sorted(
                (one for one in found if one), key=lambda one: (one.place, one.organisation)
            )
        return self._tables[table_name]

    def rank(self, standing: Standing) -> int:
        """One more than those who are strictly better in the table; ties share the best place."""
        table_name = standing.organisation[0]
        if table_name not in self._ranks:
            ranks: dict[tuple[int, Fraction], int] = {}
            for at, one in enumerate(self.table(table_name), 1):
                ranks.setdefault(one.place, at)
            self._ranks[table_name] = ranks
        return self._ranks[table_name][standing.place]
