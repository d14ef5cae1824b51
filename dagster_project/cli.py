"""The `league` command: thin verbs over the same functions as the assets. Heavy imports wait for their verb."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from dagster_project import presentation
from dagster_project.errors import ExitCode, LeagueError
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

app = typer.Typer(
    name="league",
    help="Recomputes NHS England's quarterly league tables from the published extracts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
rules_app = typer.Typer(help="The rules of scoring.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Rules = Annotated[
    Path | None, typer.Option("--rules", help="Folder of your own rules, as in dbt/seeds/methodology.")
]


@app.command()
def run(
    quarters: Annotated[list[str], typer.Argument(help="Quarters such as 2025-26-Q1; several are one pass.")],
    extracts: Annotated[
        Path | None,
        typer.Option("--extracts", help="Folder of files as downloaded; without it, the archive."),
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Use the bundled fictional sample.")] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The archive as it was at the end of this day (UTC).")
    ] = None,
    release: Annotated[
        str | None, typer.Option("--release", help="Make this old release again, from the files it used.")
    ] = None,
    scale: Annotated[int, typer.Option(help="With --sample: times as many organisations.")] = 1,
    rules: Rules = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do all but publish; say what would change.")
    ] = False,
    threads: Annotated[int, typer.Option(help="Threads of dbt.")] = 2,
    as_json: Json = False,
) -> None:
    """Build quarters: read, gate, score, gate, release."""
    with reporting(as_json):
        from dagster_project.runs.progress import listening
        from dagster_project.runs.request import RunRequest, day_of

        data = DataFolder.from_environment()
        request = RunRequest(
            quarters=tuple(Quarter.from_argument(text) for text in quarters),
            extracts_dir=_existing(extracts),
            sample=sample,
            as_of=day_of(as_of) if as_of is not None else None,
            release=release,
            scale=scale,
            rules_dir=_existing(rules),
            dry_run=dry_run,
            threads=threads,
        )
        with listening(presentation.progress):
            from dagster_project.launch import launch

            outcome = launch(request, data)
        _finish(outcome, as_json, lambda: presentation.show_run(outcome, data))


@app.command()
def fetch(
    quarter: Annotated[str, typer.Argument(help="A quarter such as 2025-26-Q1.")],
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="A source of the catalogue; may be repeated. Without it, all."),
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option("--catalogue", help="A catalogue of your own, as extracts/catalogue.yml.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find a quarter's files on the publishers' pages and archive them."""
    with reporting(as_json):
        from dagster_project.extracts.catalogue import CATALOGUE, load_catalogue
        from dagster_project.runs.fetch import fetch_quarter
        from dagster_project.runs.progress import listening

        wanted, known = Quarter.from_argument(quarter), load_catalogue(catalogue or CATALOGUE)
        with listening(presentation.progress):
            result = fetch_quarter(
                wanted, DataFolder.from_environment(), sources=source or (), catalogue=known
            )
        _finish(result, as_json, lambda: presentation.show_fetch(result))


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder of files as downloaded.")],
    rules: Rules = None,
    as_json: Json = False,
) -> None:
    """Say what is in these files and whether they would pass; nothing is kept."""
    with reporting(as_json):
        from dagster_project.runs.check import check_folder
        from dagster_project.runs.progress import listening

        with listening(presentation.progress):
            result = check_folder(folder, DataFolder.from_environment(), rules_dir=_existing(rules))
        _finish(result, as_json, lambda: presentation.show_check(result))


@rules_app.command("check")
def rules_check(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of rules; without it, the bundled ones.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether rules are complete and consistent, and what is still unknown."""
    with reporting(as_json):
        from dagster_project.methodology.rule_check import check_rules

        result = check_rules(folder)
        _finish(result, as_json, lambda: presentation.show_rules(result))


@app.command()
def status(as_json: Json = False) -> None:
    """Say what is released, what is archived and how the latest runs ended."""
    with reporting(as_json):
        from dagster_project.runs.status import status_of

        result = status_of(DataFolder.from_environment())
        _finish(result, as_json, lambda: presentation.show_status(result))


@app.command()
def reconcile(
    quarter: Annotated[str, typer.Argument(help="A released quarter such as 2025-26-Q1.")],
    as_json: Json = False,
) -> None:
    """Compare a released quarter with the publisher's figures, figure by figure."""
    with reporting(as_json):
        from dagster_project.audit.reconcile import reconciliation_of

        result = reconciliation_of(DataFolder.from_environment(), Quarter.from_argument(quarter))
        _finish(result, as_json, lambda: presentation.show_reconciliation(result))


@app.command()
def nowcast(
    quarter: Annotated[str, typer.Argument(help="A quarter that isn't published, such as 2025-26-Q3.")],
    extracts: Annotated[
        Path | None,
        typer.Option("--extracts", help="Folder of statistics as downloaded; without it, the archive."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Estimate a quarter's tables from the statistics so far; all else carried from the last release."""
    with reporting(as_json):
        from dagster_project.nowcast.make import make_nowcast
        from dagster_project.nowcast.presentation import show_nowcast
        from dagster_project.runs.progress import listening

        wanted = Quarter.from_argument(quarter)
        with listening(presentation.progress):
            result = make_nowcast(wanted, DataFolder.from_environment(), extracts_dir=_existing(extracts))
        _finish(result, as_json, lambda: show_nowcast(result))


@app.command("nowcast-accuracy")
def nowcast_accuracy(
    quarter: Annotated[str, typer.Argument(help="A released quarter such as 2025-26-Q2.")],
    as_json: Json = False,
) -> None:
    """Say how far the nowcast of a released quarter would have been from the official result."""
    with reporting(as_json):
        from dagster_project.nowcast.accuracy import accuracy_of
        from dagster_project.nowcast.presentation import show_accuracy
        from dagster_project.runs.progress import listening

        wanted = Quarter.from_argument(quarter)
        with listening(presentation.progress):
            result = accuracy_of(wanted, DataFolder.from_environment())
        _finish(result, as_json, lambda: show_accuracy(result))


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Where to write the fictional extracts.")],
    scale: Annotated[int, typer.Option(help="Times as many organisations of each table.")] = 1,
    seed: Annotated[int, typer.Option(help="Another seed gives another sample.")] = 2025,
    as_json: Json = False,
) -> None:
    """Write the fictional sample's extracts, in the official formats."""
    with reporting(as_json):
        from dagster_project.extracts.sample.generator import generate_sample

        files = generate_sample(folder, seed=seed, scale=scale)
        result = {
            "extracts": str(files.extracts),
            "rules": str(files.rules) if files.rules else None,
            "files": len(files.files),
        }
        _finish(result, as_json, lambda: presentation.show_sample(result))


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="Port of the web server.")] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Open Dagster's web server on the project, with the history of `league run` in it."""
    from dagster_project.launch import dagster_home
    from dagster_project.settings import PROJECT_ROOT

    dagster_home(DataFolder.from_environment())
    program = Path(sys.executable).with_name("dagster")
    workspace = str(PROJECT_ROOT / "workspace.yaml")
    os.execv(program, [str(program), "dev", "-w", workspace, "-p", str(port), "-h", host])


@contextmanager
def reporting(as_json: bool) -> Iterator[None]:
    """Ends the command with the exit code of an expected failure, its message on standard error."""
    try:
        yield
    except LeagueError as error:
        if as_json:
            print(json.dumps({"exit_code": int(error.exit_code), "message": str(error)}, ensure_ascii=False))
        else:
            presentation.failure(str(error))
        raise typer.Exit(int(error.exit_code)) from None


def _finish(result: dict[str, Any], as_json: bool, show: Any) -> None:
    """Prints a result and ends with its exit code."""
    code = result.get("exit_code", 0)
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        show()
    raise typer.Exit(int(ExitCode.OUR_FAULT) if code is None else int(code))


def _existing(folder: Path | None) -> Path | None:
    if folder is not None and not folder.is_dir():
        from dagster_project.errors import InputMissing

        raise InputMissing(f"{folder} isn't a folder: name one that exists.")
    return folder


def main() -> None:
    """Entry point of the command `league`."""
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    app()


if __name__ == "__main__":
    main()
