"""The launchpad's configuration: every field explained, the documented YAML valid."""

from __future__ import annotations

import re

import yaml

from dagster_project.assets.quarterly_run_resource import resource_for
from dagster_project.runs.request import RunRequest
from dagster_project.settings import PROJECT_ROOT

# For automation and `league rebuild`, or of use to nobody who has a choice.
NOT_SHOWN = {"archived_sample", "rebuild", "follows", "threads", "scale"}


def test_every_field_of_the_launchpad_says_what_it_is_for_and_may_be_left_out() -> None:
    fields = resource_for(RunRequest).to_config_schema().as_field().config_type.fields  # type: ignore[attr-defined]
    assert fields.keys() == RunRequest.configurable().keys()
    for name, field in fields.items():
        assert field.description, name
        assert not field.is_required, name


def test_the_documented_configuration_has_the_fields_that_there_are() -> None:
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(resources:.*?)```", page, re.DOTALL)
    shown = yaml.safe_load(block)["resources"]["quarterly_run"]["config"]
    assert shown.keys() == RunRequest.configurable().keys() - NOT_SHOWN
    for name, value in shown.items():
        kind, _ = RunRequest.configurable()[name]
        assert isinstance(value, bool if kind is bool else str), name
