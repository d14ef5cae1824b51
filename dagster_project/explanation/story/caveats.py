"""What a reader should know beside a figure: the release's own caveats and likely ranges, not recomputed here."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.measured import Organisation

_RANGES = (
    ("rank", "rank_likely_low", "rank_likely_high"),
    ("average", "average_likely_low", "average_likely_high"),
    ("segment", "segment_likely_low", "segment_likely_high"),
)


def caveat_words(judged: Judged, organisation: Organisation, metric_id: str | None = None) -> Iterator[str]:
    """A line per caveat of a metric, or of the organisation's place; none for a release made before there were
    any."""
    for row in judged.released_caveats:
        if (row["table_name"], row["organisation_code"]) == organisation and row["metric_id"] == metric_id:
            yield f"Caveat: {row['caveat_text']}"


def likely_range_words(judged: Judged, organisation: Organisation) -> Iterator[str]:
    """How sure the place is, by the release's likely ranges."""
    row = judged.released_league_table.get(organisation, {})
    said = [
        f"{what} {row[low]} to {row[high]}"
        for what, low, high in _RANGES
        if row.get(low) is not None and row.get(high) is not None
    ]
    if said:
        yield f"Likely range, as released and not redone here: {', '.join(said)}"
