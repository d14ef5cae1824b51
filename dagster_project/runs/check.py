"""Checks a folder of extracts without releasing anything: what is in it, and would it pass every gate?"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from dagster_project.data_kind import kind_held, kind_in_words, kind_of
from dagster_project.errors import ExitCode, LeagueError
from dagster_project.extracts.load import LoadedExtracts, load_folder
from dagster_project.quarters import Quarter
from dagster_project.releases.fewer import fewer_than_current, refuse_fewer
from dagster_project.releases.publish import current_release
from dagster_project.runs.left_out import left_out_lines, left_out_of
from dagster_project.runs.passage import Passage
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.read import changed_figures
from dagster_project.runs.request import RunRequest
from dagster_project.runs.summary import summarise
from dagster_project.scenarios.nowcast.build import trusts_in
from dagster_project.settings import DataFolder


def check_folder(folder: Path, data: DataFolder, *, rules_dir: Path | None = None) -> dict[str, Any]:
    """What each file holds, then each quarter through the gates, compared with what is published now.

    Works in a temporary folder: nothing is archived, locked or published. Raises InputMissing or
    InputRejected where the files can't be read; a closed gate is in the result.
    """
    kind, known = kind_held(data), frozenset[str]()
    if kind is not None:
        known = frozenset().union(*(trusts_in(data, release.quarter) for release in current_release(data)))
    loaded = load_folder(folder, None, known_trusts=known)
    # Fictional files are judged beside nothing official, and the other way round.
    beside = data if kind is kind_of(loaded.is_sample) else None
    result: dict[str, Any] = {
        "files": _files(loaded),
        **left_out_of(loaded),
        "kind": str(kind_of(loaded.is_sample)),
        "data_folder": str(data.root),
        "data_folder_kind": kind_in_words(data),
        "compared_with_releases": beside is not None,
        "organisations_set_aside": _organisations_set_aside(loaded),
        "revisions": changed_figures(loaded),
        "quarters": [],
        "exit_code": int(ExitCode.DONE),
    }
    for text in loaded.quarters():
        checked = _check_quarter(folder, Quarter.from_canonical(text), beside, rules_dir)
        result["quarters"].append(checked)
        result["exit_code"] = max(result["exit_code"], checked["exit_code"])
    return result


def _files(loaded: LoadedExtracts) -> list[dict[str, Any]]:
    files = []
    for row in loaded.extract.itertuples():
        figures, counts, listed = (
            frame[frame["extract_id"] == row.extract_id]
            for frame in (loaded.extract_row, loaded.statistic_row, loaded.organisation_reference)
        )
        files.append(
            {
                "file": row.file_name,
                "source": row.source,
                "table": row.table_name if isinstance(row.table_name, str) else None,
                "rows": int(str(row.rows)),
                "quarters": sorted({*figures["quarter"], *counts["quarter"]}),
                "organisations": sum(
                    int(frame["organisation_code"].nunique()) for frame in (figures, counts, listed)
                ),
                "is_sample": bool(row.is_sample),
            }
        )
    return files


def _organisations_set_aside(loaded: LoadedExtracts) -> list[dict[str, Any]]:
    """By file and reason, the codes of the organisations whose rows were set aside as no trust's."""
    rows = loaded.row_set_aside
    whole = rows[rows["figure"].isna() & rows["organisation_code"].notna()]
    return [
        {"file": file, "reason": reason, "rows": len(group), "organisations": sorted(set(group))}
        for (file, reason), group in whole.groupby(["file_name", "reason"])["organisation_code"]
    ]


def _check_quarter(
    folder: Path, quarter: Quarter, data: DataFolder | None, rules_dir: Path | None
) -> dict[str, Any]:
    """One quarter through all three gates in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="league-check-") as temporary:
        elsewhere = DataFolder(Path(temporary))
        if data is not None and data.warehouse.exists():
            elsewhere.warehouse.parent.mkdir(parents=True)
            shutil.copyfile(data.warehouse, elsewhere.warehouse)
        request = RunRequest(quarters=(quarter,), extracts_dir=folder, rules_dir=rules_dir, dry_run=True)
        found: dict[str, Any] = {"quarter": str(quarter), "gates": [], "exit_code": 0, "message": ""}
        try:
            with QuarterlyRun(request, elsewhere, "check") as run:
                passage = Passage(run)
                try:
                    passage.up_to_release()
                finally:
                    found["gates"] = [
                        {"gate": item.gate, "passed": item.passed, "expectations": len(item.results)}
                        for item in passage.outcomes
                    ]
                with run.candidate.connect() as connection:
                    fewer = fewer_than_current(connection, run.data, [quarter])
                    found["fewer"] = [item.as_record() for item in fewer]
                    refuse_fewer(fewer, None, beside=left_out_lines(run.record.content))
                    found["summary"] = summarise(connection, [quarter])[0]
        except LeagueError as error:
            found |= {"exit_code": int(error.exit_code), "message": str(error)}
    return found
