"""What a release may not lose against the one it replaces unless a person says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import hand_made_run as hand_made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.errors import SuiteFailed
from dagster_project.quarters import Quarter
from dagster_project.releases.candidate import open_candidate
from dagster_project.releases.fewer import (
    Fewer,
    fewer_than_current,
    refuse_fewer,
    tables_of_quarter_before,
)
from dagster_project.releases.journal import read_events
from dagster_project.releases.publish import current_release, publish
from dagster_project.releases.writer_lock import writer_lock
from dagster_project.settings import DataFolder

Q1 = Quarter(2025, 1)
METRICS = ("OF0010", "OF0013")
PLACES = {"RAA": "acute", "RAB": "acute", "RAC": "acute", "RNA": "non_acute", "RNB": "non_acute"}
SCORES = {(code, metric): table for code, table in PLACES.items() for metric in METRICS}


def build(
    connection: duckdb.DuckDBPyConnection,
    places: Mapping[str, str] = PLACES,
    scores: Mapping[tuple[str, str], str] = SCORES,
    *,
    applies: tuple[str, ...] = METRICS,
    recomputed: frozenset[str] = frozenset(PLACES),
    successors: tuple[tuple[str, str, str], ...] = (),
    release_id: str = "new",
) -> None:
    """The released tables that a comparison looks at, as the models make them."""
    connection.execute(
        """
        create schema league;
        create schema reference;
        create table league.league_table (
            quarter varchar, release_id varchar, table_name varchar, organisation_code varchar);
        create table league.metric_score (
            quarter varchar, organisation_code varchar, metric_id varchar,
            value decimal(18, 6), metric_score_exact decimal(18, 12));
        create table league.framework_rule (quarter varchar, rule_table varchar, rule_key varchar);
        create table league.reconciliation (
            quarter varchar, organisation_code varchar, figure varchar, computed decimal(18, 6));
        create table reference.organisation_successor (
            organisation_code varchar, successor_code varchar, effective_date varchar);
        """
    )
    rows = {
        "league.league_table": [(str(Q1), release_id, table, code) for code, table in places.items()],
        "league.metric_score": [(str(Q1), code, metric, 80, 2) for code, metric in scores],
        "league.framework_rule": [
            (str(Q1), "metric_applicability", f"{metric} {table}")
            for metric in applies
            for table in ("acute", "non_acute")
        ],
        "league.reconciliation": [(str(Q1), code, "OF0013", 80) for code in sorted(recomputed)],
        "reference.organisation_successor": list(successors),
    }
    for table, values in rows.items():
        if values:
            row = f"({', '.join('?' for _ in values[0])})"
            given = [field for value in values for field in value]
            connection.execute(f"insert into {table} values {', '.join(row for _ in values)}", given)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """A data folder whose warehouse holds PLACES and SCORES of the first quarter."""
    data = DataFolder(tmp_path_factory.mktemp("published"))
    data.warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(data.warehouse)) as connection:
        build(connection, release_id="old")
    return data


def losses(published: DataFolder, **new: object) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(loss.kind, loss.what, loss.codes) for fewer in found(published, **new) for loss in fewer.losses]


def found(published: DataFolder, **new: object) -> list[Fewer]:
    with duckdb.connect(":memory:") as connection:
        build(connection, **new)  # type: ignore[arg-type]
        return fewer_than_current(connection, published, [Q1])


def without(*codes: str) -> dict[str, object]:
    places = {code: table for code, table in PLACES.items() if code not in codes}
    return {
        "places": places,
        "scores": {key: table for key, table in SCORES.items() if key[0] in places},
        "recomputed": frozenset(places),
    }


def test_a_release_that_holds_all_that_the_replaced_one_holds_loses_nothing(published: DataFolder) -> None:
    assert found(published) == []


def test_a_table_that_is_gone_is_named_with_its_organisations(published: DataFolder) -> None:
    assert losses(published, **without("RNA", "RNB")) == [("table", "non_acute", ("RNA", "RNB"))]


def test_an_organisation_that_is_gone_is_named(published: DataFolder) -> None:
    assert losses(published, **without("RAB")) == [("organisation", "organisations", ("RAB",))]


@pytest.mark.parametrize(
    ("successors", "is_lost"),
    [
        ((("RAB", "RAA", "2025-04-01"),), False),
        ((("RAB", "RX1", "2025-04-01"), ("RX1", "RAA", "2025-05-01")), False),
        ((("RAB", "RAA", "2025-07-01"),), True),  # after the quarter's end: no reason to be gone in it
        ((("RAB", "RX1", "2025-04-01"),), True),  # the successor isn't there either
    ],
)
def test_a_successor_excuses_an_organisation_from_the_day_it_took_over(
    published: DataFolder, successors: tuple[tuple[str, str, str], ...], is_lost: bool
) -> None:
    lost = losses(published, successors=successors, **without("RAB"))
    assert bool(lost) is is_lost


def test_an_organisation_in_another_table_than_before_is_not_lost(published: DataFolder) -> None:
    assert losses(published, places={**PLACES, "RAC": "non_acute"}) == []


def test_a_metric_that_vanishes_from_a_table_is_refused_and_one_value_is_worth_a_look(
    published: DataFolder,
) -> None:
    gone = {key: table for key, table in SCORES.items() if key not in [(c, "OF0010") for c in PLACES]}
    (fewer,) = found(published, scores=gone)
    assert [(loss.kind, loss.table_name, loss.what) for loss in fewer.refused] == [
        ("metric", "acute", "OF0010"),
        ("metric", "non_acute", "OF0010"),
    ]
    one = {key: table for key, table in SCORES.items() if key != ("RAA", "OF0010")}
    (fewer,) = found(published, scores=one)
    assert [(loss.kind, loss.codes) for loss in fewer.losses] == [("figure", ("RAA",))]
    assert not fewer.refused


def test_a_metric_that_the_framework_no_longer_has_is_not_lost(published: DataFolder) -> None:
    gone = {key: table for key, table in SCORES.items() if key[1] != "OF0010"}
    assert losses(published, scores=gone, applies=("OF0013",)) == []


def test_values_that_a_statistic_no_longer_gives_are_worth_a_look(published: DataFolder) -> None:
    (fewer,) = found(published, recomputed=frozenset({"RAA"}))
    assert [(loss.kind, loss.table_name, loss.count) for loss in fewer.losses] == [
        ("recomputed", "acute", 2),
        ("recomputed", "non_acute", 2),
    ]
    assert not fewer.refused


@settings(max_examples=40, deadline=None)
@given(lost=st.sets(st.sampled_from(sorted(PLACES))))
def test_whatever_organisations_are_missing_each_is_named_and_nothing_else_is(
    published: DataFolder, lost: set[str]
) -> None:
    named = {code for _, _, codes in losses(published, **without(*lost)) for code in codes}
    assert named == lost
    outcome = found(published, **without(*lost))
    if lost:
        with pytest.raises(SuiteFailed):
            refuse_fewer(outcome, None)
    refuse_fewer(outcome, "meant")


def test_the_refusal_says_what_is_lost_what_was_passed_over_and_what_to_do(published: DataFolder) -> None:
    with pytest.raises(SuiteFailed) as error:
        refuse_fewer(
            found(published, **without("RNA", "RNB")), None, beside=["passed over: notes.csv: not known"]
        )
    assert "the table non_acute is gone, with its 2 organisations: RNA, RNB" in str(error.value)
    assert "passed over: notes.csv: not known" in str(error.value)
    assert "--accept-fewer REASON" in str(error.value)


def test_tables_that_only_the_quarter_before_has_are_told() -> None:
    released = {str(Q1.shifted(-1)): ("acute", "ambulance")}
    with duckdb.connect(":memory:") as connection:
        build(connection)
        assert tables_of_quarter_before(connection, Q1, released) == ["ambulance"]
        assert tables_of_quarter_before(connection, Q1, {}) == []


def test_nothing_becomes_current_with_fewer_organisations_until_a_reason_is_given(data: DataFolder) -> None:
    before = hand_made.run(data, "run-1", "1.50")

    def publish_without_one(run_id: str, reason: str | None) -> None:
        identity = hand_made.identity_of("1.60")
        with writer_lock(data, run_id):
            candidate = open_candidate(data, run_id)
            with candidate.connect() as connection:
                hand_made.build_tables(connection, identity, "1.60")
                connection.execute("delete from league.league_table where organisation_code = 'ZB2'")
                hand_made.write_hand_made_release(connection, data, identity)
            publish(candidate, data, [Q1], accept_fewer=reason)

    with pytest.raises(SuiteFailed, match=r"table acute: 1 of 2 organisations are gone .*: ZB2"):
        publish_without_one("run-2", None)
    assert current_release(data) == before
    publish_without_one("run-3", "Closed, says the publisher")
    assert current_release(data)[0].organisations == 2
    (event,) = [event for event in read_events(data) if event.release_id != before[0].release_id]
    assert event.reason is not None
    assert event.reason.startswith("Closed, says the publisher (fewer than")
    assert "ZB2" in event.reason


def test_a_data_folder_without_a_release_has_nothing_to_lose(tmp_path: Path) -> None:
    assert found(DataFolder(tmp_path)) == []


def described(connection: duckdb.DuckDBPyConnection, *, region: str, **new: object) -> None:
    build(connection, **new)  # type: ignore[arg-type]
    connection.execute(
        "alter table league.league_table add column organisation_name varchar;"
        "alter table league.league_table add column region varchar;"
        "update league.league_table set organisation_name = 'The ' || organisation_code, "
        f"region = case when organisation_code in ('RAB', 'RAC') then '{region}' else 'London' end"
    )


def test_another_name_or_region_than_the_replaced_release_gave_is_worth_a_look(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(data.warehouse)) as connection:
        described(connection, region="London", release_id="old")
    with duckdb.connect(":memory:") as connection:
        described(connection, region="South West")
        (fewer,) = fewer_than_current(connection, data, [Q1])
    (loss,) = fewer.losses
    assert (loss.kind, loss.codes, loss.is_refused) == ("description", ("RAB", "RAC"), False)
    assert loss.in_words() == (
        "table acute: region isn't 'London' any more but 'South West' (the first) for 2 of 3 organisations: RAB, RAC"
    )
    refuse_fewer([fewer], None)
