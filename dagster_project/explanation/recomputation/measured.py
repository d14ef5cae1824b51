"""What was measured: an organisation's value and published score of one metric, as plain values.

Where they were read from isn't here (raw_rows, counted_cells), nor what they score (metric_scores).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from dagster_project.explanation.recomputation.rules import Rule

Organisation = tuple[str, str]  # table and code

VALUE, SCORE = "OF0", "OF1"  # how the publisher's ids of a metric's value and score begin


def score_figure(metric_id: str) -> str:
    """The publisher's id of a metric's score: OF1010 for OF0010."""
    return SCORE + metric_id[len(VALUE) :]


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
    """One organisation and metric. A score-only metric has no value; an unscored one no published score.

    `published_rank` is the value's rank within its table as published. `printed_places` are the decimal places
    that the value is known to; None where it is exact.
    """

    organisation: Organisation
    metric: Rule
    unit: str
    value: Fraction | None = None
    published_score: Fraction | None = None
    published_rank: int | None = None
    printed_places: int | None = None
    period: str | None = None
    counted: CountedValue | None = None

    @property
    def metric_id(self) -> str:
        return self.metric["metric_id"]

    @property
    def rank_value(self) -> Fraction | None:
        """What is ranked: the value from counts, else the value itself."""
        return self.value if self.counted is None else self.counted.rank_value
