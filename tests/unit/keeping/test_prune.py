"""Pruning: what may go goes and is written down; what a release on the disk needs never does."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hand_made_data import QUARTER, RELEASE, hand_made_data, released, write
from published_state import files_below

from dagster_project.errors import InputRejected, LeagueError, Locked, WrongUsage
from dagster_project.keeping import prune as pruning
from dagster_project.keeping.listings import needed_by_releases, write_lake_listing
from dagster_project.keeping.prune import prune
from dagster_project.keeping.removable import ARCHIVED, CANDIDATE, NOWCAST, PARSED, RUN, UNFINISHED, Removal
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import published_file
from dagster_project.releases.identity import ReleaseIdentity
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder


class HandMadeHistory:
    """Runs that ended so many days ago; remembers which were deleted."""

    def __init__(self, days_ago: Mapping[str, int], unfinished: Collection[str] = ()) -> None:
        now = datetime.now(UTC)
        self._finished = {run_id: now - timedelta(days=days) for run_id, days in days_ago.items()}
        self._unfinished = unfinished
        self.deleted: list[str] = []

    def finished(self) -> Mapping[str, datetime]:
        return self._finished

    def unfinished(self) -> Collection[str]:
        return self._unfinished

    def paths_of(self, _: str) -> list[Path]:
        return []

    def delete(self, run_id: str) -> None:
        self.deleted.append(run_id)


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return hand_made_data(tmp_path / "data")


def ran(data: DataFolder, run_id: str, *, days_ago: float = 0.0) -> Path:
    """The folder of a run that ended then."""
    outcome = write(data.runs / run_id / "outcome.json", b"{}")
    return aged(outcome, days_ago).parent


def aged(path: Path, days: float) -> Path:
    at = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    os.utime(path, (at, at))
    return path


def names(result: Mapping[str, Any], kind: str) -> set[str]:
    return {removal["name"] for removal in result["removed"] if removal["kind"] == kind}


def assert_releases_whole(data: DataFolder) -> None:
    """Every file that a release on the disk names, and every extract it was made of, has the right bytes."""
    listings = [path for path in data.releases.glob("*/*/release.json") if path.parent.name != "current"]
    assert listings
    for listing in listings:
        content = json.loads(listing.read_bytes())
        for name, described in content["files"].items():
            assert hashlib.sha256((listing.parent / name).read_bytes()).hexdigest() == described["sha256"]
        for extract_id in content["extracts"]:
            raw = (data.archive / extract_id[:2] / extract_id).read_bytes()
            assert hashlib.sha256(raw).hexdigest() == extract_id


def test_nothing_is_removed_unless_it_is_asked_for(data: DataFolder) -> None:
    ran(data, "run-0", days_ago=1)
    before = files_below(data.root)
    result = prune(data, HandMadeHistory({}), keep_runs=0)
    assert result["dry_run"] is True
    assert result["bytes"] > 0
    assert names(result, RUN) == {"run-0"}
    assert files_below(data.root) == before


def test_the_most_that_can_be_pruned_leaves_every_release_whole(data: DataFolder) -> None:
    # A held or replaced release lies in its folder as any other, and a withdrawn one beside its tombstone.
    other = next(path.name for path in data.archive.glob("??/*"))
    released(data, QUARTER, "f" * 16, other, "run-of-another")
    write(data.releases / QUARTER / f"withdrawn-{'f' * 16}.json", b"{}")
    ran(data, "run-of-another", days_ago=400)
    ran(data, "run-failed", days_ago=300)
    kept = ("releases", "ledger", "warehouse", "archive", "runs/run-1", "runs/run-of-another", "dagster")
    before = files_below(*(data.root / name for name in kept))
    history = HandMadeHistory({"run-failed": 300, "run-1": 500, "only-dagster-knows": 2})
    result = prune(data, history, keep_runs=0, archive=True, dry_run=False)
    assert files_below(*(data.root / name for name in kept)) == before
    assert_releases_whole(data)
    assert names(result, RUN) == {"run-failed", "only-dagster-knows"}
    assert set(history.deleted) == {"run-failed", "only-dagster-knows"}
    assert {path.name for path in data.runs.iterdir()} == {"run-1", "run-of-another"}
    assert names(result, CANDIDATE) == {"candidates/run-2"}


def test_a_candidate_that_another_run_may_go_on_from_stays_for_a_week(data: DataFolder) -> None:
    folder = data.candidates / "failed"
    note = {"quarters": [QUARTER], "published": published_file(data)}
    write(folder / data.warehouse.name, b"a warehouse")
    for days_ago, goes in ((1, {"candidates/run-2"}), (8, {"candidates/run-2", "candidates/failed"})):
        aged(write(folder / "done.json", json.dumps(note).encode()), days_ago)
        assert names(prune(data, HandMadeHistory({})), CANDIDATE) == goes
    write(folder / "done.json", json.dumps(note | {"published": [1, 2, 3]}).encode())
    assert names(prune(data, HandMadeHistory({})), CANDIDATE) == {"candidates/run-2", "candidates/failed"}


def test_the_newest_runs_the_young_and_the_unfinished_stay(data: DataFolder) -> None:
    for day in range(1, 7):
        ran(data, f"day-{day}", days_ago=day)
    history = HandMadeHistory({}, unfinished=["day-6"])
    result = prune(data, history, keep_runs=2, older_than_days=3)
    # Newest first: run-1 (today), day-1; then day-2 and day-3 are too young, and day-6 hasn't ended.
    assert names(result, RUN) == {"day-3", "day-4", "day-5"}
    assert names(prune(data, history, keep_runs=5), RUN) == {"day-5"}
    assert names(prune(data, history, keep_runs=20), RUN) == set()


def test_leftovers_go_but_not_what_somebody_may_be_working_on_without_the_lock(data: DataFolder) -> None:
    write(data.releases / QUARTER / ".unfinished-abc" / "league_table.csv", b"half")
    write(data.archive / ".unfinished-abc", b"half")
    fresh = write(data.nowcasts / QUARTER / ".unfinished-new" / "x", b"half").parent
    old = write(data.nowcasts / QUARTER / ".unfinished-old" / "x", b"half").parent
    aged(old, 2)
    parsed = data.root / "dbt" / "ab12"
    assert names(prune(data, HandMadeHistory({})), PARSED) == set()
    aged(parsed, 2)
    result = prune(data, HandMadeHistory({}), dry_run=False)
    assert names(result, UNFINISHED) == {
        f"releases/{QUARTER}/.unfinished-abc",
        "archive/.unfinished-abc",
        f"nowcasts/{QUARTER}/.unfinished-old",
    }
    assert names(result, PARSED) == {"dbt/ab12"}
    assert fresh.exists()
    assert not old.exists()
    assert not parsed.exists()


def test_a_nowcast_goes_once_its_quarter_is_released_and_an_official_one_not_by_the_samples_release(
    data: DataFolder,
) -> None:
    for quarter, nowcast_id, is_sample in (
        (QUARTER, "a" * 16, False),
        (QUARTER, "b" * 16, True),
        ("2025-26-Q2", "c" * 16, False),
    ):
        content = {"quarter": quarter, "is_sample": is_sample, "extracts": {}, "files": {}}
        write(data.nowcasts / quarter / nowcast_id / "nowcast.json", json.dumps(content).encode())
    result = prune(data, HandMadeHistory({}), dry_run=False)
    assert names(result, NOWCAST) == {f"nowcasts/{QUARTER}/{'a' * 16}"}
    assert sorted(path.parent.name[0] for path in data.nowcasts.glob("*/*/nowcast.json")) == ["b", "c"]


def test_each_thing_removed_is_a_line_of_the_log_with_its_bytes_and_reason(data: DataFolder) -> None:
    ran(data, "run-0", days_ago=1)
    result = prune(data, HandMadeHistory({}), keep_runs=0, dry_run=False)
    lines = [json.loads(line) for line in (data.root / "pruned.jsonl").read_text().splitlines()]
    assert [{name: line[name] for name in ("kind", "name", "bytes", "why")} for line in lines] == result[
        "removed"
    ]
    assert all(line["at"] and line["why"] for line in lines)
    prune(data, HandMadeHistory({}), keep_runs=0, dry_run=False)
    assert len((data.root / "pruned.jsonl").read_text().splitlines()) == len(lines)


@pytest.mark.parametrize("content", [b"{", b'{"files": {}}', b"[]"])
def test_nothing_goes_where_a_release_cannot_be_read(data: DataFolder, content: bytes) -> None:
    ran(data, "run-0", days_ago=1)
    listing = data.releases / QUARTER / RELEASE / "release.json"
    listing.chmod(0o644)
    listing.write_bytes(content)
    before = files_below(data.root)
    with pytest.raises(InputRejected, match=r"Nothing was removed") as caught:
        prune(data, HandMadeHistory({}), keep_runs=0, dry_run=False)
    assert caught.value.file == str(listing)
    assert files_below(data.root) == before


@pytest.mark.parametrize("what", ["releases", "warehouse", "ledger", "archive", "outside"])
def test_a_rule_that_went_wrong_is_stopped_before_anything_is_removed(
    data: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    wrong = {
        "releases": data.releases / QUARTER / RELEASE,
        "warehouse": data.warehouse,
        "ledger": data.root / "ledger" / QUARTER,
        "archive": next(data.archive.glob("??/*")),
        "outside": tmp_path,
    }[what]
    removals = [Removal(ARCHIVED, "wrong", (wrong,), "a rule went wrong", replaced_by="x")]
    monkeypatch.setattr(pruning, "leftovers", lambda *_: removals)
    before = files_below(data.root)
    with pytest.raises(LeagueError, match="a release needs"):
        prune(data, HandMadeHistory({}), dry_run=False)
    assert files_below(data.root) == before


def test_a_run_that_is_writing_is_waited_for(data: DataFolder) -> None:
    with writer_lock(data, "a run"), pytest.raises(Locked):
        prune(data, HandMadeHistory({}), dry_run=False)
    assert (data.candidates / "run-2").exists()


def test_numbers_that_make_no_sense_are_refused(data: DataFolder) -> None:
    for asked in ({"keep_runs": -1}, {"older_than_days": -1}):
        with pytest.raises(WrongUsage):
            prune(data, HandMadeHistory({}), **asked)


def test_what_a_release_of_a_lake_was_made_of_is_needed_though_it_has_no_folder(data: DataFolder) -> None:
    before, extract_id = needed_by_releases(data), "f" * 64
    identity = ReleaseIdentity(
        quarter=Quarter(2025, 2),
        framework="2025-26",
        is_sample=True,
        previous_release_id=None,
        extracts={extract_id: "a.csv"},
        rules={},
        code={},
        versions={},
    )
    write_lake_listing(data, identity, "a-run-on-spark")
    needed = needed_by_releases(data)
    assert needed.extracts - before.extracts == {extract_id}
    assert needed.runs - before.runs == {"a-run-on-spark"}
    ran(data, "a-run-on-spark", days_ago=400)
    ran(data, "another", days_ago=400)
    answer = prune(data, HandMadeHistory({"a-run-on-spark": 400, "another": 400}), keep_runs=0)
    assert [item["name"] for item in answer["removed"] if item["kind"] == RUN] == ["another"]
