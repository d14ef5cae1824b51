"""The publisher's own row of a figure, to be shown beside the recomputed one."""

from __future__ import annotations

from typing import NamedTuple

from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.explanation.recomputation.raw_rows import RawRow


class AsPublished(NamedTuple):
    """The publisher's own row of a figure, and what it says; nothing where there is none."""

    row: RawRow | None
    words: tuple[str, ...]


def as_published(judged: Judged, organisation: Organisation, figure: str) -> AsPublished:
    """What the publisher says of a figure."""
    row = judged.standings.recomputation.figures.of(organisation, figure)
    words = () if row is None else (f"As published: {row.value_text} ({figure})",)
    return AsPublished(row, words)
