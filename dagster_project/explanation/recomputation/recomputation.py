"""One quarter recomputed from the archived bytes: evaluated where it is asked, shared by all its figures.

Here what was read becomes values; scoring them isn't here (metric_scores, standings), nor comparing (judged).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.explanation.recomputation.counted_cells import CountedFile, open_counted_file
from dagster_project.explanation.recomputation.counted_values import Count, count_metric, metrics_from_counts
from dagster_project.explanation.recomputation.measured import (
    SCORE,
    VALUE,
    Measured,
    Organisation,
    score_figure,
)
from dagster_project.explanation.recomputation.metric_scores import MetricScore, MetricScores
from dagster_project.explanation.recomputation.raw_rows import (
    Place,
    PublishedFigures,
    RawFile,
    published_figures,
    read_raw_files,
)
from dagster_project.explanation.recomputation.release_tables import ReleaseTables, read_rules
from dagster_project.explanation.recomputation.rules import FrameworkRules, Rule
from dagster_project.explanation.recomputation.standings import Standings

_SUMMARY = ("OF4", "OF5")


class Recomputation:
    """The scores of a quarter. Nothing is read from the release but its rules and which files and rows it used."""

    def __init__(
        self, release: ReleaseTables, archive: Archive, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.release = release
        self.archive = archive
        self._tell = tell
        self._of_metric: dict[str, dict[Organisation, Measured]] = {}
        self._counts: dict[str, dict[str, Count]] = {}
        self._statistics: dict[str, CountedFile] = {}

    @cached_property
    def rules(self) -> FrameworkRules:
        return read_rules(self.release)

    @cached_property
    def extracts(self) -> dict[str, dict[str, Any]]:
        """The released table `extract` by extract_id."""
        return {row["extract_id"]: row for row in self.release.rows("extract")}

    @cached_property
    def files(self) -> list[RawFile]:
        return read_raw_files(self.archive, self.extracts.values(), str(self.release.quarter))

    @cached_property
    def figures(self) -> PublishedFigures:
        """The publisher's rows; lineage is asked only where several files could hold the same figure."""
        tables: dict[tuple[str, str], int] = defaultdict(int)
        for file in self.files:
            for table in {row.table_name for row in file.rows}:
                tables[file.source, table] += 1
        overlap = any(count > 1 for count in tables.values())
        return published_figures(self.files, self._used() if overlap else {})

    def _used(self) -> dict[tuple[Organisation, str], Place]:
        return {
            ((row["table_name"], row["organisation_code"]), row["figure"]): (
                row["extract_id"],
                row["source_row"],
            )
            for row in self.release.rows("lineage", role="published")
        }

    @cached_property
    def _as_printed(self) -> dict[str, dict[Organisation, Measured]]:
        """Metric -> organisation -> what was measured, values as printed."""
        return measured_values(self.figures, self.rules)

    def of_metric(self, metric_id: str) -> dict[Organisation, Measured]:
        """What was measured on a metric: values from counts where a statistic gives every one as printed."""
        if metric_id not in self._of_metric:
            found = dict(self._as_printed.get(metric_id, {}))
            valued = {key: one for key, one in found.items() if one.value is not None}
            counts = self.counts(metric_id)
            values = {key: counts[key[1]].value for key in valued if key[1] in counts}
            if counts and all(
                key in values and values[key].printed == one.value for key, one in valued.items()
            ):
                found |= {
                    key: replace(one, counted=values[key], printed_places=None) for key, one in valued.items()
                }
            self._of_metric[metric_id] = found
        return self._of_metric[metric_id]

    def measured(self, organisation: Organisation, metric_id: str) -> Measured | None:
        """What was measured of an organisation on a metric; None where the publisher has no row."""
        return self.of_metric(metric_id).get(organisation)

    def counts(self, metric_id: str) -> dict[str, Count]:
        """Organisation code -> cells and value of a metric, where a statistic of it is among the files."""
        if metric_id not in self._counts:
            rule = self._from_counts.get(metric_id)
            self._counts[metric_id] = {} if rule is None else self._count(metric_id, rule)
        return self._counts[metric_id]

    @cached_property
    def _from_counts(self) -> dict[str, Rule]:
        return metrics_from_counts(self.rules, (str(one["source"]) for one in self.extracts.values()))

    def _count(self, metric_id: str, rule: Rule) -> dict[str, Count]:
        self._tell(f"{metric_id}: adding up the counted cells of every organisation, which takes a moment")
        lineage = self.release.rows("lineage", figure=metric_id, role="input")
        return count_metric(self._statistic_file, self.extracts, self.rules, metric_id, rule, lineage)

    def _statistic_file(self, extract_id: str) -> CountedFile:
        if extract_id not in self._statistics:
            self._statistics[extract_id] = open_counted_file(self.archive, self.extracts[extract_id])
        return self._statistics[extract_id]

    @cached_property
    def scores(self) -> MetricScores:
        """The metric scores; a table counts as loaded where it has a value or a score of a metric."""
        return MetricScores(self.rules, self.of_metric, frozenset(table for table, _ in self.organisations))

    def score(self, organisation: Organisation, metric_id: str) -> MetricScore | None:
        """The score of an organisation on a metric; None where it has none."""
        return self.scores.of(organisation, metric_id)

    @cached_property
    def standings(self) -> Standings:
        """The league tables and domain scores."""
        published = {
            key: Fraction(row.value) for key, row in self.figures.rows.items() if key[1].startswith(_SUMMARY)
        }
        return Standings(self.scores, self.metrics_of, self.organisations, published)

    def metrics_of(self, organisation: Organisation) -> list[str]:
        """The metrics that an organisation has a value or a score of, in the order of the rules."""
        return [
            metric_id
            for metric_id in self.rules.metrics
            if organisation in self._as_printed.get(metric_id, {})
        ]

    @cached_property
    def organisations(self) -> list[Organisation]:
        """Everybody with a value or a score, by table and code."""
        return sorted({organisation for values in self._as_printed.values() for organisation in values})


def measured_values(
    figures: PublishedFigures, rules: FrameworkRules
) -> dict[str, dict[Organisation, Measured]]:
    """Metric -> organisation -> value and score, for each metric of the framework that it has a row of.

    The metric that a matrix makes of two others needs no row of its own.
    """
    keys = {
        (VALUE + figure[3:], organisation)
        for organisation, figure in figures.rows
        if figure[:3] in (VALUE, SCORE) and VALUE + figure[3:] in rules.metrics
    }
    matrix, inputs = rules.matrix_metric(), [rule["input_metric_id"] for rule in rules.matrix_inputs.values()]
    if matrix is not None:
        keys |= {(matrix, one) for _, one in keys if all((metric, one) in keys for metric in inputs)}
    found: dict[str, dict[Organisation, Measured]] = defaultdict(dict)
    for metric_id, organisation in sorted(keys):
        found[metric_id][organisation] = _measured(figures, rules, metric_id, organisation)
    return dict(found)


def _measured(
    figures: PublishedFigures, rules: FrameworkRules, metric_id: str, organisation: Organisation
) -> Measured:
    """The publisher's rows of value and score as values; a unit without a rule is taken for the metric's own."""
    metric = rules.metrics[metric_id]
    value, score = figures.of(organisation, metric_id), figures.of(organisation, score_figure(metric_id))
    unit = None if value is None else value.unit
    if unit is None or (metric_id, unit) not in rules.metric_rules:
        unit = metric["unit"]
    dates = (row.reporting_date for row in (value, score) if row is not None)
    return Measured(
        organisation,
        metric,
        unit,
        value=None if value is None else Fraction(value.value),
        published_score=None if score is None else Fraction(score.value),
        published_rank=None if value is None else value.published_rank,
        # A count is exact as printed.
        printed_places=None if value is not None and value.unit == "count" else metric.whole("value_dp"),
        period=next((date for date in dates if date is not None), None),
    )
