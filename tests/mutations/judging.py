"""Puts a folder of files through the product in this process and says what came out: figures and messages.

Framework files go through a run's stages and gates and are compared with the release that they would replace; what
follows from league tables alone (insight) is left out. Statistics are read, landed and computed, as a nowcast does,
which has no figure of the publisher's to compare with. A message counts only if the unspoilt files don't give it too.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import duckdb

from dagster_project.errors import ExitCode, LeagueError
from dagster_project.extracts.load import LoadedExtracts, load_folder
from dagster_project.quarters import Quarter
from dagster_project.releases.fewer import fewer_than_current, refuse_fewer
from dagster_project.releases.publish import current_release
from dagster_project.runs import flow, stages
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.read import read
from dagster_project.runs.request import RunRequest
from dagster_project.settings import DataFolder
from dagster_project.warehouse.dbt_project import DbtProject, checkout_project
from dagster_project.warehouse.landing import QuarterInScope, land

# What follows from league tables alone; of what is audited, the reconciliation is a figure.
_LEFT_OUT = {"history": (), "insight": (), "audit": ("audit.reconciliation",)}
STATISTICS = flow.selected(*flow.folders(until="statistics"))
_FIGURES = {
    "league_table": "organisation_code",
    "metric_score": "organisation_code, metric_id",
    "domain_score": "organisation_code, domain",
}
_NOT_FIGURES = {"release_id"}
# A line dropped or added moves all those behind it: that a message counts them anew says nothing.
_PLACE = re.compile(r"\b(rows?|lines?) [0-9][0-9, ]*")


@dataclass(frozen=True)
class Observed:
    """What came out: every figure by its key, every message, and how it ended (0, or an exit code and why)."""

    figures: Mapping[str, str]
    messages: frozenset[str]
    exit_code: int = 0
    error: str = ""


def outcome_of(
    spoilt: Observed, sound: Observed, about: Iterable[str], *, gone_is_told: bool = False
) -> tuple[str, str]:
    """`detected`, `harmless`, `silent` or `crashed`, and the message or the change that shows it.

    With `gone_is_told` a figure that is no longer there tells so by itself: a nowcast carries an older one.
    """
    if spoilt.exit_code == ExitCode.OUR_FAULT:
        return "crashed", spoilt.error
    if spoilt.exit_code:
        return "detected", f"exit {spoilt.exit_code}: {spoilt.error}"
    terms = [term for term in about if len(term) > 1]
    for message in sorted(_without_places(spoilt.messages) - _without_places(sound.messages)):
        if any(term in message for term in terms):
            return "detected", message
    changed = sorted(
        f"{key}: {sound.figures.get(key)} -> {spoilt.figures.get(key)}"
        for key in {*spoilt.figures, *sound.figures}
        if spoilt.figures.get(key) != sound.figures.get(key)
    )
    if not changed:
        return "harmless", ""
    given, before = (
        {key: value for key, value in each.figures.items() if value != "None"} for each in (spoilt, sound)
    )
    if (
        gone_is_told
        and before.keys() - given
        and all(given[key] == before[key] for key in given.keys() & before)
    ):
        return (
            "detected",
            f"{len(changed)} no longer given, and so carried with their age, first {changed[0]}",
        )
    return "silent", f"{len(changed)} changed, first {changed[0]}"


def _without_places(messages: Iterable[str]) -> set[str]:
    return {_PLACE.sub(r"\1 N", message) for message in messages}


def judge_run(folder: Path, data: DataFolder, quarter: Quarter) -> Observed:
    """Through all stages of a run that would release the quarter, but for its last."""
    request = RunRequest(quarters=(quarter,), extracts_dir=folder, dry_run=True, threads=1)
    messages: set[str] = set()
    figures: dict[str, str] = {}
    project = _project(str(data.root))
    try:
        with QuarterlyRun(request, data, "mutation") as run:
            candidate = run.candidate
            found = read(request, data, candidate, run.record)
            messages |= _of_files(found.extracts)
            for step in flow.steps():
                if isinstance(step, flow.Gate):
                    with candidate.connect() as connection:
                        outcome = stages.judge(step, connection, found.scope, None)
                    messages |= {example for result in outcome.warnings for example in result.examples}
                    error = outcome.error()
                    if error is not None:
                        raise error
                # The seeds are those of the release before, made by the same code.
                elif step.folders:
                    stages.build(_without_insight(step), project, candidate.warehouse, threads=1)
            with run.candidate.connect() as connection:
                fewer = fewer_than_current(connection, data, [quarter])
                messages |= {loss.in_words() for item in fewer for loss in item.losses}
                refuse_fewer(fewer, None)
                figures = _released(connection, quarter)
                messages |= _reasons(connection, quarter)
    except LeagueError as error:
        return Observed({}, frozenset(messages), int(error.exit_code), str(error))
    except Exception as error:
        return Observed({}, frozenset(messages), int(ExitCode.OUR_FAULT), f"{type(error).__name__}: {error}")
    finally:
        shutil.rmtree(data.runs, ignore_errors=True)
    return Observed(figures, frozenset(messages))


def judge_statistics(folder: Path, data: DataFolder, quarter: Quarter) -> Observed:
    """Read, landed and computed: the values of metrics that a nowcast would take as fresh."""
    try:
        loaded = load_folder(folder, None)
        messages = _of_files(loaded)
        with tempfile.TemporaryDirectory(prefix="mutation-") as temporary:
            warehouse = Path(temporary) / data.warehouse.name
            shutil.copyfile(data.root / "seeded.duckdb", warehouse)
            with duckdb.connect(str(warehouse)) as connection:
                land(connection, loaded, [_in_scope(quarter)])
            _project(str(data.root)).build("run", STATISTICS, warehouse, threads=1)
            with duckdb.connect(str(warehouse), read_only=True) as connection:
                figures = _rows(
                    connection,
                    "statistics.computed_metric_value",
                    "metric_id, organisation_code",
                    "printed_value",
                    quarter,
                )
                messages |= _words_of_statistics(connection)
    except LeagueError as error:
        return Observed({}, frozenset(), int(error.exit_code), str(error))
    except Exception as error:
        return Observed({}, frozenset(), int(ExitCode.OUR_FAULT), f"{type(error).__name__}: {error}")
    return Observed(figures, frozenset(messages))


def prepare(root: Path, framework_files: Path, quarter: Quarter) -> DataFolder:
    """A data folder with the quarter's release of the sound files, and a warehouse with the rules alone."""
    from staged_run import release_by_stages

    data = DataFolder(root)
    release_by_stages(data, framework_files, str(quarter))
    return with_rules_alone(data)


def with_rules_alone(data: DataFolder) -> DataFolder:
    """Adds the warehouse with the rules alone to a data folder with the release of the sound files."""
    assert current_release(data)
    seeding = data.root / "seeding" / data.warehouse.name
    checkout_project(data).build("seed", flow.SEEDS, seeding, threads=1)
    seeding.rename(data.root / "seeded.duckdb")
    return data


def quiet() -> None:
    """No warnings of libraries about what mutations do on purpose."""
    logging.disable(logging.WARNING)


@cache
def _project(root: str) -> DbtProject:
    return checkout_project(DataFolder(Path(root)))


def _without_insight(stage: flow.Stage) -> flow.Stage:
    kept = (_LEFT_OUT.get(folder, (folder,)) for folder in stage.folders)
    return replace(stage, folders=tuple(name for names in kept for name in names))


def _of_files(loaded: LoadedExtracts) -> set[str]:
    notes = {f"{note.file}: {note.text}" for note in (*loaded.ignored, *loaded.notes)}
    rows = loaded.row_set_aside
    return notes | {
        f"{row.file_name} row {row.source_row} {row.organisation_code} {row.figure} set aside: {row.reason}: "
        f"{row.raw_line}"
        for row in rows.itertuples()
    }


def _released(connection: duckdb.DuckDBPyConnection, quarter: Quarter) -> dict[str, str]:
    found: dict[str, str] = {}
    for table, key in _FIGURES.items():
        described = connection.execute(f"describe league.{table}").fetchall()
        keys = key.split(", ")
        for column in (row[0] for row in described if row[0] not in {*keys, *_NOT_FIGURES}):
            found |= _rows(connection, f"league.{table}", key, column, quarter)
    return found


def _rows(
    connection: duckdb.DuckDBPyConnection, table: str, key: str, column: str, quarter: Quarter
) -> dict[str, str]:
    rows = connection.execute(
        f"select concat_ws(' ', {key}), \"{column}\" from {table} where quarter = ?", [str(quarter)]
    ).fetchall()
    return {f"{table} {name} {column}": str(value) for name, value in rows}


def _reasons(connection: duckdb.DuckDBPyConnection, quarter: Quarter) -> set[str]:
    """What the release itself says of a figure that isn't simply computed and equal."""
    told = connection.execute(
        "select concat_ws(' ', organisation_code, figure, outcome, reason) from league.reconciliation "
        "where quarter = $quarter and outcome not in ('equal', 'not_published') "
        "union all select concat_ws(' ', organisation_code, metric_id, score_basis, score_basis_reason) "
        "from league.metric_score where quarter = $quarter and score_basis <> 'computed'",
        {"quarter": str(quarter)},
    ).fetchall()
    return {str(text) for (text,) in told}


def _words_of_statistics(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Rows of the statistics models that give a reason for something, whatever the models are called."""
    columns = connection.execute(
        "select table_name, list(column_name order by column_index) from duckdb_columns() "
        "where schema_name in ('statistics', 'metrics') group by table_name"
    ).fetchall()
    words: set[str] = set()
    for table, names in columns:
        reasons = [name for name in names if "reason" in name or name in ("known_difference", "note")]
        keys = [
            name
            for name in ("organisation_code", "metric_id", "period", "source", "file_name")
            if name in names
        ]
        for reason in reasons:
            listed = ", ".join([*keys, reason])
            rows = connection.execute(
                f"select concat_ws(' ', {listed}) from statistics.{table} where {reason} is not null"
            ).fetchall()
            words |= {str(text) for (text,) in rows}
    return words


def _in_scope(quarter: Quarter) -> QuarterInScope:
    return QuarterInScope(
        quarter=quarter,
        framework="2025-26",
        release_id="mutation",
        is_sample=False,
        release_state="nowcast",
        previous_quarter=quarter.shifted(-1),
        previous_release_id=None,
    )
