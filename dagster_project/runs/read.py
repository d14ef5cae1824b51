"""The first stage: `load` the files and the rules in force, `identify` each quarter's release, `land` both.

What is in a file isn't here (`extracts/`), nor what a release's id is made of (`releases/identity.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.archive.archive import archive_of
from dagster_project.archive.archived_vintages import seen_by
from dagster_project.data_kind import require_kind
from dagster_project.extracts.load import LoadedExtracts, load_archived, load_folder, load_listed
from dagster_project.methodology.rule_check import framework_for, sound_rules
from dagster_project.methodology.rule_set import RuleSet
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import Candidate
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.releases.identity import identify as identity_of
from dagster_project.releases.publish import CurrentRelease, current_release
from dagster_project.runs.left_out import left_out_of, of_other_quarters
from dagster_project.runs.rebuild import (
    OldRelease,
    as_once_released,
    follow_rebuilt,
    old_release,
    refuse_other_code,
    refuse_other_components,
    refuse_other_earlier_release,
)
from dagster_project.runs.record import RunRecord
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder
from dagster_project.shown import as_csv
from dagster_project.warehouse.dbt_project import (
    DbtProject,
    checkout_project,
    project_in,
    project_with_rules,
)
from dagster_project.warehouse.landing import QuarterInScope
from dagster_project.warehouse.landing import land as land_tables


@dataclass(frozen=True)
class Loaded:
    """The files of the run's quarters and the rules; `whole` is everything that lay there, `old` a release to make
    again, `own_rules` the folder of rules that aren't the checkout's.
    """

    extracts: LoadedExtracts
    whole: LoadedExtracts
    rules: RuleSet
    own_rules: Path | None
    old: OldRelease | None


@dataclass(frozen=True)
class Read:
    """What the first stage gives to those behind it."""

    extracts: LoadedExtracts
    ids_read: tuple[str, ...]
    project: DbtProject
    identities: tuple[ReleaseIdentity, ...]
    scope: tuple[QuarterInScope, ...]


def load(request: RunRequest, data: DataFolder, folder: Path) -> Loaded:
    """Reads and archives the files asked for, and reads the rules; `folder` takes the sample that is generated.

    Raises InputMissing or InputRejected about files, WrongUsage about rules and about data of another kind.
    """
    where, own_rules = _where(request, folder)
    old = _old_release(request, data)
    whole = _load(request, data, where, old)
    require_kind(data, whole.is_sample, write=not request.dry_run)
    return Loaded(whole.for_quarters(request.in_time), whole, sound_rules(own_rules), own_rules, old)


def identify(
    loaded: Loaded,
    request: RunRequest,
    data: DataFolder,
    connection: duckdb.DuckDBPyConnection,
    rules_dir: Path,
    *,
    current: Sequence[CurrentRelease] | None = None,
) -> tuple[ReleaseIdentity, ...]:
    """Each quarter's framework and release id; a quarter counts the release of the one before it as input.

    `rules_dir` has the rules that are hashed; `current` are the releases there are, those of the data folder where none
    are given. A rebuild brings the earlier release into the candidate.
    """
    is_sample = loaded.extracts.is_sample
    known = {
        release.quarter: release.release_id
        for release in (current_release(data) if current is None else current)
        if release.is_sample == is_sample and release.quarter not in request.quarters
    }
    same = None if request.rebuild else loaded.old
    identities = []
    for quarter in request.in_time:
        before = known.get(quarter.shifted(-1))
        if same is not None:
            refuse_other_earlier_release(same, before)
        identity = identity_of(
            quarter,
            framework=framework_for(quarter, loaded.rules, is_sample=is_sample),
            is_sample=is_sample,
            extracts=_extracts_of(loaded.extracts, quarter),
            previous_release_id=_release_before(request, data, loaded.old, before, connection),
            rules_dir=rules_dir,
        )
        if same is not None:
            refuse_other_components(same, identity)
        elif request.as_of is not None:
            identity = as_once_released(identity, data, may_differ=loaded.own_rules is not None)
        known[quarter] = identity.release_id
        identities.append(identity)
    return tuple(identities)


def land(
    connection: duckdb.DuckDBPyConnection, extracts: LoadedExtracts, identities: Sequence[ReleaseIdentity]
) -> tuple[QuarterInScope, ...]:
    """Puts the rows and the quarters in scope into the candidate; returns the latter."""
    scope = tuple(in_scope(extracts, identity) for identity in identities)
    land_tables(connection, extracts, scope)
    return scope


def read(request: RunRequest, data: DataFolder, candidate: Candidate, record: RunRecord) -> Read:
    """The whole stage: what was read is in the candidate, what was left out in the run's record."""
    folder = candidate.warehouse.parent
    loaded = load(request, data, folder)
    project = checkout_project(data)
    if loaded.own_rules is not None:
        project = project_with_rules(loaded.rules, folder, data)
    with candidate.connect() as connection:
        identities = identify(loaded, request, data, connection, project.rules_dir)
        scope = land(connection, loaded.extracts, identities)
    keep_listings(record, loaded, identities)
    extracts = loaded.extracts
    announce(
        f"  {len(extracts.extract)} files, {len(extracts.extract_row)} figures, "
        f"{len(extracts.row_set_aside)} rows set aside, {changed_figures(extracts)} figures revised by a newer file"
    )
    ids_read = tuple(sorted(loaded.whole.extract["extract_id"]))
    return Read(extracts, ids_read, project, identities, scope)


def project_again(request: RunRequest, data: DataFolder, folder: Path) -> DbtProject:
    """The dbt project of a run whose first stage an earlier one did; `folder` is its candidate's, which may have it."""
    project = project_in(folder, data)
    if project is None and (request.sample or request.rules_dir is not None):
        _, own_rules = _where(request, folder)
        if own_rules is not None:
            project = project_with_rules(sound_rules(own_rules), folder, data)
    return project or checkout_project(data)


def changed_figures(loaded: LoadedExtracts) -> int:
    """How many figures a newer file gives another value or rank; those it only repeats don't count."""
    return int(loaded.revision["changed"].astype(bool).sum())


def _where(request: RunRequest, folder: Path) -> tuple[Path | None, Path | None]:
    """The folder of extracts (None for the archive) and of the run's own rules; generates the sample."""
    if not request.sample:
        return request.extracts_dir, request.rules_dir
    from dagster_project.sample.generator import generate_sample

    announce("Generating the fictional sample")
    # at another size files of later quarters would only be read to be left out, and grow beyond a file's limit
    quarters = None if request.scale == 1 else request.quarters
    files = generate_sample(folder / "sample", scale=request.scale, quarters=quarters)
    return files.extracts, request.rules_dir or files.rules


def _old_release(request: RunRequest, data: DataFolder) -> OldRelease | None:
    """The release to make again, if one is asked for: with the code it was made with, unless it is a rebuild."""
    if request.release is None:
        return None
    old = old_release(data, request.quarters[0], request.release)
    if not request.rebuild:
        refuse_other_code(old, own_rules=request.rules_dir is not None)
    return old


def _load(
    request: RunRequest, data: DataFolder, folder: Path | None, old: OldRelease | None
) -> LoadedExtracts:
    """The folder, exactly the files of an old release, or the archive's newest vintage as of a day."""
    archive, as_of, quarters = archive_of(data), request.as_of, request.in_time
    if folder is not None:
        kept = None if request.dry_run else archive
        # Only a generated sample has a scale; what was downloaded is never allowed more.
        return load_folder(folder, kept, times_as_large=request.scale)
    if old is not None:
        return load_listed(archive, old.extracts)
    # A day is asked for to have a release back: where only the sample had been archived, it was the sample's.
    seen = seen_by(archive.sightings(), as_of) if as_of is not None else []
    only_sample = bool(seen) and all(sighting.is_sample for sighting in seen)
    is_sample = only_sample or request.archived_sample
    loaded = load_archived(archive, quarters, is_sample=is_sample, as_of=as_of, learn=not request.dry_run)
    if {str(quarter) for quarter in quarters} <= set(loaded.quarters()):
        return loaded
    # Who asks for a quarter that isn't there is told of all that are.
    return load_archived(archive, is_sample=is_sample, as_of=as_of)


def _release_before(
    request: RunRequest,
    data: DataFolder,
    old: OldRelease | None,
    current: str | None,
    connection: duckdb.DuckDBPyConnection,
) -> str | None:
    """The release of the quarter before that the gates read: the current one, or what an old release read."""
    if old is None:
        return current
    if not request.rebuild:
        return old.previous_release_id
    return follow_rebuilt(connection, data, old, request.follows or current)


def _extracts_of(loaded: LoadedExtracts, quarter: Quarter) -> dict[str, str]:
    """File name by hash of the extracts whose rows the quarter uses, and of those that they supersede."""
    used = set(loaded.organisation_reference["extract_id"])
    for rows in (loaded.extract_row, loaded.statistic_row):
        used |= set(rows.loc[rows["quarter"] == str(quarter), "extract_id"])
    supersedes = dict(zip(loaded.extract["extract_id"], loaded.extract["supersedes"], strict=True))
    # The whole chain: the released table `extract` says what each superseded, which must be read to be known.
    for extract_id in tuple(used):
        while isinstance(older := supersedes.get(extract_id), str):
            used.add(older)
            extract_id = older
    extract = loaded.extract[loaded.extract["extract_id"].isin(used)]
    return dict(zip(extract["extract_id"], extract["file_name"], strict=True))


def in_scope(loaded: LoadedExtracts, identity: ReleaseIdentity) -> QuarterInScope:
    rows = loaded.extract_row
    used = loaded.extract["extract_id"].isin(rows.loc[rows["quarter"] == str(identity.quarter), "extract_id"])
    settled = ("provisional", "revised", "final")
    return QuarterInScope(
        quarter=identity.quarter,
        framework=identity.framework,
        release_id=identity.release_id,
        is_sample=identity.is_sample,
        release_state=min(loaded.extract.loc[used, "release_state"], key=settled.index),
        previous_quarter=identity.quarter.shifted(-1),
        previous_release_id=identity.previous_release_id,
    )


def keep_listings(record: RunRecord, loaded: Loaded, identities: Sequence[ReleaseIdentity]) -> None:
    """Nothing is silently dropped: rows set aside and revised figures are listed in the run's folder."""
    extracts = loaded.extracts
    revised = extracts.revision[extracts.revision["changed"].astype(bool)]
    for name, frame in (("rows_set_aside.csv", extracts.row_set_aside), ("revisions.csv", revised)):
        record.keep(name, as_csv(frame))
    files: list[dict[str, Any]] = [
        {"file": file, "table": table if isinstance(table, str) else None, "extract_id": extract_id}
        for file, table, extract_id in zip(
            extracts.extract["file_name"],
            extracts.extract["table_name"],
            extracts.extract["extract_id"],
            strict=True,
        )
    ]
    record.note(
        is_sample=extracts.is_sample,
        extracts=files,
        revisions=len(revised),
        **left_out_of(extracts),
        releases=[{"quarter": str(item.quarter), "release_id": item.release_id} for item in identities],
        other_quarters=of_other_quarters(loaded.whole, extracts),
    )
