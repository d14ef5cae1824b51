"""Accessible workbooks: one a quarter, one per organisation. What stands on which sheet, in whose words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster_project.publication import addresses
from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.described_tables import described_tables
from dagster_project.publication.figures import explained_at
from dagster_project.publication.licences import licence_of
from dagster_project.publication.rendering import Produced
from dagster_project.publication.spreadsheet import NOT_AVAILABLE, Cover, Sheet, workbook
from dagster_project.publication.words import LOWER_IS_BETTER, NOT_A_VERDICT, domain_name, table_name
from dagster_project.shown import in_one_line

Row = Mapping[str, Any]
_SCORE = "(1 best to 4 worst)"
_SEGMENT = "(1 best to 4 worst)"
_RANK = "(1 is best)"
# Headings with their units; other columns go by their own names.
HEADINGS = {
    "organisation_code": "Organisation code",
    "organisation_name": "Organisation",
    "organisation_subtype": "Kind of organisation",
    "region": "Region",
    "table_name": "League table",
    "rank": f"Rank {_RANK}",
    "organisations_in_table": "Organisations in the table (number)",
    "average_metric_score": f"Average metric score {_SCORE}",
    "average_metric_score_exact": f"Average metric score with all digits {_SCORE}",
    "metric_count": "Metric scores in the average (number)",
    "unadjusted_segment": f"Segment before the financial override {_SEGMENT}",
    "financial_override": "In deficit or receiving deficit support (yes or no)",
    "adjusted_segment": f"Segment {_SEGMENT}",
    "final_segment": "Final segment (1 best to 4 worst, 5 in the recovery programme)",
    "average_likely_low": f"Average, likely range from {_SCORE}",
    "average_likely_high": f"Average, likely range to {_SCORE}",
    "segment_likely_low": f"Segment, likely range from {_SEGMENT}",
    "segment_likely_high": f"Segment, likely range to {_SEGMENT}",
    "rank_likely_low": f"Rank, likely range from {_RANK}",
    "rank_likely_high": f"Rank, likely range to {_RANK}",
    "metric_id": "Metric code",
    "metric_name": "Metric",
    "domain": "Domain",
    "value": "Value (in the unit beside it)",
    "unit": "Unit",
    "period": "Period of the value",
    "metric_score": f"Metric score {_SCORE}",
    "metric_score_exact": f"Metric score with all digits {_SCORE}",
    "score_basis": "Where the score comes from",
    "score_basis_reason": "Why",
    "pool_size": "Organisations compared (number)",
    "rank_in_pool": f"Rank among those compared {_RANK}",
    "enters_average": "Counts in the average (yes or no)",
    "domain_score": f"Domain score {_SCORE}",
    "domain_score_exact": f"Domain score with all digits {_SCORE}",
    "domain_segment": f"Domain segment {_SEGMENT}",
    "variant": "How the range was drawn",
    "average_low": f"Average from {_SCORE}",
    "average_high": f"Average to {_SCORE}",
    "segment_low": f"Segment from {_SEGMENT}",
    "segment_high": f"Segment to {_SEGMENT}",
    "rank_low": f"Rank from {_RANK}",
    "rank_high": f"Rank to {_RANK}",
    "replicates": "Draws (number)",
    "quarter_before": "Quarter before",
    "measure": "What moved",
    "figure_before": "Figure in the quarter before (as the measure says)",
    "figure_after": "Figure now (as the measure says)",
    "change": "Change (below zero is better, as the measure says)",
    "likely_low_before": "Likely range before, from (as the measure says)",
    "likely_high_before": "Likely range before, to (as the measure says)",
    "likely_low_after": "Likely range now, from (as the measure says)",
    "likely_high_after": "Likely range now, to (as the measure says)",
    "verdict": "More than chance",
    "better_segment": f"Next better segment {_SEGMENT}",
    "average_needed": f"Average needed for it {_SCORE}",
    "improvement_needed": "Improvement needed for it (points of the average)",
    "margin_to_worse": "Room before the next worse segment (points of the average)",
    "override_holds": "Held back by the financial override (yes or no)",
    "policy": "Policy",
    "segment": "Segment that counts (1 best to 5)",
    "applies": "Applies",
    "policy_segments": "Segments that the policy names",
    "depends_on": "What else decides",
    "state": "How sure the rule is",
    "caveat": "Caveat",
    "amount": "Amount (as the caveat says)",
    "caveat_text": "What to bear in mind",
}
_NAME = "organisation_name"
# Columns of fixed words, which the release joins with underscores.
_WORDS = frozenset({"measure", "verdict", "variant", "score_basis", "caveat", "policy", "applies"})


@dataclass(frozen=True)
class SheetOf:
    """A sheet of a released table: which columns, in which order. `title` is said of the quarter.

    `explained` is the column whose derivation a board pack names beside each row.
    """

    name: str
    table: str
    title: str
    columns: tuple[str, ...]
    explained: str | None = None


_WHO = ("organisation_code", _NAME)
_PLACE = (
    "unadjusted_segment",
    "financial_override",
    "adjusted_segment",
    "final_segment",
    "average_metric_score",
    "average_metric_score_exact",
    "metric_count",
    "rank_likely_low",
    "rank_likely_high",
    "average_likely_low",
    "average_likely_high",
    "segment_likely_low",
    "segment_likely_high",
)
_METRIC = (
    "metric_id",
    "metric_name",
    "domain",
    "value",
    "unit",
    "period",
    "metric_score",
    "metric_score_exact",
    "rank_in_pool",
    "pool_size",
    "enters_average",
    "score_basis",
    "score_basis_reason",
)
_DOMAIN = ("domain", "domain_score", "domain_score_exact", "domain_segment", "metric_count")
_MOVED = ("measure", "metric_id", "quarter_before", "figure_before", "figure_after", "change")
_BEYOND = (
    "measure",
    "quarter_before",
    "figure_before",
    "likely_low_before",
    "likely_high_before",
    "figure_after",
    "likely_low_after",
    "likely_high_after",
    "change",
    "verdict",
)
_RANGE = (
    "variant",
    "rank_low",
    "rank_high",
    "average_low",
    "average_high",
    "segment_low",
    "segment_high",
    "replicates",
)
_NEXT = (
    "adjusted_segment",
    "average_metric_score_exact",
    "better_segment",
    "average_needed",
    "improvement_needed",
    "margin_to_worse",
    "override_holds",
)
_FOLLOWS = ("policy", "segment", "applies", "policy_segments", "depends_on", "rule", "state", "source")
_CAVEAT = ("metric_id", "caveat", "amount", "caveat_text")
LEAGUE = ("rank", *_WHO, "organisation_subtype", "region", *_PLACE)
OF_THE_QUARTER = (
    SheetOf("Metric scores", "metric_score", "Metric values and scores", (*_WHO, "table_name", *_METRIC)),
    SheetOf("Domain scores", "domain_score", "Domain scores", (*_WHO, "table_name", *_DOMAIN)),
    SheetOf("Likely ranges", "likely_range", "Likely ranges of each place", (*_WHO, "table_name", *_RANGE)),
    SheetOf(
        "Movement", "movement_total", "What moved since the quarter before", (*_WHO, "table_name", *_MOVED)
    ),
    SheetOf(
        "Movement and chance",
        "movement_beyond_chance",
        "Whether a movement is more than chance",
        (*_WHO, "table_name", *_BEYOND),
    ),
    SheetOf("Caveats", "caveat", "What to bear in mind", (*_WHO, "table_name", *_CAVEAT)),
)
OF_AN_ORGANISATION = (
    SheetOf("Domains", "domain_score", "Domain scores", _DOMAIN, "domain_score"),
    SheetOf("Metrics", "metric_score", "Metric values and scores", _METRIC, "metric_score"),
    SheetOf("Likely ranges", "likely_range", "Likely ranges of the place", _RANGE, "rank_low"),
    SheetOf("Movement", "movement_total", "What moved since the quarter before", _MOVED, "change"),
    SheetOf(
        "Movement and chance",
        "movement_beyond_chance",
        "Whether a movement is more than chance",
        _BEYOND,
        "change",
    ),
    SheetOf("Next segment", "segment_distance", "How far the next segment is", _NEXT, "average_needed"),
    SheetOf("What follows", "consequence", "What follows from the segment", _FOLLOWS, "segment"),
    SheetOf("Caveats", "caveat", "What to bear in mind", _CAVEAT, "caveat"),
)
PLACE_COLUMNS = ("rank", "organisations_in_table", *_PLACE)
SUMMARY_HEADINGS = ("League table", "Outcome of the comparison", "Figures (number)")
DERIVATION = "Derivation (page of the publication)"


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's workbook and board packs."""
    yield Produced(addresses.workbook(content.quarter), quarter_workbook(content))
    for code in content.codes:
        yield Produced(addresses.board_pack(content.quarter, code), board_pack(content, code))


def quarter_workbook(content: QuarterContent) -> bytes:
    """The workbook of a quarter's tables; a table without rows has no sheet, and the cover says so."""
    title = f"League tables of NHS organisations, {content.label}"
    sheets = [
        _sheet(
            content,
            SheetOf(table_name(name), "league_table", f"{table_name(name)}: league table", LEAGUE),
            content.find("league_table", table_name=name),
        )
        for name in content.tables
    ]
    sheets += [_sheet(content, of, content.rows(of.table)) for of in OF_THE_QUARTER if content.rows(of.table)]
    if content.rows("reconciliation"):
        sheets.append(_summary(content))
    missing = [of.name for of in OF_THE_QUARTER if not content.rows(of.table)]
    cover = _cover(content, title, _not_here(missing))
    return workbook(
        cover,
        [_notes(content), _columns(content), *sheets],
        subject=f"Quarter {content.quarter}, release {content.release_id}",
        dated=content.last_day,
        comments=content.notice,
    )


def board_pack(content: QuarterContent, code: str) -> bytes:
    """The workbook of one organisation, for its board: its place and what stands behind and follows from it."""
    known = content.one("organisation", organisation_code=code) or {}
    name = in_one_line(known.get(_NAME) or code)
    place = content.places.get(code)
    found = [(of, content.find(of.table, organisation_code=code)) for of in OF_AN_ORGANISATION]
    whose = f"{name} ({code})"
    sheets = [_place(content, place, whose)] if place is not None else []
    sheets += [_sheet(content, of, rows, whose) for of, rows in found if rows]
    said = [] if place is not None else ["It has no place in a league table of this quarter."]
    said += _not_here([of.name for of, rows in found if not rows])
    cover = _cover(content, _titled(content, whose), said)
    return workbook(
        cover,
        sheets,
        subject=f"{code}, quarter {content.quarter}, release {content.release_id}",
        dated=content.last_day,
        comments=content.notice,
    )


def heading(column: str) -> str:
    """A column's name as people read it, with its unit."""
    return HEADINGS.get(column, column.replace("_", " ").capitalize())


def cell_value(content: QuarterContent, row: Row, column: str) -> object:
    """What a sheet shows of a released row: its own column, in words where it is a name of ours."""
    if column == _NAME and column not in row:
        known = content.one("organisation", organisation_code=row["organisation_code"])
        return known[_NAME] if known is not None else None
    value = row[column]
    if value is not None and column in ("domain", "table_name"):
        return domain_name(value) if column == "domain" else table_name(value)
    return value.replace("_", " ") if column in _WORDS and isinstance(value, str) else value


def _sheet(content: QuarterContent, of: SheetOf, rows: Sequence[Row], whose: str = "") -> Sheet:
    """A sheet of released rows, at least one; its title says `whose` they are where they are one organisation's."""
    columns = [column for column in of.columns if column == _NAME or column in rows[0]]
    values = [[cell_value(content, row, column) for column in columns] for row in rows]
    headings = [heading(column) for column in columns]
    if of.explained is not None:
        headings.append(DERIVATION)
        for row, line in zip(rows, values, strict=True):
            line.append(explained_at(of.table, row, of.explained))
    title = f"{whose}: {of.title}" if whose else of.title
    return Sheet(of.name, _titled(content, title), _lines(content), tuple(headings), values)


def _place(content: QuarterContent, place: Row, whose: str) -> Sheet:
    """The place as a list: what, how much, and where its derivation is: a path and no link, because a link from a file
    that was passed on would lead nowhere.
    """
    columns = [column for column in PLACE_COLUMNS if column in place]
    return Sheet(
        "Place",
        _titled(content, f"{whose}: place among {table_name(place['table_name'])}"),
        _lines(content),
        ("What", "Figure (in the unit beside its name)", DERIVATION),
        [(heading(column), place[column], explained_at("league_table", place, column)) for column in columns],
    )


def _summary(content: QuarterContent) -> Sheet:
    """How many figures came out as the publisher's: counted, nothing computed."""
    counted = Counter((row["table_name"], row["outcome"]) for row in content.rows("reconciliation"))
    return Sheet(
        "Compared with the publisher",
        _titled(content, "Figures compared with those of the publisher"),
        _lines(content),
        SUMMARY_HEADINGS,
        [
            (table_name(name or ""), outcome.replace("_", " "), counted[name, outcome])
            for name, outcome in sorted(counted, key=lambda key: (key[0] or "", key[1]))
        ],
    )


def _notes(content: QuarterContent) -> Sheet:
    notes = [
        LOWER_IS_BETTER,
        NOT_A_VERDICT,
        "A likely range says where a figure could as well be: organisations whose ranges overlap often can't be told "
        "apart.",
        "A segment is one of four groups, 1 the best. Trusts in deficit can't be in a group better than 3; that is the "
        "financial override.",
        "Ranks that are the same are ties.",
        "Figures have as many digits as a spreadsheet keeps, which is fifteen. The CSV files have all.",
        f"{NOT_AVAILABLE} means that a figure isn't available: the publisher gives none, or it doesn't apply.",
    ]
    return Sheet(
        "Notes",
        "Notes",
        _lines(content),
        ("Note number", "Note text"),
        [(number, text) for number, text in enumerate(notes, 1)],
    )


def _columns(content: QuarterContent) -> Sheet:
    """What each column of the quarter's sheets holds, as dbt's YAML describes it."""
    tables = described_tables(content.release)
    league = SheetOf("League tables", "league_table", "", LEAGUE)
    shown = [of for of in (league, *OF_THE_QUARTER) if content.rows(of.table)]
    described = {
        (name, column.name): column.description for name, table in tables.items() for column in table.columns
    }
    return Sheet(
        "Columns",
        _titled(content, "What each column holds"),
        _lines(content),
        ("Sheet", "Column", "What it holds", "Name in the data files"),
        [
            (
                of.name,
                heading(column),
                described.get((of.table, column)) or described.get(("organisation", column)),
                f"{of.table}.{column}",
            )
            for of in shown
            for column in of.columns
            if column == _NAME or (of.table, column) in described
        ],
    )


def _titled(content: QuarterContent, title: str) -> str:
    return f"{title}, {content.label}"


def _lines(content: QuarterContent) -> tuple[str, ...]:
    """The first lines of each sheet: what kind of figures these are and how they are to be read."""
    return (
        f"{content.notice} Licence: {licence_of(is_sample=content.is_sample).title}.",
        f"Quarter {content.quarter}, release {content.release_id}.",
        LOWER_IS_BETTER,
        f"This worksheet contains one table. {NOT_AVAILABLE} means not available.",
    )


def _cover(content: QuarterContent, title: str, not_here: Sequence[str]) -> Cover:
    licence = licence_of(is_sample=content.is_sample)
    made_of = "invented figures" if content.is_sample else "figures that NHS England publishes"
    return Cover(
        title,
        (
            (
                "Introductory information",
                (content.notice, f"Recomputed from {made_of}. Not made or endorsed by the NHS."),
            ),
            ("How to read the figures", (LOWER_IS_BETTER, NOT_A_VERDICT)),
            (
                "About these data",
                (
                    f"Quarter {content.quarter}: {content.label}.",
                    f"Release {content.release_id}.",
                    f"Licence: {licence.title}, {licence.path}",
                    *not_here,
                ),
            ),
        ),
    )


def _not_here(names: Sequence[str]) -> list[str]:
    return [f"There is nothing for: {', '.join(names)}."] if names else []
