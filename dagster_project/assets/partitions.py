"""The quarters as Dagster's partitions: those that exist, in time, and which of them a run's tags name.

What a quarter is isn't here (`quarters.py`), nor when a new one is looked for (automation).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import dagster as dg

from dagster_project.errors import WrongUsage
from dagster_project.quarters import Quarter
from dagster_project.runs.status import quarters_at_hand
from dagster_project.settings import DataFolder

NAME = "quarter"
PARTITIONS = dg.DynamicPartitionsDefinition(name=NAME)
# Dagster's own tags on a run of one partition, or of a range of them.
PARTITION_TAG = "dagster/partition"
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
# The quarters of a run of the command, which may have gaps between them.
QUARTERS_TAG = "league/quarters"


def offer(instance: dg.DagsterInstance, quarters: Iterable[Quarter]) -> list[str]:
    """Makes partitions of the quarters, in time among those that there are; returns the keys that are new.

    Dagster keeps partitions in the order in which they came, and a range of them goes by it: whatever is later
    than a new one is put behind it again. What was materialised stays: it goes by the key.
    """
    there = list(instance.get_dynamic_partitions(NAME))
    new = sorted({str(quarter) for quarter in quarters} - set(there))
    wanted = sorted({*there, *new})
    if wanted == there:
        return []
    kept = next((place for place, key in enumerate(there) if key != wanted[place]), len(there))
    for key in there[kept:]:
        instance.delete_dynamic_partition(NAME, key)
    instance.add_dynamic_partitions(NAME, wanted[kept:])
    return new


def withdraw(instance: dg.DagsterInstance, keys: Collection[str], data: DataFolder) -> None:
    """Takes those of the partitions away that the data folder knows nothing of: no file, no release."""
    known = {str(quarter) for quarter in quarters_at_hand(data)}
    for key in sorted(set(keys) - known):
        instance.delete_dynamic_partition(NAME, key)


def tags_of(quarters: Sequence[Quarter], instance: dg.DagsterInstance) -> dict[str, str]:
    """The tags of a run over these partitions: one, or a range. Dagster has no run over partitions with others
    between them: such a run is tagged with the first, and its assets report the others themselves.
    """
    keys = [str(quarter) for quarter in sorted(set(quarters))]
    named = {QUARTERS_TAG: ",".join(keys)}
    there = list(instance.get_dynamic_partitions(NAME))
    if len(keys) > 1 and _between(there, keys[0], keys[-1]) == keys:
        return {**named, RANGE_START_TAG: keys[0], RANGE_END_TAG: keys[-1]}
    return {**named, PARTITION_TAG: keys[0]}


def quarters_of(tags: Mapping[str, str], instance: dg.DagsterInstance) -> tuple[Quarter, ...]:
    """The quarters of a Dagster run: the list that `league run` tags, one partition, or a range of them.

    Raises WrongUsage where the run has no partition, or one that is no quarter.
    """
    if QUARTERS_TAG in tags:
        keys = tags[QUARTERS_TAG].split(",")
        chosen = {tags[tag] for tag in (PARTITION_TAG, RANGE_START_TAG, RANGE_END_TAG) if tag in tags}
        if chosen - set(keys):
            raise WrongUsage(
                f"The run's tag {QUARTERS_TAG} says {', '.join(keys)}, and {', '.join(sorted(chosen))} was chosen. "
                "Remove the tag, which an earlier run left in the launchpad, and launch again."
            )
    elif PARTITION_TAG in tags:
        keys = [tags[PARTITION_TAG]]
    elif RANGE_START_TAG in tags and RANGE_END_TAG in tags:
        there = list(instance.get_dynamic_partitions(NAME))
        keys = _between(there, tags[RANGE_START_TAG], tags[RANGE_END_TAG])
    else:
        keys = []
    if not keys:
        raise WrongUsage("Choose the quarters to build: a run without a partition has none.")
    try:
        return tuple(Quarter.from_canonical(key) for key in keys)
    except ValueError as error:
        raise WrongUsage(
            f"A partition is a financial quarter: {error}. Delete that partition; quarters come by themselves, with "
            "their files."
        ) from None


def _between(keys: Sequence[str], first: str, last: str) -> list[str]:
    """The keys from one to another, as a range of Dagster's has them; none where one of both isn't there."""
    if first not in keys or last not in keys:
        return []
    return list(keys[keys.index(first) : keys.index(last) + 1])
