"""Jobs and runs as OpenLineage names them: the quarterly run, its stages, and the models that a stage builds."""

from __future__ import annotations

import hashlib
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from openlineage.client.event_v2 import Job, Run
from openlineage.client.facet_v2 import (
    JobFacet,
    RunFacet,
    documentation_job,
    error_message_run,
    job_type_job,
    nominal_time_run,
    ownership_job,
    parent_run,
    processing_engine_run,
    source_code_location_job,
    sql_job,
    tags_run,
)

from dagster_project.lineage.datasets import NAMESPACE
from dagster_project.quarters import Quarter
from dagster_project.runs.flow import Gate, Step
from dagster_project.settings import DBT_PROJECT_DIR, OWNER, PROJECT_ROOT, code_path

QUARTERLY_RUN = "quarterly_league_tables"
_CLIENT_VERSION = version("openlineage-python")
_RUN_FILE = "dagster_project/runs/quarterly_run.py"
_GATE_FILE = "dagster_project/gates/gate.py"
_STAGE_FILES = {
    "read": "dagster_project/runs/read.py",
    "release": "dagster_project/runs/release_stage.py",
}
_DBT_STAGE_FILE = "dagster_project/runs/stages.py"

_CODE = ("dagster_project", "dbt", "expectations")


def run_key(run_id: str) -> str:
    """The run's id as OpenLineage wants it, a UUID; another text gives the same one each time."""
    try:
        return str(uuid.UUID(run_id))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, run_id))


def part_key(run_id: str, part: str) -> str:
    """The id of a part of a run: the same run and part give the same id."""
    return str(uuid.uuid5(uuid.UUID(run_key(run_id)), part))


def quarterly_job() -> Job:
    """The job of the whole run."""
    says = "A quarter from raw extracts to released league tables, through three gates."
    return Job(NAMESPACE, QUARTERLY_RUN, _job_facets(says, _RUN_FILE, "DAGSTER", "JOB"))


def stage_job(step: Step, says: str) -> Job:
    """The job of a stage or a gate of the flow, such as `quarterly_league_tables.gate_extracts`."""
    file = _GATE_FILE if isinstance(step, Gate) else _STAGE_FILES.get(step.name, _DBT_STAGE_FILE)
    return Job(NAMESPACE, _stage_name(step.step), _job_facets(says, file, "DAGSTER", "TASK"))


def model_job(node: Mapping[str, Any], compiled: str | None) -> Job:
    """The job of one dbt model or seed."""
    file = f"{DBT_PROJECT_DIR.relative_to(PROJECT_ROOT).as_posix()}/{node['original_file_path']}"
    facets = _job_facets(node["description"], file, "DBT", str(node["resource_type"]).upper())
    if compiled:
        facets["sql"] = sql_job.SQLJobFacet(compiled, dialect="duckdb")
    return Job(NAMESPACE, f"{QUARTERLY_RUN}.dbt.{node['schema']}.{node['alias']}", facets)


def run_facets(
    quarters: Sequence[Quarter],
    *,
    engine: tuple[str, str],
    parent: parent_run.ParentRunFacet | None = None,
    tags: Mapping[str, str] | None = None,
    error: str | None = None,
) -> dict[str, RunFacet]:
    """Nominal time (first day of the first quarter to the day after the last), engine, parent, tags, error."""
    facets: dict[str, RunFacet] = {
        "nominalTime": nominal_time_run.NominalTimeRunFacet(
            nominalStartTime=f"{quarters[0].first_day}T00:00:00Z",
            nominalEndTime=f"{quarters[-1].shifted(1).first_day}T00:00:00Z",
        ),
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
            version=engine[1], name=engine[0], openlineageAdapterVersion=_CLIENT_VERSION
        ),
    }
    if parent is not None:
        facets["parent"] = parent
    if tags:
        facets["tags"] = tags_run.TagsRunFacet(
            [tags_run.TagsRunFacetFields(key, value, "INTEGRATION") for key, value in tags.items()]
        )
    if error is not None:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(error, "python")
    return facets


def under_run(run_id: str) -> parent_run.ParentRunFacet:
    """The parent of a stage: the quarterly run."""
    return _parent(run_id, run_key(run_id), QUARTERLY_RUN)


def under_stage(run_id: str, stage: str) -> parent_run.ParentRunFacet:
    """The parent of a model: the stage that builds it."""
    return _parent(run_id, part_key(run_id, stage), _stage_name(stage))


def run_of(key: str, facets: Mapping[str, RunFacet]) -> Run:
    """A run with its facets."""
    return Run(key, dict(facets))


def _parent(run_id: str, key: str, name: str) -> parent_run.ParentRunFacet:
    return parent_run.ParentRunFacet(
        run=parent_run.Run(key),
        job=parent_run.Job(NAMESPACE, name),
        root=parent_run.Root(
            run=parent_run.RootRun(run_key(run_id)), job=parent_run.RootJob(NAMESPACE, QUARTERLY_RUN)
        ),
    )


def _stage_name(stage: str) -> str:
    return f"{QUARTERLY_RUN}.{stage.replace(' ', '_')}"


def _job_facets(says: str, file: str, integration: str, kind: str) -> dict[str, JobFacet]:
    return {
        "documentation": documentation_job.DocumentationJobFacet(says),
        "ownership": ownership_job.OwnershipJobFacet([ownership_job.Owner(OWNER, "MAINTAINER")]),
        "jobType": job_type_job.JobTypeJobFacet("BATCH", integration, kind),
        "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet(
            type="git", url=content_url(file), path=file, version=revision()
        ),
    }


def content_url(path: str, root: Path = PROJECT_ROOT) -> str:
    """Where code stands, naming no machine or host: the SWHID of a file; `path` is below `root`, with slashes.

    A SWHID (ISO/IEC 18670) is the hash that git itself gives a file, so whoever has the repository finds the very
    bytes with `git cat-file`; a file that was changed after the revision still has its own.
    """
    content = code_path(path, root).read_bytes()
    digest = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    anchor = revision(root)
    qualifier = f";anchor=swh:1:rev:{anchor}" if anchor else ""
    return f"swh:1:cnt:{digest}{qualifier};path=/{path}"


@cache
def revision(root: Path = PROJECT_ROOT) -> str | None:
    """The commit of the checkout; None without git, where the checkout isn't the repository, or if code differs."""
    top_and_commit = _git(root, "rev-parse", "--show-toplevel", "HEAD").splitlines()
    if len(top_and_commit) != 2 or Path(top_and_commit[0]).resolve() != root.resolve():
        return None
    changed = _git(root, "status", "--porcelain", "--", *_CODE)
    return None if changed else top_and_commit[1]


def _git(root: Path, *arguments: str) -> str:
    try:
        asked = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout.strip()
