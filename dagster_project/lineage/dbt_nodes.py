"""What dbt built in a stage: each model or seed with its time, its rows, or why it failed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.warehouse.dbt_project import results_of_last_build

_BUILT = ("success", "pass")


@dataclass(frozen=True)
class BuiltNode:
    """One result of a dbt invocation; times are ISO 8601 in UTC, `error` is dbt's own words."""

    unique_id: str
    started: str
    ended: str
    compiled: str | None
    error: str | None


def built_nodes(warehouse: Path, *, since: str) -> list[BuiltNode]:
    """The models and seeds of the last invocation on a warehouse, in the order in which they were started.

    What dbt left before `since` (a time) belongs to an earlier stage: then the stage built nothing.
    """
    results = results_of_last_build(warehouse)
    if not results.is_file():
        return []
    content = json.loads(results.read_bytes())
    if content["metadata"]["generated_at"] < since:
        return []
    return sorted(_nodes(content["results"]), key=lambda node: (node.started, node.unique_id))


def _nodes(results: Sequence[dict[str, Any]]) -> Iterator[BuiltNode]:
    for result in results:
        times = [
            (part["started_at"], part["completed_at"]) for part in result["timing"] if part["started_at"]
        ]
        if times:
            failed = result["status"] not in _BUILT
            yield BuiltNode(
                result["unique_id"],
                min(started for started, _ in times),
                max(ended or started for started, ended in times),
                result.get("compiled_code"),
                str(result["message"]) if failed else None,
            )
