"""How the command shows an explanation on a terminal: ten lines, or a tree and the files that its lines stand in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from dagster_project.explanation.story.brief import brief_lines, effect_notice
from dagster_project.explanation.story.tree import Explanation, Extract, Source, Step
from dagster_project.layout import broken, labelled, narrow_terminal, shortened
from dagster_project.releases.tombstone import withdrawal_in_words
from dagster_project.shown import Terminal, visible

# A pipe or a file has no width of its own: wide enough that raw lines aren't broken.
_WIDTH_OF_A_FILE = 400


class _Raw:
    """A raw line, or an address: as wide as there is room, and broken between its parts."""

    def __init__(self, before: str, text: str) -> None:
        self._before, self._text = before, text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = Text(broken(visible(self._before + self._text), options.max_width))
        text.stylize("dim", 0, len(self._before))
        yield text


def show_brief(explanation: Explanation) -> None:
    """The place of an organisation in ten lines, the verdict on its cells, and how to see more; all of it where there
    is no place to tell of."""
    if explanation.brief is None:
        show_explanation(explanation)
        return
    out = narrow_terminal()
    code = f" ({explanation.organisation_code})"
    out.print(
        Text(shortened(visible(explanation.organisation_name), out.width - len(code)) + code, style="bold")
    )
    _show_withdrawal(out, explanation)
    lines = brief_lines(explanation.brief)
    out.print(labelled(lines))
    notice = effect_notice(lines)
    if notice:
        out.print(Text(notice, style="dim"))
    _show_verdict(out, explanation)
    example = [*explanation.brief.pulled_down, *explanation.brief.pulled_up][:1]
    metric = example[0].metric_id if example else "METRIC"
    out.print(f"More: --metric {metric} for its sums and raw lines, --full for everything.")
    out.print(escape(explanation.notice))


def _show_withdrawal(out: Terminal, explanation: Explanation) -> None:
    """Before any figure: nobody is to read one of a release that was taken back unawares."""
    if explanation.withdrawn:
        out.print(Text(withdrawal_in_words(explanation.withdrawn), style="bold red"))


def _show_verdict(out: Terminal, explanation: Explanation) -> None:
    style = "bold red" if explanation.differences else "green"
    out.print(Text(explanation.verdict, style=style))
    for difference in explanation.differences:
        out.print(Text(f"  {difference.words}", style="red"))
    if not explanation.is_current:
        out.print(f"Release {explanation.release_id} is {explanation.standing}.")


def show_explanation(explanation: Explanation) -> None:
    """Who and what, the verdict, the tree, the files."""
    out = Terminal(soft_wrap=False, width_of_file=_WIDTH_OF_A_FILE)
    out.print(
        f"[bold]{escape(explanation.organisation_name)}[/bold] ({escape(explanation.organisation_code)}), "
        f"{explanation.table_name}, {explanation.quarter}, release {explanation.release_id} ({explanation.standing})"
    )
    _show_withdrawal(out, explanation)
    _show_verdict(out, explanation)
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
        tree.add(_Raw(f"{where}: ", text))


def _show_file(out: Terminal, number: int, extract: Extract) -> None:
    out.print(
        f"[bold]File {number}[/bold]: {escape(extract.file_name)}, {escape(extract.publisher)}, {extract.release_state}"
    )
    for text in (
        _Raw("from ", f"{extract.url}, retrieved at {extract.retrieved_at}"),
        Text(f"sha256 {extract.extract_id}, {visible(extract.licence)}"),
    ):
        out.print(Padding(text, (0, 0, 0, 2)))
