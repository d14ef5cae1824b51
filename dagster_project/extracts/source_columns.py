"""Which source a header belongs to: columns that only one kind of file has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dagster_project.extracts.readers import (
    ae_attendances,
    ae_provider_sheet,
    ambulance_systems,
    cancer_waiting_times,
    nof_data,
    nof_league_table,
    ods_organisations,
    rtt_waiting_times,
)
from dagster_project.extracts.readers.delimited import loose_key

# Half of a source's own columns are enough, so that a file that lost one is recognised and then rejected
# by its reader with the column's name.
_OWN_COLUMNS = [
    (nof_data.SOURCE, nof_data.FIGURE_COLUMNS),
    (
        nof_league_table.SOURCE,
        nof_league_table.OWN_COLUMNS,
    ),
    (ae_attendances.SOURCE, ae_attendances.OWN_COLUMNS),
    (ae_attendances.SOURCE, ae_provider_sheet.COLUMNS),
    (ambulance_systems.SOURCE, ambulance_systems.OWN_COLUMNS),
    (rtt_waiting_times.SOURCE, rtt_waiting_times.OWN_COLUMNS),
    (cancer_waiting_times.SOURCE, cancer_waiting_times.HEADER),
    (cancer_waiting_times.SOURCE, cancer_waiting_times.COMBINED_HEADER),
]
_SOME = 3
_KEYS = [(source, frozenset(map(loose_key, names))) for source, names in _OWN_COLUMNS]


def source_of_any(rows: Iterable[Sequence[str]]) -> str | None:
    """The source whose columns one of a file's first rows has: titles or blank lines may stand above them."""
    return next((source for row in rows if (source := source_of(row)) is not None), None)


def nearest_source(rows: Iterable[Sequence[str]]) -> str | None:
    """The source that has some columns of its own in one of these rows, though too few to be taken for its file."""
    for row in rows:
        keys = set(map(loose_key, row))
        for source, own in _KEYS:
            if len(own & keys) >= min(_SOME, len(own)):
                return source
    return None


def source_of(names: Sequence[str]) -> str | None:
    """The source whose columns these are (or, for a file without header, its first record); None if none's."""
    keys = set(map(loose_key, names))
    for source, own in _KEYS:
        if 2 * len(own & keys) >= len(own):
            return source
    if ods_organisations.is_icb_list(names):
        return ods_organisations.ICBS
    return ods_organisations.TRUSTS if ods_organisations.is_trust_report(names) else None
