"""Two to four organisations side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from dagster_project.publication import addresses, words
from dagster_project.publication.contents import Contents, Row
from dagster_project.publication.figures import cell_id, explained_at
from dagster_project.publication.rendering import Produced, page
from dagster_project.publication.side_by_side import Cell, Compared, SideBySide, Topic
from dagster_project.publication.usual_comparisons import all_tables, newest_with, usual_comparisons
from dagster_project.shown import in_one_line, json_text

# Stands for an organisation's code in the addresses and cell names that the script fills in.
_CODE = "CODE"


def of_all(contents: Contents) -> Iterator[Produced]:
    """The page that compares by its address with what it knows, and the usual comparisons."""
    tables = [Compared(newest_with(contents, name), name) for name in all_tables(contents)]
    data = [_data(one) for one in tables]
    yield from data
    usual = list(usual_comparisons(contents))
    yield page(
        "compare.html.j2",
        addresses.COMPARE,
        contents,
        data=[one.path for one in data],
        usual={
            table.table_name: [one for one in usual if one.table_name == table.table_name] for table in tables
        },
    )
    by_name = {one.table_name: one for one in tables}
    for one in usual:
        compared = by_name[one.table_name]
        yield page(
            "compare_usual.html.j2",
            one.address,
            contents,
            comparison=one,
            beside=SideBySide(compared, one.codes),
            quarter=compared.content,
        )


def _data(compared: Compared) -> Produced:
    """What the script knows of a league table, as a script of its own: a page on a disk can't fetch."""
    content = compared.content
    refs: dict[str, Any] = {}
    organisations = []
    # Patterns and notes are the same for many cells: each is told once, and a cell names its number.
    said: dict[str, int] = {}
    for code in compared.codes:
        cells = compared.cells(code)
        place, reach = content.places[code], compared.reach(code)
        for key, cell in cells.items():
            # The same for all of the table but for the code; some have one released cell more.
            if len(cell.slots) > len(refs.get(key, ())):
                refs[key] = _refs(cell)
        organisations.append(
            {
                "code": code,
                "name": in_one_line(place["organisation_name"] or code),
                "rank": place["rank"],
                "reach": reach,
                "cells": {key: _plain(cell, said) for key, cell in cells.items()},
            }
        )
    known = {
        "notice": content.notice,
        "said": list(said),
        "table": compared.table_name,
        "tableName": words.table_name(compared.table_name),
        "quarter": content.quarter,
        "label": content.label,
        "topics": [_topic(compared, topic, refs.get(topic.key)) for topic in compared.topics],
        "organisations": organisations,
    }
    # A name may not end the script, nor may a line separator end the line.
    text = json_text(known).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    script = f"(window.comparedTables = window.comparedTables || []).push({text});\n".encode()
    digest = hashlib.sha256(script).hexdigest()[:10]
    return Produced(addresses.compared_data(compared.table_name, digest), script)


def _topic(compared: Compared, topic: Topic, refs: Any) -> Mapping[str, Any]:
    leads = addresses.metric(compared.content.quarter, topic.metric_id) if topic.metric_id else ""
    return {
        "key": topic.key,
        "group": topic.group,
        "label": in_one_line(topic.label),
        "hint": topic.hint,
        "href": addresses.link(addresses.COMPARE, leads) if leads else "",
        "refs": refs or [],
    }


def _plain(cell: Cell, said: dict[str, int]) -> list[int | str]:
    """The numbers of pattern and note, then of each released cell its value, and its text where that is another."""
    found: list[int | str] = [said.setdefault(text, len(said)) for text in (cell.pattern, cell.note)]
    for slot in cell.slots:
        value = words.plain(slot.row[slot.column])
        found += [value, "" if slot.shown == value else slot.shown]
    return found


def _refs(cell: Cell) -> list[list[str]]:
    """The name and the derivation's address of each released cell, with CODE for the organisation's."""
    found = []
    for slot in cell.slots:
        row: Row = {**slot.row, "organisation_code": _CODE}
        there = explained_at(slot.table, row, slot.column) or ""
        href = addresses.link(addresses.COMPARE, there) if there else ""
        found.append([cell_id(slot.table, row, slot.column), href])
    return found
