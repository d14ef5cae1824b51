"""The worked examples of docs/audit.md are what the command prints."""

from __future__ import annotations

import re

import pytest
from league_command import league

from dagster_project.settings import PROJECT_ROOT, DataFolder

DOCUMENT = (PROJECT_ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```console\n\$ league (explain [^\n]*)\n((?!\$)[^`]+)```", DOCUMENT)


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_each_line_of_an_example_is_printed_in_that_order(
    six_quarters: DataFolder, command: str, shown: str
) -> None:
    printed = league(*command.split(), data=six_quarters).out.splitlines()
    at = 0
    for line in shown.splitlines():
        start = line.removesuffix("...")
        found = [i for i, one in enumerate(printed[at:], at) if one.startswith(start)]
        assert found, f"not printed after line {at}: {line}"
        assert line.endswith("...") or printed[found[0]] == line
        at = found[0] + 1


def test_the_document_has_examples() -> None:
    assert len(EXAMPLES) == 2
