"""What a change of the contract means for those who read the tables, and whether it may be made in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dagster_project.contract.odcs import NOTICE_DAYS, Document, custom

# Kinds of a change that may be made in place, each with the least part of the version that it raises.
IN_PLACE = {
    "removed": "major",
    "added": "minor",
    "widened": "minor",
    "tightened": "minor",
    "deprecated": "minor",
    "changed": "minor",
    "reworded": "patch",
}
REFUSED = "refused"
WHOLE = "contract"
# Of a column: what may not change, in the contract's words and in ours.
_FIXED = {"logicalType": "type", "physicalType": "type", "primaryKeyPosition": "place in the key"}


@dataclass(frozen=True)
class Change:
    """`kind` is one of IN_PLACE, or REFUSED; `name` a table, `table.column`, or WHOLE; `words` say what changed."""

    kind: str
    name: str
    words: str

    def __str__(self) -> str:
        return f"{self.name}: {self.words}"


def changes(before: Document, after: Document, on: date) -> list[Change]:
    """Every change from one version of the contract to the next, made known on a day, by table and column.

    A table may go once the day that its deprecation named has come. Names, types, units, keys and grain stay; what is
    never empty stays so. A description that changes counts as reworded: whoever declares it says that the meaning
    is the same.
    """
    tables, new = _by_name(before["schema"]), _by_name(after["schema"])
    found = [Change("added", name, "a new table") for name in new if name not in tables]
    for name, table in tables.items():
        found += _of_table(table, new[name], on) if name in new else [_gone(table, on)]
    parts = sorted((before.keys() | after.keys()) - {"schema", "version", "apiVersion"})
    differing = [part for part in parts if before.get(part) != after.get(part)]
    if differing:
        found.append(Change("changed", WHOLE, f"other {', '.join(differing)}"))
    return sorted(found, key=lambda change: (change.name, change.kind, change.words))


def _by_name(elements: list[Document]) -> dict[str, Document]:
    return {element["name"]: element for element in elements}


def _gone(table: Document, on: date) -> Change:
    ends = custom(table, "deprecationDate")
    if ends is not None and date.fromisoformat(ends) <= on:
        return Change("removed", table["name"], f"gone, as announced for {ends}")
    was = f"it was announced for {ends}" if ends else "it wasn't deprecated"
    return Change(REFUSED, table["name"], f"the table is gone; {was}")


def _of_table(before: Document, after: Document, on: date) -> Iterator[Change]:
    name = before["name"]
    old, new = _by_name(before["properties"]), _by_name(after["properties"])
    for column in old.keys() - new.keys():
        yield Change(REFUSED, f"{name}.{column}", "the column is gone, or has another name")
    for column in new.keys() - old.keys():
        yield Change("added", f"{name}.{column}", "a new column")
    for column in old.keys() & new.keys():
        yield from _of_column(f"{name}.{column}", old[column], new[column])
    if before["description"] != after["description"]:
        yield Change("reworded", name, _from_to(before["description"], after["description"]))
    for part in ("dataGranularityDescription", "quality"):
        if before.get(part) != after.get(part):
            yield Change(REFUSED, name, f"other {part}: {_from_to(before.get(part), after.get(part))}")
    yield from _of_relationships(name, before, after)
    yield from _of_its_end(name, before, after, on)


def _of_relationships(name: str, before: Document, after: Document) -> Iterator[Change]:
    old, new = before.get("relationships", []), after.get("relationships", [])
    if any(one not in new for one in old):
        yield Change(REFUSED, name, "a column no longer names a row of another table")
    if any(one not in old for one in new):
        yield Change("tightened", name, "a column names a row of another table")


def _of_its_end(name: str, before: Document, after: Document, on: date) -> Iterator[Change]:
    old, new = custom(before, "deprecationDate"), custom(after, "deprecationDate")
    if old == new:
        return
    earliest = min(date.fromisoformat(old) if old else date.max, on + timedelta(days=NOTICE_DAYS))
    if new is not None and date.fromisoformat(new) < earliest:
        yield Change(
            REFUSED,
            name,
            f"its end is announced for {new}, which is sooner than {earliest}: {NOTICE_DAYS} days of notice",
        )
    else:
        yield Change("deprecated", name, _from_to(old or "no end", new or "no end"))


def _of_column(name: str, before: Document, after: Document) -> Iterator[Change]:
    for part, word in _FIXED.items():
        if before.get(part) != after.get(part):
            yield Change(REFUSED, name, f"another {word}: {_from_to(before.get(part), after.get(part))}")
    units = custom(before, "unit"), custom(after, "unit")
    if units[0] != units[1]:
        yield Change(REFUSED, name, f"another unit: {_from_to(*units)}")
    if before["required"] and not after["required"]:
        yield Change(REFUSED, name, "it may be empty now")
    if after["required"] and not before["required"]:
        yield Change("tightened", name, "it is never empty now")
    yield from _of_values(name, before, after)
    if before["description"] != after["description"]:
        yield Change("reworded", name, _from_to(before["description"], after["description"]))


def _of_values(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old, new = ([one["value"] for one in side.get("enum", ())] for side in (before, after))
    if old and not new:
        yield Change(REFUSED, name, "any value may stand there now")
        return
    more = [value for value in new if value not in old]
    fewer = [value for value in old if value not in new]
    if new and not old:
        yield Change("tightened", name, f"one of {', '.join(new)}")
        return
    if more:
        yield Change("widened", name, f"may also be {', '.join(more)}")
    if fewer:
        yield Change("tightened", name, f"no longer {', '.join(fewer)}")


def _from_to(before: Any, after: Any) -> str:
    return f"{before!r} before, {after!r} now"
