"""An explanation as Markdown: nested lists, raw lines as code, the files at the end."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.audit.explanation.tree import Explanation, Extract, Step
from dagster_project.releases.tombstone import withdrawal_in_words


def as_markdown(explanation: Explanation) -> str:
    """The whole explanation, ending in a line end."""
    return "\n".join(_document(explanation)) + "\n"


def _document(explanation: Explanation) -> Iterator[str]:
    yield (
        f"# {_plain(explanation.organisation_name)} ({explanation.organisation_code}), {explanation.quarter}"
    )
    yield ""
    yield (
        f"Table `{explanation.table_name}`, framework {explanation.framework}, "
        f"release `{explanation.release_id}` ({explanation.standing}). **{explanation.verdict}**"
    )
    yield ""
    if explanation.withdrawn:
        yield f"**{_plain(withdrawal_in_words(explanation.withdrawn))}**"
        yield ""
    for difference in explanation.differences:
        yield f"- {_plain(difference.words)}"
    if explanation.differences:
        yield ""
    numbers = {extract: number for number, extract in enumerate(explanation.extracts, 1)}
    yield from _step(explanation.root, numbers, "")
    yield ""
    yield "| file | name | publisher | from | retrieved at | sha256 |"
    yield "|---|---|---|---|---|---|"
    for extract, number in numbers.items():
        cells = (extract.file_name, extract.publisher, extract.url, extract.retrieved_at)
        yield f"| {number} | " + " | ".join(map(_plain, cells)) + f" | `{extract.extract_id}` |"
    yield ""
    yield explanation.notice


def _step(step: Step, numbers: dict[Extract, int], indent: str) -> Iterator[str]:
    figure = f" ({step.figure})" if step.figure else ""
    verdict = ""
    if step.judgements:
        verdict = ", agrees" if all(one.agrees for one in step.judgements) else ", **differs**"
    yield f"{indent}- **{_plain(step.title)}**{figure}: **{_plain(step.value)}**{verdict}"
    below = indent + "  "
    for line in step.working:
        yield f"{below}- {_plain(line)}"
    for one in step.judgements:
        if not one.agrees:
            yield f"{below}- **{_plain(one.words)}**"
    for source in step.sources:
        sheet = f", sheet {source.sheet}" if source.sheet else ""
        where = f"file {numbers[source.extract]}{sheet}, row {source.source_row}"
        yield f"{below}- {where}: {_code(source.cell or source.raw_line)}"
    for child in step.steps:
        yield from _step(child, numbers, below)


def _plain(text: str) -> str:
    """Text whose signs mean nothing in Markdown."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return text


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"
