"""How an expected failure looks on a run's page: its message first, in the words of the launchpad, no traceback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg

from dagster_project.errors import ExitCode, LeagueError
from dagster_project.machine import machine_fault
from dagster_project.runs.record import QUALITY_PAGE
from dagster_project.runs.request import RunRequest

if TYPE_CHECKING:
    from dagster_project.runs.record import RunRecord

# The command has other names for some fields, and takes values where the launchpad sets a field.
_FIELDS = {
    "extracts": "extracts_dir",
    "rules": "rules_dir",
    **{name.replace("_", "-"): name for name in RunRequest.configurable()},
}
_OPTION = re.compile(r"`[^`]*`|(?<![\w-])--([a-z][a-z-]*)(?: ([A-Z]+)\b)?")
_WHAT_TO_DO = {
    ExitCode.OUR_FAULT: "Read failure.txt in the run's folder, and report it: that is a fault of ours.",
    ExitCode.WRONG_USAGE: "Change the configuration in the launchpad, and launch again.",
    ExitCode.INPUT_MISSING: "Bring what is missing, and launch again; the same again would end the same way.",
    ExitCode.INPUT_REJECTED: "Get the file again or correct it, and launch again.",
    ExitCode.SUITE_FAILED: "Read the quality page: is it a fault of the files, or a rule that has changed?",
    ExitCode.RECONCILIATION_DIFFERENT: "Read the quality page: a wrong value, or a rule that has changed?",
    ExitCode.INTERRUPTED: "It was ended from outside, as a run that hangs is: its log says where. Launch again.",
    ExitCode.LOCKED: "Wait until the other run has ended, and launch again.",
}


def in_launchpad(message: str) -> str:
    """A message with the command's options named as the launchpad's fields: `--extracts DIR` is `extracts_dir`.

    A whole command in backticks stays, as do options that the launchpad hasn't.
    """

    def field(found: re.Match[str]) -> str:
        name = _FIELDS.get(found[1] or "")
        if name is None:
            return found[0]
        value = "true" if _is_switch(name) else found[2]
        return f"`{name}: {value}`" if value else f"`{name}`"

    return _OPTION.sub(field, message)


def what_to_do(exit_code: ExitCode | None) -> str:
    """What a person does about a run that ended so; None is one that ended without a word of its own."""
    if exit_code is None:
        return "Its process ended without a word: look for a lack of memory or a restart, and launch again."
    return _WHAT_TO_DO.get(exit_code, "Read the message.")


def expected(error: BaseException) -> LeagueError | None:
    """The error that a person can act on; None where it is a fault of ours."""
    return machine_fault(error) or (error if isinstance(error, LeagueError) else None)


@contextmanager
def plainly(record: RunRecord | None = None) -> Iterator[None]:
    """Ends a step whose failure is an expected one with its message; other errors keep their traceback."""
    try:
        yield
    except Exception as error:
        failure = failure_of(error, record)
        if failure is None:
            raise
    else:
        return
    # Dagster shows what an error came from, which here says the same again.
    raise failure from None


def failure_of(error: BaseException, record: RunRecord | None = None) -> dg.Failure | None:
    """What Dagster shows of an expected error: message, what to do, where to read on. The step isn't tried again."""
    plain = expected(error)
    if plain is None:
        return None
    metadata: dict[str, Any] = {
        "exit_code": dg.MetadataValue.int(int(plain.exit_code)),
        "what_to_do": dg.MetadataValue.text(what_to_do(plain.exit_code)),
    }
    if record is not None:
        metadata["run_folder"] = dg.MetadataValue.path(record.folder)
        if (page := record.folder / QUALITY_PAGE).exists():
            metadata["quality_page"] = dg.MetadataValue.path(page)
    return dg.Failure(in_launchpad(str(plain)), metadata=metadata, allow_retries=False)


def _is_switch(name: str) -> bool:
    kind, _ = RunRequest.configurable()[name]
    return kind is bool
