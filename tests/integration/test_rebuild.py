"""Released quarters made again under changed code: held beside what is current, compared, and moved together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from dagster_history import history
from league_command import Ended, league, league_process
from published_state import links, release_ids, rows_of

from dagster_project.settings import PROJECT_ROOT, DataFolder

Q1, Q2 = "2025-26-Q1", "2025-26-Q2"
_FIGURES = ("values", "scores", "averages", "segments", "ranks")


class OtherCheckout:
    """A copy of this checkout whose code a test may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("dagster_project", "dbt", "expectations"):
            shutil.copytree(
                PROJECT_ROOT / name,
                folder / name,
                ignore=shutil.ignore_patterns("__pycache__", "target", "logs"),
            )

    def change(self, path: str, before: str, after: str) -> None:
        """Replaces the one place where that text stands in a file."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1
        file.write_text(text.replace(before, after), encoding="utf-8")

    def league(self, *arguments: str, data: DataFolder) -> Ended:
        """The command of that code; the folder that the test runs in isn't looked into first."""
        return league_process(*arguments, data=data, PYTHONPATH=str(self.folder), PYTHONSAFEPATH="1")


def described(data: DataFolder, quarter: str, release_id: str) -> dict[str, object]:
    content: dict[str, object] = json.loads(
        (data.releases / quarter / release_id / "release.json").read_bytes()
    )
    return content


def as_readers_see(data: DataFolder) -> tuple[object, ...]:
    """Links, current releases and the tables of the published warehouse."""
    return (
        links(data),
        release_ids(data),
        rows_of(data, "select * from league.league_table order by all"),
        rows_of(data, "select * from league.metric_score order by all"),
    )


def test_a_rebuild_moves_nothing_says_what_would_change_and_is_approved_in_one_commit(
    two_released: DataFolder, tmp_path: Path
) -> None:
    data, checkout = two_released, OtherCheckout(tmp_path / "checkout")
    before, old = as_readers_see(data), release_ids(data)

    # A comment is other code, and so another release, but no other figure.
    checkout.change("dbt/models/league_tables/league_table.sql", "final as (", "-- As it was.\nfinal as (")
    ended = checkout.league("rebuild", "--by", "Ada", "--json", data=data)
    assert ended.code == 0, ended.err
    first, second = ended.answer["quarters"]
    assert [(item["quarter"], item["was"]) for item in (first, second)] == [(Q1, old[Q1]), (Q2, old[Q2])]
    for item in (first, second):
        assert item["same"] is True
        assert {name: item["figures"][name]["changed"] for name in _FIGURES} == dict.fromkeys(_FIGURES, 0)
    rebuilt = {item["quarter"]: item["release_id"] for item in (first, second)}
    assert set(rebuilt.values()).isdisjoint(old.values())
    assert ended.answer["held"] == [rebuilt[Q1], rebuilt[Q2]]
    assert described(data, Q2, rebuilt[Q2])["previous_release_id"] == rebuilt[Q1]
    assert described(data, Q2, rebuilt[Q2])["extracts"] == described(data, Q2, old[Q2])["extracts"]
    assert as_readers_see(data) == before

    # A changed figure is counted and shown; the quarter before is followed as it is current.
    checkout.change(
        "dbt/models/league_tables/metric_score.sql", "metric_value.value,", "metric_value.value + 1 as value,"
    )
    ended = checkout.league("rebuild", Q2, "--by", "Ada", "--json", data=data)
    assert ended.code == 0, ended.err
    (changed,) = ended.answer["quarters"]
    values = changed["figures"]["values"]
    (scored,) = rows_of(data, "select count(value) from league.metric_score where quarter = ?", Q2)
    assert values["changed"] == scored[0] > 0
    shown = values["first"][0]
    assert float(shown["after"]) == float(shown["before"]) + 1
    assert {name: changed["figures"][name]["changed"] for name in _FIGURES[1:]} == dict.fromkeys(
        _FIGURES[1:], 0
    )
    assert (changed["same"], "metric_score" in {table["table"] for table in changed["tables"]}) == (
        False,
        True,
    )
    assert described(data, Q2, changed["release_id"])["previous_release_id"] == old[Q1]
    assert json.loads((data.runs / changed["run_id"] / "comparison.json").read_bytes()) == changed
    assert as_readers_see(data) == before
    with history(data) as instance:
        tags = [record.dagster_run.tags for record in instance.get_run_records()]
    assert sum(tag["league/started_by"] == "league rebuild" for tag in tags) == 3

    refused = league("approve", *rebuilt.values(), "--by", "Ada", data=data)
    assert refused.code == 2
    assert as_readers_see(data) == before
    approved = league("approve", *rebuilt.values(), "--by", "Grace", data=data)
    assert approved.code == 0, approved.err
    assert release_ids(data) == links(data) == rebuilt


def test_under_the_same_code_every_release_comes_out_as_it_is_and_nothing_waits(
    two_released: DataFolder,
) -> None:
    before, folders = as_readers_see(two_released), sorted(two_released.releases.glob("*/*"))
    ended = league("rebuild", "--json", data=two_released)
    assert ended.code == 0, ended.err
    assert [item["release_id"] == item["was"] for item in ended.answer["quarters"]] == [True, True]
    assert ended.answer["held"] == []
    assert sorted(two_released.releases.glob("*/*")) == folders
    assert as_readers_see(two_released) == before


def test_a_rebuild_that_a_gate_stops_ends_with_its_code_and_moves_nothing(
    released: DataFolder, tmp_path: Path
) -> None:
    checkout, before = OtherCheckout(tmp_path / "checkout"), as_readers_see(released)
    checkout.change(
        "dbt/models/league_tables/league_table.sql",
        "        league_rank.rank,",
        "        league_rank.rank + 1 as rank,",
    )
    ended = checkout.league("rebuild", Q1, "--json", data=released)
    assert ended.code == 5, ended.out
    assert (ended.answer["quarters"], ended.answer["held"]) == ([], [])
    assert f"{Q1} can't be rebuilt" in ended.answer["message"]
    assert as_readers_see(released) == before


def test_a_quarter_without_a_release_cannot_be_rebuilt(released: DataFolder) -> None:
    ended = league("rebuild", Q2, data=released)
    assert ended.code == 3
    assert f"no release of {Q2} to rebuild. Released: {Q1}" in ended.err
