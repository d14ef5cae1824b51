"""Held, approved, withdrawn and rolled-back releases, as whoever reads the data folder sees them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from league_command import league
from published_state import assert_of_one_piece, links, release_ids, rows_of, tables_holding
from python_calamine import CalamineWorkbook
from sample_copy import SampleCopy
from staged_run import release_by_stages

from dagster_project.errors import WrongUsage
from dagster_project.publication import addresses
from dagster_project.releases.publish import mend_current_links
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder

Q1, Q2 = "2025-26-Q1", "2025-26-Q2"
REASON = "The publisher's file had last year's values"
# What is kept of a quarter without a current release: that it was there, what it was, how it compared.
KEPT = {
    "history.released_league_table",
    "league.league_table_history",
    "league.reconciliation_ledger",
    "league.reconciliation_summary",
    "league.release_event",
    "league.release_period",
    "league.withdrawn_release",
}


@pytest.fixture(scope="session")
def waiting(small_release: DataFolder, small_extracts: Path, made_once: Callable[..., Path]) -> DataFolder:
    """`small_release`, a correction of its quarter and the quarter after it, both held by Ada in one run."""

    def build(folder: Path) -> None:
        shutil.copytree(small_release.root, folder, symlinks=True)
        copy = SampleCopy(folder / "corrected", [small_extracts / Q1])
        copy.change_text("ambulance-trust-data", lambda text: text.replace("Ambulance", "Ambulances", 1))
        shutil.copytree(small_extracts / Q2, copy.folder / Q2)
        ended = league(
            *("run", Q1, Q2, "--extracts", copy.folder, "--hold", "--by", "Ada"), data=DataFolder(folder)
        )
        assert ended.code == 0, ended.err
        assert "Another person makes it so:\nleague approve" in ended.out

    return DataFolder(made_once("waiting", build))


@pytest.fixture
def data(waiting: DataFolder, tmp_path: Path) -> DataFolder:
    shutil.copytree(waiting.root, tmp_path / "data", symlinks=True)
    return DataFolder(tmp_path / "data")


def held_ids(data: DataFolder) -> dict[str, str]:
    events = rows_of(data, "select quarter, release_id from league.release_event where event = 'held'")
    return dict(events)


def journal(data: DataFolder) -> list[tuple[str, str, str, str | None, str | None]]:
    return rows_of(
        data,
        "select quarter, event, release_id, how, reason from league.release_event order by event_number",
    )


def tombstone(data: DataFolder, release_id: str) -> dict[str, str | None] | None:
    file = data.releases / Q1 / f"withdrawn-{release_id}.json"
    return json.loads(file.read_bytes()) if file.exists() else None


def assert_marts_are_those_of_the_folder(data: DataFolder, quarter: str) -> None:
    """What a consumer reads in the warehouse is what stands behind the link `current`, table by table."""
    with duckdb.connect(str(data.warehouse), read_only=True) as reader:
        for table in RELEASED_TABLES:
            released = f"read_parquet('{data.releases / quarter / 'current' / table.name}.parquet')"
            mart = f"(select * from league.{table.name} where quarter = '{quarter}')"
            count = f"select (select count(*) from {mart}), (select count(*) from {released})"
            assert len(set(reader.execute(count).fetchall()[0])) == 1, table.name
            differing = f"(from {mart} except from {released})"
            assert reader.execute(f"select * from {differing}").fetchall() == [], table.name


def test_a_held_release_is_written_and_readers_see_none_of_it(
    data: DataFolder, small_release: DataFolder
) -> None:
    before = release_ids(small_release)
    assert release_ids(data) == before
    assert links(data) == before
    assert_of_one_piece(data, before)
    assert_marts_are_those_of_the_folder(data, Q1)
    assert set(tables_holding(data, Q2)) <= KEPT
    held = held_ids(data)
    assert set(held) == {Q1, Q2}
    for quarter, release_id in held.items():
        content = json.loads((data.releases / quarter / release_id / "release.json").read_bytes())
        assert all(gate["passed"] for gate in content["gates"])


def test_a_second_person_approves_both_in_one_commit(data: DataFolder) -> None:
    held = held_ids(data)
    ended = league("approve", held[Q2], held[Q1], "--by", "Grace", "--json", data=data)
    assert ended.code == 0, ended.err
    assert [item["release_id"] for item in ended.answer["approved"]] == [held[Q1], held[Q2]]
    assert release_ids(data) == held
    assert links(data) == held
    assert_of_one_piece(data, held)
    for quarter in held:
        assert_marts_are_those_of_the_folder(data, quarter)
    assert journal(data)[-2:] == [
        (Q1, "published", held[Q1], "approval", None),
        (Q2, "published", held[Q2], "approval", None),
    ]
    people = rows_of(data, "select done_by from league.release_event where how = 'approval'")
    assert people == [("Grace",), ("Grace",)]
    other = league("approve", held[Q1], "--by", "Alan", data=data)
    assert other.code == 2
    assert "was published on" in other.err


def test_an_approval_killed_after_its_commit_is_finished_by_asking_again(data: DataFolder) -> None:
    held = held_ids(data)
    approval = ("approve", *held.values(), "--by", "Grace", "--json")
    assert league(*approval, data=data).code == 0
    events = journal(data)
    # What is left to do after the commit: links, and the candidate's folder.
    for quarter in held:
        (data.releases / quarter / "current").unlink()
    (data.candidates / "approve").mkdir(parents=True)
    again = league(*approval, data=data)
    assert again.code == 0, again.err
    assert again.answer["approved"] == []
    assert [item["release_id"] for item in again.answer["approved_before"]] == list(held.values())
    assert links(data) == release_ids(data) == held
    assert journal(data) == events
    assert not list(data.candidates.iterdir())
    assert "Grace approved it then" in league(*approval[:-1], data=data).out


def test_who_built_a_release_does_not_approve_it(data: DataFolder) -> None:
    before = release_ids(data)
    ended = league("approve", *held_ids(data).values(), "--by", "ada ", data=data)
    assert ended.code == 2
    assert "was built by Ada: expected another person" in ended.err
    assert release_ids(data) == before


def test_a_release_is_not_approved_without_the_earlier_one_it_was_gated_against(data: DataFolder) -> None:
    before, held = release_ids(data), held_ids(data)
    ended = league("approve", held[Q2], "--by", "Grace", data=data)
    assert ended.code == 2
    assert f"league approve {held[Q1]} {held[Q2]}" in ended.err
    assert release_ids(data) == before


def test_a_release_that_nobody_holds_is_not_approved(data: DataFolder) -> None:
    ended = league("approve", "0123456789abcdef", "--by", "Grace", data=data)
    assert ended.code == 2
    assert "isn't in the journal" in ended.err
    assert held_ids(data)[Q1] in ended.err


def test_a_held_folder_that_somebody_changed_is_not_approved(data: DataFolder) -> None:
    held = held_ids(data)
    file = data.releases / Q2 / held[Q2] / "metric_score.parquet"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    before = release_ids(data)
    ended = league("approve", *held.values(), "--by", "Grace", data=data)
    assert ended.code == 4
    assert str(file) in ended.err
    assert release_ids(data) == before


def test_a_withdrawn_release_is_gone_for_readers_and_its_tombstone_says_why(data: DataFolder) -> None:
    release_id = release_ids(data)[Q1]
    ended = league("withdraw", release_id, "--reason", REASON, "--by", "Grace", "--json", data=data)
    assert ended.code == 0, ended.err
    assert (ended.answer["was"], ended.answer["current_release_id"]) == ("current", None)
    assert release_ids(data) == {}
    assert links(data) == {}
    assert set(tables_holding(data, Q1)) <= KEPT
    assert (data.releases / Q1 / release_id / "release.json").is_file(), "the release itself stays"
    said = tombstone(data, release_id)
    assert said is not None
    assert (said["reason"], said["withdrawn_by"], said["current_release_id"]) == (REASON, "Grace", None)
    assert "Fictional sample data" in str(said["notice"])
    assert rows_of(
        data, "select quarter, release_id, withdrawn_by, reason from league.withdrawn_release"
    ) == [(Q1, release_id, "Grace", REASON)]
    again = league("withdraw", release_id, "--reason", "Again", data=data)
    assert again.code == 2
    assert REASON in again.err
    other = league("withdraw", release_id, "--reason", REASON, "--by", "Alan", data=data)
    assert other.code == 2


@pytest.mark.parametrize("roll_back", [False, True])
def test_a_withdrawal_killed_after_its_commit_is_finished_by_asking_again(
    data: DataFolder, roll_back: bool
) -> None:
    first, held = release_ids(data)[Q1], held_ids(data)
    withdrawal = ["withdraw", first, "--reason", REASON, "--by", "Grace", "--json"]
    if roll_back:
        assert league("approve", *held.values(), "--by", "Grace", data=data).code == 0
        withdrawal = ["withdraw", held[Q1], *withdrawal[2:], "--roll-back-to", first]
    assert league(*withdrawal, data=data).code == 0
    events, current = journal(data), release_ids(data)
    for file in [*data.releases.glob("*/withdrawn-*.json"), *data.releases.glob("*/current")]:
        file.unlink()
    again = league(*withdrawal, data=data)
    assert again.code == 0, again.err
    assert (again.answer["was"], again.answer["current_release_id"]) == ("withdrawn", current.get(Q1))
    assert links(data) == release_ids(data) == current
    assert tombstone(data, withdrawal[1]) is not None
    assert journal(data) == events


def test_who_asks_about_a_withdrawn_release_is_told(data: DataFolder) -> None:
    release_id = release_ids(data)[Q1]
    league("withdraw", release_id, "--reason", REASON, "--by", "Grace", data=data)
    said = tombstone(data, release_id)
    assert said is not None
    day = datetime.fromisoformat(str(said["withdrawn_at"]))
    table = data.releases / Q1 / release_id / "league_table.parquet"
    (code,) = duckdb.sql(f"select min(organisation_code) from '{table}'").fetchall()[0]
    asked = (
        ("explain", code, Q1, "--release", release_id),
        ("verify", Q1, "--release", release_id, "--no-rebuild"),
    )
    for question in asked:
        ended = league(*question, data=data)
        assert ended.code == 0, ended.err
        # Ten lines of 80 columns are wrapped at words.
        said_first = " ".join(ended.out.split())
        assert f"WITHDRAWN by Grace on {day:%-d %B %Y}: {REASON}" in said_first
        assert "Current instead: nothing." in said_first
        assert "Place " not in said_first.partition("WITHDRAWN")[0]
        assert league(*question, "--json", data=data).answer["withdrawn"]["withdrawn_by"] == "Grace"
    markdown = league(*asked[0], "--markdown", data=data).out
    assert f"release `{release_id}` (withdrawn)" in markdown
    assert "**WITHDRAWN by Grace" in markdown


def test_status_lists_what_waits_and_what_was_withdrawn(data: DataFolder) -> None:
    current, held = release_ids(data)[Q1], held_ids(data)
    league("withdraw", current, "--reason", REASON, "--by", "Grace", data=data)
    ended = league("status", "--json", data=data)
    assert ended.code == 0, ended.err
    assert {
        (item["quarter"], item["release_id"]): (item["standing"], item["by"], item["reason"])
        for item in ended.answer["not_current"]
    } == {
        (Q1, current): ("withdrawn", "Grace", REASON),
        (Q1, held[Q1]): ("held", "Ada", None),
        (Q2, held[Q2]): ("held", "Ada", None),
    }
    shown = league("status", data=data).out
    assert "league approve RELEASE --by NAME" in shown
    for release_id in (current, *held.values()):
        assert release_id in shown


def test_a_run_does_not_bring_a_withdrawn_release_back_but_an_approval_does(
    data: DataFolder, small_extracts: Path
) -> None:
    release_id = release_ids(data)[Q1]
    league("withdraw", release_id, "--reason", REASON, data=data)
    with pytest.raises(WrongUsage, match=REASON) as refused:
        release_by_stages(data, small_extracts / Q1, Q1)
    assert f"league approve {release_id}" in str(refused.value)
    assert release_ids(data) == {}
    ended = league("approve", release_id, "--by", "Grace", data=data)
    assert ended.code == 0, ended.err
    assert release_ids(data) == {Q1: release_id}
    assert links(data) == {Q1: release_id}
    assert_marts_are_those_of_the_folder(data, Q1)
    assert tombstone(data, release_id) is None
    assert rows_of(data, "select * from league.withdrawn_release") == []


def test_a_roll_back_gives_readers_the_earlier_release_and_names_what_was_built_on_the_other(
    data: DataFolder,
) -> None:
    first, held = release_ids(data)[Q1], held_ids(data)
    assert league("approve", *held.values(), "--by", "Grace", data=data).code == 0
    ended = league(
        *("withdraw", held[Q1], "--reason", REASON, "--roll-back-to", first, "--by", "Grace", "--json"),
        data=data,
    )
    assert ended.code == 0, ended.err
    assert ended.answer["current_release_id"] == first
    assert ended.answer["built_on_it"] == [{"quarter": Q2, "release_id": held[Q2]}]
    expected = {Q1: first, Q2: held[Q2]}
    assert release_ids(data) == expected
    assert links(data) == expected
    assert_of_one_piece(data, expected)
    assert_marts_are_those_of_the_folder(data, Q1)
    said = tombstone(data, held[Q1])
    assert said is not None
    assert said["current_release_id"] == first
    assert journal(data)[-2:] == [
        (Q1, "withdrawn", held[Q1], None, REASON),
        (Q1, "published", first, "roll_back", REASON),
    ]


@pytest.mark.parametrize("wanted", ["itself", "one that is held", "0123456789abcdef"])
def test_only_an_earlier_release_of_the_quarter_is_rolled_back_to(data: DataFolder, wanted: str) -> None:
    before = release_ids(data)
    other = {"itself": before[Q1], "one that is held": held_ids(data)[Q1]}.get(wanted, wanted)
    ended = league("withdraw", before[Q1], "--reason", REASON, "--roll-back-to", other, data=data)
    assert ended.code == 2
    assert "isn't an earlier release" in ended.err
    assert release_ids(data) == before


def test_a_held_release_is_withdrawn_without_readers_noticing(data: DataFolder) -> None:
    before, held = release_ids(data), held_ids(data)
    ended = league("withdraw", held[Q1], "--reason", REASON, "--json", data=data)
    assert ended.code == 0, ended.err
    assert (ended.answer["was"], ended.answer["current_release_id"]) == ("held", before[Q1])
    assert ended.answer["built_on_it"] == [{"quarter": Q2, "release_id": held[Q2]}]
    assert release_ids(data) == before
    assert_marts_are_those_of_the_folder(data, Q1)
    assert tombstone(data, held[Q1]) is not None


def test_the_first_run_of_all_can_be_held(first_held: DataFolder, tmp_path: Path) -> None:
    shutil.copytree(first_held.root, tmp_path / "data", symlinks=True)
    data = DataFolder(tmp_path / "data")
    (release_id,) = held_ids(data).values()
    assert release_ids(data) == {}
    assert links(data) == {}
    assert set(tables_holding(data, Q1)) <= KEPT
    assert league("approve", release_id, "--by", "Grace", data=data).code == 0
    assert release_ids(data) == {Q1: release_id}
    assert_marts_are_those_of_the_folder(data, Q1)


def test_history_says_what_happened_and_what_was_current_on_a_day(data: DataFolder) -> None:
    first, held = release_ids(data)[Q1], held_ids(data)
    assert league("approve", *held.values(), "--by", "Grace", data=data).code == 0
    answer = league("history", Q1, "--json", data=data).answer
    assert [(item["event"], item["release_id"], item["how"]) for item in answer["events"]] == [
        ("published", first, "run"),
        ("held", held[Q1], None),
        ("published", held[Q1], "approval"),
    ]
    far = league("history", "--on", "2999-12-31", "--json", data=data).answer
    assert {item["quarter"]: item["release_id"] for item in far["current"]} == held
    assert league("history", "--on", "2001-01-01", "--json", data=data).answer["current"] == []
    assert "Grace" in league("history", data=data).out


_KILLED = """
import os, signal, sys
from pathlib import Path
from dagster_project.releases import publish, withdrawal
from dagster_project.settings import DataFolder

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(publish, sys.argv[3], die)
withdrawal.withdraw(DataFolder(Path(sys.argv[1])), sys.argv[2], reason="Wrong", by="Grace")
"""


@pytest.mark.parametrize(
    ("dies_at", "is_committed"), [("refuse_foreign_wal", False), ("mend_current_links", True)]
)
def test_a_killed_withdrawal_leaves_one_complete_state_and_the_next_start_mends_the_rest(
    data: DataFolder, dies_at: str, is_committed: bool
) -> None:
    before = release_ids(data)
    killed = subprocess.run([sys.executable, "-c", _KILLED, data.root, before[Q1], dies_at], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert release_ids(data) == ({} if is_committed else before)
    assert (rows_of(data, "select 1 from league.league_table") == []) == is_committed
    assert links(data) == before, "derived from the warehouse, and mended at the next start"
    assert tombstone(data, before[Q1]) is None
    with writer_lock(data, "next"):
        mend_current_links(data)
    assert links(data) == release_ids(data)
    assert (tombstone(data, before[Q1]) is not None) == is_committed


def assert_every_file_says_that_it_is_embargoed(folder: Path) -> None:
    """In its text, on its first sheet, or in its name; shared files, which hold no figures, needn't."""
    shared = (folder / "assets", folder / "data" / "v1" / "schemas")
    seen = Counter(file.suffix for file in folder.rglob("*") if file.is_file())
    kinds = {".html", ".json", ".atom", ".svg", ".png", ".xlsx", ".csv", ".gz", ".yaml", ".js", ".css"}
    assert set(seen) == kinds
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or file.parent in shared or file == folder / addresses.CONTRACT:
            continue
        match file.suffix:
            case ".csv" | ".gz":
                assert file.name.startswith("EMBARGOED-"), file
            case ".xlsx":
                cover = CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()
                assert any("EMBARGOED" in str(cell) for row in cover for cell in row), file
            case ".png":
                # A picture can't be read here: it is drawn from the same text as the SVG file beside it.
                assert file.with_suffix(".svg").is_file(), file
            case _:
                assert "EMBARGOED" in file.read_text(encoding="utf-8"), file


def test_what_waits_is_published_embargoed_in_a_folder_of_its_own(data: DataFolder) -> None:
    held, current = held_ids(data), release_ids(data)
    ended = league("publish", "--held", "--json", data=data)
    assert ended.code == 0, ended.err
    assert ended.answer["is_embargoed"]
    folder = data.publication_embargoed
    record = json.loads((folder / "publication.json").read_text(encoding="utf-8"))
    assert record["releases"] == current | held
    assert_every_file_says_that_it_is_embargoed(folder)
    assert not data.publication.exists()
    ended = league("publish", "--json", data=data)
    assert ended.code == 0, ended.err
    record = json.loads((data.publication / "publication.json").read_text(encoding="utf-8"))
    assert record["releases"] == current
    assert "EMBARGOED" not in (data.publication / "index.html").read_text(encoding="utf-8")
    assert not list(data.publication.rglob("EMBARGOED*"))
    for asked in (("--held", "--to", data.publication), ("--to", folder)):
        ended = league("publish", *asked, data=data)
        assert ended.code == 2, ended.err
        assert "Name another folder with --to" in ended.err
