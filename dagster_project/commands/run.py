"""Verbs that make releases: run, land, fetch, check, status, sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project import presentation
from dagster_project.commands.answers import (
    AcceptFewer,
    By,
    Engine,
    Json,
    Rules,
    Target,
    existing_folder,
    finish,
    reporting,
)
from dagster_project.commands.help_panels import MAKE, READ
from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

if TYPE_CHECKING:
    from dagster_project.runs.request import RunRequest

app = typer.Typer()


@app.command(rich_help_panel=MAKE)
def run(
    quarters: Annotated[list[str], typer.Argument(help="Quarters such as 2025-26-Q1; several are one pass.")],
    extracts_dir: Annotated[
        Path | None,
        typer.Option("--extracts", help="Folder of files as downloaded; without it, the archive."),
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Use the bundled fictional sample.")] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The archive as it was at the end of this day (UTC).")
    ] = None,
    release: Annotated[
        str | None,
        typer.Option(
            "--release", help="Make this old release (its id or its start) again, from the files it used."
        ),
    ] = None,
    scale: Annotated[int, typer.Option(help="With --sample: times as many organisations.")] = 1,
    rules_dir: Rules = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do all but publish; say what would change.")
    ] = False,
    hold: Annotated[
        bool, typer.Option("--hold", help="Make nothing current until somebody else has approved it.")
    ] = False,
    by: By = None,
    accept_fewer: AcceptFewer = None,
    threads: Annotated[int, typer.Option(help="Threads of dbt.")] = 2,
    again: Annotated[
        bool, typer.Option("--again", help="Do the whole work also where nothing is new since it was done.")
    ] = False,
    target: Target = Engine.DUCKDB,
    extract_rows: Annotated[
        str | None,
        typer.Option(
            "--extract-rows",
            metavar="LOCATION",
            help="With --target spark: a folder of Parquet, or a database, that has extract rows already.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Of several quarters, show each one's tables too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Build quarters: read, gate, score, gate, release. Ends at once where nothing is new."""
    # An option that asks for something of the run has the name of its field; a test holds both together.
    given = dict(locals())
    with reporting(as_json):
        from dagster_project.releases.folder import whole_release_id
        from dagster_project.runs.nothing_new import earlier_outcome, inputs_of, keep_inputs
        from dagster_project.runs.request import RunRequest

        given["quarters"] = tuple(Quarter.from_argument(text) for text in quarters)
        for folder in (extracts_dir, rules_dir):
            existing_folder(folder)
        if release is not None:
            given["release"] = whole_release_id(DataFolder.from_environment(), release, "--release")
        asked = {name: value for name, value in given.items() if name in RunRequest.model_fields}
        request = RunRequest(**asked)
        data = request.data_folder
        if target is Engine.SPARK:
            _run_on_spark(request, data, extract_rows, as_json=as_json, verbose=verbose)
            return
        if extract_rows is not None:
            raise WrongUsage("--extract-rows goes with --target spark.")
        with presentation.at_work():
            earlier = None if again else earlier_outcome(request, data)
            if earlier is not None:
                presentation.progress(
                    f"Nothing new since run {earlier['run_id']}: same files, rules and code, and its release is as it "
                    "was made. --again does the work again"
                )
                outcome = earlier
            else:
                from dagster_project.launch import launch

                inputs = inputs_of(request)
                outcome = launch(request, data)
                keep_inputs(request, data, outcome, inputs)
        finish(outcome, as_json, lambda: presentation.show_run(outcome, data, verbose=verbose))


def _run_on_spark(
    request: RunRequest, data: DataFolder, extract_rows: str | None, *, as_json: bool, verbose: bool
) -> None:
    from dagster_project.spark.presentation import show_run_on_spark
    from dagster_project.spark.run import run_on_spark

    with presentation.at_work("starting Spark"):
        outcome = run_on_spark(request, data, extract_rows=extract_rows)
    finish(outcome, as_json, lambda: show_run_on_spark(outcome, data, verbose=verbose))


@app.command(rich_help_panel=MAKE)
def land(
    quarters: Annotated[list[str], typer.Argument(help="Quarters such as 2025-26-Q1.")],
    folder: Annotated[Path, typer.Option("--to", help="Where to write the Parquet files; new or empty.")],
    extracts_dir: Annotated[
        Path | None,
        typer.Option("--extracts", help="Folder of files as downloaded; without it, the archive."),
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Use the bundled fictional sample.")] = False,
    as_json: Json = False,
) -> None:
    """Read files and write their rows as Parquet, which `run --target spark` takes."""
    with reporting(as_json):
        from dagster_project.runs.request import RunRequest
        from dagster_project.spark.landing import land_in_folder
        from dagster_project.spark.presentation import show_landed

        request = RunRequest(
            quarters=tuple(Quarter.from_argument(text) for text in quarters),
            extracts_dir=existing_folder(extracts_dir),
            sample=sample,
            dry_run=True,
        )
        with presentation.at_work():
            result = land_in_folder(request, request.data_folder, folder)
        finish(result, as_json, lambda: show_landed(result))


@app.command(rich_help_panel=MAKE)
def fetch(
    quarter: Annotated[str, typer.Argument(help="A quarter such as 2025-26-Q1.")],
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="A source of the catalogue; may be repeated. Without it, all."),
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option("--catalogue", help="A catalogue of your own, as catalogue/catalogue.yml.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find a quarter's files on the publishers' pages and archive them."""
    with reporting(as_json):
        from dagster_project.catalogue.catalogue import CATALOGUE, load_catalogue
        from dagster_project.fetch.quarter import fetch_quarter

        wanted, known = Quarter.from_argument(quarter), load_catalogue(catalogue or CATALOGUE)
        with presentation.at_work():
            result = fetch_quarter(
                wanted, DataFolder.to_write(is_sample=False), sources=source or (), catalogue=known
            )
        finish(result, as_json, lambda: presentation.show_fetch(result))


@app.command(rich_help_panel=MAKE)
def check(
    folder: Annotated[Path, typer.Argument(help="Folder of files as downloaded.")],
    rules: Rules = None,
    as_json: Json = False,
) -> None:
    """Say what is in these files and whether they would pass; nothing is kept."""
    with reporting(as_json):
        from dagster_project.runs.check import check_folder

        with presentation.at_work():
            result = check_folder(folder, DataFolder.from_environment(), rules_dir=existing_folder(rules))
        finish(result, as_json, lambda: presentation.show_check(result))


@app.command(rich_help_panel=READ)
def status(as_json: Json = False) -> None:
    """Say what is released, what is archived and how the latest runs ended."""
    with reporting(as_json):
        from dagster_project.runs.status import status_of

        result = status_of(DataFolder.from_environment())
        finish(result, as_json, lambda: presentation.show_status(result))


@app.command(rich_help_panel=MAKE)
def sample(
    folder: Annotated[Path, typer.Argument(help="Where to write the fictional extracts.")],
    scale: Annotated[int, typer.Option(help="Times as many organisations of each table.")] = 1,
    seed: Annotated[int, typer.Option(help="Another seed gives another sample.")] = 2025,
    as_json: Json = False,
) -> None:
    """Write the fictional sample's extracts, in the official formats."""
    with reporting(as_json):
        from dagster_project.sample.generator import generate_sample

        with presentation.at_work("inventing organisations and figures"):
            files = generate_sample(folder, seed=seed, scale=scale)
        result = {
            "extracts": str(files.extracts),
            "rules": str(files.rules) if files.rules else None,
            "files": len(files.files),
        }
        finish(result, as_json, lambda: presentation.show_sample(result))
