"""Lakes one step at a time: places, tables and how they change, snapshots, and what a library raises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dagster_project.delivery.delivered import DeliveredTable, content_hash
from dagster_project.delivery.lake import delta, iceberg
from dagster_project.delivery.lake.delta import DeltaLake
from dagster_project.delivery.lake.iceberg import IcebergLake
from dagster_project.delivery.lake.lake import Content, Held, Lake, Place, ReadBack, plainly
from dagster_project.errors import InputMissing, LeagueError, Locked, MachineFault, WrongUsage

Q1, Q2 = Held("2025-26-Q1", "1111111111111111"), Held("2025-26-Q2", "2222222222222222")
SAID = {"league.release-id": Q1.release_id, "league.notice": "Fictional"}
PROPERTIES = {
    "league.kind": "fictional",
    "league.notice": "Fictional sample data: every organisation is invented.",
}
REFUSED = {"iceberg": iceberg.REFUSED, "delta": delta.REFUSED}
COLUMNS = {
    "quarter": (pa.string(), "NHS financial quarter"),
    "release_id": (pa.string(), "Id of the release"),
    "is_sample": (pa.bool_(), "Whether it is fictional"),
    "code": (pa.string(), "Code of the organisation"),
    "value": (pa.decimal128(18, 2), "Value in percent"),
    "opened_on": (pa.date32(), "Day on which it was opened"),
    "rank": (pa.int32(), "Place"),
    "bytes": (pa.int64(), "Size in bytes"),
}


def table(key: tuple[str, ...] = ("code",), **other: tuple[pa.DataType, str]) -> DeliveredTable:
    fields = [
        pa.field(name, kind, metadata={"description": says})
        for name, (kind, says) in (COLUMNS | other).items()
    ]
    return DeliveredTable("figure", "One row for each organisation", pa.schema(fields), key, {})


def rows_of(of: DeliveredTable, held: Held, *rows: dict[str, Any], is_sample: bool = True) -> pa.Table:
    stamps = {"quarter": held.quarter, "release_id": held.release_id, "is_sample": is_sample}
    return pa.Table.from_pylist([stamps | row for row in rows], schema=of.schema)


RY1 = {
    "code": "RY1",
    "value": Decimal("10.10"),
    "opened_on": date(2006, 7, 1),
    "rank": 1,
    "bytes": 5_000_000_000,
}
RY2 = {"code": "RY2", "value": None, "opened_on": None, "rank": None, "bytes": None}


@pytest.fixture(params=["iceberg", "delta"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(form: str, tmp_path: Path) -> Callable[[], Lake]:
    """Opens the lake, which is the same folder each time; with a space and a letter beyond ASCII in its name."""
    place = Place.of(str(tmp_path / "a läke"), form)
    assert place.folder is not None
    place.folder.mkdir()
    return lambda: IcebergLake(place, "league", to_write=True) if form == "iceberg" else DeltaLake(place, ())


def codes_of(lake: Lake) -> set[tuple[str, str]]:
    return {(row["quarter"], row["code"]) for row in lake.read("figure").to_pylist()}


def shaped(lake: Lake, of: DeliveredTable) -> list[str]:
    return list(lake.shape(of, PROPERTIES, by_release=True))


def test_rows_come_back_as_they_went_in_with_exact_decimals_days_and_what_is_missing(
    opened: Callable[[], Lake],
) -> None:
    of = table()
    lake, rows = opened(), rows_of(of, Q1, RY1, RY2)
    assert shaped(lake, of) == []
    lake.put("figure", rows, SAID, Q1, anew=False)
    again = opened()
    assert again.tables() == {"figure": "fictional"}
    assert again.held("figure") == {Q1}
    assert sorted(again.read("figure").to_pylist(), key=lambda row: row["code"]) == rows.to_pylist()
    read_back = ReadBack()
    expected = {Q1.release_id: Content(2, content_hash(rows))}
    assert read_back.of_files(again.files("figure")) == read_back.of_rows(rows) == expected


def test_another_value_is_another_content(opened: Callable[[], Lake]) -> None:
    of, lake = table(), opened()
    shaped(lake, of)
    lake.put("figure", rows_of(of, Q1, RY1), SAID, Q1, anew=False)
    other = rows_of(of, Q1, RY1 | {"value": Decimal("10.11")})
    assert ReadBack().of_files(lake.files("figure")) != ReadBack().of_rows(other)


def test_a_release_can_be_written_anew_and_taken_away_and_the_others_stay(opened: Callable[[], Lake]) -> None:
    of, lake = table(), opened()
    shaped(lake, of)
    for held in (Q1, Q2):
        lake.put("figure", rows_of(of, held, RY1), SAID, held, anew=False)
    lake.put("figure", rows_of(of, Q1, RY2), SAID, Q1, anew=True)
    assert codes_of(lake) == {(Q1.quarter, "RY2"), (Q2.quarter, "RY1")}
    lake.remove("figure", Q1, SAID)
    assert lake.held("figure") == {Q2}
    assert codes_of(lake) == {(Q2.quarter, "RY1")}


def test_a_new_column_is_added_and_older_rows_have_it_empty(opened: Callable[[], Lake]) -> None:
    lake = opened()
    shaped(lake, table())
    lake.put("figure", rows_of(table(), Q1, RY1), SAID, Q1, anew=False)
    wider = table(note=(pa.string(), "What is to be said of it"))
    assert shaped(lake, wider) == ["figure has a new column, note."]
    lake.put("figure", rows_of(wider, Q2, RY1 | {"note": "late"}), SAID, Q2, anew=False)
    # A release from before, in the columns of its own quarter, into the wider table.
    lake.put("figure", rows_of(table(), Q1, RY2), SAID, Q1, anew=True)
    assert {(row["quarter"], row["note"]) for row in lake.read("figure").to_pylist()} == {
        (Q1.quarter, None),
        (Q2.quarter, "late"),
    }
    assert shaped(opened(), wider) == []
    found = ReadBack().of_files(opened().files("figure"))
    assert found[Q1.release_id] == ReadBack().of_rows(rows_of(table(), Q1, RY2))[Q1.release_id]


def test_a_column_of_another_type_is_refused(opened: Callable[[], Lake]) -> None:
    shaped(opened(), table())
    with pytest.raises(WrongUsage, match=r"figure\.rank: expected .*; the lake has int.*empty folder"):
        shaped(opened(), table(rank=(pa.string(), "Place")))


def test_a_key_that_no_longer_tells_rows_apart_is_given_up(opened: Callable[[], Lake]) -> None:
    lake, without = opened(), table(key=())
    shaped(lake, table())
    shaped(lake, without)
    lake.put("figure", rows_of(without, Q1, RY1 | {"code": None}), SAID, Q1, anew=False)
    assert opened().read("figure").column("code").to_pylist() == [None]


def test_delta_itself_refuses_a_row_of_the_other_kind(tmp_path: Path) -> None:
    of, lake = table(), DeltaLake(Place.of(str(tmp_path), "delta"), ())
    shaped(lake, of)
    with pytest.raises(Exception, match="failed validation"):
        lake.put("figure", rows_of(of, Q1, RY1, is_sample=False), SAID, Q1, anew=False)
    assert lake.held("figure") == set()


def test_a_snapshot_that_another_was_faster_with_is_refused_and_not_written_twice(
    opened: Callable[[], Lake], form: str, tmp_path: Path
) -> None:
    of = table()
    shaped(opened(), of)
    one, other = opened(), opened()
    one.put("figure", rows_of(of, Q1, RY1), SAID, Q1, anew=False)
    place = Place.of(str(tmp_path / "a läke"), form)
    with pytest.raises(Locked, match="another commit came first"), plainly(place, REFUSED[form]):
        other.put("figure", rows_of(of, Q1, RY1), SAID, Q1, anew=False)
    assert opened().read("figure").num_rows == 1


def test_a_lake_of_iceberg_that_was_moved_is_refused_and_one_of_delta_is_read(
    opened: Callable[[], Lake], form: str, tmp_path: Path
) -> None:
    of = table()
    lake = opened()
    shaped(lake, of)
    lake.put("figure", rows_of(of, Q1, RY1), SAID, Q1, anew=False)
    lake.close()
    (tmp_path / "a läke").rename(tmp_path / "moved")
    place = Place.of(str(tmp_path / "moved"), form)
    if form == "iceberg":
        with pytest.raises(WrongUsage, match="can't be moved or copied"):
            IcebergLake(place, "league", to_write=True)
    else:
        assert DeltaLake(place, ()).read("figure").num_rows == 1


def test_a_place_is_a_folder_or_an_address_without_credentials(tmp_path: Path) -> None:
    assert Place.of(f"file://{tmp_path}/lake", "delta") == Place.of(str(tmp_path / "lake"), "delta")
    assert Place.of("s3://bucket/lake/", "delta") == Place("s3://bucket/lake", None)
    (tmp_path / "file").touch()
    for target, says in (
        ("", "expected a folder or an address behind the colon"),
        (f"{tmp_path}/file/lake", "is a file"),
        (f"{tmp_path}/la#ke", "without \\?, #"),
        ("file://elsewhere/lake", "a file of this machine"),
    ):
        with pytest.raises(WrongUsage, match=says):
            Place.of(target, "delta")
    for target in ("s3://key:hidden@bucket/lake", "abfss://bucket/lake?sig=hidden"):
        with pytest.raises(WrongUsage, match="without user, password, query") as refused:
            Place.of(target, "delta")
        assert "hidden" not in str(refused.value)


def test_an_object_store_for_iceberg_needs_a_catalogue(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYICEBERG_HOME", str(tmp_path))
    with pytest.raises(InputMissing, match="PYICEBERG_CATALOG__LEAGUE__URI"):
        IcebergLake(Place.of("s3://bucket/lake", "iceberg"), "league", to_write=True)


def test_what_a_library_says_is_said_without_what_the_environment_keeps_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    for error, place, becomes in (
        (ValueError("signed with wJalrXUtnFEMI"), Place("file:///lake", Path("/lake")), LeagueError),
        (OSError("signed with wJalrXUtnFEMI"), Place("s3://bucket/lake", None), MachineFault),
        (PermissionError(13, "denied wJalrXUtnFEMI"), Place("file:///lake", Path("/lake")), MachineFault),
    ):
        with pytest.raises(becomes) as raised, plainly(place, ()):
            raise error
        assert "wJalrXUtnFEMI" not in str(raised.value)
        assert "AWS_SECRET_ACCESS_KEY" in str(raised.value)
        # Dagster would write down what it came from.
        assert raised.value.__suppress_context__


def test_a_home_folder_is_whose_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Place.of("~/lake", "delta").folder == tmp_path.resolve() / "lake"
    with pytest.raises(WrongUsage, match="nobody here has the home folder"):
        Place.of("~nobody-of-that-name/lake", "delta")


def test_a_key_that_releases_dont_keep_any_more_is_said(opened: Callable[[], Lake]) -> None:
    shaped(opened(), table())
    assert shaped(opened(), table(())) == ["figure has no key any more: a release doesn't keep it."]
    assert shaped(opened(), table(())) == []
