"""How a reconciliation and the ledger of differences look on a terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.markup import escape

from dagster_project.layout import Column, Rows, counted, digits
from dagster_project.notices import notice_of
from dagster_project.shown import Terminal

_LISTED = 20
_OF_A_KIND = 5
# In the order in which a reader asks for them.
OUTCOMES = {
    "equal": "equal",
    "within_tolerance": "within tolerance",
    "admissible": "possible within rounding",
    "different": "different",
    "not_computable": "not computable",
    "not_published": "not published",
}


def show_reconciliation(result: Mapping[str, Any]) -> None:
    """Counts by kind of figure, why some can't be computed, how much the equal scores prove, and what isn't equal."""
    out = Terminal()
    figures = sum(item["figures"] for item in result["counts"])
    out.print(
        f"[bold]{result['quarter']}[/bold], release {result['release_id']}: "
        f"{counted(figures, 'figure')} beside the publisher's"
    )
    out.print(_counts_table(result["counts"]))
    _show_reasons(out, result["not_computable"])
    _show_what_is_proved(out, result["equal_scores"])
    if result["not_equal"]:
        out.print("\n[bold]Not equal[/bold]")
    for item in result["not_equal"][:_LISTED]:
        out.print(f"{_difference(item)}, {OUTCOMES[item['outcome']]}: {escape(item['reason'])}")
    _show_more(out, len(result["not_equal"]) - _LISTED)
    out.print(notice_of(is_sample=result["is_sample"]))


def show_ledger(result: Mapping[str, Any]) -> None:
    """The differences of the current releases, then those of earlier ones and of runs whose gate closed."""
    out = Terminal()
    if not result["differences"]:
        out.print("No figure that was compared has ever differed.")
    for is_current, title in (
        (True, "In the current releases"),
        (False, "Only in earlier releases, or in runs whose gate closed"),
    ):
        found = [item for item in result["differences"] if item["is_current"] == is_current]
        if found:
            out.print(f"[bold]{title}: {counted(len(found), 'difference')} from the publisher[/bold]")
        for item in result["kinds"]:
            if item["is_current"] == is_current:
                _show_kind(out, item, found)
    out.print(notice_of(is_sample=result["is_sample"]))


def _counts_table(counts: Sequence[Mapping[str, Any]]) -> Rows:
    there = {item["outcome"] for item in counts}
    outcomes = [outcome for outcome in OUTCOMES if outcome in there]
    rows = []
    for table, kinds in groupby(counts, key=lambda item: item["table"]):
        by_kind: dict[str, dict[str, int]] = {}
        for item in kinds:
            by_kind.setdefault(item["figure"], {})[item["outcome"]] = item["figures"]
        for kind, found in by_kind.items():
            numbers = [f"{found[outcome]:,}" if outcome in found else "" for outcome in outcomes]
            rows.append((table, kind, *numbers))
    columns = [Column("table"), Column("figure", least=20)]
    return Rows([*columns, *(Column(OUTCOMES[outcome], right=True) for outcome in outcomes)], rows)


def _show_reasons(out: Terminal, reasons: Sequence[Mapping[str, Any]]) -> None:
    """Each reason why figures can't be computed, with the tables and the kind of figure that it holds for."""
    if not reasons:
        return
    out.print("\n[bold]Not computable, and why[/bold]")
    columns = (Column("table"), Column("figure"), Column("figures", right=True), Column("reason", least=30))
    rows = [(item["table"], item["figure"], f"{item['figures']:,}", item["reason"]) for item in reasons]
    out.print(Rows(columns, rows))


def _show_what_is_proved(out: Terminal, bases: Mapping[str, int]) -> None:
    equal = sum(bases.values())
    if not equal:
        return
    out.print(f"\n[bold]Equal metric scores[/bold]: {equal:,}, of which")
    says = {
        "computed": "computed from the values alone: an independent proof",
        "resolved": "resolved: the printed values leave a few scores open, the published one chooses among them",
        "published": "the published score itself, as nothing else is published: no proof",
    }
    rows = [(f"{bases[basis]:,}", text) for basis, text in says.items() if bases.get(basis)]
    out.print(Rows((Column("", right=True), Column("", least=30)), rows))


def _show_kind(out: Terminal, kind: Mapping[str, Any], differences: Iterable[Mapping[str, Any]]) -> None:
    """What a kind of difference is, how many and how large, and its first ones."""
    names = ("quarter", "table_name", "figure_kind", "outcome", "reason")
    largest = "" if kind["largest_difference"] is None else f", at most {digits(kind['largest_difference'])}"
    out.print(
        f"\n{kind['quarter']} {kind['table_name']}, {escape(kind['figure_kind'])}: "
        f"{kind['differences']:,} {OUTCOMES[kind['outcome']]}{largest}: {escape(kind['reason'])}"
    )
    found = [item for item in differences if all(item[name] == kind[name] for name in names)]
    for item in found[:_OF_A_KIND]:
        out.print(f"  {_difference(item)}; release {item['release_id']}")
    _show_more(out, len(found) - _OF_A_KIND, indent="  ")


def _show_more(out: Terminal, more: int, indent: str = "") -> None:
    if more > 0:
        out.print(f"{indent}and {more:,} more: --json lists all")


def _difference(item: Mapping[str, Any]) -> str:
    ours = digits(item["computed"]) or "none"
    published = digits(item["published"]) or "none"
    return f"{escape(item['organisation_code'])} {escape(item['figure'])}: ours {ours}, published {published}"
