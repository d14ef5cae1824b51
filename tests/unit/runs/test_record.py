"""What a run says of how it ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.errors import CommitUnknown, LeagueError
from dagster_project.presentation import show_run
from dagster_project.runs.record import RunRecord, read_outcome
from dagster_project.settings import DataFolder


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            LeagueError("A figure has no rule."),
            "Nothing was released; what was published before is unchanged.",
        ),
        (CommitUnknown("The server was lost."), "Whether it was released isn't known."),
    ],
)
def test_a_failed_run_says_that_nothing_was_released_only_where_that_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: LeagueError, said: str
) -> None:
    data = DataFolder(tmp_path)
    RunRecord(data, "a-run").failed(error)
    show_run(read_outcome(data, "a-run"), data)
    shown = " ".join(capsys.readouterr().err.split())
    assert (str(error) in shown, said in shown) == (True, True)
    assert ("Nothing was released" in shown) == ("Nothing was released" in said)
