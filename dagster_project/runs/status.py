"""What is there: releases, each quarter's standing, archived files, the latest runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from dagster_project.archive.archive import Archive, Sighting
from dagster_project.archive.archived_vintages import names_of, replaced_later
from dagster_project.archive.issue_order import Issue, IssueOrder, day_of
from dagster_project.data_kind import kind_held, kind_in_words, kind_of
from dagster_project.errors import InputMissing
from dagster_project.extracts.source import FRAMEWORK_DATA
from dagster_project.json_text import parsed_json
from dagster_project.methodology.rule_set import RuleSet, read_rules
from dagster_project.quarters import FIRST_QUARTER, Quarter
from dagster_project.releases.folder import PROVENANCE_FILE, read_release, release_path
from dagster_project.releases.journal import HELD, WITHDRAWN, last_events, read_events
from dagster_project.releases.publish import CurrentRelease, current_release
from dagster_project.runs.record import OUTCOME_FILE, read_outcome
from dagster_project.settings import DataFolder

_RUNS_SHOWN = 5


def status_of(data: DataFolder) -> dict[str, Any]:
    """Current releases, each quarter's standing, what archived files cover, and the latest runs, newest first."""
    current = sorted(current_release(data), key=lambda item: item.quarter)
    return {
        "data_folder": str(data.root),
        "kind": kind_in_words(data),
        "releases": [
            {
                "quarter": str(release.quarter),
                "release_id": release.release_id,
                "framework": release.framework,
                "is_sample": release.is_sample,
                "release_state": release.release_state,
                "organisations": release.organisations,
                "tables": list(release.tables_loaded),
                "path": str(data.releases / str(release.quarter) / "current"),
            }
            for release in current
        ],
        "not_current": _not_current(data),
        "quarters": _quarters_of(data, current),
        "archive": _archived(data),
        "runs": _latest_runs(data),
        "damaged": Archive(data.archive).torn(),
    }


def _not_current(data: DataFolder) -> list[dict[str, Any]]:
    """Releases that wait for approval and withdrawn ones, by quarter; replaced ones are for the history."""
    return [
        {
            "quarter": str(quarter),
            "release_id": release_id,
            "standing": event.event,
            "since": f"{event.at.isoformat()}Z",
            "by": event.by,
            "reason": event.reason,
        }
        for (quarter, release_id), event in sorted(last_events(read_events(data)).items())
        if event.event in (HELD, WITHDRAWN)
    ]


def _quarters_of(data: DataFolder, releases: Sequence[CurrentRelease]) -> list[dict[str, Any]]:
    """A row per quarter and kind of data (official, sample) that is released, or archived and scored by a
    framework: its archived files by table, missing tables, files new since the release, and the release.

    All of it is told from the manifest and the releases' own files; no raw file is opened.
    """
    sightings = Archive(data.archive).unpruned_sightings()
    released = {(str(release.quarter), release.is_sample): release for release in releases}
    archived = {(quarter, seen.is_sample) for seen in sightings for quarter in seen.quarters}
    rules = read_rules()
    rows = []
    for quarter, is_sample in sorted({*released, *archived}):
        release = released.get((quarter, is_sample))
        tables = _tables_of(quarter, rules, is_sample=is_sample)
        if release is None and not tables:
            continue
        seen = [one for one in sightings if quarter in one.quarters and one.is_sample == is_sample]
        standing = _standing(seen)
        new = [] if release is None else _new(standing, _read_for(data, release))
        newest = _newest_of_tables(standing)
        rows.append(
            {
                "quarter": quarter,
                "is_sample": is_sample,
                "archived": _by_table(seen),
                "missing": sorted(
                    tables - {one.table_name for one in standing if one.source == FRAMEWORK_DATA}
                ),
                "new": [_described(one, seen) for one in new],
                "release_id": None if release is None else release.release_id,
                "newer_vintage": any(one.table_name is None or one.extract_id in newest for one in new),
            }
        )
    return rows


def quarters_at_hand(data: DataFolder) -> set[Quarter]:
    """The quarters that the data folder holds something to score of, or has scored: those with a release, current or
    not, and those of archived files of the framework's data. A folder of one kind has those of its kind alone.
    """
    kind = kind_held(data)
    archived = {
        quarter
        for seen in Archive(data.archive).unpruned_sightings()
        if seen.source == FRAMEWORK_DATA and kind in (None, kind_of(seen.is_sample))
        for quarter in seen.quarters
    }
    released = {path.parent.name for path in data.releases.glob("*/*") if path.is_dir()}
    return {quarter for text in archived | released if (quarter := _canonical(text)) is not None}


def _canonical(text: str) -> Quarter | None:
    """The quarter, unless it is none or from before the league tables."""
    try:
        quarter = Quarter.from_canonical(text)
    except ValueError:
        return None
    return quarter if quarter >= FIRST_QUARTER else None


def _tables_of(quarter: str, rules: RuleSet, *, is_sample: bool) -> set[str]:
    """The tables of the framework that scores the quarter; none where no framework holds."""
    holding = rules.frameworks_of(Quarter.from_canonical(quarter))
    own = [row["framework"] for row in holding if row["sample_only"] == "true" and is_sample]
    usual = [row["framework"] for row in holding if row["sample_only"] != "true"]
    chosen = (own + usual)[:1]
    return {row["table_name"] for name in chosen for row in rules.rows("expected_organisations", name)}


def _standing(seen: list[Sighting]) -> list[Sighting]:
    """Each file's latest sighting, but for files that a later one replaced, by name and id."""
    latest = {one.extract_id: (position, one) for position, one in enumerate(seen)}
    series = {one.extract_id: (one.source, one.table_name, one.quarters) for one in seen if one.table_name}
    replaced = set(replaced_later(seen, series))
    # The months of a statistic's file stand only in the file: of those, the manifest's word must do.
    replaced |= {
        one.supersedes
        for position, one in latest.values()
        if one.supersedes in latest and not one.table_name and latest[one.supersedes][0] < position
    }
    standing = [one for _, one in latest.values() if one.extract_id not in replaced]
    return sorted(standing, key=lambda one: (one.file_name, one.extract_id))


def _newest_of_tables(standing: list[Sighting]) -> set[str]:
    """The newest data file and league table of each table, in the order of `extracts/vintages.py`."""
    names = names_of(standing)
    order = IssueOrder([_issue(one, names[one.extract_id]) for one in standing])
    newest: dict[tuple[str, str], Sighting] = {}
    for one in sorted(standing, key=lambda one: order.rank(one.extract_id)):
        if one.table_name is not None:
            newest[one.source, one.table_name] = one
    return {one.extract_id for one in newest.values()}


def _issue(seen: Sighting, name: str) -> Issue:
    return Issue(seen.extract_id, name, max(seen.quarters), seen.link_text, day_of(seen))


def _read_for(data: DataFolder, release: CurrentRelease) -> set[str]:
    """The ids of the files that the release's run read; only those it used where its provenance is old or
    gone.
    """
    folder = release_path(data, release.quarter, release.release_id)
    try:
        used = set(read_release(data, release.quarter, release.release_id)["extracts"])
    except InputMissing:
        return set()
    provenance = folder / PROVENANCE_FILE
    return used | set(parsed_json(provenance.read_bytes()).get("read", ()) if provenance.is_file() else ())


def _new(standing: list[Sighting], read: set[str]) -> list[Sighting]:
    return [one for one in standing if one.extract_id not in read]


def _by_table(seen: list[Sighting]) -> list[dict[str, Any]]:
    files = {one.extract_id: (one.table_name or "", one.source) for one in seen}
    return [
        {"table": table or None, "source": source, "files": number}
        for (table, source), number in sorted(Counter(files.values()).items())
    ]


def _described(one: Sighting, seen: list[Sighting]) -> dict[str, Any]:
    first = next(other for other in seen if other.extract_id == one.extract_id)
    return {
        "file": one.file_name,
        "table": one.table_name,
        "source": one.source,
        "extract_id": one.extract_id,
        "release_state": one.release_state,
        "retrieved_at": first.retrieved_at,
    }


def _archived(data: DataFolder) -> list[dict[str, Any]]:
    files: dict[tuple[str, str, bool], set[str]] = {}
    for sighting in Archive(data.archive).unpruned_sightings():
        for quarter in sighting.quarters:
            key = (quarter, sighting.table_name or sighting.source, sighting.is_sample)
            files.setdefault(key, set()).add(sighting.extract_id)
    return [
        {"quarter": quarter, "table": table, "is_sample": is_sample, "files": len(ids)}
        for (quarter, table, is_sample), ids in sorted(files.items())
    ]


def _latest_runs(data: DataFolder) -> list[dict[str, Any]]:
    outcomes = sorted(
        data.runs.glob(f"*/{OUTCOME_FILE}") if data.runs.is_dir() else [],
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    runs = []
    for path in outcomes[:_RUNS_SHOWN]:
        content = {"run_id": path.parent.name, **read_outcome(data, path.parent.name)}
        runs.append({key: content.get(key) for key in ("run_id", "quarters", "exit_code", "message")})
    return runs
