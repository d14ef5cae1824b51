"""From which columns of the publishers' files each landed column is read, by source of the catalogue.

Told apart from the readers, so that a question about lineage needn't import them; a test changes a file cell by
cell and sees that each landed column follows the columns named here and no others.
"""

from __future__ import annotations

from collections.abc import Mapping

_ORGANISATION = {
    "table_name": ("Trust_type",),
    "organisation_code": ("Trust_code",),
    "organisation_name": ("Trust_name",),
    "organisation_subtype": ("Trust_subtype",),
    "region": ("Region",),
}
_FIGURE_OF_EACH_COLUMN = (
    "Average_score",
    "Likely_range_of_average_score",
    "Segment",
    "Trust_in_financial_deficit",
    "Likely_range_of_rank",
)
# `source_column` of each row names the one that its count stands in.
_COUNTED_CELL = ("the column that landing.statistic_row.source_column names",)

# Columns of files about integrated care boards begin with ICB_ where these begin with Trust_.
PUBLISHED_COLUMNS: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "landing.extract_row": {
        "nof_data": {
            **_ORGANISATION,
            "quarter": ("Quarter",),
            "figure": ("Metric_ID",),
            "domain": ("Domain",),
            "sub_domain": ("Sub-domain",),
            "figure_description": ("Metric_description",),
            "reporting_date": ("Reporting_date",),
            "unit": ("Units",),
            "value_text": ("Value",),
            "value": ("Value",),
            "median_value": ("Median_value",),
            "lower_quartile": ("Lower_quartile",),
            "upper_quartile": ("Upper_quartile",),
            "published_rank": ("Rank",),
        },
        "nof_league_table": {
            **_ORGANISATION,
            "quarter": ("Quarter",),
            "value_text": _FIGURE_OF_EACH_COLUMN,
            "value": _FIGURE_OF_EACH_COLUMN,
            "published_rank": ("Rank",),
        },
    },
    "landing.statistic_row": {
        source: {"value_text": _COUNTED_CELL, "value": _COUNTED_CELL}
        for source in (
            "cancer_waiting_times",
            "community_waiting_lists",
            "ae_attendances",
            "ambulance_systems",
            "rtt_waiting_times",
        )
    },
}


def published_columns(table: str, column: str) -> dict[str, tuple[str, ...]]:
    """By source, the columns of its files that a landed column is read from; empty where none is.

    Then the column says where a row stands (file, sheet, line) or what a reader knows without a column.
    """
    return {
        source: columns[column]
        for source, columns in PUBLISHED_COLUMNS.get(table, {}).items()
        if column in columns
    }
