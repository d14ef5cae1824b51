"""The stages of the flow: read, seed, measure, score, judge, release. Each takes the run and leaves it further on."""

from __future__ import annotations

from pathlib import Path

from dagster_project.archive.archive import archive_of
from dagster_project.archive.archived_vintages import seen_by
from dagster_project.data_kind import require_kind
from dagster_project.errors import WrongUsage
from dagster_project.extracts.load import LoadedExtracts, load_archived, load_folder, load_listed
from dagster_project.gates.outcome import GateOutcome
from dagster_project.methodology.rule_check import faults, framework_for
from dagster_project.methodology.rule_set import RuleSet, read_rules
from dagster_project.progress import announce
from dagster_project.quarters import Quarter
from dagster_project.releases.identity import ReleaseIdentity, identify
from dagster_project.releases.ledger import write_ledger
from dagster_project.releases.publish import current_release
from dagster_project.runs.left_out import left_out_of, of_other_quarters
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.rebuild import (
    OldRelease,
    as_once_released,
    follow_rebuilt,
    old_release,
    refuse_other_code,
    refuse_other_components,
    refuse_other_earlier_release,
)
from dagster_project.settings import EXPECTATIONS_DIR, METHODOLOGY_DIR
from dagster_project.shown import as_csv
from dagster_project.warehouse.landing import QuarterInScope, land
from dagster_project.warehouse.mart_columns import follow_contracts
from dagster_project.warehouse.rules_in_place import SEEDS as SEED_NODES
from dagster_project.warehouse.rules_in_place import put_rules

SEEDS = (SEED_NODES,)
MEASURING = (
    "fqn:nhs_league_tables.staging",
    "fqn:nhs_league_tables.statistics",
    "fqn:nhs_league_tables.metrics",
)
SCORING = (
    "fqn:nhs_league_tables.scoring",
    "fqn:nhs_league_tables.league_tables",
    "fqn:nhs_league_tables.audit",
    "fqn:nhs_league_tables.history",
    "fqn:nhs_league_tables.insight",
)


def read_extracts(run: QuarterlyRun) -> LoadedExtracts:
    """Archives and reads the extracts, chooses each quarter's framework, lands both in the candidate."""
    with run.stage("read", "Reading extracts"):
        folder, rules_dir = _where(run)
        old = _old_release(run)
        loaded = _load(run, folder, old)
        require_kind(run.data, loaded.is_sample, write=not run.request.dry_run)
        run.ids_read = tuple(sorted(loaded.extract["extract_id"]))
        everything, loaded = loaded, loaded.for_quarters(run.quarters)
        rules = sound_rules(rules_dir)
        run.has_read(loaded, rules, own_rules=rules_dir is not None)
        _identify(run, rules_dir, old)
        with run.candidate.connect() as connection:
            land(connection, loaded, run.scope)
        _keep_listings(run, loaded)
        run.record.note(other_quarters=of_other_quarters(everything, loaded))
        announce(
            f"  {len(loaded.extract)} files, {len(loaded.extract_row)} figures, "
            f"{len(loaded.row_set_aside)} rows set aside, {changed_figures(loaded)} figures revised by a newer file"
        )
        return loaded


def seed_rules(run: QuarterlyRun) -> list[str]:
    """Puts the rules into the candidate; returns dbt's unique ids of the seeds."""
    with run.stage("seed", "Loading the rules of scoring"):
        return put_rules(run.project, run.candidate.warehouse, threads=run.request.threads)


def measure(run: QuarterlyRun) -> list[str]:
    """Builds staging and metric values; returns dbt's unique ids of the models."""
    with run.stage("measure", "Normalising metric values"):
        return _build(run, "run", MEASURING)


def score(run: QuarterlyRun) -> list[str]:
    """Builds scores, segments, ranks, league tables and reconciliation; returns dbt's unique ids."""
    with run.stage("score", "Scoring and ranking"):
        with run.candidate.connect() as connection:
            follow_contracts(connection, run.project.manifest)
        return _build(run, "run", SCORING)


def judge(run: QuarterlyRun, gate: str) -> GateOutcome:
    """Runs a gate over the candidate and keeps what it found, passed or not; also every difference from the
    publisher, once the league tables are judged.
    """
    from dagster_project.gates.gate import run_gate

    with run.stage(f"gate {gate}", f"Gate: {gate.replace('_', ' ')}"):
        with run.candidate.connect() as connection:
            outcome = run_gate(gate, connection, expectations_dir=EXPECTATIONS_DIR)
            if gate == "league_tables" and not run.request.dry_run:
                write_ledger(connection, run.data, [(item.quarter, item.release_id) for item in run.scope])
        run.outcomes.append(outcome)
        keep_quality(run)
        error = outcome.error()
        if error is not None:
            run.record.failed(error)
        return outcome


def keep_quality(run: QuarterlyRun) -> None:
    """Writes the quality page of the run so far."""
    from dagster_project.gates.quality_page import render_quality_page

    results = [result for outcome in run.outcomes for result in outcome.results]
    page = render_quality_page(results, is_sample={str(item.quarter): item.is_sample for item in run.scope})
    run.record.keep("quality.html", page)
    run.record.note(
        gates=[
            {
                "gate": outcome.gate,
                "passed": outcome.passed,
                "expectations": len(outcome.results),
                "failures": len(outcome.failures),
                "warnings": len(outcome.warnings),
            }
            for outcome in run.outcomes
        ]
    )


def changed_figures(loaded: LoadedExtracts) -> int:
    """How many figures a newer file gives another value or rank; those it only repeats don't count."""
    return int(loaded.revision["changed"].astype(bool).sum())


def sound_rules(rules_dir: Path | None) -> RuleSet:
    """The rules in force; raises WrongUsage listing what is wrong with them."""
    rules = read_rules(rules_dir)
    found = faults(rules)
    if found:
        listed = "\n".join(f"  - {finding}" for finding in found)
        raise WrongUsage(
            f"The rules are not consistent:\n{listed}\nMend them; `league rules check DIR` checks again."
        )
    return rules


def _where(run: QuarterlyRun) -> tuple[Path | None, Path | None]:
    """The folder of extracts (None for the archive) and of the run's own rules; generates the sample."""
    if not run.request.sample:
        return run.request.extracts_dir, run.request.rules_dir
    from dagster_project.sample.generator import generate_sample

    announce("Generating the fictional sample")
    files = generate_sample(run.candidate.warehouse.parent / "sample", scale=run.request.scale)
    return files.extracts, run.request.rules_dir or files.rules


def _old_release(run: QuarterlyRun) -> OldRelease | None:
    """The release to make again, if one is asked for: with the code it was made with, unless it is a rebuild."""
    if run.request.release is None:
        return None
    old = old_release(run.data, run.quarters[0], run.request.release)
    if run.request.rebuild:
        return old
    refuse_other_code(old, own_rules=run.request.rules_dir is not None)
    return old


def _load(run: QuarterlyRun, folder: Path | None, old: OldRelease | None) -> LoadedExtracts:
    """The folder, exactly the files of an old release, or the archive's newest vintage as of a day."""
    archive, as_of = archive_of(run.data), run.request.as_of
    if folder is not None:
        return load_folder(folder, None if run.request.dry_run else archive)
    if old is not None:
        return load_listed(archive, old.extracts)
    # A day is asked for to have a release back: where only the sample had been archived, it was the sample's.
    seen = seen_by(archive.sightings(), as_of) if as_of is not None else []
    only_sample = bool(seen) and all(sighting.is_sample for sighting in seen)
    is_sample = only_sample or run.request.archived_sample
    learn = not run.request.dry_run
    loaded = load_archived(archive, run.quarters, is_sample=is_sample, as_of=as_of, learn=learn)
    if {str(quarter) for quarter in run.quarters} <= set(loaded.quarters()):
        return loaded
    # Who asks for a quarter that isn't there is told of all that are.
    return load_archived(archive, is_sample=is_sample, as_of=as_of)


def _build(run: QuarterlyRun, command: str, select: tuple[str, ...]) -> list[str]:
    return run.project.build(command, select, run.candidate.warehouse, threads=run.request.threads)


def _identify(run: QuarterlyRun, rules_dir: Path | None, old: OldRelease | None) -> None:
    """Each quarter's framework and release id; a quarter counts the release of the one before it as input."""
    known = {
        release.quarter: release.release_id
        for release in current_release(run.data)
        if release.is_sample == run.loaded.is_sample
    }
    rules = run.project.project_dir / "seeds" / "methodology" if rules_dir else METHODOLOGY_DIR
    for quarter in run.quarters:
        known.pop(quarter, None)
    same = None if run.request.rebuild else old
    for quarter in run.quarters:
        framework = framework_for(quarter, run.rules, is_sample=run.loaded.is_sample)
        before = quarter.shifted(-1)
        if same is not None:
            refuse_other_earlier_release(same, known.get(before))
        identity = identify(
            quarter,
            framework=framework,
            is_sample=run.loaded.is_sample,
            extracts=_extracts_of(run.loaded, quarter),
            previous_release_id=_release_before(run, old, known.get(before)),
            rules_dir=rules,
        )
        if same is not None:
            refuse_other_components(same, identity)
        elif run.request.as_of is not None:
            identity = as_once_released(identity, run.data, may_differ=rules_dir is not None)
        known[quarter] = identity.release_id
        run.identities.append(identity)
        run.scope.append(_in_scope(run.loaded, identity, before))


def _release_before(run: QuarterlyRun, old: OldRelease | None, current: str | None) -> str | None:
    """The release of the quarter before that the gates read: the current one, or what an old release read."""
    if old is None:
        return current
    if not run.request.rebuild:
        return old.previous_release_id
    with run.candidate.connect() as connection:
        return follow_rebuilt(connection, run.data, old, run.request.follows or current)


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


def _in_scope(loaded: LoadedExtracts, identity: ReleaseIdentity, before: Quarter) -> QuarterInScope:
    rows = loaded.extract_row
    used = loaded.extract["extract_id"].isin(rows.loc[rows["quarter"] == str(identity.quarter), "extract_id"])
    settled = ("provisional", "revised", "final")
    return QuarterInScope(
        quarter=identity.quarter,
        framework=identity.framework,
        release_id=identity.release_id,
        is_sample=identity.is_sample,
        release_state=min(loaded.extract.loc[used, "release_state"], key=settled.index),
        previous_quarter=before,
        previous_release_id=identity.previous_release_id,
    )


def _keep_listings(run: QuarterlyRun, loaded: LoadedExtracts) -> None:
    """Nothing is silently dropped: rows set aside and revised figures are listed in the run's folder."""
    revised = loaded.revision[loaded.revision["changed"].astype(bool)]
    for name, frame in (("rows_set_aside.csv", loaded.row_set_aside), ("revisions.csv", revised)):
        run.record.keep(name, as_csv(frame))
    run.record.note(
        is_sample=loaded.is_sample,
        extracts=[
            {"file": file, "table": table if isinstance(table, str) else None, "extract_id": extract_id}
            for file, table, extract_id in zip(
                loaded.extract["file_name"],
                loaded.extract["table_name"],
                loaded.extract["extract_id"],
                strict=True,
            )
        ],
        revisions=len(revised),
        **left_out_of(loaded),
        releases=[{"quarter": str(item.quarter), "release_id": item.release_id} for item in run.scope],
    )
