"""An explanation as Markdown: nested lists, raw lines as code, the files at the end."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.explanation.story.tree import Explanation, Extract, Step
from dagster_project.releases.tombstone import withdrawal_in_words
from dagster_project.shown import code, markdown


def as_markdown(explanation: Explanation) -> str:
    """The whole explanation, ending in a line end."""
    return "\n".join(_document(explanation)) + "\n"


def _document(explanation: Explanation) -> Iterator[str]:
    who = f"{explanation.organisation_name} ({explanation.organisation_code})"
    yield f"# {markdown(who)}, {explanation.quarter}"
    yield ""
    yield (
        f"Table `{explanation.table_name}`, framework {explanation.framework}, "
        f"release `{explanation.release_id}` ({explanation.standing}). **{markdown(explanation.verdict)}**"
    )
    yield ""
    if explanation.withdrawn:
        yield f"**{markdown(withdrawal_in_words(explanation.withdrawn))}**"
        yield ""
    for difference in explanation.differences:
        yield f"- {markdown(difference.words)}"
    if explanation.differences:
        yield ""
    numbers = {extract: number for number, extract in enumerate(explanation.extracts, 1)}
    yield from _step(explanation.root, numbers, "")
    yield ""
    yield "| file | name | publisher | from | retrieved at | sha256 |"
    yield "|---|---|---|---|---|---|"
    for extract, number in numbers.items():
        cells = [markdown(cell) for cell in (extract.file_name, extract.publisher, extract.retrieved_at)]
        cells.insert(2, code(extract.url).replace("|", "%7C"))
        yield f"| {number} | " + " | ".join(cells) + f" | `{extract.extract_id}` |"
    yield ""
    yield markdown(explanation.notice)


def _step(step: Step, numbers: dict[Extract, int], indent: str) -> Iterator[str]:
    figure = f" ({step.figure})" if step.figure else ""
    verdict = ""
    if step.judgements:
        verdict = ", agrees" if all(one.agrees for one in step.judgements) else ", **differs**"
    yield f"{indent}- **{markdown(step.title)}**{figure}: **{markdown(step.value)}**{verdict}"
    below = indent + "  "
    for line in step.working:
        yield f"{below}- {markdown(line)}"
    for one in step.judgements:
        if not one.agrees:
            yield f"{below}- **{markdown(one.words)}**"
    for source in step.sources:
        sheet = f", sheet {markdown(source.sheet)}" if source.sheet else ""
        where = f"file {numbers[source.extract]}{sheet}, row {source.source_row}"
        yield f"{below}- {where}: {code(source.cell or source.raw_line)}"
    for child in step.steps:
        yield from _step(child, numbers, below)
