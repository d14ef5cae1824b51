"""The page of an organisation: a summary, the same topics in the same order, and words where a figure is missing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from published_quarters import FIRST, HOSTILE, SECOND, small_contents, with_a_gap
from read_page import ReadPage, read_page, words

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.pages import organisation
from dagster_project.publication.side_by_side import Compared
from dagster_project.publication.standing_words import (
    BEST,
    FEW,
    MIDDLE,
    SAME,
    UNRANKED,
    WORST,
    Third,
    measured,
    third_of,
)
from dagster_project.publication.words import NOT_ADJACENT
from dagster_project.shown import in_one_line

TOPICS = [
    "How sure that is",
    "What made it",
    "What changed since the quarter before",
    "What would change it",
    "Whom it could learn from, and what follows",
    "Take care",
    "History and place",
    "Take it with you",
]
# Each of these may be missing from a release that was made before there was one.
TABLES = [
    "organisation",
    "metric_ranking",
    "domain_score",
    "not_told_apart",
    "segment_probability",
    "caveat",
    "movement",
    "movement_total",
    "movement_beyond_chance",
    "metric",
    "league_table",
]


def page_of(content: QuarterContent, code: str) -> ReadPage:
    return read_page(organisation.of_quarter(content), addresses.organisation(content.quarter, code))


def lasting_page(contents: Contents, code: str) -> ReadPage:
    return read_page(organisation.of_all(contents), addresses.organisation_in_all(code))


def lasting_page_of(content: QuarterContent, code: str) -> ReadPage:
    return lasting_page(Contents((*content.earlier, content)), code)


def changed(content: QuarterContent, table: str, code: str, **values: Any) -> None:
    """Gives an organisation's rows of a table other values."""
    for row in content.find(table, organisation_code=code):
        assert isinstance(row, dict)
        row |= values


def headings(page: ReadPage) -> list[str]:
    return [words(one) for one in page.root.findall(".//main//h2")]


def test_the_topics_are_the_same_in_the_same_order_for_everyone(tmp_path: Path) -> None:
    content = small_contents(tmp_path).newest
    for code in ("ZA1", "ZA6", "ZB1"):
        assert headings(page_of(content, code))[-len(TOPICS) :] == TOPICS


def test_the_summary_says_place_range_and_segment_in_words_first(tmp_path: Path) -> None:
    text = page_of(small_contents(tmp_path).newest, "ZA3").text
    assert "Hospital 3 of Nowhere ranks 3 of 7 acute trusts." in text
    assert "Place 3rd of 7 among acute trusts" in text
    assert "It could be anywhere from 1st to 5th." in text
    assert "The figures can't tell it apart from 4 others." in text
    assert text.index("ranks 3 of 7") < text.index("It could be anywhere") < text.index("What made it")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({}, "a deficit doesn't hold it back"),
        ({"financial_override": True}, "That changes nothing here"),
        (
            {"financial_override": True, "unadjusted_segment": 1, "adjusted_segment": 3},
            "by its average alone it would be in segment 1, best",
        ),
    ],
)
def test_the_override_is_said_plainly(tmp_path: Path, place: dict[str, Any], says: str) -> None:
    content = small_contents(tmp_path).newest
    changed(content, "league_table", "ZA3", **place)
    assert says in page_of(content, "ZA3").text


def test_where_the_publisher_decided_otherwise_the_figures_and_the_decision_are_both_said(
    tmp_path: Path,
) -> None:
    content = small_contents(tmp_path).newest
    changed(content, "league_table", "ZA3", final_segment=5, financial_override=True)
    page = page_of(content, "ZA3")
    assert (
        "That is by the figures: segment 2. The publisher placed it in segment 5, in special support."
        in page.text
    )
    (tile,) = page.marked("id=stands")
    assert (
        "Segment 5 - in special support by the figures segment 2; the publisher placed it in segment 5"
        in tile
    )
    assert "its segment by the figures would be the same without" in tile
    before = page.text.index("is by the figures, before that decision: the publisher placed it in segment 5")
    assert before < page.text.index("the segment is 2 in 80.0 % ")
    assert "before the publisher placed it in segment 5" in page.marked("id=chart-segments-ZA3")[0]
    (row,) = (one for one in lasting_page_of(content, "ZA3").rows("Its places") if one[0] == content.label)
    assert row[3].endswith("by the figures segment 2; the publisher placed it in segment 5")
    others = page_of(content, "ZA4").text
    assert "by the figures" not in others
    assert "before that decision" not in others


@pytest.mark.parametrize(
    ("rank", "size", "third"),
    [
        (1, 9, BEST),
        (3, 9, BEST),
        (4, 9, MIDDLE),
        (6, 9, MIDDLE),
        (7, 9, WORST),
        (9, 9, WORST),
        (4, 10, MIDDLE),
        (8, 10, WORST),
        (1, 5, FEW),
        (None, 9, UNRANKED),
    ],
)
def test_a_third_is_of_the_ranks_and_few_are_not_compared(rank: int | None, size: int, third: Third) -> None:
    assert third_of({"rank_in_table": rank, "organisations_ranked": size}) == third


@pytest.mark.parametrize(
    ("rank", "sharing", "size", "third"),
    [
        (15, 35, 61, SAME),
        (1, 4, 9, SAME),
        (1, 3, 9, BEST),
        (3, 2, 9, MIDDLE),
        (3, 3, 9, MIDDLE),
        (6, 3, 9, WORST),
        (6, 2, 9, MIDDLE),
        (7, 3, 9, WORST),
        (2, 3, 9, BEST),
        (1, 5, 5, FEW),
    ],
)
def test_those_that_share_a_rank_are_judged_by_the_middle_of_their_places(
    rank: int, sharing: int, size: int, third: Third
) -> None:
    assert third_of({"rank_in_table": rank, "organisations_ranked": size}, sharing) == third


def test_where_most_have_one_value_none_of_them_is_among_a_third(tmp_path: Path) -> None:
    content = small_contents(tmp_path).newest
    for code in ("ZA3", "ZA4", "ZA5"):
        changed(content, "metric_ranking", code, rank_in_table=3)
    page = page_of(content, "ZA3")
    (line,) = page.rows("Metrics: People and workforce")
    assert line[2] == "= the same as many others 3rd of 7; 3 have the same value"
    assert page.marked('data-derived="thirds"') == [
        "▲ 0 among the best third ● 0 about the middle ▼ 0 among the worst third = 2 the same as many others"
    ]
    by_side = Compared(content, "acute").cells("ZA3")["metric:OF0082"]
    assert by_side.note == "= the same as many others"


def test_how_many_are_among_which_third_is_counted_from_the_ranks(tmp_path: Path) -> None:
    """What holds `data-derived="thirds"`."""
    content = small_contents(tmp_path).newest
    for code in content.places:
        (said, *more) = page_of(content, code).marked('data-derived="thirds"') or [""]
        assert not more
        ranks = [
            (row["rank_in_table"], row["organisations_ranked"])
            for row in content.find("metric_ranking", organisation_code=code)
            if row["organisations_ranked"] >= 6
        ]
        best = sum(rank <= size / 3 for rank, size in ranks)
        worst = sum(rank - 1 >= size * 2 / 3 for rank, size in ranks)
        middle = len(ranks) - best - worst
        expected = (
            f"▲ {best} among the best third ● {middle} about the middle ▼ {worst} among the worst third"
        )
        assert said == (expected if ranks else "")


def test_a_chart_stands_with_its_words_and_its_picture(tmp_path: Path) -> None:
    """What holds `data-derived="chart"` on these pages; that a chart's numbers are released ones its own tests hold."""
    content = small_contents(tmp_path).newest
    page = page_of(content, "ZA3")
    chart = organisation.charts.domain_profile(content, "ZA3")
    assert chart is not None
    (figure,) = (one for one in page.root.iter("figure") if one.attrib["id"] == f"chart-{chart.name}")
    assert figure.attrib["data-derived"] == "chart"
    assert in_one_line(chart.alt) in words(figure)
    assert [one for one in figure.iter() if str(one.tag).endswith("svg")]


def test_each_metric_leads_to_its_page_and_each_figure_to_its_derivation(tmp_path: Path) -> None:
    page = page_of(small_contents(tmp_path).newest, "ZA3")
    assert page.links["Sickness absence rate"] == "../metrics/OF0082.html"
    value = next(
        one for one in page.root.iter("data") if one.attrib["data-cell"] == "metric_score|ZA3|OF0082|value"
    )
    assert words(value) == "7.25 %"
    link = next(one for one in page.root.iter("a") if value in list(one))
    assert link.attrib["href"] == "../derivations/ZA3.html#OF0082"
    (line,) = page.rows("Metrics: People and workforce")
    assert line[2:4] == ["● about the middle 3rd of 7", "5.25 to 9.25 middle 8.25"]


def test_why_a_figure_is_missing_is_said(tmp_path: Path) -> None:
    content = small_contents(tmp_path).newest
    rules = content.rows("framework_rule")
    assert isinstance(rules, list)
    rules += [
        {"rule_table": "metric_applicability", "rule_key": f"{metric} acute", "rule_value": value}
        for metric, value in (("OF0010", "required"), ("OF0082", "where the service is provided"))
    ]
    scores = content.rows("metric_score")
    assert isinstance(scores, list)
    scores[:] = [
        row
        for row in scores
        if row["organisation_code"] != "ZA3" or row["metric_id"] not in ("OF0010", "OF0082")
    ]
    page = page_of(content, "ZA3")
    assert (
        "No figure: Urgent referrals with cancer ruled out within 28 days. The publisher's files have none for it. "
        "Perhaps it doesn't do this: they don't say."
    ) in page.text
    assert "No figure: Sickness absence rate. It counts only for those that provide the service" in page.text
    assert page.rows("Metrics: Effectiveness")[0][1:4] == [
        "score only",
        "– not ranked: only a score",
        "none",
    ]


def test_an_organisation_with_figures_and_no_place_has_a_page_that_says_why(tmp_path: Path) -> None:
    page = page_of(small_contents(tmp_path).newest, "ZA8")
    assert "It has no place in a league table of this quarter. A place needs an average" in page.text
    assert headings(page) == ["What made it", "History and place", "Take it with you"]
    assert page.rows("Metrics: People")[0][1] == "4.25 %"
    assert page.links["Board pack"] == "../workbooks/ZA8.xlsx"
    assert page.links["All its figures for programs"] == f"../../data/v1/{SECOND}/organisations/ZA8.json"


def test_what_isnt_known_of_an_organisation_is_said(tmp_path: Path) -> None:
    text = page_of(small_contents(tmp_path).newest, "ZA6").text
    assert "How sure this place is isn't known: no likely places were worked out." in text
    assert "How sure that is can't be said: no likely range was drawn for it." in text
    assert "not in the reference data" in text


@pytest.mark.parametrize("table", TABLES)
def test_pages_are_valid_where_a_release_was_made_without_a_table(tmp_path: Path, table: str) -> None:
    contents = small_contents(tmp_path, without=[table])
    for content in contents.quarters:
        assert page_of(content, "ZA3").heading
    assert lasting_page(contents, "ZA3").heading


def test_a_first_quarter_says_that_there_is_none_before_and_knows_none_after(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    first = page_of(contents.quarters[0], "ZA3")
    assert "Nothing can be said: no earlier quarter here has a place of it." in first.text
    assert not [address for address in first.links.values() if SECOND in address]
    second = page_of(contents.newest, "ZA1")
    assert "It was 1st and is now 2nd. That change is within what chance can do" in second.text
    assert [line[0] for line in second.rows("Its places until")] == [
        "July to September 2025",
        "April to June 2025",
    ]


def test_where_the_quarter_just_before_isnt_here_no_change_is_worked_out(tmp_path: Path) -> None:
    text = page_of(with_a_gap(tmp_path).newest, "ZA1").text
    assert f"What changed since the quarter before {NOT_ADJACENT}" in text
    assert "no earlier quarter" not in text


def test_one_without_a_place_in_the_quarter_just_before_says_so(tmp_path: Path) -> None:
    content = small_contents(tmp_path).newest
    without = "Nothing can be said: it has no place in the quarter just before."
    assert without in page_of(content, "ZA7").text
    del content.earlier[0].places["ZA3"]  # type: ignore[attr-defined]
    for row in content.find("movement_total", organisation_code="ZA3"):
        assert isinstance(row, dict)
        row |= {"figure_before": None, "change": None, "is_in": True}
    text = page_of(content, "ZA3").text
    assert without in text
    assert "It was " not in text


def test_a_hostile_name_is_text(tmp_path: Path) -> None:
    contents = small_contents(tmp_path, names={"ZA3": HOSTILE})
    for page in (page_of(contents.newest, "ZA3"), lasting_page(contents, "ZA3")):
        assert page.heading.startswith(in_one_line(HOSTILE))
        assert not [one for one in page.root.iter("script") if "src" not in one.attrib]
        assert "\u202e" not in page.text


def test_the_lasting_page_has_the_newest_place_first_and_every_quarter(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    page = lasting_page(contents, "ZA1")
    assert (
        "In July to September 2025 it was 2nd of 7 acute trusts. It could be anywhere from 1st to 4th."
        in page.text
    )
    assert [line[:2] for line in page.rows("Its places")] == [
        ["July to September 2025", "2nd of 7"],
        ["April to June 2025", "1st of 6"],
    ]
    assert page.links["April to June 2025"] == f"../{FIRST}/organisations/ZA1.html"
    assert "in one quarter only" in lasting_page(contents, "ZA7").text
    assert "It has no place in a league table of any quarter here" in lasting_page(contents, "ZA8").text


def test_former_names_and_mergers_are_told_with_links_to_whom_there_is_a_page_of(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    changed(contents.newest, "organisation", "ZA1", organisation_name="Renamed Hospital")
    changed(contents.newest, "organisation", "ZA2", successor_code="ZA1", succeeded_on="2025-10-01")
    changed(contents.newest, "organisation", "ZA3", successor_code="ZZ9")
    page = lasting_page(contents, "ZA1")
    assert page.heading == "Renamed Hospital All quarters"
    assert "Hospital 1 of Nowhere NHS Trust (from April to June 2025)" in page.text
    assert "Hospital 2 of Nowhere NHS Trust (code ZA2) became part of it on 2025-10-01." in page.text
    assert page.links["Hospital 2 of Nowhere NHS Trust"] == "ZA2.html"
    assert "It became part of Renamed Hospital on 2025-10-01." in lasting_page(contents, "ZA2").text
    assert "the organisation with the code ZZ9" in page_of(contents.newest, "ZA3").text


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        ("62.240000", "percent", "62.24 %"),
        ("4.000000", "count", "4"),
        ("6.420000", "out of 10", "6.42 out of 10"),
        ("11", "minutes", "11 minutes"),
        ("100", "rate", "100"),
        (None, "percent", "not published"),
    ],
)
def test_a_value_is_said_with_its_unit_and_without_idle_zeroes(
    value: str | None, unit: str, said: str
) -> None:
    assert measured(None if value is None else Decimal(value), unit) == said


def test_the_same_release_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again = (
        [(one.path, one.content) for one in organisation.of_quarter(small_contents(tmp_path / name).newest)]
        for name in ("first", "again")
    )
    assert first == again


def test_what_rests_on_later_quarters_too_stands_on_the_lasting_page_alone(tmp_path: Path) -> None:
    """Limits and runs of a metric change with every new quarter; a quarter's page stays as it is."""
    contents = small_contents(tmp_path)
    lasting, of_quarter = lasting_page(contents, "ZA3"), page_of(contents.newest, "ZA3")
    sentence = "No metric has a chart over the quarters."
    assert sentence in lasting.text
    assert sentence not in of_quarter.text
    assert "Each metric over the quarters" in headings(lasting)
    assert of_quarter.links["over all quarters"] == "../../organisations/ZA3.html#metrics"
