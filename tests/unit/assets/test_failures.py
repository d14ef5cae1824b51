"""What the run page says of an expected failure: the message, in the launchpad's words."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from dagster_project.assets.failures import in_launchpad, plainly
from dagster_project.errors import Locked
from dagster_project.runs.record import QUALITY_PAGE, RunRecord
from dagster_project.settings import DataFolder


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "use --sample, or a folder with --extracts.",
            "use `sample: true`, or a folder with `extracts_dir`.",
        ),
        ("use --extracts DIR.", "use `extracts_dir: DIR`."),
        ("say so: --accept-fewer REASON, which", "say so: `accept_fewer: REASON`, which"),
        ("supply one with --rules DIR.", "supply one with `rules_dir: DIR`."),
        ("`league run QUARTER --sample` uses it", "`league run QUARTER --sample` uses it"),
        ("without --data, a-b -- c", "without --data, a-b -- c"),
    ],
)
def test_options_of_the_command_are_named_as_fields(said: str, shown: str) -> None:
    assert in_launchpad(said) == shown


def test_an_expected_error_ends_a_step_with_its_message_alone(tmp_path: Path) -> None:
    record = RunRecord(DataFolder(tmp_path), "a-run")
    record.keep(QUALITY_PAGE, b"<p>")
    with pytest.raises(dg.Failure) as raised, plainly(record):
        raise Locked("Another run is writing.")
    failure = raised.value
    assert failure.description == "Another run is writing."
    assert failure.allow_retries is False
    assert failure.metadata["exit_code"].value == 7
    assert failure.metadata["quality_page"].value == str(record.folder / QUALITY_PAGE)
    assert failure.__suppress_context__
    assert failure.__cause__ is None


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), plainly():
        _ = 1 / 0
