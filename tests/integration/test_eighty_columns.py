"""Every verb's answer and help in a terminal of 80 columns: no line is longer, no word broken and no id cut."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import typer
from league_command import league
from shared_folders import Answered

from dagster_project.cli import app
from dagster_project.commands import answers
from dagster_project.commands.deliver import show_delivery
from dagster_project.commands.publish import show_publication
from dagster_project.monitoring.health import asked_of, show_health
from dagster_project.notices import OFFICIAL_NOTICE
from dagster_project.presentation import show_check, show_fetch, show_run
from dagster_project.record_level.presentation import show_counted
from dagster_project.runs.record import read_outcome
from dagster_project.scenarios.nowcast.presentation import show_accuracy, show_nowcast
from dagster_project.settings import DataFolder
from dagster_project.spark.presentation import show_landed, show_run_on_spark

NARROW, WIDE = 80, 2000
FIRST, SECOND = "2025-26-Q1", "2025-26-Q2"
# `{new}` stands for a folder that isn't there;
# `{one}` and `{other}` for two organisations, `{release}` for the start of the current release's id.
ANSWERS = (
    "status",
    "sample {new}",
    "show ambulance",
    "show {one}",
    "explain {one} 2025-26-Q2",
    "explain {one} 2025-26-Q2 --full",
    "diff 2025-26-Q1 2025-26-Q2",
    "diff 2025-26-Q1 2025-26-Q2 --organisation {one}",
    "compare {one} {other}",
    "reconcile 2025-26-Q2",
    "ledger",
    "lineage league_table",
    "lineage league_table.average_metric_score",
    "verify 2025-26-Q2 --no-rebuild --release {release}",
    "bundle 2025-26-Q2 --output {new}",
    "history",
    "history --on 2099-01-01",
    "withdraw {release} --reason A_figure_was_revised --by Somebody",
    "what-if {one} 2025-26-Q2 OF0081=1.5",
    "backup {new}",
    "prune",
    "rules check",
)
# Not run here: what they print is shown from a result below, or is made of parts that are.
OTHERWISE = {
    "run": "the answers of two runs are shown below",
    "check": "an answer is shown below",
    "land": "an answer is shown below",
    "count": "a result is shown below",
    "fetch": "reads the publishers' pages",
    "nowcast": "a result is shown below",
    "nowcast-accuracy": "a result is shown below",
    "rebuild": "a whole run",
    "approve": "needs a release that waits",
    "restore": "needs a backup",
    "dev": "a server",
    "health": "a result is shown below",
    "docs": "writes into the checkout",
    "story": "writes Markdown",
    "publish": "an answer is shown below",
    "deliver": "an answer is shown below",
    "serve": "a server",
}
_PLACE = {
    "table_name": "acute",
    "organisation_code": "RCX",
    "organisation_name": "The Queen Elizabeth Hospital, King's Lynn, NHS Foundation Trust",
    "average_metric_score": "3.35",
    "adjusted_segment": 4,
    "fresh_metric_count": 2,
    "metric_count": 22,
}
_OFF = {
    "organisations": 134,
    "mean_absolute_difference_of_average": "0.214000000",
    "same_segment_percent": "61.2",
    "rank_difference_median": "11",
    "rank_difference_90th_percentile": "44",
}
_NOWCAST = {
    "quarter": "2025-26-Q3",
    "carried_from": {"quarter": SECOND, "release_id": "76a5671c66fd137d", "age_quarters": 1},
    "places": [{**_PLACE, "rank": rank} for rank in (1, 2)],
    "metrics": [
        {
            "metric_id": "OF0010",
            "metric_name": "Percentage of urgent referrals with cancer diagnosed or ruled out within 28 days",
            "state": "fresh",
            "organisations_fresh": 118,
            "organisations_carried": 16,
            "held_back": "",
            "known_difference": "",
            "incomplete": [{"organisations": ["RCX", "R1F"], "reason": "July is missing from the files"}],
        }
    ],
    "nowcast_id": "0123456789abcdef",
    "path": "data/nowcasts/2025-26-Q3/0123456789abcdef",
    "notice": "An estimate.",
}
_ACCURACY = {
    "quarter": SECOND,
    "official_release_id": "76a5671c66fd137d",
    "tables": [{"table_name": "non_acute", "nowcast": _OFF, "last_release": _OFF}],
    "metrics": [{"metric_id": "OF0010", "organisations_fresh": 3}],
    "carried_from": {"quarter": FIRST},
    "only_in_official": ["R1A"],
    "only_in_nowcast": [],
    "how": "By the distance of averages, segments and ranks, organisation by organisation.",
}
_FETCHED = {
    "quarter": FIRST,
    "sources": [
        {
            "source": "community_waiting_lists",
            "note": "",
            "files": [
                {
                    "file": "nhs-oversight-framework-mental-health-and-community-trust-league-table.csv",
                    "outcome": "fetched",
                    "quarters": [FIRST],
                    "release_state": "provisional",
                    "bytes": 123_456,
                }
            ],
        }
    ],
    "notes": [],
    "fetched": 1,
    "unchanged": 0,
    "failed": 0,
    "message": "",
}


class Shown(NamedTuple):
    """An answer in the two widths."""

    narrow: str
    wide: str


@pytest.fixture(scope="module")
def organisations(second_release: DataFolder) -> list[str]:
    rows = league("show", "ambulance", "--json", data=second_release).answer["rows"]
    return [row["organisation_code"] for row in rows]


@pytest.fixture
def answered(
    two_released: DataFolder,
    organisations: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Shown]:
    """Asks a verb once and shows its answer in both widths."""
    current = (two_released.releases / SECOND / "current").readlink().name
    words = {
        "new": tmp_path / "new",
        "one": organisations[0],
        "other": organisations[1],
        "release": current[:8],
    }
    shown: list[Shown] = []
    monkeypatch.setattr(answers, "in_pages", lambda show: shown.append(in_both_widths(show, monkeypatch)))

    def ask(command: str) -> Shown:
        ended = league(*(word.format(**words) for word in command.split()), data=two_released)
        assert ended.code == 0, ended.err
        return shown[0]

    return ask


def in_both_widths(show: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Shown:
    texts = []
    for width in (NARROW, WIDE):
        monkeypatch.setenv("COLUMNS", str(width))
        with redirect_stdout(io.StringIO()) as out:
            show()
        texts.append(out.getvalue())
    return Shown(*texts)


@pytest.mark.parametrize("command", ANSWERS)
def test_an_answer_can_be_read_in_eighty_columns(answered: Callable[[str], Shown], command: str) -> None:
    assert_readable(answered(command))


@pytest.mark.parametrize(
    ("show", "result"),
    [
        *((show_nowcast, _NOWCAST), (show_accuracy, _ACCURACY), (show_fetch, _FETCHED)),
        (show_health, asked_of("http://127.0.0.1:9")),
    ],
)
def test_a_result_can_be_read_in_eighty_columns(
    show: Callable[[object], None], result: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = in_both_widths(lambda: show(result), monkeypatch)
    assert_readable(shown)
    assert "0.214000000" not in shown.narrow


@pytest.mark.parametrize("verbose", [False, True])
def test_the_answer_of_a_run_can_be_read_in_eighty_columns(
    second_release: DataFolder, verbose: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [path.name for path in second_release.runs.iterdir()]
    assert len(runs) == 2
    for run_id in runs:
        outcome = read_outcome(second_release, run_id)
        shown = in_both_widths(partial(show_run, outcome, second_release, verbose=verbose), monkeypatch)
        assert_readable(shown)
        assert "organisations" in shown.narrow


@pytest.mark.parametrize("is_dry", [True, False])
def test_the_answer_of_a_run_on_spark_can_be_read_in_eighty_columns(
    second_release: DataFolder, monkeypatch: pytest.MonkeyPatch, *, is_dry: bool
) -> None:
    (run,) = [path.name for path in second_release.runs.iterdir() if is_of(second_release, path.name, SECOND)]
    on_spark = {
        "compared": []
        if is_dry
        else [{"quarter": SECOND, "release_id": "76a5671c66fd137d", "cells": 123_456, "equal": 123_456}],
        "lake": {"database": "league", "tables": 30, "rows": 12_345},
        "dry_run": is_dry,
    }
    outcome = read_outcome(second_release, run) | on_spark
    shown = in_both_widths(partial(show_run_on_spark, outcome, second_release), monkeypatch)
    assert_readable(shown)
    assert ("123,456 of 123,456 cells" in shown.wide) is not is_dry


def is_of(data: DataFolder, run_id: str, quarter: str) -> bool:
    return quarter in read_outcome(data, run_id)["quarters"]


def test_rows_that_were_landed_are_said_in_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    landed = {
        "folder": "/a/folder/somewhere/rows",
        "quarters": [FIRST],
        "rows": {"extract.parquet": 4, "organisation_reference.parquet": 12_345},
        "is_sample": True,
    }
    assert_readable(in_both_widths(partial(show_landed, landed), monkeypatch))


def test_the_answer_of_a_check_can_be_read_in_eighty_columns(
    checked: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_readable(in_both_widths(lambda: show_check(checked.answer), monkeypatch))


def test_the_answer_of_a_count_can_be_read_in_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    result = {
        "rows": 1,
        "pathways": 1_310_000,
        "set_aside": {
            "the clock started longer ago than anybody can have waited": 1_000_000,
            "no clock start": 1,
        },
        "extracts": ["/a/folder/that/is/far/away/20250630-RTT-June-2025-counted-from-records.csv"],
        "ended": {"the clock stopped before the census": 120_000},
        "listed_in": "/a/folder/that/is/far/away/set-aside.parquet",
        "is_sample": True,
    }
    assert_readable(in_both_widths(lambda: show_counted(result), monkeypatch))


def assert_readable(shown: Shown) -> None:
    """No line longer than the terminal but for a path on a line of its own; every word as in a line without end."""
    too_long = [line for line in shown.narrow.splitlines() if len(line.rstrip()) > NARROW]
    assert not [line for line in too_long if len(line.split()) > 1]
    assert all("/" in line for line in too_long)
    assert "…" not in shown.narrow
    assert words_of(shown.narrow) - words_of(shown.wide) <= {"...", "\\"}
    assert not re.search(r"\b[0-9]+\.[0-9]*[1-9]0{4,}\b|\b[0-9]+\.0{4,}\b", shown.narrow)
    assert not re.search(r"\b1 (rows|files|figures|organisations|ranks|metrics|quarters)\b", shown.narrow)


def words_of(text: str) -> set[str]:
    """The words without marks around them; a raw line may be broken after a comma, semicolon or slash."""
    found = {word.strip("`.:()│├└─╭╰╮╯") for word in re.split(r"[\s,;/]+", text)}
    return found - {""}


def verbs() -> Iterator[tuple[str, ...]]:
    """Every verb, and `league` itself, as typed."""
    group = typer.main.get_command(app)
    yield ()
    yield from _below(group, ())


def _below(command: click.Command, typed: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, verb in getattr(command, "commands", {}).items():
        yield (*typed, name)
        yield from _below(verb, (*typed, name))


@pytest.mark.parametrize("verb", verbs(), ids=" ".join)
def test_the_help_can_be_read_in_eighty_columns(tmp_path: Path, verb: tuple[str, ...]) -> None:
    data = DataFolder(tmp_path)
    helped = league(*verb, "-h", data=data, columns=NARROW)
    assert helped.code == 0, helped.err
    whole = league(*verb, "--help", data=data, columns=WIDE)
    assert max(map(len, helped.out.splitlines())) <= NARROW
    assert "…" not in helped.out
    assert words_of(helped.out) - words_of(whole.out) == set()


def test_every_verb_is_read_in_eighty_columns() -> None:
    shown = {command.split()[0] for command in ANSWERS} | OTHERWISE.keys()
    assert {verb[0] for verb in verbs() if verb} <= shown


def test_the_help_groups_every_verb(tmp_path: Path) -> None:
    helped = league("--help", data=DataFolder(tmp_path), columns=NARROW).out
    assert "Commands" not in helped
    panels = re.findall(r"╭─ ([A-Z][a-z ]+?) ─", helped)
    assert panels == [
        "Options",
        "Make releases",
        "Read the tables",
        "Check the figures",
        "Correct what is released",
        "Ask what would be",
        "Keep the data folder",
        "The project itself",
    ]


def test_what_was_published_is_said_in_eighty_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(NARROW))
    index = "/a/folder/somewhere/publication/index.html"
    show_publication(
        {
            "quarters_made": ["2025-26-Q1", "2025-26-Q2"],
            "quarters_kept": [],
            "files": 12_345,
            "bytes": 156_700_000,
            "notice": OFFICIAL_NOTICE,
            "index": index,
        }
    )
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= NARROW
    assert lines[0] == "2 quarters made, 0 quarters kept: 12,345 files, 156.7 MB"
    assert " ".join(lines[1:-1]) == OFFICIAL_NOTICE
    assert lines[-1] == f"Open {index}"


def test_what_was_delivered_is_said_in_eighty_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(NARROW))
    told = {"rows": 92_317, "tables": 30, "release_id": "76a5671c66fd137d", "replaces": None, "sha256": None}
    result = {
        "target": "postgresql://league_delivery@database.example.nhs.uk:5432/performance (schema league)",
        "dry_run": False,
        "delivered": [{**told, "quarter": SECOND, "replaces": "4a06edd2388aab02"}],
        "kept": [{**told, "quarter": FIRST}],
        "withdrawn": [{**told, "quarter": "2025-26-Q3"}],
        "rows_verified": 184_634,
        "hashes_verified": 60,
        "changes": ["league_table has a new column, region."],
        "notice": OFFICIAL_NOTICE,
    }
    show_delivery(result)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= NARROW
    assert lines[0] == "2025-26-Q1  kept: 92,317 rows, release 76a5671c66fd137d"
    assert " ".join(lines[1:3]) == (
        "2025-26-Q2  delivered: 92,317 rows, release 76a5671c66fd137d, in place of 4a06edd2388aab02"
    )
    assert lines[3] == "2025-26-Q3  withdrawn, release 76a5671c66fd137d"
    assert "Read back: 184,634 rows in 60 tables" in lines[5]


def test_the_version_is_said(tmp_path: Path) -> None:
    ended = league("--version", data=DataFolder(tmp_path))
    assert (ended.code, bool(re.fullmatch(r"league [0-9.]+\n", ended.out))) == (0, True)


def test_an_empty_folder_says_what_to_do_first(tmp_path: Path) -> None:
    shown = league("status", data=DataFolder(tmp_path / "empty"), columns=NARROW).out
    assert "league run 2025-26-Q1 --sample" in shown
    assert "league fetch 2025-26-Q1" in shown
    assert not (tmp_path / "empty").exists()


def test_a_release_is_meant_by_the_start_of_its_id(two_released: DataFolder) -> None:
    ids = {folder.parent.name: folder.readlink().name for folder in two_released.releases.glob("*/current")}
    verified = league(
        "verify", SECOND, "--no-rebuild", "--release", ids[SECOND][:6], "--json", data=two_released
    )
    assert verified.answer["release_id"] == ids[SECOND]
    nobody = "".join("f" if digit != "f" else "e" for digit in ids[SECOND][:6])
    refused = league("withdraw", nobody, "--reason", "none", data=two_released)
    assert refused.code == 3
    assert "no release on this disk begins with" in refused.err
    folder = two_released.releases / FIRST / ids[FIRST]
    shutil.copytree(folder, folder.with_name(ids[SECOND][:6] + ids[FIRST][6:]))
    several = league("withdraw", ids[SECOND][:6], "--reason", "none", data=two_released)
    assert several.code == 2
    assert "the start of 2 releases" in several.err
