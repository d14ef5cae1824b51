"""What leaving something out would do, and how far the next segment is, worked out anew from a release's CSV files.

It shares nothing with the SQL: one choice after the other, the whole quarter is averaged, cut and ranked again in
fractions, from metric_score, league_table and segment_threshold alone.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor
from pathlib import Path

Row = Mapping[str, str]
Choice = tuple[str, str]  # the choice, and what it leaves out
OVERRIDE_SEGMENT = 3
SAME = Fraction(1, 10**11)


@dataclass(frozen=True)
class Place:
    """An organisation's line under a choice; ranked among `rivals`, itself included."""

    metrics: int
    average: Fraction
    unadjusted_segment: int
    adjusted_segment: int
    rank: int
    rivals: int


@dataclass(frozen=True)
class Distance:
    """Worst average of the better segment, how far it is, how far the worse one is; None where there is none."""

    needed: Fraction | None
    improvement: Fraction | None
    margin: Fraction | None
    override_holds: bool


@dataclass
class Quarter:
    """The figures of a released quarter that sensitivity rests on."""

    scores: dict[str, list[Row]]
    places: dict[str, Row]
    cut_points: list[Fraction]
    basis: str

    @classmethod
    def read(cls, folder: Path) -> Quarter:
        scores = defaultdict(list)
        for row in rows(folder / "metric_score.csv"):
            if row["enters_average"] == "true":
                scores[row["organisation_code"]].append(row)
        thresholds = [row for row in rows(folder / "segment_threshold.csv") if row["figure"] == "OF5002"]
        (basis,) = {row["threshold_basis"] for row in thresholds}
        ordered = sorted(thresholds, key=lambda row: row["segment"])
        return cls(
            dict(scores),
            {row["organisation_code"]: row for row in rows(folder / "league_table.csv")},
            [Fraction(row["cut_point"]) for row in ordered],
            basis,
        )

    def choices(self) -> Iterator[Choice]:
        """Every choice, with every metric and every domain that somebody is scored on."""
        for plain in ("official", "without_override", "equal_domain_weights", "within_peer_group"):
            yield plain, ""
        entering = [row for mine in self.scores.values() for row in mine]
        for metric in sorted({row["metric_id"] for row in entering}):
            yield "without_metric", metric
        for domain in sorted({row["domain"] for row in entering}):
            yield "without_domain", domain

    def under(self, choice: str, subject: str) -> dict[str, Place]:
        """Every organisation's place under a choice; who is left without any metric has none."""
        kept = {
            code: [row for row in mine if subject not in (row["metric_id"], row["domain"])]
            for code, mine in self.scores.items()
        }
        averages = {
            code: domain_mean(mine) if choice == "equal_domain_weights" else mean(mine)
            for code, mine in kept.items()
            if mine
        }
        peers = defaultdict(list)
        for code in averages:
            row = self.places[code]
            group = (row["table_name"], row["organisation_subtype"]) if choice == "within_peer_group" else ()
            peers[group].append(code)
        found = {}
        for codes in peers.values():
            cuts = self._cuts([averages[code] for code in codes])
            unadjusted = {code: 1 + sum(averages[code] - cut > SAME for cut in cuts) for code in codes}
            adjusted = {
                code: max(segment, OVERRIDE_SEGMENT)
                if self.flagged(code) and choice != "without_override"
                else segment
                for code, segment in unadjusted.items()
            }
            key = {code: (adjusted[code], half_up(averages[code])) for code in codes}
            for code in codes:
                rivals = [key[other] for other in codes if self.table(other) == self.table(code)]
                rank = 1 + sum(rival < key[code] for rival in rivals)
                found[code] = Place(
                    len(kept[code]), averages[code], unadjusted[code], adjusted[code], rank, len(rivals)
                )
        return found

    def distance(self, code: str) -> Distance:
        """How far the next segments are, with the cut-points as released."""
        average = mean(self.scores[code])
        segment = 1 + sum(average - cut > SAME for cut in self.cut_points)
        needed = self.cut_points[segment - 2] if segment > 1 else None
        return Distance(
            needed,
            None if needed is None else average - needed,
            self.cut_points[segment - 1] - average if segment <= len(self.cut_points) else None,
            self.flagged(code) and segment <= OVERRIDE_SEGMENT,
        )

    def flagged(self, code: str) -> bool:
        return self.places[code]["financial_override"] == "true"

    def table(self, code: str) -> str:
        return self.places[code]["table_name"]

    def _cuts(self, averages: Sequence[Fraction]) -> list[Fraction]:
        """Thresholds stay; quartiles are those of whoever is compared."""
        if self.basis == "threshold":
            return self.cut_points
        assert self.basis == "national_quartiles", self.basis
        ordered = sorted(averages)
        return [quantile(ordered, Fraction(quarter, 4)) for quarter in (1, 2, 3)]


def mean(scores: Sequence[Row]) -> Fraction:
    """The weighted mean of scores as they enter averages."""
    weighed = [(weight(row), Fraction(row["score_entering_average"])) for row in scores]
    return sum((share * score for share, score in weighed), Fraction()) / sum(share for share, _ in weighed)


def domain_mean(scores: Sequence[Row]) -> Fraction:
    """The plain mean of the means of each domain."""
    domains = defaultdict(list)
    for row in scores:
        domains[row["domain"]].append(row)
    return sum((mean(mine) for mine in domains.values()), Fraction()) / len(domains)


def weight(row: Row) -> Fraction:
    """A weight of a third is released with twelve places."""
    return Fraction(row["weight"]).limit_denominator(100)


def quantile(ordered: Sequence[Fraction], share: Fraction) -> Fraction:
    """Linear between two neighbours."""
    place = share * (len(ordered) - 1)
    below, above = ordered[floor(place)], ordered[min(floor(place) + 1, len(ordered) - 1)]
    return below + (above - below) * (place - floor(place))


def half_up(number: Fraction) -> Decimal:
    """Two places; settled at ten first, as thirds and ranks can lie on a half that twelve places don't show."""
    settled = (Decimal(number.numerator) / Decimal(number.denominator)).quantize(
        Decimal(1).scaleb(-10), ROUND_HALF_UP
    )
    return settled.quantize(Decimal("0.01"), ROUND_HALF_UP)


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
