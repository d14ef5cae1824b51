"""What was measured: each organisation's value and score of each metric, from the publisher's rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from dagster_project.explanation.recomputation.raw_rows import RawFile, RawRow
from dagster_project.explanation.recomputation.rules import FrameworkRules, Rule
from dagster_project.extracts.source import FRAMEWORK_DATA

Organisation = tuple[str, str]  # table and code
Place = tuple[str, int]  # extract and row


@dataclass(frozen=True)
class CountedValue:
    """A value at full precision from counts: what is ranked, how it prints, and what it was divided from."""

    source: str
    numerator: Fraction
    denominator: Fraction
    rank_value: Fraction
    printed: Fraction


@dataclass(frozen=True)
class Measured:
    """One organisation and metric. A score-only metric has no value row; an unscored one no score row."""

    organisation: Organisation
    metric: Rule
    unit: str
    value_row: RawRow | None
    score_row: RawRow | None
    counted: CountedValue | None = None

    @cached_property
    def value(self) -> Fraction | None:
        return None if self.value_row is None else Fraction(self.value_row.value)

    @cached_property
    def published_score(self) -> Fraction | None:
        return None if self.score_row is None else Fraction(self.score_row.value)

    @cached_property
    def rank_value(self) -> Fraction | None:
        """What is ranked: the value from counts, else the value as printed."""
        return self.value if self.counted is None else self.counted.rank_value

    @property
    def value_source(self) -> str | None:
        """The source of the value that is ranked; None where the publisher has no row at all."""
        if self.value_row is None and self.score_row is None:
            return None
        return FRAMEWORK_DATA if self.counted is None else self.counted.source

    @cached_property
    def printed_places(self) -> int | None:
        """Decimal places that the value is known to; None for a count and for a value from counts: exact."""
        if self.counted is not None or (self.value_row is not None and self.value_row.unit == "count"):
            return None
        return self.metric.whole("value_dp")

    @property
    def period(self) -> str | None:
        rows = (row for row in (self.value_row, self.score_row) if row is not None)
        return next((row.reporting_date for row in rows if row.reporting_date is not None), None)


@dataclass
class PublishedFigures:
    """The publisher's rows of the quarter by organisation and figure, one each.

    `by_organisation` has those of data files only, which is where names, subtypes and regions come from.
    """

    rows: dict[tuple[Organisation, str], RawRow] = field(default_factory=dict)
    by_organisation: dict[Organisation, list[RawRow]] = field(default_factory=lambda: defaultdict(list))

    def of(self, organisation: Organisation, figure: str) -> RawRow | None:
        """The row of a figure; None where the publisher has none."""
        return self.rows.get((organisation, figure))


def published_figures(
    files: Iterable[RawFile], used: Mapping[tuple[Organisation, str], Place]
) -> PublishedFigures:
    """The rows of data files, and of league tables where no data file has the figure.

    `used` may be empty where no files overlap: it decides between files only.
    """
    figures = PublishedFigures()
    from_data: set[tuple[Organisation, str]] = set()
    for file in files:
        for row in file.rows:
            key = (row.table_name, row.organisation_code), row.figure
            if file.source == FRAMEWORK_DATA:
                from_data.add(key)
            elif key in from_data:
                continue
            if key not in figures.rows or used.get(key) == (row.extract_id, row.source_row):
                figures.rows[key] = row
    for key in from_data:
        figures.by_organisation[key[0]].append(figures.rows[key])
    return figures


def measured_values(
    figures: PublishedFigures, rules: FrameworkRules
) -> dict[str, dict[Organisation, Measured]]:
    """Metric -> organisation -> value and score, for each metric of the framework that it has a row of.

    The metric that a matrix makes of two others needs no row of its own.
    """
    keys = {
        ("OF0" + figure[3:], organisation)
        for organisation, figure in figures.rows
        if figure[:3] in ("OF0", "OF1") and "OF0" + figure[3:] in rules.metrics
    }
    matrix, inputs = rules.matrix_metric(), [rule["input_metric_id"] for rule in rules.matrix_inputs.values()]
    if matrix is not None:
        keys |= {(matrix, one) for _, one in keys if all((metric, one) in keys for metric in inputs)}
    found: dict[str, dict[Organisation, Measured]] = defaultdict(dict)
    for metric_id, organisation in sorted(keys):
        value_row = figures.of(organisation, metric_id)
        unit = None if value_row is None else value_row.unit
        if unit is None or (metric_id, unit) not in rules.metric_rules:
            unit = rules.metrics[metric_id]["unit"]
        score_row = figures.of(organisation, "OF1" + metric_id[3:])
        found[metric_id][organisation] = Measured(
            organisation, rules.metrics[metric_id], unit, value_row, score_row
        )
    return dict(found)
