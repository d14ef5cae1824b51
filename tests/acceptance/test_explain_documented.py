"""The worked examples of docs/audit.md are what the command prints; its session is the one with the official files."""

from __future__ import annotations

import re
import shlex

import pytest
from documented_queries import sections
from league_command import league

from dagster_project.settings import PROJECT_ROOT, DataFolder

DOCUMENT = (PROJECT_ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
SESSION = sections(DOCUMENT, 2)["Three commands to the raw line"]
ASKED = re.findall(r"^\$ league ([^\n]*)\n((?:(?!```)[^\n]*\n)+)", SESSION, re.MULTILINE)
RAW = re.findall(r"^\$ sed -n (\d+)p data/(\S+)\n((?:(?!```)[^\n]*\n)+)", SESSION, re.MULTILINE)
EXAMPLES = re.findall(
    r"```console\n\$ league (explain [^\n]*)\n((?!\$)[^`]+)```", DOCUMENT.replace(SESSION, "")
)
COLUMNS = 80


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
    assert (len(ASKED), len(RAW)) == (2, 1)


@pytest.mark.parametrize(("command", "shown"), ASKED, ids=[command for command, _ in ASKED])
def test_the_auditors_session_is_what_the_official_files_give(
    both_quarters: DataFolder, command: str, shown: str
) -> None:
    ended = league(*shlex.split(command), data=both_quarters, columns=COLUMNS)
    assert ended.code == 0, ended.err
    printed = [line.rstrip() for line in ended.out.splitlines()]
    assert max(map(len, printed)) <= COLUMNS
    at = 0
    for line in shown.splitlines():
        if line.endswith("..."):
            at = next(
                number
                for number, one in enumerate(printed[at:], at)
                if one.startswith(line.removesuffix("..."))
            )
        elif line != printed[at]:
            at = printed.index(line, at)
        at += 1
    assert at == len(printed)


def test_the_session_ends_at_the_publishers_own_line(both_quarters: DataFolder) -> None:
    ((row, name, shown),) = RAW
    (file,) = both_quarters.root.glob(name)
    line = file.read_text("utf-8-sig").splitlines()[int(row) - 1]
    assert [line[at : at + COLUMNS] for at in range(0, len(line), COLUMNS)] == shown.splitlines()
    explained = ASKED[1][1]
    assert f"row {row}: " in explained
    assert file.name in explained


def test_the_first_answer_of_the_session_fits_a_screen_of_24_lines() -> None:
    assert len(ASKED[0][1].splitlines()) < 24
