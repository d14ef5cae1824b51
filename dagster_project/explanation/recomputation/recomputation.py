"""One quarter recomputed from the archived bytes: evaluated where it is asked, shared by all its figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

from dagster_project.archive.archive import Archive
from dagster_project.explanation.recomputation.counted_cells import CountedFile, StatisticFile
from dagster_project.explanation.recomputation.counted_values import Count, count_metric, metrics_from_counts
from dagster_project.explanation.recomputation.measured import (
    Measured,
    Organisation,
    Place,
    PublishedFigures,
    measured_values,
    published_figures,
)
from dagster_project.explanation.recomputation.metric_score import (
    MetricScore,
    band_score,
    matrix_score,
    published_score,
    ranked_score,
)
from dagster_project.explanation.recomputation.pool import Pool
from dagster_project.explanation.recomputation.raw_rows import RawFile, read_raw_files
from dagster_project.explanation.recomputation.release_tables import ReleaseTables
from dagster_project.explanation.recomputation.rtt_cells import SOURCE as RTT
from dagster_project.explanation.recomputation.rtt_cells import RttFile
from dagster_project.explanation.recomputation.rules import FrameworkRules, Rule, read_rules

_RANKED = frozenset({"plain", "standard", "floor"})


class Recomputation:
    """The scores of a quarter. Nothing is read from the release but its rules and which files and rows it used."""

    def __init__(
        self, release: ReleaseTables, archive: Archive, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.release = release
        self.archive = archive
        self._tell = tell

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
                found |= {key: replace(one, counted=values[key]) for key, one in valued.items()}
            self._of_metric[metric_id] = found
        return self._of_metric[metric_id]

    @cached_property
    def _of_metric(self) -> dict[str, dict[Organisation, Measured]]:
        return {}

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
    def _counts(self) -> dict[str, dict[str, Count]]:
        return {}

    @cached_property
    def _from_counts(self) -> dict[str, Rule]:
        return metrics_from_counts(self.rules, (str(one["source"]) for one in self.extracts.values()))

    def _count(self, metric_id: str, rule: Rule) -> dict[str, Count]:
        self._tell(f"{metric_id}: adding up the counted cells of every organisation, which takes a moment")
        lineage = self.release.rows("lineage", figure=metric_id, role="input")
        return count_metric(self._statistic_file, self.extracts, self.rules, metric_id, rule, lineage)

    def _statistic_file(self, extract_id: str) -> CountedFile:
        if extract_id not in self._statistics:
            extract = self.extracts[extract_id]
            read = RttFile if extract["source"] == RTT else StatisticFile
            self._statistics[extract_id] = read(self.archive, extract)
        return self._statistics[extract_id]

    @cached_property
    def _statistics(self) -> dict[str, CountedFile]:
        return {}

    @cached_property
    def tables(self) -> frozenset[str]:
        """The tables that are loaded: those with a value or a score of a metric."""
        return frozenset(table for values in self._as_printed.values() for table, _ in values)

    def pool(self, metric_id: str, unit: str, name: str) -> Pool:
        """A pool of a ranked metric and unit."""
        key = metric_id, unit, name
        if key not in self._pools:
            values = [
                one
                for (table, _), one in self.of_metric(metric_id).items()
                if one.value is not None and one.unit == unit and self._pool_name(metric_id, table) == name
            ]
            rule = self.rules.metric_rules[metric_id, unit]
            self._pools[key] = Pool(self.rules, rule, name, values, self.tables)
        return self._pools[key]

    @cached_property
    def _pools(self) -> dict[tuple[str, str, str], Pool]:
        return {}

    def _pool_name(self, metric_id: str, table: str) -> str | None:
        rule = self.rules.pools.get((metric_id, table))
        return None if rule is None else rule["pool"]

    def score(self, organisation: Organisation, metric_id: str) -> MetricScore | None:
        """The score of an organisation on a metric; None where it has none."""
        key = organisation, metric_id
        if key not in self._scores:
            one = self.measured(organisation, metric_id)
            self._scores[key] = None if one is None else self._score(one, metric_id)
        return self._scores[key]

    @cached_property
    def _scores(self) -> dict[tuple[Organisation, str], MetricScore | None]:
        return {}

    def _score(self, one: Measured, metric_id: str) -> MetricScore | None:
        rule = self.rules.metric_rules.get((metric_id, one.unit))
        if rule is None:
            return None
        kind = rule["rule"]
        if kind == "matrix":
            planned, variance = (
                self.score(one.organisation, self.rules.matrix_inputs[axis]["input_metric_id"])
                for axis in ("planned", "variance")
            )
            return matrix_score(one, self.rules, planned, variance)
        if one.value is None:
            return published_score(one, rule)
        if kind == "band":
            return band_score(one, rule, self.rules.bands[metric_id, one.unit])
        name = self._pool_name(metric_id, one.organisation[0])
        if kind not in _RANKED or name is None:
            return None
        pool = self.pool(metric_id, one.unit, name)
        return ranked_score(pool, pool.members[one.organisation])

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
