"""A page per organisation and quarter, and one per organisation that stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagster_project.publication import addresses, charts, standing_words
from dagster_project.publication.contents import Contents, QuarterContent, Row
from dagster_project.publication.rendering import Produced, page
from dagster_project.publication.usual_comparisons import Comparison, usual_comparisons
from dagster_project.reading.board_rows import sentences
from dagster_project.reading.board_sentences import SENTENCES, cause_words

_STEPS = 8
_REACHABLE = "reachable"
# Of all quarters, later ones too: limits and runs are for the page that stays.
_RUNS = "Runs of improvement"
_OF_AN_ORGANISATION = (
    "organisation_name",
    "table_name",
    "organisation_subtype",
    "region",
    "icb_code",
    "icb_name",
    "town",
    "postcode",
    "successor_code",
    "succeeded_on",
)


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """Every organisation of the quarter, also those that have figures and no place."""
    known = _known((*content.earlier, content))
    for code in codes(content):
        yield page(
            "organisation.html.j2",
            addresses.organisation(content.quarter, code),
            content,
            code=code,
            organisation=named(content, code),
            known=known,
            **_shown(content, code),
        )


def of_all(contents: Contents) -> Iterator[Produced]:
    """Every organisation's page of all its quarters."""
    quarters = contents.quarters[::-1]
    everyone = _known(contents.quarters)
    comparisons: dict[str, list[Comparison]] = {}
    for one in usual_comparisons(contents):
        for code in one.codes:
            comparisons.setdefault(code, []).append(one)
    for code in sorted({code for content in quarters for code in codes(content)}):
        known = [content for content in quarters if _is_in(content, code)]
        placed = next((content for content in known if code in content.places), known[0])
        yield page(
            "organisation_in_all.html.j2",
            addresses.organisation_in_all(code),
            contents,
            code=code,
            newest=placed,
            organisation=named(known[0], code),
            place=placed.places.get(code),
            quarters=[(content, content.places.get(code)) for content in known],
            names=_names(known, code),
            predecessors=_predecessors(contents.quarters, code),
            successors=_successors(known, code),
            trend=charts.trend(placed, code),
            metric_trends=charts.metric_trends(placed, code),
            runs=sentences(placed, placed.places[code], [_RUNS])[_RUNS] if code in placed.places else "",
            are_runs_withheld=placed.withholds("metric_variation", code),
            known=everyone,
            comparisons=comparisons.get(code, ()),
        )


def codes(content: QuarterContent) -> Sequence[str]:
    """Who has a page in a quarter."""
    return content.codes


def _is_in(content: QuarterContent, code: str) -> bool:
    return any(content.one(table, organisation_code=code) for table in ("organisation", "metric_score"))


def _known(quarters: Sequence[QuarterContent]) -> Mapping[str, str]:
    """Everyone that has a page in these quarters, by code, with the newest name."""
    return {
        code: named(content, code)["organisation_name"] for content in quarters for code in codes(content)
    }


def named(content: QuarterContent, code: str) -> Row:
    """The organisation's row of the release; where there is none or no name in it, the code is the name."""
    nothing = dict.fromkeys(_OF_AN_ORGANISATION)
    score = content.one("metric_score", organisation_code=code) or {}
    place = content.places.get(code) or {}
    row = content.one("organisation", organisation_code=code) or {}
    found = nothing | {"table_name": score.get("table_name")} | dict(row)
    found["organisation_name"] = row.get("organisation_name") or place.get("organisation_name") or code
    return found


def _shown(content: QuarterContent, code: str) -> dict[str, Any]:
    place = content.places.get(code)
    domains = standing_words.domains_of(content, code, named(content, code)["table_name"])
    known = [one for one in content.earlier if _is_in(one, code)]
    shown: dict[str, Any] = {
        "place": place,
        "domains": domains,
        "thirds": standing_words.thirds(domains),
        "earlier": [(one, one.places.get(code)) for one in (*known, content)[::-1]],
        "names": _names([content, *known[::-1]], code),
        "predecessors": _predecessors((*content.earlier, content), code),
        "successors": _successors([content], code),
        "metric_names": {row["metric_id"]: row["metric_name"] for row in content.rows("metric")},
        "measured": standing_words.measured,
        "cause_words": cause_words,
    }
    if place is None:
        return shown
    return shown | {
        "said": sentences(content, place, [heading for heading in SENTENCES if heading != _RUNS]),
        "is_length_withheld": content.withholds("segment_persistence", code),
        "apart": content.one("not_told_apart", organisation_code=code),
        "chance": {
            row["measure"]: row for row in content.find("movement_beyond_chance", organisation_code=code)
        },
        "rank_before": content.one("movement_total", organisation_code=code, measure="rank"),
        "causes": _causes(content, code),
        "steps": _steps(content, code),
        "exemplars": _exemplars(content, code),
        "consequences": _consequences(content, code),
        "caveats": sorted(
            content.find("caveat", organisation_code=code),
            key=lambda row: (row["metric_id"] is not None, row["metric_id"] or "", row["caveat"]),
        ),
        "domain_profile": charts.domain_profile(content, code),
        "positions": charts.positions(content, code),
        "probabilities": charts.segment_probabilities(content, code),
        "movement": charts.movement(content, code),
        "hangs_on": charts.hangs_on(content, code),
        "trend": charts.trend(content, code),
    }


def _causes(content: QuarterContent, code: str) -> Sequence[Row]:
    """What moved the average, the largest share first."""
    found = content.find("movement", organisation_code=code, measure="average_metric_score")
    return sorted(
        (row for row in found if row["metric_id"]),
        key=lambda row: (-abs(row["change"]), row["metric_id"], row["cause"]),
    )


def _steps(content: QuarterContent, code: str) -> Sequence[Row]:
    found = content.find("metric_step", organisation_code=code, reach=_REACHABLE)
    ranked = [row for row in found if row["step_rank"] is not None]
    return sorted(ranked, key=lambda row: (row["step_rank"], row["metric_id"]))[:_STEPS]


def _exemplars(content: QuarterContent, code: str) -> Sequence[Row]:
    """The nearest to learn from on each metric on which the organisation is weak, and who that is."""
    found = content.find("exemplar", organisation_code=code, exemplar_rank=1)
    return [
        {**row, "exemplar_name": content.places[row["exemplar_code"]]["organisation_name"]}
        for row in sorted(found, key=lambda row: row["metric_id"])
        if row["exemplar_code"] in content.places
    ]


def _consequences(content: QuarterContent, code: str) -> Sequence[Row]:
    """What follows for certain, then what depends on something that isn't published; what doesn't follow last."""
    order = ("yes", "depends", "no")
    found = content.find("consequence", organisation_code=code)
    return sorted(found, key=lambda row: (order.index(row["applies"]), row["policy"]))


def _names(known: Sequence[QuarterContent], code: str) -> Sequence[tuple[str, str]]:
    """The names that an organisation had, the newest first, each with the quarter in which it was first so called."""
    found: dict[str, str] = {}
    for content in known:
        found[named(content, code)["organisation_name"]] = content.label
    return list(found.items())


def _predecessors(quarters: Sequence[QuarterContent], code: str) -> Sequence[Row]:
    """Who became part of an organisation, as far as these quarters' releases know."""
    found = {
        row["organisation_code"]: row
        for content in quarters
        for row in content.find("organisation", successor_code=code)
        if row["organisation_code"] != code
    }
    return [found[other] for other in sorted(found)]


def _successors(known: Sequence[QuarterContent], code: str) -> Sequence[Row]:
    """The organisation's own rows that name whom it became part of, one for each."""
    rows = (content.one("organisation", organisation_code=code) for content in known)
    found = {row["successor_code"]: row for row in rows if row and row["successor_code"]}
    return [found[other] for other in sorted(found) if other != code]
