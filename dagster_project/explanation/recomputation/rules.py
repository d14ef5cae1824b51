"""The rules of a framework as plain values.

Where they are read from isn't here (release_tables), nor how they are applied (pool, metric_scores, standings).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TypeVar

FIRM = frozenset({"stated", "verified"})
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Rule:
    """One row of rules: its terms as text (empty where it has none), how sure it is, where it comes from."""

    terms: Mapping[str, str]
    state: str
    source: str | None

    def __getitem__(self, term: str) -> str:
        return self.terms[term]

    def number(self, term: str) -> Fraction | None:
        """The term as an exact number; None where it is empty."""
        return _number(self.terms[term])

    def whole(self, term: str) -> int | None:
        """The term as a whole number; None where it is empty."""
        value = self.number(term)
        return None if value is None else int(value)

    def is_true(self, term: str) -> bool:
        """Whether a term of yes or no says yes."""
        return self.terms[term] == "true"

    @property
    def is_firm(self) -> bool:
        """Whether the publisher states the rule or its files verify it."""
        return self.state in FIRM


@dataclass(frozen=True)
class FrameworkRules:
    """The rules of the quarter's framework, by what they are about. Keys are the publisher's ids."""

    framework: str
    quarter: str
    segmentation_method: str
    domains: Mapping[str, Rule]
    metrics: Mapping[str, Rule]
    metric_rules: Mapping[tuple[str, str], Rule]
    pools: Mapping[tuple[str, str], Rule]
    bands: Mapping[tuple[str, str], list[Rule]]
    combined_finance: Mapping[tuple[Fraction, Fraction], Rule]
    matrix_inputs: Mapping[str, Rule]
    enters_at_dp: Mapping[str, int]
    boundaries: Mapping[str, list[Rule]]
    expected_organisations: Mapping[str, int]
    parameters: Mapping[str, Fraction]
    tables_of_metric: Mapping[str, tuple[str, ...]]
    statistics: Mapping[str, list[Rule]]
    measures: Mapping[tuple[str, str], Rule]

    @property
    def tables(self) -> frozenset[str]:
        """The league tables of the framework."""
        return frozenset(table for tables in self.tables_of_metric.values() for table in tables)

    def tables_of_pool(self, metric_id: str, pool: str) -> list[str]:
        """The tables that a metric's pool draws on."""
        return sorted(
            table
            for (metric, table), rule in self.pools.items()
            if metric == metric_id and rule["pool"] == pool
        )

    def matrix_metric(self) -> str | None:
        """The metric that is scored by the matrix of two others; None where there is none."""
        return next((rule["metric_id"] for rule in self.matrix_inputs.values()), None)

    def weight(self, metric_id: str) -> Fraction:
        """A metric's weight in averages."""
        metric = self.metrics[metric_id]
        return _ratio(metric["weight_numerator"], metric["weight_denominator"])


def framework_rules(framework: str, quarter: str, by_table: Mapping[str, Sequence[Rule]]) -> FrameworkRules:
    """The rules that apply in a quarter, from the rows of the framework by the name of their table (a seed's)."""
    found = defaultdict(list, by_table)
    return FrameworkRules(
        framework=framework,
        quarter=quarter,
        segmentation_method=found["framework"][0]["segmentation_method"],
        domains=_by(found["domain"], "domain"),
        metrics=_by(found["metric"], "metric_id"),
        metric_rules={(rule["metric_id"], rule["unit"]): rule for rule in found["metric_rule"]},
        pools={(rule["metric_id"], rule["table_name"]): rule for rule in found["metric_pool"]},
        bands=_grouped(
            ((rule["metric_id"], rule["unit"]), rule)
            for rule in found["rule_band"]
            if rule["band_kind"] == "value"
        ),
        combined_finance={
            (Fraction(rule["planned_score"]), Fraction(rule["variance_score"])): rule
            for rule in found["combined_finance"]
        },
        matrix_inputs=_by(found["matrix_input"], "axis"),
        enters_at_dp={
            rule["metric_id"]: int(rule["enters_at_dp"])
            for rule in found["enters_at_dp"]
            if rule["quarter"] == quarter and rule["enters_at_dp"]
        },
        boundaries={
            kind: sorted(
                (rule for rule in found["segment_boundary"] if rule["applies_to"] == kind),
                key=lambda rule: int(rule["segment"]),
            )
            for kind in ("average", "domain")
        },
        expected_organisations={
            rule["table_name"]: int(rule["organisations"])
            for rule in found["expected_organisations"]
            if rule["organisations"] and rule["from_quarter"] <= quarter <= rule["to_quarter"]
        },
        parameters={
            rule["parameter"]: Fraction(rule["value"])
            for rule in found["framework_parameter"]
            if rule["value"]
        },
        tables_of_metric={
            metric_id: tuple(rule["table_name"] for rule in rules)
            for metric_id, rules in _grouped(
                (rule["metric_id"], rule) for rule in found["metric_applicability"]
            ).items()
        },
        statistics=_grouped((rule["metric_id"], rule) for rule in found["metric_statistic"]),
        measures={
            (rule["metric_id"], rule["measure"] + " " + rule["part"]): rule
            for rule in found["metric_statistic_measure"]
        },
    )


@cache
def _number(text: str) -> Fraction | None:
    return Fraction(text) if text else None


@cache
def _ratio(numerator: str, denominator: str) -> Fraction:
    return Fraction(int(numerator), int(denominator))


def _by(rules: Iterable[Rule], term: str) -> dict[str, Rule]:
    return {rule[term]: rule for rule in rules}


def _grouped(rules: Iterable[tuple[Key, Rule]]) -> dict[Key, list[Rule]]:
    found: dict[Key, list[Rule]] = defaultdict(list)
    for key, rule in rules:
        found[key].append(rule)
    return found
