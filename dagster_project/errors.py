"""Errors a person can act on, each with the exit code that the `league` command ends with."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from dagster_project.shown import in_one_line, visible


class ExitCode(IntEnum):
    """What the `league` command tells the shell (docs/operations.md lists them for users).

    141, as the shell says of programs that nobody listens to any more, is the command's own (`entry.py`).
    """

    DONE = 0
    OUR_FAULT = 1
    WRONG_USAGE = 2
    INPUT_MISSING = 3
    INPUT_REJECTED = 4
    SUITE_FAILED = 5
    RECONCILIATION_DIFFERENT = 6
    LOCKED = 7
    INTERRUPTED = 130


class LeagueError(Exception):
    """An expected failure: the message says what was expected, what was found and what to do."""

    exit_code: ExitCode = ExitCode.OUR_FAULT

    def __str__(self) -> str:
        """The message with what it quotes made visible: it goes to terminals, logs and pages."""
        return visible(super().__str__())


class WrongUsage(LeagueError):
    """The command or a run's configuration asks for something that makes no sense."""

    exit_code = ExitCode.WRONG_USAGE


class InputMissing(LeagueError):
    """A quarter isn't covered by the files at hand, or a framework's rules aren't complete."""

    exit_code = ExitCode.INPUT_MISSING


class MachineFault(LeagueError):
    """The machine lacks what the work needs: room on the disk, the right to write, memory."""

    exit_code = ExitCode.INPUT_MISSING


class CommitUnknown(LeagueError):
    """A commit was sent and its answer got lost: whether it holds isn't known here."""


class InputRejected(LeagueError):
    """A reader can't take a file as what it claims to be.

    `file`, `row` and `column` say where; `expected` and `found` say what; `remedy` says what to do.
    """

    exit_code = ExitCode.INPUT_REJECTED

    def __init__(
        self,
        *,
        file: str,
        expected: str,
        found: str,
        remedy: str,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        self.file = file
        self.row = row
        self.column = column
        self.expected = expected
        self.found = found
        self.remedy = remedy
        where = in_one_line(file)
        if row is not None:
            where += f", row {row}"
        if column is not None:
            where += f", column {column}"
        super().__init__(f"{where}: expected {expected}; found {found}. {remedy}")

    def __reduce__(self) -> tuple[Callable[..., InputRejected], tuple[dict[str, Any]]]:
        """As it crosses from one process to another."""
        said = ("file", "row", "column", "expected", "found", "remedy")
        return _rejected_again, ({name: getattr(self, name) for name in said},)


def _rejected_again(said: dict[str, Any]) -> InputRejected:
    return InputRejected(**said)


class SuiteFailed(LeagueError):
    """An expectation of a gate didn't hold, so nothing was released."""

    exit_code = ExitCode.SUITE_FAILED


class ReconciliationDifferent(LeagueError):
    """A recomputed figure differs from the publisher's beyond every known reason."""

    exit_code = ExitCode.RECONCILIATION_DIFFERENT


class Locked(LeagueError):
    """Another run is writing."""

    exit_code = ExitCode.LOCKED
