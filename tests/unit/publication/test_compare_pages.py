"""Comparisons: who can be told apart, the same topics for all, and what the script knows, against the release."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from published_quarters import HOSTILE, SECOND, small_contents
from read_page import read_page, words

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents
from dagster_project.publication.pages import compare
from dagster_project.publication.side_by_side import APART, SAME, UNKNOWN, Compared, SideBySide
from dagster_project.publication.usual_comparisons import usual_comparisons
from dagster_project.shown import in_one_line


def acute(contents: Contents) -> Compared:
    return Compared(contents.newest, "acute")


def known_to_the_script(contents: Contents, table: str) -> dict[str, Any]:
    """What the script of a league table tells the page."""
    (script,) = (
        one.content.decode()
        for one in compare.of_all(contents)
        if one.path.startswith(f"compare/{table}-") and one.path.endswith(".js")
    )
    start = "(window.comparedTables = window.comparedTables || []).push("
    assert script.startswith(start)
    assert script.endswith(");\n")
    assert not [sign for sign in "<\u2028\u2029" if sign in script]
    known: dict[str, Any] = json.loads(script.removeprefix(start).removesuffix(");\n"))
    return known


@pytest.mark.parametrize(
    ("code", "other", "verdict"),
    [("ZA1", "ZA3", SAME), ("ZA2", "ZA5", APART), ("ZA5", "ZA2", APART), ("ZA2", "ZA3", SAME)],
)
def test_two_are_told_apart_by_where_those_lie_that_cant_be_told_from_either(
    tmp_path: Path, code: str, other: str, verdict: str
) -> None:
    assert acute(small_contents(tmp_path)).verdict(code, other) == verdict


def test_where_no_ranges_are_known_nobody_is_called_better(tmp_path: Path) -> None:
    compared = acute(small_contents(tmp_path))
    assert compared.verdict("ZA1", "ZA6") == UNKNOWN
    without = acute(small_contents(tmp_path / "without", without=["not_told_apart"]))
    assert without.verdict("ZA1", "ZA3") == SAME
    assert without.verdict("ZA2", "ZA7") == APART


def test_the_topics_are_the_same_in_the_same_order_whoever_is_compared(tmp_path: Path) -> None:
    compared = acute(small_contents(tmp_path))
    first, other = (
        {
            group: [topic.label for topic, _ in lines]
            for group, lines in SideBySide(compared, codes).groups.items()
        }
        for codes in (["ZA1", "ZA2"], ["ZA4", "ZA3", "ZA5"])
    )
    assert first == other
    assert list(first)[:2] == ["Where it stands", "Scores by domain (lower is better)"]
    assert first["Where it stands"][:2] == ["Place", "Could be anywhere"]


def test_a_metric_is_compared_only_if_two_have_it_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    scores = contents.newest.rows("metric_score")
    assert isinstance(scores, list)
    scores[:] = [row for row in scores if row["organisation_code"] != "ZA2" or row["metric_id"] != "OF0082"]
    beside = SideBySide(acute(contents), ["ZA1", "ZA2"])
    assert "People and workforce" not in beside.groups
    assert beside.left_out == ["Sickness absence rate"]
    three = SideBySide(acute(contents), ["ZA1", "ZA2", "ZA3"])
    ((topic, cells),) = three.groups["People and workforce"]
    assert topic.label == "Sickness absence rate"
    assert [cell.pattern for cell in cells] == ["{}", "no figure", "{}"]


def test_where_the_publisher_decided_otherwise_both_segments_are_compared(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    place = contents.newest.places["ZA3"]
    assert isinstance(place, dict)
    place["final_segment"] = 5
    cell = acute(contents).cells("ZA3")["segment"]
    assert cell.pattern == "{} - in special support, where the publisher placed it; by the figures segment {}"
    assert [(slot.column, slot.shown) for slot in cell.slots] == [
        ("final_segment", "5"),
        ("adjusted_segment", "2"),
    ]
    (segment,) = (one for one in known_to_the_script(contents, "acute")["topics"] if one["key"] == "segment")
    assert [name.rpartition("|")[2] for name, _ in segment["refs"]] == ["final_segment", "adjusted_segment"]


def test_what_the_script_knows_is_the_release(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    known = known_to_the_script(contents, "acute")
    topics = {topic["key"]: topic for topic in known["topics"]}
    tables = {"rank": "league_table", "likely": "league_table", "apart": "not_told_apart"}
    seen = 0
    for one in known["organisations"]:
        for key, (pattern, _, *values) in one["cells"].items():
            assert known["said"][pattern].count("{}") * 2 == len(values)
            for (name, address), value in zip(topics[key]["refs"], values[::2], strict=False):
                quarter, _, rest = name.partition("/")
                table, *_, column = rest.split("|")
                assert quarter == SECOND
                assert table == tables.get(key, table)
                equal = {"organisation_code": one["code"]}
                if key.startswith("metric:"):
                    equal["metric_id"] = key.removeprefix("metric:")
                if key.startswith("domain:"):
                    equal["domain"] = key.removeprefix("domain:")
                row = contents.newest.one(table, **equal)
                assert row is not None
                assert Decimal(value) == row[column]
                assert address.startswith(f"../{SECOND}/derivations/CODE.html#")
                seen += 1
    assert seen > 60


def test_the_scripts_data_say_that_they_are_embargoed(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    held = replace(contents, quarters=(replace(contents.newest, is_embargoed=True),))
    assert known_to_the_script(held, "acute")["notice"].startswith("EMBARGOED")
    assert known_to_the_script(contents, "acute")["notice"] == contents.notice


def test_names_in_the_script_are_text_that_ends_neither_script_nor_line(tmp_path: Path) -> None:
    contents = small_contents(tmp_path, names={"ZA3": f"{HOSTILE}\u2028</script>"})
    names = {one["code"]: one["name"] for one in known_to_the_script(contents, "acute")["organisations"]}
    assert names["ZA3"] == in_one_line(f"{HOSTILE}\u2028</script>")


def test_usual_comparisons_are_neighbours_and_bounded(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    found = list(usual_comparisons(contents))
    assert all(2 <= len(one.codes) <= 4 for one in found)
    assert max(Counter(code for one in found for code in one.codes).values()) == 2
    assert {code for one in found for code in one.codes} == {f"ZA{n}" for n in range(1, 8)}
    (london,) = (one for one in found if "London" in one.title)
    assert london.codes == ["ZA2", "ZA1", "ZA3"]
    assert len({one.address for one in found}) == len(found)


@pytest.mark.parametrize(
    ("column", "other"), [("organisation_subtype", "Acute \N{EN DASH} Small"), ("region", "LONDON")]
)
def test_two_spellings_of_a_kind_or_region_are_one_in_the_order_of_ranks(
    tmp_path: Path, column: str, other: str
) -> None:
    contents = small_contents(tmp_path)
    expected = list(usual_comparisons(contents))
    places = contents.newest.rows("league_table")
    assert isinstance(places, list)
    places[:] = [
        {**row, column: other}
        if row["organisation_code"] == "ZA1" and addresses.slug(row[column]) == addresses.slug(other)
        else row
        for row in places
    ]
    assert other in {row[column] for row in places}
    found = list(usual_comparisons(contents))
    assert [(one.address, one.codes) for one in found] == [(one.address, one.codes) for one in expected]
    paths = [one.path for one in compare.of_all(contents)]
    assert len(set(paths)) == len(paths)


def test_a_usual_comparison_needs_no_script_and_says_who_cant_be_told_apart(tmp_path: Path) -> None:
    contents = small_contents(tmp_path, names={"ZA2": HOSTILE})
    (london,) = (one for one in usual_comparisons(contents) if "London" in one.title)
    page = read_page(compare.of_all(contents), london.address)
    assert not list(page.root.iter("script"))
    assert "None of them can be told apart from another" in page.text
    rows = page.rows("Acute trusts in London")
    assert rows[1] == ["Place", "1st of 7", "2nd of 7", "3rd of 7"]
    assert page.links[in_one_line(HOSTILE)] == f"../{SECOND}/organisations/ZA2.html"


def test_the_page_that_compares_lists_the_usual_ones_for_whoever_has_no_script(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    page = read_page(compare.of_all(contents), addresses.COMPARE)
    usual = [one.title for one in usual_comparisons(contents)]
    assert set(usual) <= set(page.links)
    assert "needs JavaScript" in words(next(page.root.iter("noscript")))
    assert [one.attrib["src"] for one in page.root.iter("script")][:2] == sorted(
        one.path.removeprefix("compare/") for one in compare.of_all(contents) if one.path.endswith(".js")
    )
