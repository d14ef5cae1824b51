"""Quarters as Dagster's partitions: offered in time, taken away where nothing is known, told from a run's tags."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.assets.partitions import offer, quarters_of, tags_of, withdraw
from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

Q1, Q2, Q3, Q4 = (Quarter(2025, number) for number in (1, 2, 3, 4))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def offered(instance: dg.DagsterInstance) -> list[str]:
    return list(instance.get_dynamic_partitions("quarter"))


def test_partitions_are_in_time_however_they_came(instance: dg.DagsterInstance) -> None:
    assert offer(instance, [Q4, Q2]) == ["2025-26-Q2", "2025-26-Q4"]
    assert offer(instance, [Q3, Q1, Q4]) == ["2025-26-Q1", "2025-26-Q3"]
    assert offer(instance, [Q1]) == []
    assert offered(instance) == [str(quarter) for quarter in (Q1, Q2, Q3, Q4)]


def test_only_what_nothing_is_known_of_is_taken_away(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    (tmp_path / "releases" / str(Q1) / "an-id").mkdir(parents=True)
    new = offer(instance, [Q1, Q2])
    withdraw(instance, new, DataFolder(tmp_path))
    assert offered(instance) == [str(Q1)]


@pytest.mark.parametrize("quarters", [[Q1], [Q1, Q2, Q3], [Q1, Q3], [Q3, Q1]])
def test_a_run_s_tags_give_its_quarters_back(instance: dg.DagsterInstance, quarters: list[Quarter]) -> None:
    offer(instance, [Q1, Q2, Q3])
    assert quarters_of(tags_of(quarters, instance), instance) == tuple(sorted(quarters))


def test_a_list_of_quarters_that_an_earlier_run_left_in_the_launchpad_is_refused(
    instance: dg.DagsterInstance,
) -> None:
    offer(instance, [Q1, Q2])
    left = tags_of([Q1], instance)
    with pytest.raises(WrongUsage, match="Remove the tag"):
        quarters_of({**left, "dagster/partition": str(Q2)}, instance)


def test_a_range_is_of_the_partitions_that_there_are(instance: dg.DagsterInstance) -> None:
    offer(instance, [Q1, Q4])
    tags = tags_of([Q1, Q4], instance)
    assert tags["dagster/asset_partition_range_end"] == str(Q4)
    del tags["league/quarters"]
    assert quarters_of(tags, instance) == (Q1, Q4)


def test_a_run_without_a_quarter_is_refused_and_so_is_a_partition_that_is_none(
    instance: dg.DagsterInstance,
) -> None:
    with pytest.raises(WrongUsage, match="Choose the quarters"):
        quarters_of({}, instance)
    with pytest.raises(WrongUsage, match="'spring' isn't a quarter"):
        quarters_of({"dagster/partition": "spring"}, instance)
