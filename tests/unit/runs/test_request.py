"""What a run can and can't be asked for, where it works, and that one model says all of it."""

from __future__ import annotations

import inspect
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import Field

from dagster_project.assets.quarterly_run_resource import resource_for
from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.runs.quarterly_run import QuarterlyRun
from dagster_project.runs.request import RunRequest, day_of
from dagster_project.settings import DataFolder

Q1, Q2 = Quarter.from_canonical("2025-26-Q1"), Quarter.from_canonical("2025-26-Q2")
DAY, RELEASE = date(2025, 9, 30), "0123456789abcdef"


@pytest.mark.parametrize(
    "asked",
    [
        {"as_of": DAY, "release": RELEASE},
        {"as_of": DAY, "sample": True},
        {"as_of": DAY, "extracts_dir": Path()},
        {"release": RELEASE, "sample": True},
        {"release": RELEASE, "extracts_dir": Path()},
        {"release": "current"},
        {"release": RELEASE, "quarters": (Q1, Q2)},
        {"hold": True, "dry_run": True},
        {"rebuild": True, "hold": True},
        {"rebuild": True, "release": RELEASE},
        {"follows": RELEASE, "release": RELEASE},
        {"rebuild": True, "release": RELEASE, "hold": True, "follows": "current"},
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(asked: dict[str, Any]) -> None:
    with pytest.raises(WrongUsage):
        RunRequest(**({"quarters": (Q1,)} | asked))


def test_a_day_is_written_in_one_way() -> None:
    assert day_of("2025-09-30") == DAY
    for text in ("20250930", "2025-W40-2", "30/09/2025", "2025-9-30", "2025-09-31", ""):
        with pytest.raises(WrongUsage, match="a day such as"):
            day_of(text)


def test_a_run_in_code_takes_a_relative_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = QuarterlyRun(RunRequest(quarters=(Q1,)), DataFolder(Path("data")), "a-run")
    assert run.data.root == tmp_path.resolve() / "data"


class WiderRequest(RunRequest):
    """A request with one field more, and nothing said of it anywhere else."""

    note: str | None = Field(default=None, description="What somebody wants to remember of the run")


def test_a_field_of_the_model_alone_is_in_configuration_and_record() -> None:
    asked = WiderRequest(quarters=(Q1,), extracts_dir=Path("extracts"), as_of=None, note="for the board")
    resource = resource_for(WiderRequest)
    schema = resource.to_config_schema().as_field().config_type
    assert isinstance(schema, dg.Shape | dg.Selector | dg.Permissive)
    assert schema.fields["note"].description == "What somebody wants to remember of the run"

    again = resource(**asked.configuration()).request((Q1,))
    assert again == asked.model_copy(update={"extracts_dir": Path("extracts").resolve()})
    assert again.recorded()["request"]["note"] == "for the board"


def test_configuration_gives_back_the_request_and_an_empty_text_asks_for_nothing() -> None:
    asked = RunRequest(
        quarters=(Q2, Q1), as_of=DAY, by="somebody", accept_fewer="one  trust\nclosed", threads=1
    )
    assert RunRequest.configured((Q2, Q1), asked.configuration()) == asked
    assert asked.configuration()["accept_fewer"] == "one trust closed"
    emptied = {"as_of": "", "release": "", "accept_fewer": "", "extracts_dir": ""}
    assert RunRequest.configured((Q1,), emptied) == RunRequest(quarters=(Q1,))


def test_a_day_in_configuration_is_refused_as_the_command_refuses_it() -> None:
    with pytest.raises(WrongUsage, match="a day such as"):
        RunRequest.configured((Q1,), {"as_of": "30/09/2025"})


def test_every_option_of_the_command_is_a_field_and_every_field_that_people_ask_for_an_option() -> None:
    from dagster_project.commands.run import run

    for_machines, about_the_command = (
        {"rebuild", "follows", "archived_sample"},
        {"as_json", "again", "verbose", "target", "extract_rows"},
    )
    options = set(inspect.signature(run).parameters) - about_the_command
    assert options == set(RunRequest.model_fields) - for_machines
