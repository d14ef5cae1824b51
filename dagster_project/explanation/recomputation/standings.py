"""From scores to rank: averages, segments, the financial override and the place in the league table."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from dagster_project.explanation.recomputation.averages import Average, average_of, term_of
from dagster_project.explanation.recomputation.cut_points import (
    CutPoint,
    national_quartiles,
    published_cut_points,
    segment_of,
    thresholds,
)
from dagster_project.explanation.recomputation.measured import Measured, Organisation
from dagster_project.explanation.recomputation.raw_rows import RawRow
from dagster_project.explanation.recomputation.recomputation import Recomputation

OVERALL = ""
AVERAGE, UNADJUSTED, OVERRIDE, PROGRAMME = "OF5002", "OF5003", "OF5004", "OF5007"


@dataclass(frozen=True)
class Override:
    """The financial override flag: the publisher's row, else the deficits that it is derived from."""

    flagged: bool
    basis: str
    row: RawRow | None
    finances: tuple[Measured, ...]


@dataclass(frozen=True)
class Standing:
    """An organisation's line of the league table, without its rank."""

    organisation: Organisation
    average: Average
    unadjusted_segment: int
    override: Override
    adjusted_segment: int
    final_segment: int | None
    programme: RawRow | None

    @property
    def place(self) -> tuple[int, Fraction]:
        """What the table is ordered by."""
        return self.adjusted_segment, self.average.rounded


class Standings:
    """The league tables and domain scores of a recomputed quarter."""

    def __init__(self, recomputation: Recomputation) -> None:
        self.recomputation = recomputation
        self.rules = recomputation.rules
        self._averages: dict[tuple[Organisation, str], Average | None] = {}
        self._cut_points: dict[str, list[CutPoint]] = {}
        self._standings: dict[Organisation, Standing | None] = {}
        self._tables: dict[str, list[Standing]] = {}

    def average(self, organisation: Organisation, domain: str = OVERALL) -> Average | None:
        """The average metric score or, with a domain, the domain score; None where no score enters it."""
        key = organisation, domain
        if key not in self._averages:
            self._averages[key] = average_of(
                term_of(score, self.rules.weight(metric_id), self.rules.enters_at_dp.get(metric_id))
                for metric_id in self.recomputation.metrics_of(organisation)
                if self.rules.metrics[metric_id].is_true("enters_average")
                and domain in (OVERALL, self.rules.metrics[metric_id]["domain"])
                and (score := self.recomputation.score(organisation, metric_id)) is not None
            )
        return self._averages[key]

    @cached_property
    def ranked(self) -> list[Organisation]:
        """Every organisation that has an average."""
        return [one for one in self.recomputation.organisations if self.average(one) is not None]

    @cached_property
    def is_every_table_loaded(self) -> bool:
        """Whether each table of the framework has somebody with an average."""
        organisations = self.recomputation.organisations
        return all(
            any(table == name and self.average((table, code)) is not None for table, code in organisations)
            for name in self.rules.tables
        )

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
        score, segment = self.figures_of(domain)
        return published_cut_points(boundaries, self.recomputation.figures, score, segment)

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
            if (one := self.recomputation.measured(organisation, rule["input_metric_id"]))
            and one.value is not None
        )
        row = self.recomputation.figures.of(organisation, OVERRIDE)
        if row is not None:
            return Override(row.value == 1, "published", row, finances)
        if not finances:
            return Override(False, "unknown", None, finances)
        in_deficit = any(one.value is not None and one.value < 0 for one in finances)
        return Override(in_deficit, "derived", None, finances)

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
        adjusted = max(unadjusted, limit) if override.flagged else unadjusted
        programme = self.recomputation.figures.of(organisation, PROGRAMME)
        ends = {0: adjusted, 1: int(self.rules.parameters["recovery_support_segment"])}
        return Standing(
            organisation=organisation,
            average=average,
            unadjusted_segment=unadjusted,
            override=override,
            adjusted_segment=adjusted,
            final_segment=None if programme is None else ends.get(int(programme.value)),
            programme=programme,
        )

    def table(self, table_name: str) -> list[Standing]:
        """Everybody in a league table, best first; equals by code."""
        if table_name not in self._tables:
            organisations = self.recomputation.organisations
            found = (self.standing(one) for one in organisations if one[0] == table_name)
            self._tables[table_name] = sorted(
                (one for one in found if one), key=lambda one: (one.place, one.organisation)
            )
        return self._tables[table_name]

    def rank(self, standing: Standing) -> int:
        """One more than those who are strictly better in the table; ties share the best place."""
        return 1 + sum(other.place < standing.place for other in self.table(standing.organisation[0]))
