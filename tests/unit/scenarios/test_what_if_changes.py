"""What is typed after `league what-if ORGANISATION QUARTER`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest

from dagster_project.errors import InputMissing, WrongUsage
from dagster_project.scenarios.what_if.changes import (
    Change,
    refuse_incomplete_pools,
    refuse_what_cannot_change,
    typed_changes,
)


@pytest.fixture
def release() -> Iterator[duckdb.DuckDBPyConnection]:
    """A has a value in OF0013 and a score alone in OF0067; rules score from 1 to 4."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema released; create schema scenario; create schema methodology")
        connection.execute(
            "create table released.metric_score as from (values ('A', 'OF0013', 77.5), ('A', 'OF0067', null)) "
            "scores(organisation_code, metric_id, value)"
        )
        connection.execute(
            "create table methodology.metric_rule as from (values (1, 2, null, 4)) "
            "rules(score_if_met, score_best, score_if_failed, score_worst)"
        )
        yield connection


def test_a_change_is_a_figure_and_a_number() -> None:
    assert typed_changes(["of0013=78.5", " OF5004 = 0 ", "OF0010=80%"]) == [
        Change("OF0013", Decimal("78.5")),
        Change("OF5004", Decimal(0)),
        Change("OF0010", Decimal(80)),
    ]


@pytest.mark.parametrize(
    "text", ["OF0013", "OF0013=", "OF0013=good", "OF0013=nan", "OF13=1", "=5", "OF0013:5"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match=r"such as OF0013=78\.5"):
        typed_changes([text])


def test_a_figure_has_one_value() -> None:
    with pytest.raises(WrongUsage, match="OF0013 is given twice"):
        typed_changes(["OF0013=1", "of0013=2"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("OF0099=1", "no figure OF0099.*OF0013, OF0067"),
        ("OF4013=1", "no figure OF4013"),
        ("OF0067=2", "score only: change OF1067"),
        ("OF1013=2", "has a published value.*change OF0013"),
        ("OF1067=5", "from 1 .best. to 4"),
        ("OF1067=0.99", "from 1 .best. to 4"),
        ("OF5004=2", "1 .the override holds. or 0"),
    ],
)
def test_a_change_with_nothing_to_work_on_says_what_would_be(
    release: duckdb.DuckDBPyConnection, text: str, says: str
) -> None:
    with pytest.raises(WrongUsage, match=says):
        refuse_what_cannot_change(release, "A", typed_changes([text]))


@pytest.mark.parametrize("text", ["OF0013=80", "OF1067=1", "OF1067=4", "OF5004=1"])
def test_what_can_change_passes(release: duckdb.DuckDBPyConnection, text: str) -> None:
    refuse_what_cannot_change(release, "A", typed_changes([text]))


def test_a_pool_that_is_not_whole_gives_no_score_for_another_value(
    release: duckdb.DuckDBPyConnection,
) -> None:
    release.execute(
        "create table scenario.scenario_figure as "
        "from (values ('OF0082', false), ('OF0013', true)) f(metric_id, is_whole)"
    )
    refuse_incomplete_pools(release, typed_changes(["OF0013=80"]))
    with pytest.raises(InputMissing, match="OF0082 is ranked in a pool that isn't wholly loaded"):
        refuse_incomplete_pools(release, typed_changes(["OF0082=4"]))
