"""What every verb shares: its common options, its answer as text or JSON, and its exit code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import click
import typer

from dagster_project import presentation
from dagster_project.commands import completion
from dagster_project.errors import ExitCode, InputMissing, InputRejected, LeagueError
from dagster_project.interruption import SENTENCE, is_interruption, was_asked
from dagster_project.machine import machine_fault
from dagster_project.pager import in_pages
from dagster_project.shown import json_text

DEBUG_VARIABLE = "LEAGUE_DEBUG"
_UNEXPECTED_SHOWN = 300

Organisation = Annotated[
    str,
    typer.Argument(autocompletion=completion.organisations, help="A code such as RP6, or (part of) a name."),
]
ReleasedQuarter = Annotated[
    str, typer.Argument(autocompletion=completion.quarters, help="A released quarter such as 2025-26-Q1.")
]
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


class Engine(StrEnum):
    """What builds the models of a run, and where its releases are."""

    DUCKDB = "duckdb"
    SPARK = "spark"


Target = Annotated[
    Engine,
    typer.Option("--target", help="Where releases are built and kept: DuckDB's files, or Spark's lake."),
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
    """Ends the command with the exit code of a failure, its message in a sentence on standard error.

    What nobody expected is our fault: LEAGUE_DEBUG=1 lets it through with its trace.
    """
    try:
        yield
    except (typer.Exit, typer.Abort, click.ClickException):
        raise
    except BaseException as error:
        if os.environ.get(DEBUG_VARIABLE) and not isinstance(error, LeagueError):
            raise
        code, message = _ended_by(error)
        if as_json:
            print(json_text({"exit_code": int(code), "message": message}))
        else:
            presentation.failure(message)
        raise typer.Exit(int(code)) from None


def _ended_by(error: BaseException) -> tuple[ExitCode, str]:
    if is_interruption(error) or was_asked():
        return ExitCode.INTERRUPTED, SENTENCE
    fault = machine_fault(error)
    if fault is not None:
        return fault.exit_code, str(fault)
    if isinstance(error, RecursionError):
        error = _nested_too_deep(error)
    if isinstance(error, LeagueError):
        return error.exit_code, str(error)
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return ExitCode.OUR_FAULT, (
        f"{said[:_UNEXPECTED_SHOWN]}. That is a fault of ours: please report it, with what {DEBUG_VARIABLE}=1 before "
        "the command shows."
    )


def _nested_too_deep(error: RecursionError) -> BaseException:
    """The refusal of a JSON or YAML file nested beyond measure; any other recursion without end is our fault."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    module = frame.tb_frame.f_globals.get("__name__", "") if frame is not None else ""
    if not module.startswith(("json.", "yaml.")):
        return error
    return InputRejected(
        file=f"a file of {module.partition('.')[0].upper()}",
        expected="values nested as deep as we write them",
        found="a nesting beyond measure",
        remedy="It isn't what this program wrote: restore it from a backup.",
    )


def finish(result: dict[str, Any], as_json: bool, show: Any) -> None:
    """Prints a result, a page at a time where it is longer than the terminal, and ends with its exit code."""
    code = result.get("exit_code", 0)
    if as_json:
        print(json_text(result, indent=2))
    else:
        in_pages(show)
    raise typer.Exit(int(ExitCode.OUR_FAULT) if code is None else int(code))


def existing_folder(folder: Path | None) -> Path | None:
    """The folder that an option names; raises InputMissing if there is none."""
    if folder is not None and not folder.is_dir():
        raise InputMissing(f"{folder} isn't a folder: name one that exists.")
    return folder
