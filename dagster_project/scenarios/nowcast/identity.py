"""What a nowcast's id is made of: a release's components, the last release and the word nowcast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dagster_project.quarters import Quarter
from dagster_project.releases.identity import ReleaseIdentity, hash_code, hash_rules, locked_versions
from dagster_project.releases.publish import CurrentRelease
from dagster_project.scenarios.nowcast.build import STATE


@dataclass(frozen=True)
class NowcastIdentity(ReleaseIdentity):
    """A nowcast never has the id of a release: its state is among the components."""

    carried_from_quarter: Quarter

    @property
    def components(self) -> dict[str, Any]:
        return {
            **super().components,
            "release_state": STATE,
            "carried_from_quarter": str(self.carried_from_quarter),
        }


def identify_nowcast(
    quarter: Quarter, *, framework: str, statistics: dict[str, str], last: CurrentRelease
) -> NowcastIdentity:
    """The identity of a nowcast; `statistics` maps the sha256 of each file used to its name."""
    return NowcastIdentity(
        quarter=quarter,
        framework=framework,
        is_sample=last.is_sample,
        previous_release_id=last.release_id,
        extracts=statistics,
        rules=hash_rules(),
        code=hash_code(),
        versions=locked_versions(),
        carried_from_quarter=last.quarter,
    )
