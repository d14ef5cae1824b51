"""Which released cell a number on a page shows, and which figure of the derivation explains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_project.explanation.recomputation.measured import score_figure

Row = Mapping[str, Any]
# What tells a row from others of its table, its quarter and its organisation.
_KEYS = (
    "metric_id",
    "domain",
    "measure",
    "cause",
    "variant",
    "segment",
    "choice",
    "subject",
    "policy",
    "caveat",
)
_OF_THE_PLACE = {
    "rank": "OF5000.rank",
    "average_metric_score": "OF5002",
    "average_metric_score_exact": "OF5002",
    "final_segment": "OF5000",
    "adjusted_segment": "OF5003",
    "unadjusted_segment": "OF5004",
    "financial_override": "OF5005",
}


def cell_id(table: str, row: Row, column: str) -> str:
    """Names a cell: quarter, table, organisation and what else its row is told by, then the column, between bars."""
    keys = [f"{key}={row[key]}" for key in _KEYS if row.get(key) is not None and key != column]
    return "|".join([row["quarter"], table, str(row.get("organisation_code") or ""), *keys, column])


def figure_of(table: str, row: Row, column: str) -> str | None:
    """The id under which the derivation explains a cell; None where it is no figure of an organisation."""
    if not row.get("organisation_code"):
        return None
    if table.startswith("league_table"):
        return _OF_THE_PLACE.get(column)
    if table == "metric_score" and column in ("value", "metric_score", "metric_score_exact"):
        metric_id = str(row["metric_id"])
        return metric_id if column == "value" else score_figure(metric_id)
    return None
