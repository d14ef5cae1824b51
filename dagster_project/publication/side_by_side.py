"""What is compared of organisations: the same topics in the same order for all, each cell words around released cells.

Both comparisons show this, the pages that stand (Jinja) and the one that compares by its address (`compare.js`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from dagster_project.publication import words
from dagster_project.publication.contents import QuarterContent, Row
from dagster_project.publication.standing_words import Line, domains_of, measured
from dagster_project.publication.standings import in_order, placed_by_publisher

NOT_KNOWN = "not known"
SAME, APART, UNKNOWN = "same", "apart", "unknown"


@dataclass(frozen=True)
class Slot:
    """A released cell and how it is said; `{}` of a pattern stands for it."""

    table: str
    row: Row
    column: str
    shown: str


@dataclass(frozen=True)
class Cell:
    """Words with released cells in them; `note` stands below in small letters."""

    pattern: str
    slots: tuple[Slot, ...] = ()
    note: str = ""

    @property
    def pieces(self) -> Iterator[str | Slot]:
        """The words and the released cells one after the other."""
        for number, text in enumerate(self.pattern.split("{}")):
            if number:
                yield self.slots[number - 1]
            if text:
                yield text


_NONE = Cell("no figure")


@dataclass(frozen=True)
class Topic:
    """A line of the comparison; `key` is the same for all league tables."""

    key: str
    group: str
    label: str
    hint: str
    metric_id: str = ""


class Compared:
    """A league table in a quarter, as it is compared."""

    def __init__(self, content: QuarterContent, table_name: str) -> None:
        self.content, self.table_name = content, table_name

    @cached_property
    def segment_column(self) -> str:
        """The final segment where the publisher gives it, otherwise the one that the override leaves."""
        places = self.content.find("league_table", table_name=self.table_name)
        return (
            "final_segment" if any(row["final_segment"] is not None for row in places) else "adjusted_segment"
        )

    @cached_property
    def codes(self) -> Sequence[str]:
        return [row["organisation_code"] for row in in_order(self.content, self.table_name)]

    @cached_property
    def topics(self) -> Sequence[Topic]:
        """Every line that somebody of the table can have."""
        first, domains = "Where it stands", "Scores by domain (lower is better)"
        standing = [
            Topic("rank", first, "Place", ""),
            Topic("likely", first, "Could be anywhere", ""),
            Topic("apart", first, "Can't be told apart from", ""),
            Topic("segment", first, "Segment", "1 is best"),
            Topic("override", first, "Held back by a deficit", ""),
            Topic("average", first, "Average score", "lower is better"),
        ]
        names = {row["domain"] for row in self.content.find("domain_score", table_name=self.table_name)}
        known = list(words.DOMAINS)
        in_domain_order = sorted(
            names, key=lambda one: (known.index(one) if one in known else len(known), one)
        )
        scored = {row["metric_id"] for row in self.content.find("metric_score", table_name=self.table_name)}
        hints = {"low": "lower is better", "high": "higher is better"}
        metrics = [
            Topic(
                f"metric:{row['metric_id']}",
                words.domain_name(row["domain"]),
                row["metric_name"],
                hints.get(row["better"], ""),
                row["metric_id"],
            )
            for domain in in_domain_order
            for row in self.content.find("metric", domain=domain)
            if row["metric_id"] in scored
        ]
        by_domain = [
            Topic(f"domain:{name}", domains, words.domain_name(name), "") for name in in_domain_order
        ]
        return [*standing, *by_domain, *metrics]

    def cells(self, code: str) -> Mapping[str, Cell]:
        """An organisation's cell for each topic."""
        place = self.content.places[code]
        found = dict(self._standing(place))
        for domain in domains_of(self.content, code, self.table_name):
            score = domain.score
            found[f"domain:{domain.name}"] = _told("domain_score", score, ("domain_score",), "{}", "no score")
            for line in domain.lines:
                found[f"metric:{line.metric['metric_id']}"] = _of_metric(line)
        return found

    def _standing(self, place: Row) -> Iterator[tuple[str, Cell]]:
        table, ordinal, column = "league_table", words.ordinal, self.segment_column
        apart = self.content.one("not_told_apart", organisation_code=place["organisation_code"])
        rank = Slot(table, place, "rank", ordinal(place["rank"]))
        size = Slot(table, place, "organisations_in_table", str(place["organisations_in_table"]))
        yield "rank", Cell("{} of {}", (rank, size))
        likely = ("rank_likely_low", "rank_likely_high")
        yield "likely", _told(table, place, likely, "from {} to {}", NOT_KNOWN, ordinal)
        yield "apart", _told("not_told_apart", apart, ("organisations",), "{} others", NOT_KNOWN)
        word = f"{{}} - {words.segment_word(place[column])}" if place[column] else ""
        columns: tuple[str, ...] = (column,)
        if placed_by_publisher(place):
            word += ", where the publisher placed it; by the figures segment {}"
            columns = (column, "adjusted_segment")
        yield "segment", _told(table, place, columns, word, "none published")
        held = place["financial_override"] and place["adjusted_segment"] != place["unadjusted_segment"]
        flagged = "flagged, but that changes nothing" if place["financial_override"] else "no"
        yield "override", Cell("yes" if held else flagged)
        yield "average", _told(table, place, ("average_metric_score",), "{}", NOT_KNOWN)

    def reach(self, code: str) -> tuple[int, int] | None:
        """From which rank to which the others lie that can't be told apart from it; else its own likely places."""
        place = self.content.places[code]
        apart = self.content.one("not_told_apart", organisation_code=code)
        if apart is not None:
            ends = (apart["rank_from"], apart["rank_to"])
        else:
            ends = (place["rank_likely_low"], place["rank_likely_high"])
        if None in ends:
            return None
        return min(ends[0], place["rank"]), max(ends[1], place["rank"])

    def verdict(self, code: str, other: str) -> str:
        """Whether two can be told apart: not if one's rank lies where those are that can't be told from the other."""
        reaches = [
            (self.reach(one), self.content.places[than]["rank"])
            for one, than in ((code, other), (other, code))
        ]
        if any(reach is None for reach, _ in reaches):
            return UNKNOWN
        return SAME if any(reach[0] <= rank <= reach[1] for reach, rank in reaches if reach) else APART


@dataclass(frozen=True)
class SideBySide:
    """Two to four organisations of one league table: the lines that at least two of them have, by group."""

    compared: Compared
    codes: Sequence[str]

    @cached_property
    def columns(self) -> Sequence[Mapping[str, Cell]]:
        return [self.compared.cells(code) for code in self.codes]

    @cached_property
    def _can(self) -> Callable[[Topic], bool]:
        return lambda topic: sum(bool(one.get(topic.key, _NONE).slots) for one in self.columns) > 1

    @property
    def groups(self) -> Mapping[str, Sequence[tuple[Topic, Sequence[Cell]]]]:
        found: dict[str, list[tuple[Topic, Sequence[Cell]]]] = {}
        for topic in self.compared.topics:
            if topic.key == "override" or self._can(topic):
                cells = [column.get(topic.key, _NONE) for column in self.columns]
                found.setdefault(topic.group, []).append((topic, cells))
        return found

    @property
    def left_out(self) -> Sequence[str]:
        """The metrics that only one of them has."""
        has = [topic for topic in self.compared.topics if topic.metric_id and not self._can(topic)]
        return [topic.label for topic in has if any(topic.key in column for column in self.columns)]

    @property
    def verdicts(self) -> Sequence[tuple[Row, Row, str]]:
        """For each pair their places, the better first, and whether they can be told apart."""
        places = self.compared.content.places
        ordered = sorted(self.codes, key=lambda code: (places[code]["rank"], code))
        return [
            (places[one], places[other], self.compared.verdict(one, other))
            for one, other in combinations(ordered, 2)
        ]


def _of_metric(line: Line) -> Cell:
    if line.score is None:
        return Cell("no figure", note=line.missing)
    if line.metric["score_only"]:
        note = "a score: only that is published"
        return _told("metric_score", line.score, ("metric_score",), "{}", "not published", note=note)
    if line.score["value"] is None:
        return Cell("not published")
    text = measured(line.score["value"], line.score["unit"])
    return Cell(
        "{}", (Slot("metric_score", line.score, "value", text),), f"{line.third.symbol} {line.third.words}"
    )


def _told(
    table: str,
    row: Row | None,
    columns: Sequence[str],
    pattern: str,
    missing: str,
    say: Callable[[Any], str] = str,
    note: str = "",
) -> Cell:
    if row is None or any(row[column] is None for column in columns):
        return Cell(missing)
    slots = tuple(Slot(table, row, column, say(row[column])) for column in columns)
    return Cell(pattern, slots, note)
