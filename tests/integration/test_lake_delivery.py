"""Releases in lakes as their readers see them: whole, described, replaced, withdrawn, and healed after a failure."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from published_quarters import Rows
from published_state import release_ids
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table
from releases_by_hand import BY, ReleasesByHand

from dagster_project.delivery.delivered import Wanted
from dagster_project.delivery.lake.deliver import LakeDelivery
from dagster_project.delivery.lake.lake import Place, alone
from dagster_project.delivery.report import Report
from dagster_project.errors import LeagueError, WrongUsage
from dagster_project.notices import SAMPLE_NOTICE
from dagster_project.progress import listening
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DataFolder

Q1, Q2 = "2025-26-Q1", "2025-26-Q2"
FIRST, SECOND, THIRD = "1" * 16, "2" * 16, "3" * 16
TABLES = ("league_table", "metric_score", "organisation")
REASON = "The publisher's file had last year's values"
# Planned by pyiceberg, which is said in a warning otherwise.
os.environ.setdefault("POLARS_ICEBERG_PLANNER", "pyiceberg")


@dataclass(frozen=True)
class Reader:
    """Somebody who reads a lake with polars, which nothing here writes with, as the documentation says."""

    form: str
    folder: Path

    def catalog(self) -> SqlCatalog:
        return SqlCatalog(
            "league", uri=f"sqlite:///{self.folder}/catalog.db", warehouse=f"file://{self.folder}"
        )

    def iceberg(self, name: str) -> Table:
        return self.catalog().load_table(("league", name))

    def delta(self, name: str) -> DeltaTable:
        return DeltaTable(self.folder / name)

    def all_rows(self, name: str) -> pl.DataFrame:
        if self.form == "iceberg":
            return pl.scan_iceberg(self.iceberg(name)).collect()
        return pl.scan_delta(str(self.folder / name)).collect()

    def rows(self, name: str) -> pl.DataFrame:
        current = self.all_rows("current_release").select("quarter", "release_id")
        return self.all_rows(name).join(current, on=["quarter", "release_id"], how="inner")

    def current(self) -> dict[str, str]:
        return dict(self.all_rows("current_release").select("quarter", "release_id").iter_rows())

    def versions(self) -> dict[str, object]:
        """What the newest snapshot or commit of each table is."""
        if self.form == "iceberg":
            names = [path.name for path in (self.folder / "league").iterdir()]
            snapshots = {name: self.iceberg(name).current_snapshot() for name in names}
            return {name: snapshot and snapshot.snapshot_id for name, snapshot in snapshots.items()}
        return {
            path.parent.name: self.delta(path.parent.name).version()
            for path in self.folder.glob("*/_delta_log")
        }

    def says(self, name: str) -> list[Mapping[str, Any]]:
        """What each snapshot or commit of rows says of itself, the oldest first."""
        if self.form == "iceberg":
            return [snapshot.summary.additional_properties for snapshot in self.iceberg(name).snapshots()]
        return [one for one in reversed(self.delta(name).history()) if "league.action" in one]


@dataclass
class Target:
    """A lake under test: deliveries into it, and its reader."""

    form: str
    folder: Path
    reports: list[Report] = field(default_factory=list)

    @property
    def reader(self) -> Reader:
        return Reader(self.form, self.folder)

    def deliver(
        self, data: DataFolder, tell: Callable[[str], None] = lambda _: None, **options: bool
    ) -> Report:
        target = LakeDelivery.at(self.form, str(self.folder))
        asked = {"dry_run": False, "take_over": False} | options
        self.reports.append(target.deliver(Wanted.of(data), by="Ada", tell=tell, **asked))
        return self.reports[-1]


@pytest.fixture(scope="module", params=["iceberg", "delta"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def filled(form: str, small_release: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """A lake that holds `small_release`; each test leaves it so."""
    target = Target(form, tmp_path_factory.mktemp("filled") / form)
    target.deliver(small_release)
    return target


@pytest.fixture
def lake(form: str, tmp_path: Path) -> Target:
    """An empty lake."""
    return Target(form, tmp_path / form)


@pytest.fixture
def by_hand(tmp_path: Path) -> ReleasesByHand:
    """A data folder with a current release of one quarter, made by hand."""
    made = ReleasesByHand(tmp_path / "data")
    made.release(Q1, FIRST, rows_of("RAA", "RBB"))
    return made


def rows_of(*codes: str) -> dict[str, Rows]:
    """The rows of a small release: a place and two scores of each organisation."""
    scores = [
        {"organisation_code": code, "metric_id": metric, "metric_score": Decimal("1.50")}
        for code in codes
        for metric in ("OF0001", "OF0002")
    ]
    return {
        "league_table": [{"table_name": "acute", "organisation_code": code, "rank": 1} for code in codes],
        "metric_score": scores,
        "organisation": [{"organisation_code": code, "organisation_name": f"Trust {code}"} for code in codes],
    }


def released(data: DataFolder, table: str) -> pa.Table:
    return pq.read_table(data.releases / Q1 / "current" / f"{table}.parquet")


def plain(rows: pl.DataFrame | pa.Table, columns: list[str]) -> list[tuple[Any, ...]]:
    found = rows.select(columns)
    values = (
        found.rows()
        if isinstance(found, pl.DataFrame)
        else [tuple(row.values()) for row in found.to_pylist()]
    )
    return sorted(values, key=repr)


def codes(rows: pl.DataFrame) -> dict[str, list[str]]:
    """The organisations of each release that there are rows of."""
    return {
        str(release_id): sorted(set(of["organisation_code"]))
        for (release_id,), of in rows.group_by("release_id")
    }


def test_every_released_table_reads_as_released_in_another_program(
    filled: Target, small_release: DataFolder
) -> None:
    read = 0
    for table in RELEASED_TABLES:
        found, expected = filled.reader.rows(table.name), released(small_release, table.name)
        assert plain(found, expected.column_names) == plain(expected, expected.column_names), table.name
        read += len(found)
    [of_quarter] = filled.reports[0].quarters
    assert of_quarter.rows == read > 0
    assert (of_quarter.outcome, of_quarter.tables) == ("delivered", len(RELEASED_TABLES))
    assert (
        {of_quarter.quarter: of_quarter.release_id} == release_ids(small_release) == filled.reader.current()
    )


def test_decimals_days_booleans_and_missing_values_keep_their_kind(filled: Target) -> None:
    row = filled.reader.rows("league_table").to_dicts()[0]
    assert row["average_metric_score"].as_tuple().exponent == -2
    assert [type(row[name]) for name in ("average_metric_score", "rank", "is_sample")] == [Decimal, int, bool]
    organisations = filled.reader.rows("organisation")
    assert organisations.schema["opened_on"] == pl.Date
    assert organisations["successor_code"].null_count() > 0
    assert {type(day) for day in organisations["opened_on"]} <= {date, type(None)}


def test_tables_carry_what_they_hold_their_keys_whose_figures_they_are_and_their_order(
    filled: Target,
) -> None:
    reader, key = filled.reader, {"quarter", "release_id", "organisation_code", "metric_id"}
    if filled.form == "iceberg":
        table = reader.iceberg("metric_score")
        schema = table.schema()
        assert "score" in str(schema.find_field("metric_score").doc).lower()
        assert schema.identifier_field_names() == key
        assert [str(one.name) for one in table.spec().fields] == ["quarter", "release_id"]
        ordered_by = [schema.find_field(one.source_id).name for one in table.sort_order().fields]
        assert ordered_by == ["organisation_code", "metric_id"]
        said = table.properties
        assert said["comment"]
    else:
        table = reader.delta("metric_score")
        fields = {one.name: one for one in table.schema().fields}
        assert "score" in fields["metric_score"].metadata["comment"].lower()
        assert {name for name, one in fields.items() if not one.nullable} == key
        assert table.metadata().partition_columns == ["quarter", "release_id"]
        assert table.metadata().description
        said = table.metadata().configuration
        assert said["delta.constraints.one_kind"] == "is_sample"
        # Any engine of today reads that.
        assert table.protocol().min_reader_version == 1
    assert (said["league.kind"], said["league.notice"]) == ("fictional", SAMPLE_NOTICE)


def test_the_same_again_writes_no_snapshot(filled: Target, small_release: DataFolder) -> None:
    before = filled.reader.versions()
    report = filled.deliver(small_release)
    assert [one.outcome for one in report.quarters] == ["kept"]
    assert report.rows_verified == filled.reports[0].rows_verified > 0
    assert filled.reader.versions() == before


def test_what_would_be_done_is_said_without_a_folder(lake: Target, by_hand: ReleasesByHand) -> None:
    report = lake.deliver(by_hand.data, dry_run=True)
    assert ([one.outcome for one in report.quarters], report.rows_verified) == (["delivered"], 0)
    assert not lake.folder.exists()


def test_each_snapshot_says_which_release_of_which_quarter_it_brought_and_whose_figures(
    lake: Target, by_hand: ReleasesByHand
) -> None:
    by_hand.release(Q2, SECOND, rows_of("RAA"))
    lake.deliver(by_hand.data)
    says = lake.reader.says("league_table")
    names = ("action", "quarter", "release-id", "release-state", "kind", "notice", "delivered-by")
    assert [tuple(one[f"league.{name}"] for name in names) for one in says] == [
        ("delivered", quarter, release_id, "final", "fictional", SAMPLE_NOTICE, "Ada")
        for quarter, release_id in ((Q1, FIRST), (Q2, SECOND))
    ]
    current = lake.reader.says("current_release")[-1]
    assert (current["league.action"], current["league.release-id"]) == ("made current", f"{FIRST}, {SECOND}")
    if lake.form == "delta":
        # What Spark's `describe history` shows of a commit.
        assert json.loads(current["userMetadata"])["league.quarter"] == f"{Q1}, {Q2}"


def test_a_correction_takes_a_quarters_place_at_once_and_a_withdrawal_leaves_none_of_it(
    lake: Target, by_hand: ReleasesByHand
) -> None:
    lake.deliver(by_hand.data)
    by_hand.release(Q1, SECOND, rows_of("RAA", "RCC"))
    seen: list[dict[str, list[str]]] = []

    def look(_: str) -> None:
        """What a reader finds at that moment, which is the same in every table."""
        found = [codes(lake.reader.rows(table)) for table in TABLES]
        assert found == found[:1] * len(TABLES)
        assert [*found[0]] == [*lake.reader.current().values()]
        seen.append(found[0])

    report = lake.deliver(by_hand.data, tell=look)
    assert [(one.outcome, one.replaces) for one in report.quarters] == [("delivered", FIRST)]
    old, new = {FIRST: ["RAA", "RBB"]}, {SECOND: ["RAA", "RCC"]}
    # Before the commit the old release, behind it the new one; never both, and never half.
    assert seen == [old, old, new, new]
    assert codes(lake.reader.all_rows("league_table")) == new
    assert lake.reader.says("league_table")[-1]["league.action"] == "taken away"

    by_hand.withdraw(Q1, SECOND, REASON)
    report = lake.deliver(by_hand.data)
    assert [(one.outcome, one.release_id) for one in report.quarters] == [("withdrawn", SECOND)]
    assert lake.reader.current() == {}
    assert [len(lake.reader.all_rows(table)) for table in TABLES] == [0, 0, 0]
    [row] = lake.reader.all_rows("withdrawn_release").to_dicts()
    assert (row["release_id"], row["withdrawn_by"], row["reason"]) == (SECOND, BY, REASON)
    assert row["current_release_id"] is None
    before = lake.reader.versions()
    assert lake.deliver(by_hand.data).quarters == ()
    assert lake.reader.versions() == before


def test_a_failure_between_two_tables_leaves_readers_with_the_old_release_and_the_next_delivery_heals_it(
    lake: Target, by_hand: ReleasesByHand
) -> None:
    lake.deliver(by_hand.data)
    by_hand.release(Q1, SECOND, rows_of("RAA", "RCC"))
    below = lake.folder / ("league/metric_score/data" if lake.form == "iceberg" else "metric_score")
    in_the_way = below / f"quarter={Q1}" / f"release_id={SECOND}"
    in_the_way.write_text("a file where the rows' folder would be")
    with pytest.raises(LeagueError):
        lake.deliver(by_hand.data)
    assert lake.reader.current() == {Q1: FIRST}
    # One table has both releases now, another has not; who joins sees the old one in both.
    assert sorted(codes(lake.reader.all_rows("league_table"))) == [FIRST, SECOND]
    assert sorted(codes(lake.reader.all_rows("metric_score"))) == [FIRST]
    assert [codes(lake.reader.rows(table)) for table in TABLES] == [{FIRST: ["RAA", "RBB"]}] * 3
    in_the_way.unlink()
    lake.deliver(by_hand.data)
    assert [codes(lake.reader.all_rows(table)) for table in TABLES] == [{SECOND: ["RAA", "RCC"]}] * 3


def test_what_a_failed_delivery_added_and_nothing_followed_up_is_taken_away(
    lake: Target, by_hand: ReleasesByHand
) -> None:
    """A release that was withdrawn before the delivery could be repeated."""
    lake.deliver(by_hand.data)
    by_hand.release(Q1, SECOND, rows_of("RAA", "RCC"))
    below = lake.folder / ("league/metric_score/data" if lake.form == "iceberg" else "metric_score")
    (below / f"quarter={Q1}" / f"release_id={SECOND}").write_text("a file where the rows' folder would be")
    with pytest.raises(LeagueError):
        lake.deliver(by_hand.data)
    by_hand.withdraw(Q1, SECOND, REASON)
    by_hand.release(Q1, FIRST, {})
    report = lake.deliver(by_hand.data)
    assert [one.outcome for one in report.quarters] == ["kept"]
    assert [codes(lake.reader.all_rows(table)) for table in TABLES] == [{FIRST: ["RAA", "RBB"]}] * 3


def test_rows_that_somebody_changed_or_added_are_put_right(lake: Target, by_hand: ReleasesByHand) -> None:
    lake.deliver(by_hand.data)
    before = lake.reader.rows("league_table")
    if lake.form == "iceberg":
        table = lake.reader.iceberg("league_table")
        table.append(table.scan().to_arrow().slice(0, 1))
    else:
        lake.reader.delta("league_table").update({"rank": "7"})
    assert not before.sort("organisation_code").equals(
        lake.reader.rows("league_table").sort("organisation_code")
    )
    report = lake.deliver(by_hand.data)
    assert [(one.outcome, one.replaces) for one in report.quarters] == [("delivered", None)]
    assert before.sort("organisation_code").equals(lake.reader.rows("league_table").sort("organisation_code"))


def test_figures_of_the_other_kind_and_releases_of_elsewhere_are_refused(
    lake: Target, by_hand: ReleasesByHand, tmp_path: Path
) -> None:
    lake.deliver(by_hand.data)
    before = lake.reader.versions()
    official = ReleasesByHand(tmp_path / "official", is_sample=False)
    official.release(Q1, SECOND, rows_of("RAA"))
    with pytest.raises(
        WrongUsage, match=r"expected official figures, as here; its table .* holds fictional ones"
    ):
        lake.deliver(official.data)
    elsewhere = ReleasesByHand(tmp_path / "elsewhere")
    elsewhere.release(Q1, THIRD, rows_of("RAA"))
    with pytest.raises(WrongUsage, match=rf"{FIRST} of {Q1}, which was never current here.*--take-over"):
        lake.deliver(elsewhere.data)
    assert lake.reader.versions() == before
    report = lake.deliver(elsewhere.data, take_over=True)
    assert [(one.quarter, one.outcome) for one in report.quarters] == [(Q1, "delivered")]
    assert lake.reader.current() == {Q1: THIRD}


def test_whoever_took_a_lake_over_delivers_there_from_then_on_beside_quarters_of_others(
    lake: Target, by_hand: ReleasesByHand, tmp_path: Path
) -> None:
    by_hand.release(Q2, SECOND, rows_of("RBB"))
    lake.deliver(by_hand.data)
    elsewhere = ReleasesByHand(tmp_path / "elsewhere")
    elsewhere.release(Q1, THIRD, rows_of("RAA"))
    lake.deliver(elsewhere.data, take_over=True)
    assert lake.reader.current() == {Q1: THIRD, Q2: SECOND}
    report = lake.deliver(elsewhere.data)
    assert [(one.quarter, one.outcome) for one in report.quarters] == [(Q1, "kept")]
    assert lake.reader.current() == {Q1: THIRD, Q2: SECOND}
    assert codes(lake.reader.all_rows("league_table")) == {THIRD: ["RAA"], SECOND: ["RBB"]}


def test_what_is_withdrawn_while_a_delivery_waits_isnt_brought_back_by_it(
    lake: Target, by_hand: ReleasesByHand
) -> None:
    lake.deliver(by_hand.data)
    with alone(Place.of(str(lake.folder), lake.form)):
        waiting = threading.Event()
        with listening(lambda _: waiting.set()):
            second = threading.Thread(target=lake.deliver, args=(by_hand.data,))
            second.start()
            assert waiting.wait(300)
        by_hand.withdraw(Q1, FIRST, REASON)
    second.join(300)
    assert lake.reader.current() == {}
    assert lake.reader.all_rows("withdrawn_release")["release_id"].to_list() == [FIRST]


def test_a_release_that_was_rejected_while_it_waited_for_approval_is_no_news_to_readers(
    lake: Target, by_hand: ReleasesByHand
) -> None:
    by_hand.release(Q1, SECOND, rows_of("RAA"), is_held=True)
    by_hand.withdraw(Q1, SECOND, "Rejected")
    by_hand.release(Q1, FIRST, {})
    lake.deliver(by_hand.data)
    assert lake.reader.current() == {Q1: FIRST}
    assert lake.reader.all_rows("withdrawn_release").is_empty()


def test_tables_of_others_and_a_place_in_the_data_folder_are_refused(
    lake: Target, by_hand: ReleasesByHand
) -> None:
    rows = pa.table({"name": ["an organisation of another program"]})
    lake.folder.mkdir()
    if lake.form == "iceberg":
        lake.reader.catalog().create_namespace("league")
        lake.reader.catalog().create_table(("league", "organisation"), rows.schema).append(rows)
    else:
        write_deltalake(lake.folder / "organisation", rows)
    with pytest.raises(
        WrongUsage, match="expected no table organisation, or one of a delivery; found somebody else's"
    ):
        lake.deliver(by_hand.data)
    assert lake.reader.all_rows("organisation")["name"].to_list() == rows["name"].to_pylist()
    within = Target(lake.form, by_hand.data.root / "lake")
    with pytest.raises(WrongUsage, match="within the data folder"):
        within.deliver(by_hand.data)
    assert not within.folder.exists()


def test_a_second_delivery_waits_for_the_first(lake: Target, by_hand: ReleasesByHand) -> None:
    said: list[str] = []
    waiting = threading.Event()

    def hear(text: str) -> None:
        said.append(text)
        waiting.set()

    with alone(Place.of(str(lake.folder), lake.form)):
        with listening(hear):
            second = threading.Thread(target=lake.deliver, args=(by_hand.data,))
            second.start()
            assert waiting.wait(300)
        assert lake.reports == []
    second.join(300)
    assert said == [f"Waiting for another delivery into {lake.folder}"]
    assert lake.reader.current() == {Q1: FIRST}
