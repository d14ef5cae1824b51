"""Errors a person can act on: they cross from one process to another as they are."""

from __future__ import annotations

import pickle

import pytest

from dagster_project.errors import ExitCode, InputRejected, LeagueError
from dagster_project.fetch.publisher import Unreachable
from dagster_project.gates.outcome import BrokenGateError
from dagster_project.runs.resumption import NothingToGoOnWithError

REJECTED = InputRejected(
    file="a.csv", row=3, column="Score", expected="a number", found="'x'", remedy="Get it again."
)
OTHERS = (Unreachable, BrokenGateError, NothingToGoOnWithError)


def kinds(of: type[LeagueError] = LeagueError) -> list[type[LeagueError]]:
    return [of, *(kind for below in of.__subclasses__() for kind in kinds(below))]


def test_every_kind_is_tried() -> None:
    assert set(OTHERS) <= set(kinds())


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind is not InputRejected])
def test_an_error_says_the_same_in_another_process(kind: type[LeagueError]) -> None:
    error = kind("expected one thing; found another")
    there = pickle.loads(pickle.dumps(error))
    assert (type(there), str(there), there.exit_code) == (kind, str(error), error.exit_code)


def test_a_rejected_file_is_named_with_row_and_column_in_another_process() -> None:
    there = pickle.loads(pickle.dumps(REJECTED))
    assert str(there) == str(REJECTED)
    assert (there.file, there.row, there.column, there.remedy) == ("a.csv", 3, "Score", "Get it again.")
    assert there.exit_code == ExitCode.INPUT_REJECTED
