"""Which released cell a number on a page shows, and where the derivation explains it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dagster_project.explanation.recomputation.measured import score_figure
from dagster_project.publication.addresses import derivation, slug
from dagster_project.releases.tables import EARLIER_RELEASE, RELEASED_TABLES

Row = Mapping[str, Any]
LIKELY_RANGES, MOVEMENT, WHAT_WOULD_CHANGE = "likely-ranges", "movement", "what-would-change"
# What tells a row from others of its table and quarter; a release compares with one earlier release only.
KEYS: Mapping[str, tuple[str, ...]] = {
    **{table.name: tuple(k for k in table.key if k != EARLIER_RELEASE) for table in RELEASED_TABLES},
    "metric_variation": ("organisation_code", "metric_id"),
    "segment_persistence": ("organisation_code",),
}
_OF_THE_PLACE = {
    "rank": "OF5000.rank",
    "organisations_in_table": "OF5000.rank",
    "average_metric_score": "OF5002",
    "average_metric_score_exact": "OF5002",
    "metric_count": "OF5002",
    "adjusted_segment": "OF5000",
    "unadjusted_segment": "OF5003",
    "threshold_basis": "OF5003",
    "financial_override": "OF5004",
    "financial_override_basis": "OF5004",
    "final_segment": "OF5005",
}
_OF_THE_VALUE = frozenset({"value", "unit", "period", "value_source"})
_SECTIONS = {
    **dict.fromkeys(("likely_range", "segment_probability", "not_told_apart"), LIKELY_RANGES),
    **dict.fromkeys(("movement", "movement_total", "movement_beyond_chance"), MOVEMENT),
    "segment_persistence": MOVEMENT,
    **dict.fromkeys(
        ("segment_distance", "metric_step", "metric_influence", "sensitivity"), WHAT_WOULD_CHANGE
    ),
}
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9._-]+")


def cell_id(table: str, row: Row, column: str, *, with_quarter: bool = True) -> str:
    """Names a cell: quarter, a slash, then between bars the table, what its row is told by (KEYS) and the column."""
    keys = ["" if row[key] is None else str(row[key]).replace("|", "%7C") for key in KEYS[table]]
    name = "|".join([table, *keys, column])
    return f"{row['quarter']}/{name}" if with_quarter else name


def anchor(figure: str) -> str:
    """The id of a figure's section in a page: the publisher's id where that may be one."""
    return _NOT_IN_AN_ID.sub("-", figure) or "figure"


def domain_anchor(domain: str) -> str:
    """The second id of a domain's section: released rows name the domain and not its figure."""
    return f"domain-{slug(domain)}"


def figure_of(table: str, row: Row, column: str) -> str | None:
    """The id under which an organisation's derivation explains a cell; None where it is no figure of one."""
    if not row.get("organisation_code"):
        return None
    if "_likely_" in column:
        return LIKELY_RANGES
    if table.startswith("league_table"):
        return _OF_THE_PLACE.get(column)
    if table in _SECTIONS:
        return _SECTIONS[table]
    if table == "domain_score":
        return domain_anchor(row["domain"])
    if table in ("reconciliation", "lineage"):
        return _of_published(str(row["figure"]))
    if table == "consequence":
        return "OF5005" if row["segment_basis"] == "final" else "OF5000"
    return _of_metric(table, row, column)


def _of_metric(table: str, row: Row, column: str) -> str | None:
    metric_id = row.get("metric_id")
    if metric_id is None:
        return "OF5000.rank" if table == "caveat" else None
    if table in ("metric_ranking", "metric_variation"):
        return anchor(metric_id)
    if table == "metric_score":
        return anchor(metric_id if column in _OF_THE_VALUE else score_figure(metric_id))
    if column == "exemplar_average_metric_score":
        return "OF5002"
    return anchor(score_figure(metric_id)) if table in ("exemplar", "caveat") else None


def _of_published(figure: str) -> str:
    return LIKELY_RANGES if "likely" in figure else anchor(figure)


def explained_at(table: str, row: Row, column: str) -> str | None:
    """The address at which a cell is explained; None where it is no figure of an organisation."""
    figure = figure_of(table, row, column)
    if figure is None:
        return None
    whose = row["exemplar_code"] if column.startswith("exemplar_") else row["organisation_code"]
    return derivation(row["quarter"], whose, figure)
