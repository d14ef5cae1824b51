"""How every figure of an organisation came about: the tree of `league explain` as a page.

One page per organisation and quarter, its sections flat and linked to each other: who follows a link to a figure sees
its sum and its raw line at once. A quarter is recomputed once for all its organisations.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from dagster_project.archive.archive import Archive
from dagster_project.catalogue.catalogue import bundled_catalogue
from dagster_project.errors import InputMissing, InputRejected
from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.measured import SCORE, VALUE, Organisation, score_figure
from dagster_project.explanation.recomputation.recomputation import Recomputation
from dagster_project.explanation.story.metric_branch import metric_step
from dagster_project.explanation.story.organisation_branch import organisation_step
from dagster_project.explanation.story.sources import Sources
from dagster_project.explanation.story.tree import Source, Step
from dagster_project.publication import addresses
from dagster_project.publication.contents import QuarterContent, Row
from dagster_project.publication.figures import anchor, domain_anchor, figure_of
from dagster_project.publication.rendering import Produced, page

RANK = "OF5000.rank"
_GONE = (
    "The raw files that this release was made from are no longer all in the archive, or not as they were, so its "
    "figures can't be worked out again here. Below is what was released, and where in the publisher's file it stood."
)
_TOO_OLD = (
    "This release was made before releases carried every term of their rules, so its figures can't be worked out again "
    "from itself. Below is what was released, and where in the publisher's file it stood."
)
_DEEPEST_HEADING = 4
_METRIC_AT_THE_START = re.compile(r"^(OF0[0-9]{3})(?=  )")


class Line(NamedTuple):
    """A line of working; `link` is the section of the metric that it starts with."""

    text: str
    start: str = ""
    link: str = ""


@dataclass(frozen=True)
class Shown:
    """A row of a raw file. `cells` are those that count, for a row of which only some do; a row that was shown before
    has only the link to it."""

    file: int
    row: int | None
    sheet: str | None
    anchor: str
    is_first: bool
    raw_line: str | None = None
    column: str | None = None
    cells: str = ""


class Compared(NamedTuple):
    """Released cells of one table that a figure was compared with, each by its column and as released; `name` is the
    table and what its rows are told by."""

    name: str
    cells: Sequence[tuple[str, str]]
    differences: Sequence[str]

    @property
    def agrees(self) -> bool:
        return not self.differences


@dataclass
class Section:
    """One figure: what it is, how it was worked out, what it was compared with and what it rests on; `level` is that of
    its heading, 0 of one without; `metric` is there for a score of a metric that has a page."""

    ids: tuple[str, ...]
    level: int
    title: str
    value: str
    lines: Sequence[Line] = ()
    compared: Sequence[Compared] = ()
    sources: Sequence[Shown] = ()
    metric: str | None = None
    further_ids: list[str] = field(default_factory=list)


class File(NamedTuple):
    """A raw file of the page; `page` is where its publisher has it, as far as that is known."""

    extract_id: str
    file_name: str
    publisher: str
    licence: str
    release_state: str
    page: str | None


def of_quarter(content: QuarterContent, only: Collection[str] = ()) -> Iterator[Produced]:
    """Every organisation's derivations, or those of the codes in `only`."""
    quarter = _Quarter(content)
    for organisation in quarter.organisations:
        if not only or organisation[1] in only:
            yield quarter.page_of(organisation)


class _Quarter:
    """A quarter's recomputation, shared by all pages; `why_not` says why there is none."""

    def __init__(self, content: QuarterContent) -> None:
        self.content = content
        self.extracts = {row["extract_id"]: row for row in content.rows("extract")}
        self.publishers_pages = {} if content.is_sample else _publishers_pages()
        recomputation = Recomputation(content.release, Archive(content.archive))
        self._judged = Judged(recomputation)
        self._sources = Sources(recomputation)
        self.why_not = self._recompute()

    def _recompute(self) -> str | None:
        recomputation = self._judged.recomputation
        try:
            _ = recomputation.rules
        except (InputMissing, InputRejected):
            return _TOO_OLD
        try:
            # Every score of every organisation goes into the cut-points, so a file that is gone is found out here.
            for metric_id in recomputation.rules.metrics:
                recomputation.of_metric(metric_id)
            self._judged.standings.cut_points()
        except (InputMissing, InputRejected, OSError):
            return _GONE
        return None

    @property
    def organisations(self) -> list[Organisation]:
        """Everybody whom the release knows, by code."""
        found = {
            row["organisation_code"]: (row["table_name"], row["organisation_code"])
            for table in ("metric_score", "organisation", "league_table")
            for row in self.content.rows(table)
        }
        return [found[code] for code in sorted(found)]

    def page_of(self, organisation: Organisation) -> Produced:
        code = organisation[1]
        known = self.content.one("organisation", organisation_code=code) or {}
        made: _Recomputed | _Released = _Released(self, organisation)
        if not self.why_not:
            made = _Recomputed(self, organisation, self.root(organisation))
        return page(
            "derivation.html.j2",
            addresses.derivation(self.content.quarter, code),
            self.content,
            code=code,
            name=known.get("organisation_name") or code,
            table_name=organisation[0],
            sections=made.sections,
            files=made.files,
            scored=_scored(made.sections),
            verdict=made.verdict,
            why_not=self.why_not,
            differs=made.differs,
            place=self.content.one("league_table", organisation_code=code),
            before=self._before(code),
        )

    def _before(self, code: str) -> str | None:
        """The derivation of the quarter before, where the publication has one of this organisation."""
        before = self.content.before
        if before is None:
            return None
        known = any(before.find(table, organisation_code=code) for table in ("organisation", "metric_score"))
        return addresses.derivation(before.quarter, code) if known else None

    def root(self, organisation: Organisation) -> Step:
        """The tree of an organisation; of one without a place, its metrics."""
        judged, sources = self._judged, self._sources
        standing = judged.standings.standing(organisation)
        if standing is not None:
            return organisation_step(judged, sources, standing)
        metrics = judged.recomputation.metrics_of(organisation)
        why = (
            "No metric of it enters an average, so it has no place"
            if metrics
            else "It has no figure this quarter"
        )
        return Step(
            "League-table rank",
            "none",
            RANK,
            working=(why,),
            judgements=tuple(judged.league_table(organisation)),
            steps=tuple(metric_step(judged, sources, organisation, metric_id) for metric_id in metrics),
        )


def _publishers_pages() -> Mapping[str, str]:
    """Source -> the page on which its publisher has the files."""
    return {
        name: source.index_pages[0].address
        for name, source in bundled_catalogue().sources.items()
        if source.index_pages and source.index_pages[0].address.startswith("https://")
    }


def _scored(sections: Sequence[Section]) -> Mapping[str, str]:
    """Metric -> the id of the section of its score."""
    ids = {one for section in sections for one in (*section.ids, *section.further_ids)}
    return {VALUE + one[len(VALUE) :]: one for one in ids if one.startswith(SCORE)}


class _Files:
    """The raw files of a page, numbered as they come, and which of their rows were shown already."""

    def __init__(self, quarter: _Quarter) -> None:
        self._quarter = quarter
        self._numbers: dict[str, int] = {}
        self._seen: set[str] = set()

    def number(self, extract_id: str) -> int:
        return self._numbers.setdefault(extract_id, len(self._numbers) + 1)

    def shown(self, extract_id: str, sheet: str | None, row: int | None, raw_line: str | None) -> Shown:
        number = self.number(extract_id)
        there = anchor("-".join(["row", str(number), *([sheet] if sheet else []), str(row)]))
        is_first = there not in self._seen
        self._seen.add(there)
        return Shown(number, row, sheet, there, is_first, raw_line)

    def counted(self, sources: Sequence[Source]) -> Shown:
        """Cells of one sheet and column, as `row 21: 53`."""
        first = sources[0]
        column, _, _ = (first.cell or "").partition(": ")
        cells = ", ".join(f"row {one.source_row}: {(one.cell or '').partition(': ')[2]}" for one in sources)
        number = self.number(first.extract.extract_id)
        return Shown(number, None, first.sheet, "", is_first=True, column=column, cells=cells)

    def listed(self) -> list[File]:
        quarter = self._quarter
        found = []
        for extract_id in self._numbers:
            row = quarter.extracts[extract_id]
            said = (row["file_name"], row["publisher"], row["licence"], row["release_state"])
            found.append(File(extract_id, *said, quarter.publishers_pages.get(row["source"])))
        return found


class _Recomputed:
    """A tree as flat sections, each with ids that are unique in the page."""

    def __init__(self, quarter: _Quarter, organisation: Organisation, root: Step) -> None:
        self._quarter = quarter
        self._content = quarter.content
        self._code = organisation[1]
        self._files = _Files(quarter)
        self._ids: set[str] = set()
        steps = list(_flat(root, 0))
        self._domains = {row["figure"]: row["domain"] for row in self._content.rows("segment_threshold")}
        # The figure nearest to the root has the id: beneath it may stand others' rows of the same figure.
        ids = {id(step): self._ids_of(step) for _, step in sorted(steps, key=lambda pair: pair[0])}
        self.sections = [self._section(step, depth, ids[id(step)]) for depth, step in steps]
        _complete(self.sections, _wanted(self._content, self._code))
        self.files = self._files.listed()
        judgements = [one for _, step in steps for one in step.judgements]
        self.differs = sum(not one.agrees for one in judgements)
        self.verdict = (
            f"{self.differs} of {len(judgements)} released cells differ from what the raw bytes give."
            if self.differs
            else f"All {len(judgements)} released cells agree with what the raw bytes give."
        )

    def _ids_of(self, step: Step) -> tuple[str, ...]:
        if step.figure is None:
            return ()
        wanted = [anchor(step.figure)]
        if step.figure in self._domains and step.title.startswith("Domain"):
            wanted.append(domain_anchor(self._domains[step.figure]))
        found = tuple(one for one in wanted if one not in self._ids)
        self._ids |= set(found)
        return found

    def _section(self, step: Step, depth: int, ids: tuple[str, ...]) -> Section:
        return Section(
            ids=ids[:1],
            level=max(2, depth + 1) if depth < _DEEPEST_HEADING else 0,
            title=step.title,
            value=step.value,
            lines=[_line(text) for text in step.working],
            compared=list(self._compared(step)),
            sources=list(self._sources_of(step.sources)),
            metric=self._metric_of(step),
            further_ids=list(ids[1:]),
        )

    def _metric_of(self, step: Step) -> str | None:
        """The metric that a step scores, by its title."""
        metric_id, _, _ = step.title.partition(" ")
        is_score = (
            step.figure is not None and step.figure == score_figure(metric_id) and metric_id != step.figure
        )
        return metric_id if is_score and self._content.one("metric", metric_id=metric_id) else None

    def _compared(self, step: Step) -> Iterator[Compared]:
        for table, together in groupby(step.judgements, lambda one: one.table):
            judgements = list(together)
            figure = step.figure or ""
            told_by = {
                "metric_score": VALUE + figure[len(VALUE) :],
                "domain_score": self._domains.get(figure, ""),
                "segment_threshold": "OF5002" if figure == "OF5003" else figure,
            }.get(table, "")
            yield Compared(
                f"{table}|{told_by}",
                [(one.column.replace("_", " "), one.released) for one in judgements],
                [one.words for one in judgements if not one.agrees],
            )

    def _sources_of(self, sources: Sequence[Source]) -> Iterator[Shown]:
        for (counts, extract, sheet, _), together in groupby(
            sources,
            lambda one: (one.cell is not None, one.extract, one.sheet, (one.cell or "").partition(": ")[0]),
        ):
            if counts:
                yield self._files.counted(list(together))
                continue
            for one in together:
                yield self._files.shown(extract.extract_id, sheet, one.source_row, one.raw_line)


def _flat(step: Step, depth: int) -> Iterator[tuple[int, Step]]:
    yield depth, step
    for below in step.steps:
        yield from _flat(below, depth + 1)


def _line(text: str) -> Line:
    starts = _METRIC_AT_THE_START.match(text)
    if starts is None:
        return Line(text)
    return Line(text[starts.end() :], starts[1], anchor(score_figure(starts[1])))


def _wanted(content: QuarterContent, code: str) -> Mapping[str, str]:
    """Each id that a released cell of the organisation leads to, with the id of the section it belongs to."""
    found: dict[str, str] = {}
    for table, columns in _SHOWN_CELLS.items():
        for row in content.find(table, organisation_code=code):
            for column in columns:
                figure = figure_of(table, row, column)
                if figure is not None:
                    score = score_figure(row["metric_id"]) if table == "metric_score" else RANK
                    found.setdefault(figure, score)
    return found


_SHOWN_CELLS = {
    "metric_score": ("value", "metric_score"),
    "domain_score": ("domain_score",),
    "league_table": (
        "rank",
        "average_metric_score",
        "adjusted_segment",
        "unadjusted_segment",
        "financial_override",
        "final_segment",
    ),
    "reconciliation": ("computed",),
}
_SECTIONS_OF_THE_PAGE = frozenset({"likely-ranges", "movement", "what-would-change"})


def _complete(sections: Sequence[Section], wanted: Mapping[str, str]) -> None:
    """Gives ids that no step has to the section they belong to, so that no link to a figure leads nowhere."""
    by_id = {one: section for section in sections for one in (*section.ids, *section.further_ids)}
    for figure, belongs_to in wanted.items():
        if figure not in by_id and figure not in _SECTIONS_OF_THE_PAGE:
            by_id[figure] = by_id.get(belongs_to, sections[0])
            by_id[figure].further_ids.append(figure)


class _Released:
    """Where nothing can be recomputed: the released figures, each with the row of the file it came from."""

    verdict = ""
    differs = 0

    def __init__(self, quarter: _Quarter, organisation: Organisation) -> None:
        self._content, self._code = quarter.content, organisation[1]
        self._files = _Files(quarter)
        self._used = self._content.find("lineage", organisation_code=self._code)
        self.sections = list(self._sections())
        _complete(self.sections, _wanted(self._content, self._code))
        self.files = self._files.listed()

    def _sections(self) -> Iterator[Section]:
        place = self._content.one("league_table", organisation_code=self._code)
        if place is None:
            yield Section((RANK,), 2, "League-table rank", "none")
        else:
            size = place["organisations_in_table"]
            yield self._section("OF5000.rank", 2, "League-table rank", f"{place['rank']} of {size}")
            yield self._section("OF5000", 3, "Adjusted segment", str(place["adjusted_segment"]))
            flag = "flagged" if place["financial_override"] else "not flagged"
            yield self._section("OF5004", 3, "Financial override", flag)
            yield self._section("OF5003", 3, "Unadjusted segment", str(place["unadjusted_segment"]))
            yield self._section("OF5002", 3, "Average metric score", str(place["average_metric_score"]))
            yield self._section("OF5005", 3, "Final segment", str(place["final_segment"] or "none"))
        for row in self._content.find("metric_score", organisation_code=self._code):
            yield from self._metric(row)

    def _metric(self, row: Row) -> Iterator[Section]:
        metric_id = str(row["metric_id"])
        score = "no score" if row["metric_score"] is None else f"scores {row['metric_score']}"
        title = f"{metric_id} {row['metric_name']}"
        yield self._section(score_figure(metric_id), 3, title, score)
        if row["value"] is not None:
            yield self._section(
                metric_id, 4, "Value", f"{row['value']} {row['unit']}, {row['period'] or 'no period'}"
            )

    def _section(self, figure: str, level: int, title: str, value: str) -> Section:
        sources = [
            self._files.shown(row["extract_id"], row["sheet"], row["source_row"], None)
            for row in self._used
            if row["figure"] == figure
        ]
        return Section((anchor(figure),), level, title, value, sources=sources)
