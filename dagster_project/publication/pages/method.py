"""How the tables come about: method with a worked example, glossary, assumptions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from dagster_project.documents.rule_words import STATE_MEANS
from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.rendering import Produced, page
from dagster_project.publication.rules import SaidRule, rules_of

Row = Mapping[str, Any]
_GLOSSARY = Path(__file__).parents[1] / "glossary.yml"
_TWELVE_PLACES = Fraction(1, 10**12)
_SEGMENTATION = {
    "quartiles": "In the newest quarter the best quarter of all averages is segment 1, the next quarter segment 2, and "
    "so on, over all league tables together.",
    "thresholds": "In the newest quarter segments end at fixed averages.",
}
# What the tables of rules are about, in the order in which readers need them.
RULES_ABOUT = {
    "framework": "The framework itself",
    "metric": "What a metric is",
    "metric_applicability": "Whom a metric applies to",
    "metric_rule": "How a value becomes a score",
    "rule_band": "Bands of values",
    "metric_pool": "Who is ranked together",
    "matrix_input": "Scores made of two others",
    "combined_finance": "The score of finance",
    "enters_at_dp": "Rounding before averaging",
    "domain": "Domains",
    "segment_boundary": "Where segments end",
    "framework_parameter": "Numbers of the framework",
    "average_tolerance": "How far an average may differ from the published one",
    "expected_organisations": "How many organisations there are",
    "metric_statistic": "Values counted from other statistics",
    "metric_statistic_measure": "What is counted",
    "known_difference": "Where values from counts may differ",
    "likely_range_parameter": "Likely ranges",
    "insight_parameter": "Charts and remarks",
    "policy": "What follows from a segment",
}


def of_all(contents: Contents) -> Iterator[Produced]:
    """The pages about the method."""
    newest = contents.newest
    yield page(
        "method.html.j2",
        addresses.METHOD,
        contents,
        quarter=newest,
        example=worked_example(newest),
        segments=newest.find("segment_threshold", figure="OF5002"),
        segmentation=next(
            (_SEGMENTATION.get(row["segmentation_method"]) for row in rules_of(newest).rows("framework")),
            None,
        ),
    )
    terms = yaml.safe_load(_GLOSSARY.read_text(encoding="utf-8"))
    yield page("glossary.html.j2", addresses.GLOSSARY, contents, terms=terms)
    yield page(
        "assumptions.html.j2",
        addresses.ASSUMPTIONS,
        contents,
        frameworks=_frameworks(contents),
        state_means=STATE_MEANS,
    )


@dataclass(frozen=True)
class Example:
    """One organisation's way from a value to its rank: its rows, and the two ends of the metric's scores."""

    organisation: Row
    place: Row
    score: Row
    metric: Row
    best: str
    worst: str


def worked_example(content: QuarterContent) -> Example | None:
    """The organisation nearest the middle of the first league table with a score that is spread evenly by rank.

    None where no score is: then the page does without an example.
    """
    rules = rules_of(content)
    ends = {
        (row["metric_id"], row["unit"]): (row["score_best"], row["score_worst"])
        for row in rules.rows("metric_rule", rule="plain")
    }
    places = [row for row in content.places.values() if row["table_name"] == content.tables[0]]
    middle = len(places) // 2
    for place in sorted(places, key=lambda row: abs(places.index(row) - middle)):
        code = place["organisation_code"]
        for score in sorted(content.find("metric_score", organisation_code=code), key=_by_metric):
            best, worst = ends.get((score["metric_id"], score["unit"]), ("", ""))
            organisation = content.one("organisation", organisation_code=code)
            metric = content.one("metric", metric_id=score["metric_id"])
            if organisation and metric and best and worst and _is_evenly_spread(score, best, worst):
                return Example(organisation, place, score, metric, best, worst)
    return None


def _by_metric(score: Row) -> str:
    return str(score["metric_id"])


def _is_evenly_spread(score: Row, best: str, worst: str) -> bool:
    """Whether the arithmetic that the page shows gives the released score."""
    rank, size, exact = score["rank_in_pool"], score["pool_size"], score["metric_score_exact"]
    if None in (rank, size, exact, score["value"]) or score["score_basis"] != "computed" or size < 2:
        return False
    spread = Fraction(best) + (Fraction(worst) - Fraction(best)) * Fraction(rank - 1, size - 1)
    return 1 < rank < size and abs(spread - Fraction(exact)) <= _TWELVE_PLACES


@dataclass(frozen=True)
class _Framework:
    """The rules of a framework that aren't sure, by what they are about, as its newest quarter's release has them.

    Those of a framework for the sample alone aren't listed: all of them are made up.
    """

    name: str
    quarter: QuarterContent
    is_sample_only: bool
    by_subject: Mapping[str, Sequence[SaidRule]]
    metric_names: Mapping[str, str]


def _frameworks(contents: Contents) -> list[_Framework]:
    newest = {rules_of(content).framework: content for content in contents.quarters}
    return [_framework(name, content) for name, content in reversed(newest.items())]


def _framework(name: str, content: QuarterContent) -> _Framework:
    rules = rules_of(content)
    by_table: dict[str, list[SaidRule]] = defaultdict(list)
    is_sample_only = any(row["sample_only"] == "true" for row in rules.rows("framework"))
    if not is_sample_only:
        for said in rules.unsure():
            by_table[said.table].append(said)
    order = [*RULES_ABOUT, *sorted(by_table.keys() - RULES_ABOUT.keys())]
    return _Framework(
        name=name,
        quarter=content,
        is_sample_only=is_sample_only,
        by_subject={RULES_ABOUT.get(one, one): by_table[one] for one in order if one in by_table},
        metric_names={row["metric_id"]: row["metric_name"] for row in content.rows("metric")},
    )
