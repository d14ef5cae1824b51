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
from league_command import league
from published_state import release_ids
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from dagster_project.delivery.delivered import offer
from dagster_project.delivery.lake.deliver import LakeDelivery
from dagster_project.delivery.lake.lake import Place, alone
from dagster_project.delivery.target import Report
from dagster_project.errors import LeagueError, WrongUsage
from dagster_project.notices import SAMPLE_NOTICE
from dagster_project.progress import listening
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import DataFolder

Q1, Q2 = "2025-26-Q1", "2025-26-Q2"
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
        self.reports.append(target.deliver(offer(data), by="Ada", tell=tell, **asked))
        return self.reports[-1]


@pytest.fixture(scope="module", params=["iceberg", "delta"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def filled(form: str, second_release: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """A lake that holds both quarters of `second_release`; each test leaves it so."""
    target = Target(form, tmp_path_factory.mktemp("filled") / form)
    target.deliver(second_release)
    return target


@pytest.fixture
def lake(form: str, tmp_path: Path) -> Target:
    """An empty lake."""
    return Target(form, tmp_path / form)


def released(data: DataFolder, quarter: str, table: str) -> pa.Table:
    return pq.read_table(data.releases / quarter / "current" / f"{table}.parquet")


def plain(rows: pl.DataFrame | pa.Table, columns: list[str]) -> list[tuple[Any, ...]]:
    found = rows.select(columns)
    values = (
        found.rows()
        if isinstance(found, pl.DataFrame)
        else [tuple(row.values()) for row in found.to_pylist()]
    )
    return sorted(values, key=repr)


def test_every_released_table_reads_as_released_in_another_program(
    filled: Target, second_release: DataFolder
) -> None:
    read = 0
    for table in RELEASED_TABLES:
        rows = filled.reader.rows(table.name)
        for quarter in (Q1, Q2):
            expected = released(second_release, quarter, table.name)
            found = rows.filter(pl.col("quarter") == quarter)
            assert plain(found, expected.column_names) == plain(expected, expected.column_names), table.name
            read += len(found)
    report = filled.reports[0]
    assert report.rows_verified == read > 0
    assert {(one.quarter, one.outcome, one.tables) for one in report.quarters} == {
        (Q1, "delivered", len(RELEASED_TABLES)),
        (Q2, "delivered", len(RELEASED_TABLES)),
    }
    assert {one.quarter: one.release_id for one in report.quarters} == release_ids(second_release)


def test_decimals_days_booleans_and_missing_values_keep_their_kind(filled: Target) -> None:
    row = filled.reader.rows("league_table").to_dicts()[0]
    kinds = {name: type(value) for name, value in row.items()}
    assert kinds["average_metric_score"] is Decimal
    assert row["average_metric_score"].as_tuple().exponent == -2
    assert (kinds["rank"], kinds["is_sample"]) == (int, bool)
    organisations = filled.reader.rows("organisation")
    assert organisations.schema["opened_on"] == pl.Date
    assert organisations["successor_code"].null_count() > 0
    assert {type(day) for day in organisations["opened_on"]} <= {date, type(None)}


def test_tables_carry_what_they_hold_their_keys_whose_figures_they_are_and_their_order(
    filled: Target,
) -> None:
    reader = filled.reader
    if filled.form == "iceberg":
        table = reader.iceberg("metric_score")
        field_of = table.schema().find_field("metric_score")
        assert "score" in str(field_of.doc).lower()
        assert {
            "quarter",
            "release_id",
            "organisation_code",
            "metric_id",
        } == table.schema().identifier_field_names()
        assert [str(one.name) for one in table.spec().fields] == ["quarter", "release_id"]
        ordered_by = [table.schema().find_field(one.source_id).name for one in table.sort_order().fields]
        assert ordered_by == ["organisation_code", "metric_id"]
        assert (table.properties["league.kind"], table.properties["league.notice"]) == (
            "fictional",
            SAMPLE_NOTICE,
        )
        assert table.properties["comment"]
    else:
        table = reader.delta("metric_score")
        fields = {one.name: one for one in table.schema().fields}
        assert "score" in fields["metric_score"].metadata["comment"].lower()
        required = {name for name, one in fields.items() if not one.nullable}
        assert required == {"quarter", "release_id", "organisation_code", "metric_id"}
        said = table.metadata()
        assert said.partition_columns == ["quarter", "release_id"]
        assert said.description
        assert said.configuration["league.kind"] == "fictional"
        assert said.configuration["league.notice"] == SAMPLE_NOTICE
        assert said.configuration["delta.constraints.one_kind"] == "is_sample"
        assert table.protocol().min_reader_version == 1


def test_each_snapshot_says_which_release_of_which_quarter_it_brought_and_whose_figures(
    filled: Target, second_release: DataFolder
) -> None:
    ids = release_ids(second_release)
    says = filled.reader.says("league_table")
    assert [
        (one["league.action"], one["league.quarter"], one["league.release-id"], one["league.release-state"])
        for one in says
    ] == [("delivered", quarter, ids[quarter], "provisional") for quarter in (Q1, Q2)]
    assert {(one["league.notice"], one["league.kind"], one["league.delivered-by"]) for one in says} == {
        (SAMPLE_NOTICE, "fictional", "Ada")
    }
    current = filled.reader.says("current_release")[-1]
    assert current["league.action"] == "made current"
    assert current["league.release-id"] == f"{ids[Q1]}, {ids[Q2]}"
    if filled.form == "delta":
        # What Spark's `describe history` shows of a commit.
        assert json.loads(current["userMetadata"])["league.quarter"] == f"{Q1}, {Q2}"


def test_the_same_again_writes_no_snapshot(filled: Target, second_release: DataFolder) -> None:
    before = filled.reader.versions()
    report = filled.deliver(second_release)
    assert {one.outcome for one in report.quarters} == {"kept"}
    assert report.rows_verified == filled.reports[0].rows_verified
    assert filled.reader.versions() == before


def test_what_would_be_done_is_said_without_a_folder(lake: Target, small_release: DataFolder) -> None:
    report = lake.deliver(small_release, dry_run=True)
    assert ([one.outcome for one in report.quarters], report.rows_verified) == (["delivered"], 0)
    assert not lake.folder.exists()


def test_a_correction_takes_a_quarters_place_at_once_and_a_withdrawal_leaves_none_of_it(
    lake: Target, small_release: DataFolder, corrected: DataFolder
) -> None:
    lake.deliver(small_release)
    [first], [second] = release_ids(small_release).values(), release_ids(corrected).values()
    seen: list[tuple[set[str], set[str]]] = []

    def look(_: str) -> None:
        """Every table as a reader finds it at that moment: its releases, and whether it has the rows it should."""
        [current] = lake.reader.current().values()
        data = small_release if current == first else corrected
        ids = set()
        for table in ("league_table", "metric_score", "lineage"):
            rows = lake.reader.rows(table)
            assert len(rows) == released(data, Q1, table).num_rows, table
            ids |= set(rows["release_id"])
        seen.append(({current}, ids))

    report = lake.deliver(corrected, tell=look)
    assert [(one.outcome, one.replaces) for one in report.quarters] == [("delivered", first)]
    # Before the commit the old release, behind it the new one; never both, and never half.
    assert [current for current, _ in seen] == [{first}, {first}, {second}, {second}]
    assert all(current == ids for current, ids in seen)
    assert set(lake.reader.all_rows("league_table")["release_id"]) == {second}
    assert lake.reader.says("league_table")[-1]["league.action"] == "taken away"

    ended = league("withdraw", second, "--reason", REASON, "--by", "Bob", data=corrected)
    assert ended.code == 0, ended.err
    report = lake.deliver(corrected)
    assert [(one.outcome, one.release_id) for one in report.quarters] == [("withdrawn", second)]
    assert lake.reader.current() == {}
    for table in RELEASED_TABLES:
        assert lake.reader.all_rows(table.name).is_empty(), table.name
    [row] = lake.reader.all_rows("withdrawn_release").to_dicts()
    assert (row["release_id"], row["withdrawn_by"], row["reason"]) == (second, "Bob", REASON)
    assert row["current_release_id"] is None


def test_a_failure_between_two_tables_leaves_readers_with_the_old_release_and_the_next_delivery_heals_it(
    lake: Target, small_release: DataFolder, corrected: DataFolder
) -> None:
    lake.deliver(small_release)
    [first], [second] = release_ids(small_release).values(), release_ids(corrected).values()
    below = lake.folder / ("league/metric_score/data" if lake.form == "iceberg" else "metric_score")
    in_the_way = below / f"quarter={Q1}" / f"release_id={second}"
    in_the_way.write_text("a file where the rows' folder would be")
    with pytest.raises(LeagueError):
        lake.deliver(corrected)
    assert lake.reader.current() == {Q1: first}
    # Some tables have both releases now, and one has not; who joins sees the old one in all.
    assert set(lake.reader.all_rows("league_table")["release_id"]) == {first, second}
    assert set(lake.reader.all_rows("metric_score")["release_id"]) == {first}
    for table in ("league_table", "metric_score"):
        assert len(lake.reader.rows(table)) == released(small_release, Q1, table).num_rows
    in_the_way.unlink()
    lake.deliver(corrected)
    assert lake.reader.current() == {Q1: second}
    for table in ("league_table", "metric_score"):
        assert set(lake.reader.all_rows(table)["release_id"]) == {second}
        assert len(lake.reader.all_rows(table)) == released(corrected, Q1, table).num_rows


def test_rows_that_somebody_changed_or_added_are_put_right(
    filled: Target, second_release: DataFolder
) -> None:
    rows = released(second_release, Q1, "league_table")
    if filled.form == "iceberg":
        table = filled.reader.iceberg("league_table")
        table.append(rows.slice(0, 1).cast(table.schema().as_arrow()))
    else:
        filled.reader.delta("league_table").update({"rank": "1"}, predicate=f"quarter = '{Q1}'")
    changed = filled.reader.rows("league_table").filter(pl.col("quarter") == Q1)
    assert plain(changed, rows.column_names) != plain(rows, rows.column_names)
    report = filled.deliver(second_release)
    assert [(one.quarter, one.outcome, one.replaces) for one in report.quarters] == [
        (Q1, "delivered", None),
        (Q2, "kept", None),
    ]
    healed = filled.reader.rows("league_table").filter(pl.col("quarter") == Q1)
    assert plain(healed, rows.column_names) == plain(rows, rows.column_names)


def test_figures_of_the_other_kind_and_releases_of_elsewhere_are_refused(
    filled: Target, official_release: DataFolder, small_release: DataFolder
) -> None:
    before = filled.reader.versions()
    with pytest.raises(
        WrongUsage, match=r"expected official figures, as here; its table .* holds fictional ones"
    ):
        filled.deliver(official_release)
    # This data folder never had the second quarter.
    with pytest.raises(WrongUsage, match=rf"of {Q2}, which was never current here.*--take-over"):
        filled.deliver(small_release)
    report = filled.deliver(small_release, take_over=True)
    assert [(one.quarter, one.outcome) for one in report.quarters] == [(Q1, "kept")]
    assert filled.reader.versions() == before


def test_tables_of_others_are_refused(lake: Target, small_release: DataFolder) -> None:
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
        lake.deliver(small_release)
    assert lake.reader.all_rows("organisation")["name"].to_list() == rows["name"].to_pylist()


def test_a_lake_has_no_place_in_the_data_folder(form: str, small_release: DataFolder) -> None:
    target = Target(form, small_release.root / "lake")
    with pytest.raises(WrongUsage, match="within the data folder"):
        target.deliver(small_release)
    assert not target.folder.exists()


def test_a_second_delivery_waits_for_the_first(filled: Target, second_release: DataFolder) -> None:
    said: list[str] = []
    waiting = threading.Event()

    def hear(text: str) -> None:
        said.append(text)
        waiting.set()

    with alone(Place.of(str(filled.folder), filled.form)):
        with listening(hear):
            second = threading.Thread(target=filled.deliver, args=(second_release,))
            second.start()
            assert waiting.wait(60)
            assert second.is_alive()
        reports = len(filled.reports)
    second.join(60)
    assert said == [f"Waiting for another delivery into {filled.folder}"]
    assert len(filled.reports) == reports + 1
