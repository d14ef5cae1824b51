"""An explanation as a tree: each step a figure, how it was worked out, whether it agrees, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster_project.explanation.recomputation.judged import Judgement
from dagster_project.explanation.story import brief as in_brief


@dataclass(frozen=True)
class Extract:
    """A raw file that the release used. `url` and `retrieved_at` are those of its first sighting, as recorded."""

    extract_id: str
    file_name: str
    source: str
    publisher: str
    licence: str
    release_state: str
    url: str
    retrieved_at: str


@dataclass(frozen=True)
class Source:
    """A row of a raw file, as it stands there; `cell` is the column and text of the one cell that counts."""

    extract: Extract
    sheet: str | None
    source_row: int
    raw_line: str
    cell: str | None = None


@dataclass(frozen=True)
class Step:
    """One figure. `figure` is the publisher's id, `value` what the recomputation found, `working` one sum or
    sentence per line, `judgements` the released cells that it was compared with.
    """

    title: str
    value: str
    figure: str | None = None
    working: tuple[str, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    sources: tuple[Source, ...] = ()
    steps: tuple[Step, ...] = ()

    def walk(self) -> Iterator[Step]:
        """The step and all below it."""
        yield self
        for step in self.steps:
            yield from step.walk()


class ByColumn:
    """Judgements that each go to the step of their figure, and none gets lost."""

    def __init__(self, judgements: Sequence[Judgement]) -> None:
        self._left = {one.column: one for one in judgements}

    def take(self, *columns: str) -> tuple[Judgement, ...]:
        return tuple(self._left.pop(column) for column in columns if column in self._left)

    def rest(self) -> tuple[Judgement, ...]:
        """Those that no step has taken."""
        return tuple(self._left.values())


@dataclass(frozen=True)
class Explanation:
    """The answer for one organisation and quarter, or for one metric of it; `brief` is there where a place is asked for
    and there is one."""

    organisation_code: str
    organisation_name: str
    table_name: str
    quarter: str
    release_id: str
    is_current: bool
    is_sample: bool
    framework: str
    notice: str
    root: Step
    brief: in_brief.Brief | None = None
    withdrawn: Mapping[str, Any] | None = None

    @property
    def standing(self) -> str:
        """Whether the release is what consumers see, in words."""
        if self.withdrawn:
            return "withdrawn"
        return "current" if self.is_current else "not the current one"

    @property
    def judgements(self) -> list[Judgement]:
        """Every released cell that was compared."""
        return [judgement for step in self.root.walk() for judgement in step.judgements]

    @property
    def differences(self) -> list[Judgement]:
        """The cells whose recomputation isn't what the release says."""
        return [judgement for judgement in self.judgements if not judgement.agrees]

    @property
    def extracts(self) -> list[Extract]:
        """The files that the steps rest on, in the order of the steps."""
        return list(dict.fromkeys(source.extract for step in self.root.walk() for source in step.sources))

    @property
    def verdict(self) -> str:
        """Whether the raw bytes give what the release says, in one sentence."""
        compared, different = len(self.judgements), len(self.differences)
        if different:
            return f"{different} of {compared} released cells differ from what the raw bytes give."
        return f"All {compared} released cells agree with what the raw bytes give."


def as_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation as plain JSON values."""
    return {
        "organisation_code": explanation.organisation_code,
        "organisation_name": explanation.organisation_name,
        "table_name": explanation.table_name,
        "quarter": explanation.quarter,
        "release_id": explanation.release_id,
        "is_current": explanation.is_current,
        "withdrawn": dict(explanation.withdrawn) if explanation.withdrawn else None,
        "is_sample": explanation.is_sample,
        "framework": explanation.framework,
        "agrees": not explanation.differences,
        "cells_compared": len(explanation.judgements),
        "differences": [_judgement(one) for one in explanation.differences],
        "summary": None if explanation.brief is None else in_brief.as_json(explanation.brief),
        "explanation": _step(explanation.root),
        "notice": explanation.notice,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "title": step.title,
        "figure": step.figure,
        "value": step.value,
        "agrees": all(one.agrees for one in step.judgements) if step.judgements else None,
        "compared": [_judgement(one) for one in step.judgements],
        "working": list(step.working),
        "sources": [_source(source) for source in step.sources],
        "steps": [_step(below) for below in step.steps],
    }


def _judgement(one: Judgement) -> dict[str, Any]:
    return {
        "table": one.table,
        "column": one.column,
        "recomputed": one.recomputed,
        "released": one.released,
        "agrees": one.agrees,
    }


def _source(source: Source) -> dict[str, Any]:
    extract = source.extract
    return {
        "file_name": extract.file_name,
        "publisher": extract.publisher,
        "licence": extract.licence,
        "release_state": extract.release_state,
        "url": extract.url,
        "retrieved_at": extract.retrieved_at,
        "sha256": extract.extract_id,
        "sheet": source.sheet,
        "source_row": source.source_row,
        "cell": source.cell,
        "raw_line": source.raw_line,
    }
