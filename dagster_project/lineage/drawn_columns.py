"""What the likely ranges are drawn from: the columns behind each drawn table, which no SQL tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dagster_project.likely_ranges.drawn import SCHEMA, TABLES
from dagster_project.lineage.column_lineage import ColumnOrigins, TableLineage
from dagster_project.lineage.influence import (
    AGGREGATION,
    CONDITIONAL,
    COUNTED,
    GROUP_BY,
    IDENTITY,
    ROWS,
    Column,
    Influence,
    Origins,
)

_ORGANISATION = f"{SCHEMA}.resampled_organisation"
_SCORE = f"{SCHEMA}.resampled_score"
_CUT_POINT = f"{SCHEMA}.replicate_cut_point"
_SCORES = {
    Column(_SCORE, "weighted_score_units"): AGGREGATION,
    Column(_SCORE, "weight_units"): AGGREGATION,
    Column(_SCORE, "choice"): CONDITIONAL,
    Column(_SCORE, "times"): CONDITIONAL,
    Column(_ORGANISATION, "replicates"): CONDITIONAL,
}
_SEGMENTS = _SCORES | {
    Column(_CUT_POINT, name): CONDITIONAL
    for name in ("cut_point_units", "quantile", "segment", "threshold_basis")
}
_OVERRIDDEN = _SEGMENTS | {Column(_ORGANISATION, "best_segment"): AGGREGATION}
_PERCENTILES = {Column(_ORGANISATION, name): CONDITIONAL for name in ("low_percentile", "high_percentile")}
_TOLD_APART = {Column(_ORGANISATION, "told_apart_from"): CONDITIONAL}
_RANK = {Column(_ORGANISATION, "rank"): AGGREGATION}
_BEARING: Mapping[str, Mapping[Column, Influence]] = {
    "variant": {Column(_CUT_POINT, "threshold_basis"): CONDITIONAL},
    "unadjusted_segment": _SEGMENTS,
    "adjusted_segment": _OVERRIDDEN,
    "average_hundredths": _SCORES,
    "times": _SEGMENTS,
    "average_low": _SCORES | _PERCENTILES,
    "average_high": _SCORES | _PERCENTILES,
    "average_mc_error": _SCORES | _PERCENTILES,
    "segment_low": _OVERRIDDEN | _PERCENTILES,
    "segment_high": _OVERRIDDEN | _PERCENTILES,
    "rank_low": _OVERRIDDEN | _PERCENTILES,
    "rank_high": _OVERRIDDEN | _PERCENTILES,
    "rank_mc_error": _OVERRIDDEN | _PERCENTILES,
    "rank_from": _RANK | _OVERRIDDEN | _TOLD_APART,
    "rank_to": _RANK | _OVERRIDDEN | _TOLD_APART,
    "organisations": _OVERRIDDEN | _TOLD_APART,
}


def drawn_lineage(known: Mapping[str, Sequence[str]]) -> dict[str, TableLineage]:
    """By `<schema>.<table>`, the lineage of the drawn tables; `known` are the columns of what they are drawn from.

    A column that only passes on what it is drawn from keeps its name. Raises KeyError for a new column of which
    nothing is stated here.
    """
    rows: Origins = {Column(_ORGANISATION, ROWS): frozenset({COUNTED})}
    return {
        f"{SCHEMA}.{table}": TableLineage(
            {name: ColumnOrigins(_origins(name, known[_ORGANISATION])) for name in schema.names},
            rows if "times" not in schema.names else rows | _grouped(),
        )
        for table, schema in TABLES.items()
    }


def _origins(column: str, organisation: Sequence[str]) -> Origins:
    if column not in _BEARING and column in organisation:
        return {Column(_ORGANISATION, column): frozenset({IDENTITY})}
    return {origin: frozenset({influence}) for origin, influence in _BEARING[column].items()}


def _grouped() -> Origins:
    return {origin: frozenset({GROUP_BY}) for origin in _SEGMENTS}
