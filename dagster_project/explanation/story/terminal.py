"""How the command shows an explanation on a terminal: a tree, then the files that its lines stand in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.markup import escape
from rich.text import Text
from rich.tree import Tree

from dagster_project.explanation.story.tree import Explanation, Extract, Source, Step
from dagster_project.releases.tombstone import withdrawal_in_words
from dagster_project.shown import Terminal

# A pipe or a file has no width of its own: wide enough that raw lines aren't broken.
_WIDTH_OF_A_FILE = 400


def show_explanation(explanation: Explanation) -> None:
    """Who and what, the verdict, the tree, the files."""
    out = Terminal(soft_wrap=False, width_of_file=_WIDTH_OF_A_FILE)
    out.print(
        f"[bold]{escape(explanation.organisation_name)}[/bold] ({escape(explanation.organisation_code)}), "
        f"{explanation.table_name}, {explanation.quarter}, release {explanation.release_id} ({explanation.standing})"
    )
    if explanation.withdrawn:
        out.print(Text(withdrawal_in_words(explanation.withdrawn), style="bold red"))
    style = "bold red" if explanation.differences else "green"
    out.print(Text(explanation.verdict, style=style))
    for difference in explanation.differences:
        out.print(Text(f"  {difference.words}", style="red"))
    numbers = {extract: number for number, extract in enumerate(explanation.extracts, 1)}
    out.print(_tree(explanation.root, numbers, None))
    for extract, number in numbers.items():
        _show_file(out, number, extract)
    out.print(escape(explanation.notice))


def _tree(step: Step, numbers: dict[Extract, int], above: Tree | None) -> Tree:
    label = Text.assemble((step.title, "bold"), ": ", (step.value, "bold cyan"))
    if step.figure:
        label.append(f"  {step.figure}", "dim")
    different = [one for one in step.judgements if not one.agrees]
    if different:
        label.append("  DIFFERS", "bold red")
    elif step.judgements:
        label.append("  agrees", "green")
    tree = Tree(label) if above is None else above.add(label)
    for line in step.working:
        tree.add(Text(line))
    for one in different:
        tree.add(Text(one.words, style="red"))
    _add_sources(tree, step.sources, numbers)
    for below in step.steps:
        _tree(below, numbers, tree)
    return tree


def _add_sources(tree: Tree, sources: Sequence[Source], numbers: dict[Extract, int]) -> None:
    for (extract, sheet, row), together in groupby(
        sources, lambda one: (one.extract, one.sheet, one.source_row)
    ):
        cells = list(together)
        where = f"file {numbers[extract]}{f', sheet {sheet}' if sheet else ''}, row {row}"
        text = "; ".join(one.cell for one in cells if one.cell) or cells[0].raw_line
        tree.add(Text.assemble((f"{where}: ", "dim"), text))


def _show_file(out: Terminal, number: int, extract: Extract) -> None:
    out.print(
        f"[bold]File {number}[/bold]: {escape(extract.file_name)}, {escape(extract.publisher)}, {extract.release_state}"
    )
    out.print(f"  from {escape(extract.url)}, retrieved at {extract.retrieved_at}", soft_wrap=True)
    out.print(f"  sha256 {extract.extract_id}, {escape(extract.licence)}", soft_wrap=True)
