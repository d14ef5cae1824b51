"""Explains an organisation's figures in a released quarter: finds what is asked for and grows its tree.

What is computed isn't here (recomputation), nor how it is worded and shown (story), nor how a name is found
(typed_names).
"""

from __future__ import annotations

from collections.abc import Callable

from dagster_project.archive.archive import Archive
from dagster_project.errors import InputMissing
from dagster_project.explanation.recomputation.judged import Judged
from dagster_project.explanation.recomputation.measured import Organisation
from dagster_project.explanation.recomputation.recomputation import Recomputation
from dagster_project.explanation.recomputation.release_tables import find_release
from dagster_project.explanation.story.brief import brief_of
from dagster_project.explanation.story.metric_branch import metric_step
from dagster_project.explanation.story.organisation_branch import organisation_step
from dagster_project.explanation.story.sources import Sources
from dagster_project.explanation.story.tree import Explanation, Step
from dagster_project.quarters import Quarter
from dagster_project.releases.tombstone import read_tombstone
from dagster_project.settings import DataFolder
from dagster_project.typed_names import Known, find_metric, find_organisation

Tell = Callable[[str], None]


def explain(
    data: DataFolder,
    organisation: str,
    quarter: Quarter,
    metric: str | None = None,
    *,
    release_id: str | None = None,
    tell: Tell = lambda _: None,
) -> Explanation:
    """The derivation of an organisation's rank, or of one metric's score, recomputed from the raw bytes.

    `organisation` and `metric` are as people type them. `tell` hears of what takes longer than a moment.
    Raises WrongUsage for a name that fits none or several, InputMissing for a quarter, release or metric
    that isn't there and for a raw file that is gone, InputRejected for one that is damaged.
    """
    release = find_release(data, quarter, release_id)
    known = {
        Known(row["organisation_code"], row["organisation_name"] or "", row["table_name"]): row
        for row in release.rows("organisation")
    }
    found = find_organisation(organisation, list(known), str(quarter))
    recomputation = Recomputation(release, Archive(data.archive), tell)
    judged = Judged(recomputation, only=found.code)
    asked = (found.where, found.code)
    standing = judged.standings.standing(asked) if metric is None else None
    return Explanation(
        organisation_code=found.code,
        organisation_name=found.name,
        table_name=found.where,
        quarter=str(quarter),
        release_id=release.release_id,
        is_current=release.is_current,
        is_sample=bool(release.release_file["is_sample"]),
        framework=recomputation.rules.framework,
        notice=release.release_file["notice"],
        root=_root(judged, asked, metric),
        brief=None if standing is None else brief_of(judged, standing),
        withdrawn=read_tombstone(data, quarter, release.release_id),
    )


def _root(judged: Judged, organisation: Organisation, metric: str | None) -> Step:
    sources = Sources(judged.recomputation)
    if metric is not None:
        return metric_step(
            judged, sources, organisation, _metric_id(judged.recomputation, organisation, metric)
        )
    standing = judged.standings.standing(organisation)
    if standing is None:
        return Step(
            "League-table rank", "none", "OF5000.rank", judgements=tuple(judged.league_table(organisation))
        )
    return organisation_step(judged, sources, standing)


def _metric_id(recomputation: Recomputation, organisation: Organisation, typed: str) -> str:
    rules = recomputation.rules
    metrics = [Known(metric_id, rule["metric_name"]) for metric_id, rule in rules.metrics.items()]
    found = find_metric(typed, metrics, rules.framework)
    there = recomputation.metrics_of(organisation)
    if found.code not in there:
        listed = "\n".join(f"  {one}" for one in metrics if one.code in there)
        raise InputMissing(
            f"{organisation[1]} has neither value nor score of {found.code} ({found.name}) in "
            f"{rules.quarter}. It has:\n{listed}"
        )
    return found.code
