"""Makes the nowcast of a quarter that isn't published, from the statistics at hand and the last release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.archive.archive import Archive
from dagster_project.data_kind import Kind, kind_held, require_kind
from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.extracts.load import LoadedExtracts, load_archived, load_folder
from dagster_project.extracts.rows import EXTRACT_ROW, empty_frame
from dagster_project.methodology.rule_check import framework_for
from dagster_project.methodology.rule_set import RuleSet, read_rules
from dagster_project.notices import LICENCE, SAMPLE_NOTICE
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.publish import current_release
from dagster_project.runs.left_out import left_out_of, unread_of
from dagster_project.scenarios.nowcast.build import (
    STATE,
    NowcastPlan,
    built,
    last_release_before,
    metrics_of,
    trusts_in,
)
from dagster_project.scenarios.nowcast.folder import identify_nowcast, write_nowcast
from dagster_project.settings import DataFolder

_NOTICE = (
    "A nowcast, not a league table: the quarter isn't published. Metrics that published statistics give are "
    "fresh, all others are carried from the last release with their age; organisations, the metrics they are "
    "scored on and the financial override are those of the last release."
)
_KIND = {
    True: SAMPLE_NOTICE,
    False: f"Unofficial. {LICENCE}",
}
_PLACES = (
    "table_name, organisation_code, organisation_name, average_metric_score, adjusted_segment, rank, "
    "fresh_metric_count, metric_count, value_age_quarters"
)


def make_nowcast(quarter: Quarter, data: DataFolder, *, extracts_dir: Path | None = None) -> dict[str, Any]:
    """Writes `nowcasts/<quarter>/<id>/` and returns what `nowcast.json` holds, with the path and the places.

    Statistics come from the folder, or from the archive. Raises WrongUsage where the quarter is released, or the
    statistics are of the kind that the data folder doesn't hold,
    InputMissing where there is no earlier release, no statistic of the quarter or none that gives a value.
    """
    everything, is_sample = _loaded(quarter, data, extracts_dir)
    statistics = _of_quarter(everything, quarter)
    last = last_release_before(data, quarter, is_sample=is_sample)
    _refuse_released(quarter, data, is_sample=last.is_sample)
    rules = read_rules(None)
    framework = framework_for(quarter, rules, is_sample=last.is_sample)
    if not len(statistics.statistic_row):
        raise InputMissing(
            _no_statistic(quarter, framework, rules, extracts_dir, data) + unread_of(quarter, everything)
        )
    files = dict(zip(statistics.extract["extract_id"], statistics.extract["file_name"], strict=True))
    identity = identify_nowcast(quarter, framework=framework, statistics=files, last=last)
    plan = NowcastPlan(quarter, framework, identity.release_id, last, statistics)
    with built(plan, data) as connection:
        content = {
            **identity.components,
            "nowcast_id": identity.release_id,
            "state": STATE,
            "notice": f"{_NOTICE} {_KIND[last.is_sample]}",
            "carried_from": {
                "quarter": str(last.quarter),
                "release_id": last.release_id,
                "release_state": last.release_state,
                "framework": last.framework,
                "age_quarters": plan.age,
            },
            "metrics": metrics_of(connection, plan.age),
        }
        path = write_nowcast(connection, data, identity, content)
        return {**content, **left_out_of(everything), "path": str(path), "places": _places(connection)}


def _loaded(quarter: Quarter, data: DataFolder, folder: Path | None) -> tuple[LoadedExtracts, bool | None]:
    """What is at hand, and whether it is the sample's (None where nothing says so)."""
    announce("Reading statistics")
    if folder is not None:
        # Only a run archives: a nowcast reads the bytes where they lie.
        last = last_release_before(data, quarter, is_sample=_is_sample(data))
        known = trusts_in(data, last.quarter)
        loaded = load_folder(folder, None, known_trusts=known)
        require_kind(data, loaded.is_sample, write=False)
        is_sample: bool | None = loaded.is_sample
    else:
        last = last_release_before(data, quarter, is_sample=_is_sample(data))
        is_sample, known = last.is_sample, trusts_in(data, last.quarter)
        if not any(sighting.is_sample == is_sample for sighting in Archive(data.archive).sightings()):
            raise InputMissing(
                f"The archive {data.archive} holds no files of that kind, and so no statistic of {quarter}. "
                "Fetch them with `league fetch`, or name a folder of downloaded files with --extracts."
            )
        loaded = load_archived(Archive(data.archive), [quarter], is_sample=is_sample, known_trusts=known)
    return loaded, is_sample


def _of_quarter(loaded: LoadedExtracts, quarter: Quarter) -> LoadedExtracts:
    """The statistic rows of the quarter, with their files alone."""
    rows = loaded.statistic_row[loaded.statistic_row["quarter"] == str(quarter)].reset_index(drop=True)
    used = loaded.extract["extract_id"].isin(set(rows["extract_id"]))
    return replace(
        loaded,
        statistic_row=rows,
        extract=loaded.extract[used].reset_index(drop=True),
        extract_row=empty_frame(EXTRACT_ROW),
    )


def _is_sample(data: DataFolder) -> bool | None:
    """Whether the folder's figures are the sample's; None for a folder that holds nothing, or both from before."""
    kind = kind_held(data)
    return None if kind is None else kind is Kind.FICTIONAL


def _refuse_released(quarter: Quarter, data: DataFolder, *, is_sample: bool) -> None:
    for release in current_release(data):
        if release.quarter == quarter and release.is_sample == is_sample:
            raise WrongUsage(
                f"{quarter} is released (release {release.release_id}): read that. "
                f"`league nowcast-accuracy {quarter}` says how far a nowcast would have been from it."
            )


def _no_statistic(
    quarter: Quarter, framework: str, rules: RuleSet, folder: Path | None, data: DataFolder
) -> str:
    fed: dict[str, list[str]] = {}
    for row in rules.rows("metric_statistic", framework):
        fed.setdefault(row["source"], []).append(f"{row['metric_id']} ({row['covers']})")
    where = folder or f"the archive {data.archive}"
    if not fed:
        return (
            f"No metric of the framework {framework}, which scores {quarter}, is known to come from a "
            "statistic, so nothing would be fresh. dbt/seeds/methodology/metric_statistic.csv lists them."
        )
    listed = "\n".join(f"  - {source}: {', '.join(metrics)}" for source, metrics in fed.items())
    return (
        f"No statistic of {quarter} in {where}, so nothing would be fresh. Any of these would do:\n{listed}\n"
        "Fetch them with `league fetch`, or name a folder of downloaded files with --extracts."
    )


def _places(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    found = connection.execute(
        f"select {_PLACES} from league.league_table order by table_name, rank, organisation_code"
    )
    names = _PLACES.split(", ")
    return [
        {
            name: str(value) if name == "average_metric_score" else value
            for name, value in zip(names, row, strict=True)
        }
        for row in found.fetchall()
    ]
