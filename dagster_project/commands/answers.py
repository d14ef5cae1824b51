"""What every verb shares: its common options, its answer as text or JSON, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from dagster_project import presentation
from dagster_project.errors import ExitCode, InputMissing, LeagueError

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Rules = Annotated[
    Path | None, typer.Option("--rules", help="Folder of your own rules, as in dbt/seeds/methodology.")
]
By = Annotated[
    str | None,
    typer.Option(
        "--by", help="Who does this; else LEAGUE_PERSON, else the system's user. Not authenticated."
    ),
]

AcceptFewer = Annotated[
    str | None,
    typer.Option(
        "--accept-fewer",
        metavar="REASON",
        help="Why the release may hold fewer tables, organisations or metrics than the one it replaces.",
    ),
]


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


def finish(result: dict[str, Any], as_json: bool, show: Any) -> None:
    """Prints a result and ends with its exit code."""
    code = result.get("exit_code", 0)
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        show()
    raise typer.Exit(int(ExitCode.OUR_FAULT) if code is None else int(code))


def existing_folder(folder: Path | None) -> Path | None:
    """The folder that an option names; raises InputMissing if there is none."""
    if folder is not None and not folder.is_dir():
        raise InputMissing(f"{folder} isn't a folder: name one that exists.")
    return folder
