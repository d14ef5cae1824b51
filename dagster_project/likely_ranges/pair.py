"""Two organisations of a league table beside each other: how often one of them comes out better, all else by chance.

Drawn anew from a release alone, by the draws that its likely ranges were made by. Nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from dagster_project.errors import InputMissing, InputRejected, WrongUsage
from dagster_project.explanation.recomputation.release_tables import ReleaseTables, find_release
from dagster_project.likely_ranges.draws import (
    UNITS_IN_A_SCORE,
    Choices,
    Integers,
    averages,
    hundredths,
    table_key,
)
from dagster_project.likely_ranges.outcomes import Percentiles, Places, average_ends, segments_by
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.settings import DataFolder
from dagster_project.typed_names import Known, find_organisation

Row = Mapping[str, Any]
_AVERAGE = "OF5002"
_PLACES_OF_A_SHARE = Decimal("0.00000001")


def compare_pair(data: DataFolder, first: str, second: str, quarter: Quarter | None = None) -> dict[str, Any]:
    """How often each of two organisations of a table has the better average, and ranks better, of all pairs of their
    replicates; plain JSON values, shares and scores as decimal text.

    Organisations are as people type them; without a quarter the newest current release is meant. Raises WrongUsage
    where they are one and the same, stand in different tables or fit none or several; InputMissing where nothing is
    released or an organisation has no average.
    """
    release = find_release(data, quarter or _newest(data))
    known = [
        Known(row["organisation_code"], row["organisation_name"] or "", row["table_name"])
        for row in release.rows("organisation")
    ]
    one, other = (find_organisation(typed, known, str(release.quarter)) for typed in (first, second))
    _refuse_unlike(one, other, release)
    rules = Rules(release)
    standing = {row["organisation_code"]: row for row in release.rows("league_table", table_name=one.where)}
    for organisation in (one, other):
        if organisation.code not in standing:
            raise InputMissing(
                f"{organisation} has no average in {release.quarter}, so that nothing can be drawn. "
                f"`league explain {organisation.code} {release.quarter}` tells why."
            )
    drawn = np.stack([_redrawn(release, rules, one.where, item.code) for item in (one, other)])
    places = Places(
        segments_by(rules.cut_points, drawn, at_two_places=rules.threshold_basis == "published"),
        hundredths(drawn).astype(np.int16),
        np.array([rules.best_segment(standing[item.code]) for item in (one, other)], dtype=np.int8),
    )
    by_average = _shares(hundredths(drawn))
    by_rank = _shares(places.adjusted.astype(np.int64) * 1_000 + places.averages)
    return {
        "quarter": str(release.quarter),
        "release_id": release.release_id,
        "is_sample": bool(release.release_file["is_sample"]),
        "table_name": one.where,
        "replicates": rules.percentiles.replicates,
        "organisations": [_described(item, standing[item.code]) for item in (one, other)],
        "by_average": by_average,
        "by_rank": by_rank,
        "told_apart_from": str(rules.told_apart_from.normalize()),
        "told_apart": any(Decimal(by_rank[side]) >= rules.told_apart_from for side in ("first", "second")),
        "notice": release.release_file["notice"],
    }


class Rules:
    """What a release says of how it was drawn: its released rules and cut-points."""

    def __init__(self, release: ReleaseTables) -> None:
        terms = {
            row["rule_key"]: dict(part.split("=", 1) for part in row["rule_terms"].split("; "))
            for table in ("likely_range_parameter", "framework_parameter")
            for row in release.rows("framework_rule", rule_table=table)
            if row["rule_terms"]
        }
        if "replicates" not in terms:
            raise InputMissing(
                f"Release {release.release_id} of {release.quarter} was made before likely ranges were: "
                "compare two organisations of a later one."
            )
        self.percentiles = Percentiles(
            int(Decimal(terms["replicates"]["number"])),
            Decimal(terms["low_percentile"]["number"]),
            Decimal(terms["high_percentile"]["number"]),
        )
        self.told_apart_from = Decimal(terms["told_apart_from"]["number"])
        self.part_weights_enter = terms["part_weights_enter"]["choice"]
        self.weight_denominator = Decimal(terms["weight_common_denominator"]["value"])
        self._best_when_overridden = int(terms["override_no_better_than_segment"]["value"])
        thresholds = [
            row for row in release.rows("segment_threshold", figure=_AVERAGE) if row["cut_point"] is not None
        ]
        self.cut_points = sorted(_units(row["cut_point"]) for row in thresholds)
        self.threshold_basis = thresholds[0]["threshold_basis"] if thresholds else None

    def best_segment(self, standing: Row) -> int:
        """The best segment that the override leaves to an organisation."""
        return self._best_when_overridden if standing["financial_override"] else 1


def choices_of(code: str, scores: Sequence[Row], rules: Rules) -> Choices:
    """What an organisation is resampled from, as dbt's `resampled_score` has it."""
    by_weight = rules.part_weights_enter == "chance_by_weight"
    chosen: dict[str, list[int]] = {}
    for row in scores:
        units, weight = _units(row["score_entering_average"]), round(row["weight"] * rules.weight_denominator)
        as_one = rules.part_weights_enter == "as_one" and weight < rules.weight_denominator
        choice = chosen.setdefault("part weights" if as_one else row["metric_id"], [0, 0, 0])
        choice[0] += units if by_weight else units * weight
        choice[1] += 1 if by_weight else weight
        choice[2] = weight if by_weight else 1
    weighted, weights, times = np.array([chosen[key] for key in sorted(chosen)], dtype=np.int64).T
    return Choices(code, np.repeat(weighted, times), np.repeat(weights, times), len(chosen))


def _newest(data: DataFolder) -> Quarter:
    current = current_release(data)
    if not current:
        raise InputMissing("Nothing is released yet: `league run` releases a quarter.")
    return max(release.quarter for release in current)


def _refuse_unlike(one: Known, other: Known, release: ReleaseTables) -> None:
    if one == other:
        raise WrongUsage(f"{one} is named twice: name two organisations.")
    if one.where != other.where:
        raise WrongUsage(
            f"{one} and {other} stand in different league tables of {release.quarter}: only organisations of one "
            "table are ranked beside each other."
        )


def _redrawn(release: ReleaseTables, rules: Rules, table: str, code: str) -> Integers:
    """The averages of an organisation's replicates; refused where they don't end as its released range does."""
    scores = [
        row
        for row in release.rows("metric_score", table_name=table, organisation_code=code)
        if row["enters_average"]
    ]
    key = table_key(str(release.quarter), table)
    drawn = averages(choices_of(code, scores, rules), key, rules.percentiles.replicates)
    ends = average_ends(drawn[np.newaxis], rules.percentiles)
    found = tuple(Decimal(int(hundredths(end)[0])) / 100 for end in (ends.low, ends.high))
    for row in release.rows("likely_range", organisation_code=code, variant="fixed_cut_points"):
        if found != (row["average_low"], row["average_high"]):
            raise InputRejected(
                file=f"{release.folder}/likely_range.parquet ({code})",
                expected=f"the range of averages {found[0]} to {found[1]} that its scores give",
                found=f"{row['average_low']} to {row['average_high']}",
                remedy="The release was drawn otherwise: compare with the code that made it.",
            )
    return drawn


def _shares(keys: Integers) -> dict[str, str]:
    """Of all pairs of a replicate of the first and one of the second: shares where either is lower, or neither."""
    first, second = (np.sort(row) for row in keys)
    higher = int((len(second) - np.searchsorted(second, first, side="right")).sum())
    lower = int(np.searchsorted(second, first, side="left").sum())
    pairs = len(first) * len(second)
    counted = {"first": higher, "second": lower, "neither": pairs - higher - lower}
    return {
        side: str((Decimal(times) / pairs).quantize(_PLACES_OF_A_SHARE, ROUND_HALF_UP))
        for side, times in counted.items()
    }


def _described(organisation: Known, standing: Row) -> dict[str, Any]:
    columns = ("average_metric_score", "average_likely_low", "average_likely_high")
    return {
        "organisation_code": organisation.code,
        "organisation_name": organisation.name,
        **{column: str(standing[column]) for column in columns},
        "adjusted_segment": standing["adjusted_segment"],
        "rank": standing["rank"],
        "rank_likely_low": standing["rank_likely_low"],
        "rank_likely_high": standing["rank_likely_high"],
    }


def _units(score: Decimal) -> int:
    return int(score * UNITS_IN_A_SCORE)
