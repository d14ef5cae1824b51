"""Where a count works: in databases that are gone afterwards, if need be with the help of a later count."""

from __future__ import annotations

from datetime import UTC, datetime

from dagster_project.record_level.engines import left_databases


def test_databases_of_a_count_that_was_killed_are_known_by_their_name_and_no_others() -> None:
    names = [
        "count_20251124120000_0a1b2c3d__records",
        "count_20251124120000_0a1b2c3d__record_level",
        # perhaps still at work
        "count_20251126115959_0a1b2c3d__records",
        # somebody else's
        "count_20251199120000_0a1b2c3d__records",
        "count_dracula",
        "my_count_20251124120000_0a1b2c3d__records",
    ]
    assert left_databases(names, datetime(2025, 11, 26, 12, tzinfo=UTC)) == names[:2]
