"""Which source a header belongs to: columns that only one kind of file has."""

from __future__ import annotations

from collections.abc import Sequence

from dagster_project.extracts.readers import (
    ae_attendances,
    ambulance_systems,
    cancer_waiting_times,
    nof_data,
    nof_league_table,
    ods_organisations,
    rtt_waiting_times,
)
from dagster_project.extracts.readers.delimited import column_key

# Half of a source's own columns are enough, so that a file that lost one is recognised and then rejected
# by its reader with the column's name.
_OWN_COLUMNS = [
    (nof_data.SOURCE, nof_data.FIGURE_COLUMNS),
    (
        nof_league_table.SOURCE,
        (
            "Average_score",
            "Likely_range_of_average_score",
            "Segment",
            "Trust_in_financial_deficit",
            "ICB_in_financial_deficit",
            "Likely_range_of_rank",
        ),
    ),
    (ae_attendances.SOURCE, ae_attendances.OWN_COLUMNS),
    (ambulance_systems.SOURCE, ambulance_systems.OWN_COLUMNS),
    (rtt_waiting_times.SOURCE, rtt_waiting_times.OWN_COLUMNS),
    (cancer_waiting_times.SOURCE, cancer_waiting_times.HEADER),
    (cancer_waiting_times.SOURCE, cancer_waiting_times.COMBINED_HEADER),
]
_KEYS = [(source, frozenset(map(column_key, names))) for source, names in _OWN_COLUMNS]


def source_of(names: Sequence[str]) -> str | None:
    """The source whose columns these are (or, for a file without header, its first record); None if none's."""
    keys = set(map(column_key, names))
    for source, own in _KEYS:
        if 2 * len(own & keys) >= len(own):
            return source
    if ods_organisations.is_icb_list(names):
        return ods_organisations.ICBS
    return ods_organisations.TRUSTS if ods_organisations.is_trust_report(names) else None
