"""The answer of `league diff`: what two releases are made of, what moved between them, and by which cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from dagster_project.audit.difference.compared_releases import ComparedRelease, releases_to_compare
from dagster_project.audit.difference.decomposition import (
    decomposed,
    measure_of,
    movements_of,
    organisation_named,
    organisations,
    values_of,
)
from dagster_project.notices import notice_of
from dagster_project.settings import DataFolder

MEASURES = ("metric_score", "average_metric_score", "adjusted_segment", "rank")
_MOVERS = 10


def difference_of(
    data: DataFolder, first: str, second: str | None, *, organisation: str | None = None
) -> dict[str, Any]:
    """Compares two releases; plain JSON values, scores as decimal text, segments and ranks as integers.

    `organisation` (a code or a part of a name) leaves only that one's movements. Raises InputMissing or
    WrongUsage where releases or organisation aren't there.
    """
    before, after = releases_to_compare(data, first, second)
    with decomposed(data, before, after) as connection:
        code = None if organisation is None else organisation_named(connection, organisation)
        movements = movements_of(connection, code, before, after)
        return {
            "before": _described(before),
            "after": _described(after),
            "components": _components(before.content, after.content),
            "organisations_in": organisations(connection, "is_in"),
            "organisations_out": organisations(connection, "is_out"),
            "values": values_of(connection, before, after),
            "measures": [measure_of(connection, measure) for measure in MEASURES],
            "biggest_movers": _biggest(movements),
            "movements": movements,
            "organisation": code,
            "notice": notice_of(is_sample=after.is_sample),
        }


def _described(release: ComparedRelease) -> dict[str, Any]:
    return {
        "quarter": str(release.quarter),
        "release_id": release.release_id,
        "framework": release.content["framework"],
        "is_sample": release.is_sample,
    }


def _components(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What the two ids are the hashes of, where they differ: extracts by hash, all else by name."""
    found: dict[str, Any] = {
        "extracts": {
            "in": _named(after["extracts"], before["extracts"]),
            "out": _named(before["extracts"], after["extracts"]),
        }
    }
    for part in ("rules", "code", "versions"):
        one, other = before[part], after[part]
        found[part] = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return found


def _named(extracts: Mapping[str, str], others: Mapping[str, str]) -> list[dict[str, str]]:
    only = [(name, extract_id) for extract_id, name in extracts.items() if extract_id not in others]
    return [{"extract_id": extract_id, "file_name": name} for name, extract_id in sorted(only)]


def _biggest(movements: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those whose rank moved furthest, then whose average did; without their metric scores."""

    def furthest(one: Mapping[str, Any]) -> tuple[Any, ...]:
        average = Decimal(one["average_metric_score"]["change"])
        return -abs(one["rank"]["change"]), -abs(average), one["organisation_code"]

    moved = [one for one in movements if "rank" in one and one["rank"]["change"]]
    return [
        {name: value for name, value in one.items() if name != "metric_scores"}
        for one in sorted(moved, key=furthest)[:_MOVERS]
    ]
