"""Charts: what they show is what the release has, in the picture, in words and in the table beside it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest
from published_quarters import FIRST, HOSTILE, SECOND, Rows, small_contents, write_release

from dagster_project.publication import charts
from dagster_project.publication.charts import Cell, Chart
from dagster_project.publication.charts.files import PALETTE, of_quarter, standalone
from dagster_project.publication.contents import Contents, QuarterContent, contents_of
from dagster_project.publication.rendering import environment, figures
from dagster_project.reading.board_rows import sentences

OF_ONE = (
    charts.positions,
    charts.domain_profile,
    charts.segment_probabilities,
    charts.hangs_on,
    charts.trend,
    charts.metric_trends,
    charts.movement,
)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
# What a scale says at its marks isn't a figure of the release.
SCALE = "t-axis"
STYLE = Path(charts.__file__).parents[1] / "web" / "_charts.scss"
INK_AND_GROUND = {"light": ("#16262a", "#ffffff"), "dark": ("#e9eeee", "#12191b")}


def with_more(folder: Path, contents: Contents, more: Mapping[str, Rows]) -> Contents:
    """The contents with these rows in place of the newest quarter's tables."""
    before = contents.quarters[0].release
    newest = contents.newest
    files = newest.release.release_file["files"]
    names = {name.removesuffix(".parquet") for name in files if name.endswith(".parquet")}
    tables: dict[str, Rows] = {name: newest.rows(name) for name in names if name not in more}
    written = write_release(folder / "more", SECOND, tables | dict(more))
    return contents_of([(before, False), (written, False)], newest.warehouse)


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """The small world, and in its newest quarter what would change a place, and standards."""
    folder = tmp_path_factory.mktemp("charts")
    of_all = {"table_name": "acute", "compared_with": "every table", "metric_count": 2}
    choices = (("equal_domain_weights", None, 2, 0), ("without_metric", "OF0010", 3, 1))
    sensitivity = [
        of_all
        | {"organisation_code": "ZA1", "choice": choice, "subject": subject, "rank": rank}
        | {"rank_change": change, "adjusted_segment": 1, "unadjusted_segment": 1}
        for choice, subject, rank, change in choices
    ]
    influence = [
        {"table_name": "acute", "organisation_code": "ZA1", "metric_id": "OF0010", "influence_rank": 1}
        | {"rank_change": 1, "segment_change": 0, "average_change": "0.1"}
    ]
    steps = [
        {"table_name": "acute", "organisation_code": code, "metric_id": "OF0010", "standard": "75.000000"}
        for code in ("ZA1", "ZA2")
    ]
    more = {"sensitivity": sensitivity, "metric_influence": influence, "metric_step": steps}
    return with_more(folder, small_contents(folder), more)


@pytest.fixture(scope="module")
def newest(contents: Contents) -> QuarterContent:
    return contents.newest


def all_charts(content: QuarterContent, code: str = "ZA1") -> list[Chart]:
    found = [
        *(draw(content, code) for draw in OF_ONE),
        charts.ranked_dots(content, "acute"),
        charts.ranked_dots(content, "acute", code),
        charts.distribution(content, "acute", "OF0010"),
        charts.distribution(content, "acute", "OF0010", code),
    ]
    return [chart for chart in found if chart is not None]


def said_in(chart: Chart) -> Iterator[tuple[str, str]]:
    """Each text of the picture with its class."""
    root = ElementTree.fromstring(chart.svg)
    parents = {child: parent for parent in root.iter() for child in parent}
    for text in root.iter("text"):
        kind = text.get("class") or parents[text].get("class") or ""
        yield kind, " ".join(text.itertext())


def numbers(text: str) -> set[str]:
    return set(NUMBER.findall(text))


def shown(cell: str | Cell) -> str:
    """A cell of a chart's table as a page says it, with the cell itself."""
    if isinstance(cell, str):
        return cell
    return f"{cell.row[cell.column]} {cell.shown or ''}"


def column(chart: Chart, number: int) -> list[Any]:
    return [
        one.row[one.column] if isinstance(one, Cell) else one for one in (row[number] for row in chart.rows)
    ]


def test_all_charts_of_an_organisation_are_there(newest: QuarterContent) -> None:
    assert [chart.name for chart in all_charts(newest)] == [
        "positions-ZA1",
        "domains-ZA1",
        "segments-ZA1",
        "hangs-on-ZA1",
        "trend-ZA1",
        "metric-trends-ZA1",
        "movement-ZA1",
        "ranks-acute",
        "ranks-acute-ZA1",
        "values-OF0010-acute",
        "values-OF0010-acute-ZA1",
    ]


def test_each_number_in_a_picture_stands_in_the_table_beside_it(newest: QuarterContent) -> None:
    for chart in all_charts(newest):
        beside = set().union(*(numbers(shown(cell)) for row in chart.rows for cell in row))
        told = [text for kind, text in said_in(chart) if SCALE not in kind]
        assert told, chart.name
        named = numbers(" ".join([*("ZA1", "ZA2"), *(str(row[0]) for row in chart.rows)]))
        assert set().union(*map(numbers, told)) <= beside | named, chart.name


def test_each_cell_beside_a_picture_is_a_released_one(contents: Contents) -> None:
    for chart in all_charts(contents.newest):
        cells = [cell for row in chart.rows for cell in row if isinstance(cell, Cell)]
        assert cells, chart.name
        for cell in cells:
            of_its_quarter = contents.of(cell.row["quarter"])
            assert of_its_quarter is not None
            assert any(cell.row is row for row in of_its_quarter.rows(cell.table)), (chart.name, cell.table)
            assert cell.column in cell.row
        assert {len(row) for row in chart.rows} == {len(chart.headings)}, chart.name


def test_positions_show_every_score_and_how_many_lie_apart_from_the_middle_half(
    newest: QuarterContent,
) -> None:
    chart = charts.positions(newest, "ZA1")
    assert chart is not None
    of_it = newest.find("metric_score", organisation_code="ZA1")
    assert column(chart, 0) == [
        "Urgent referrals with cancer ruled out within 28 days",
        "Summary hospital-level mortality indicator",
        "Sickness absence rate",
    ]
    assert sorted(column(chart, 1)) == sorted(row["metric_score"] for row in of_it)
    assert column(chart, 2) == [2, "not ranked", 2]
    assert chart.alt == (
        "Scores of Hospital 1 of Nowhere NHS Trust on 3 metrics, from 1, the best, to 4, the worst. On 0 it does "
        "better than the middle half of its table, on 0 worse; on 3 it is among the middle half."
    )
    without_a_place = charts.positions(newest, "ZA8")
    assert without_a_place is not None
    assert "Hospital 8 of Nowhere NHS Trust on 3 metrics" in without_a_place.alt
    assert "On 3 it does better" in without_a_place.alt


def test_an_organisation_without_a_score_of_a_metric_is_told_so(tmp_path: Path) -> None:
    small = small_contents(tmp_path)
    scores = [
        {**row, "metric_score": None} if row["metric_id"] == "OF0082" else row
        for row in small.newest.rows("metric_score")
    ]
    chart = charts.positions(with_more(tmp_path, small, {"metric_score": scores}).newest, "ZA1")
    assert chart is not None
    assert len(chart.rows) == 2
    assert chart.notes == ("Without a score, and so not in the picture: Sickness absence rate.",)


def test_domains_name_the_best_and_the_worst(newest: QuarterContent) -> None:
    chart = charts.domain_profile(newest, "ZA1")
    assert chart is not None
    assert column(chart, 0) == [
        "Access to services",
        "Effectiveness and experience of care",
        "People and workforce",
    ]
    assert (
        "in 3 domains, from 1, the best, to 4, the worst. Its best is Access to services with 1.80"
        in chart.alt
    )


def test_segment_shares_are_those_of_the_draws(newest: QuarterContent) -> None:
    chart = charts.segment_probabilities(newest, "ZA1")
    assert chart is not None
    assert column(chart, 2) == [
        row["times"] for row in newest.find("segment_probability", organisation_code="ZA1")
    ]
    assert [cell.shown for _, cell, *_ in chart.rows if isinstance(cell, Cell)] == [
        "80.0%",
        "20.0%",
        "0.0%",
        "0.0%",
    ]
    assert chart.alt == (
        "Chance in which metrics are counted puts Hospital 1 of Nowhere NHS Trust in segment 1 in 80.0% and segment 2 "
        "in 20.0% of the draws."
    )


@pytest.mark.parametrize(
    ("probability", "said"),
    [("0.999900", "100.0"), ("0.788150", "78.8"), ("0.147500", "14.8"), ("0.02", "2.0")],
)
def test_a_segment_share_is_rounded_as_in_the_boards_sentence(
    tmp_path: Path, probability: str, said: str
) -> None:
    content = small_contents(tmp_path).newest
    first, *_, last = content.find("segment_probability", organisation_code="ZA1")
    assert isinstance(first, dict)
    first |= dict.fromkeys(("probability", "probability_before_override"), Decimal(probability))
    assert isinstance(last, dict)
    last["probability"] = Decimal("0.000100")
    chart = charts.segment_probabilities(content, "ZA1")
    assert chart is not None
    assert shown(chart.rows[0][1]).endswith(f" {said}%")
    assert f"segment 1 in {said}% and segment 2 in 20.0% of the draws" in chart.alt
    heading = "Without the override"
    assert f"1 in {said} %" in sentences(content, content.places["ZA1"], [heading])[heading]


def test_what_a_place_hangs_on_is_told_by_choices_and_the_most_influential_metrics(
    newest: QuarterContent,
) -> None:
    chart = charts.hangs_on(newest, "ZA1")
    assert chart is not None
    assert column(chart, 0) == [
        "If every domain counted alike",
        "Without: Urgent referrals with cancer ruled out within 28 days",
    ]
    assert column(chart, 1) == [2, 3]
    assert "ranks 2 of 7. Under the 2 other choices shown it would rank from 2 to 3." in chart.alt


def test_a_trend_goes_over_all_quarters_with_a_place(newest: QuarterContent) -> None:
    chart = charts.trend(newest, "ZA1")
    assert chart is not None
    assert column(chart, 0) == [FIRST, SECOND]
    assert column(chart, 4) == [1, 2]
    assert (
        "the average went from 1.40 to 1.80, where lower is better, and the rank from 1 of 6 to 2 of 7"
        in chart.alt
    )


def test_a_quarter_without_a_place_leaves_a_gap_in_a_trend(tmp_path: Path) -> None:
    releases = []
    for quarter in (FIRST, SECOND, "2025-26-Q3", "2025-26-Q4"):
        there = quarter != SECOND
        row = {"table_name": "acute", "organisation_code": "ZA1", "organisation_name": "One", "rank": 1}
        row |= {"average_metric_score": "2.00", "organisations_in_table": 9, "framework": "2025-26"}
        row |= {"adjusted_segment": 1, "unadjusted_segment": 1}
        releases.append(
            (write_release(tmp_path / quarter, quarter, {"league_table": [row] if there else []}), False)
        )
    chart = charts.trend(contents_of(releases, tmp_path / "none").newest, "ZA1")
    assert chart is not None
    assert column(chart, 0) == [FIRST, "2025-26-Q3", "2025-26-Q4"]
    lines = [
        one.get("d", "")
        for one in ElementTree.fromstring(chart.svg).iter()
        if one.get("class") == "s-mine w-2"
    ]
    assert "".join(lines).count("M") == 2, "the third and the fourth quarter are joined, in both panels"
    assert chart.notes == (f"No likely range is known for {FIRST}, 2025-26-Q3, 2025-26-Q4.",)


def test_a_quarter_that_isnt_known_leaves_a_gap(tmp_path: Path) -> None:
    place = {"table_name": "acute", "organisation_code": "ZA1", "organisation_name": "One", "rank": 1}
    place |= {"average_metric_score": "2.00", "organisations_in_table": 9, "framework": "2025-26"}
    place |= {"adjusted_segment": 1, "unadjusted_segment": 1}
    score = {"table_name": "acute", "organisation_code": "ZA1", "metric_id": "OF0010", "metric_name": "One"}
    score |= {"domain": "access", "unit": "percent", "value": "1.000000"}
    tables = {"league_table": [place], "metric_score": [score], "metric": []}
    releases = [
        (write_release(tmp_path / quarter, quarter, tables), False) for quarter in (FIRST, "2025-26-Q4")
    ]
    content = contents_of(releases, tmp_path / "none").newest
    for chart in (charts.trend(content, "ZA1"), charts.metric_trends(content, "ZA1")):
        assert chart is not None
        assert len(chart.rows) == 2
        drawn = ElementTree.fromstring(chart.svg)
        assert "s-mine w-2" not in {one.get("class") for one in drawn.iter()}, "nothing joins the two"
        assert chart.notes[-1] == "Quarters that this publication doesn't have leave a gap."


def test_metrics_over_quarters_show_limits_where_the_warehouse_has_them(tmp_path: Path) -> None:
    small = small_contents(tmp_path)
    without = charts.metric_trends(small.newest, "ZA1")
    assert without is not None
    assert without.notes == ("Too few quarters are known to say what is chance and what isn't.",)
    assert [(row[0], row[1]) for row in without.rows][:2] == [
        ("Urgent referrals with cancer ruled out within 28 days", FIRST),
        ("Urgent referrals with cancer ruled out within 28 days", SECOND),
    ]
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema league")
        connection.execute(
            "create table league.metric_variation as select ? as quarter, 'ZA1' as organisation_code, "
            "'OF0010' as metric_id, 70.0 as lower_limit, 78.0 as mean, 86.0 as upper_limit",
            [SECOND],
        )
        connection.execute(
            "create table league.current_release as select unnest(?) as quarter", [[FIRST, SECOND]]
        )
    current = dataclasses.replace(small.newest.release, is_current=True)
    with_limits = dataclasses.replace(
        small.newest, release=current, warehouse=warehouse, _tables={}, _indexes={}, _made={}
    )
    chart = charts.metric_trends(with_limits, "ZA1")
    assert chart is not None
    assert chart.notes == ("The band is where chance alone moves a value.",)
    assert chart.rows == without.rows


def test_a_move_is_told_cause_by_cause(newest: QuarterContent) -> None:
    chart = charts.movement(newest, "ZA1")
    assert chart is not None
    assert [shown(row[1]).split()[-1] for row in chart.rows] == ["1", "+1", "2"]
    assert chart.alt == (
        f"From rank 1 in {FIRST} to rank 2 in {SECOND}; fewer is better. The causes in places: its own new values +1."
    )
    assert "+1, down" in [text for _, text in said_in(chart)]


def test_ranked_dots_have_a_dot_for_every_organisation_and_a_line_where_a_range_is_known(
    newest: QuarterContent,
) -> None:
    chart = charts.ranked_dots(newest, "acute")
    assert chart is not None
    assert column(chart, 1) == [1, 2, 3, 4, 5, 6, 7]
    root = ElementTree.fromstring(chart.svg)
    ranges = [one.get("d", "") for one in root.iter("path") if "w-1-5" in one.get("class", "")]
    assert "".join(ranges).count("M") == 6
    assert chart.notes == ("No likely range is known of 1 of these.",)
    place = newest.places["ZA7"]
    assert isinstance(place, dict)
    place["final_segment"] = 5
    decided = charts.ranked_dots(newest, "acute")
    place["final_segment"] = place["adjusted_segment"]
    assert decided is not None
    assert decided.notes[-1] == "Segments are by the figures; the publisher placed 1 of these in another."
    marked = charts.ranked_dots(newest, "acute", "ZA3")
    assert marked is not None
    assert "ZA3: rank 3" in [text for _, text in said_in(marked)]
    assert "Hospital 3 of Nowhere NHS Trust ranks 3 with an average of 2.20." in marked.alt


def test_segments_are_told_by_shape_and_word(newest: QuarterContent) -> None:
    chart = charts.ranked_dots(newest, "acute")
    assert chart is not None
    key = {text for _, text in said_in(chart) if text.startswith("Segment")}
    assert key == {
        f"Segment {row['adjusted_segment']}" for row in newest.find("league_table", table_name="acute")
    }
    shapes: dict[str, set[str]] = {}
    root = ElementTree.fromstring(chart.svg)
    parents = {child: parent for parent in root.iter() for child in parent}
    for path in root.iter("path"):
        kind = path.get("class") or parents[path].get("class") or ""
        if kind.startswith("f-segment"):
            shapes.setdefault(kind, set()).add("".join(re.findall("[A-Za-z]", path.get("d", ""))))
    assert len(shapes) == len(key)
    outlines = [frozenset(found) for found in shapes.values()]
    assert all(len(one) == 1 for one in outlines)


def test_a_distribution_names_quartiles_standard_and_the_marked_value(newest: QuarterContent) -> None:
    chart = charts.distribution(newest, "acute", "OF0010", "ZA1")
    assert chart is not None
    of_it = newest.find("metric_ranking", table_name="acute", metric_id="OF0010")
    assert chart.alt == (
        "7 values from 73.5 to 79.5, each a dot, in percent; higher is better. A quarter below: 79.5. Middle: 76.5. "
        "A quarter above: 75.5. Standard: 75. ZA1: 78.5."
    )
    assert column(chart, 0)[:4] == ["A quarter below", "Middle", "A quarter above", "Standard"]
    assert sorted(column(chart, 1)[4:]) == sorted(row["value"] for row in of_it)
    # Where not all have the same standard, none is drawn.
    assert "Standard" not in str(charts.distribution(newest, "acute", "OF0082"))


@pytest.mark.parametrize("draw", OF_ONE)
def test_where_nothing_is_known_there_is_no_chart(newest: QuarterContent, draw: Any) -> None:
    assert draw(newest, "ZZ9") is None


def test_what_a_release_hasnt_makes_no_chart(tmp_path: Path) -> None:
    absent = ["segment_probability", "sensitivity", "movement_total", "movement", "metric_ranking"]
    bare = small_contents(tmp_path, without=absent).newest
    assert charts.segment_probabilities(bare, "ZA1") is None
    assert charts.hangs_on(bare, "ZA1") is None
    assert charts.movement(bare, "ZA1") is None
    assert charts.distribution(bare, "acute", "OF0010") is None
    assert charts.ranked_dots(bare, "icb") is None
    first = small_contents(tmp_path / "again").quarters[0]
    assert charts.trend(first, "ZA1") is None, "one quarter is no trend"
    assert charts.metric_trends(first, "ZA1") is None
    assert charts.positions(first, "ZA8") is not None, "without a place it has scores all the same"


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    content = small_contents(tmp_path, names={"ZA1": HOSTILE}).newest
    template = environment().from_string(
        '{% from "chart.html.j2" import chart with context %}{% for one in found %}{{ chart(one) }}{% endfor %}'
    )
    found = all_charts(content)
    for chart in found:
        root = ElementTree.fromstring(chart.svg)
        assert {one.tag for one in root.iter()} <= {
            "svg",
            "title",
            "desc",
            "g",
            "path",
            "line",
            "rect",
            "text",
            "tspan",
        }
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", chart.svg)
    html = template.render(found=found, figure=figures("index.html"))
    assert "<script" not in html
    assert "\u202e" not in html
    assert "&lt;script&gt;" in html


def test_a_picture_has_a_name_and_words_of_its_own(newest: QuarterContent) -> None:
    found = all_charts(newest)
    ids = []
    for chart in found:
        root = ElementTree.fromstring(chart.svg)
        assert root.get("role") == "img"
        title, desc = root[0], root[1]
        assert (title.tag, title.text, desc.tag, desc.text) == ("title", chart.title, "desc", chart.alt)
        assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
        ids += [title.get("id"), desc.get("id")]
    assert len(ids) == len(set(ids))


def test_a_picture_has_neither_colours_nor_styles_but_classes_that_the_style_sheet_knows(
    newest: QuarterContent,
) -> None:
    known = {f"{kind}-{name}" for kind in "fs" for name in (*PALETTE, "ink", "ground")} | {"s-axis"}
    known |= {"t-ink", "t-strong", "t-label", "t-axis", "chart__picture", "a-end", "a-middle"}
    widths = set(re.findall(r"@each \$width in ([\d, ]+) \{", STYLE.read_text("utf-8"))[0].split(", "))
    known |= {f"w-{one}" for one in widths} | {"w-1-5"}
    for chart in all_charts(newest):
        for element in ElementTree.fromstring(chart.svg).iter():
            assert element.attrib.keys().isdisjoint(
                {"style", "fill", "stroke", "opacity", "font-size", "font-family", "stroke-width", "onclick"}
            )
            assert set(element.get("class", "").split()) <= known, chart.name


def test_the_lines_of_a_text_stand_below_each_other(newest: QuarterContent) -> None:
    chart = charts.metric_trends(newest, "ZA1")
    assert chart is not None
    lines = [text for text in ElementTree.fromstring(chart.svg).iter("text") if len(text) > 1]
    assert lines
    for text in lines:
        assert {line.get("x") for line in text} == {text.get("x")}
        assert [line.get("dy") for line in text] == [None, *["17"] * (len(text) - 1)]


def test_the_same_rows_give_the_same_bytes_on_any_thread(newest: QuarterContent) -> None:
    once = [chart.svg for chart in all_charts(newest)]
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(lambda _: [chart.svg for chart in all_charts(newest)], range(4)):
            assert again == once


def test_a_page_shows_picture_words_and_table(newest: QuarterContent) -> None:
    template = environment().from_string(
        '{% from "chart.html.j2" import chart with context %}{{ chart(one, table) }}'
    )
    chart = charts.trend(newest, "ZA1")
    assert chart is not None
    html = template.render(one=chart, table=True, figure=figures(f"{SECOND}/organisations/ZA1.html"))
    assert html.count("<figure") == html.count("<svg") == html.count("<table") == 1
    assert chart.alt in html
    assert html.count("data-cell=") == 14
    assert "<table" not in template.render(one=chart, table=False, figure=figures("index.html"))
    assert template.render(one=None, table=True, figure=figures("index.html")).strip() == ""


def test_a_figure_that_isnt_known_is_said_to_be_so(newest: QuarterContent) -> None:
    template = environment().from_string(
        '{% from "chart.html.j2" import chart with context %}{{ chart(one) }}'
    )
    chart = charts.ranked_dots(newest, "acute")
    html = template.render(one=chart, figure=figures(f"{SECOND}/tables/acute.html"))
    assert html.count("not known") == 2


def test_files_say_whose_figures_they_show(newest: QuarterContent) -> None:
    made = {one.path: one.content for one in of_quarter(newest)}
    assert sorted(made) == [
        f"{SECOND}/charts/ranks-acute.png",
        f"{SECOND}/charts/ranks-acute.svg",
        f"{SECOND}/charts/ranks-ambulance.png",
        f"{SECOND}/charts/ranks-ambulance.svg",
        f"{SECOND}/charts/values-OF0010-acute.svg",
        f"{SECOND}/charts/values-OF0010-ambulance.svg",
        f"{SECOND}/charts/values-OF0082-acute.svg",
        f"{SECOND}/charts/values-OF0082-ambulance.svg",
    ]
    for path, content in made.items():
        if path.endswith(".png"):
            assert content.startswith(b"\x89PNG\r\n\x1a\n")
            assert int.from_bytes(content[16:20], "big") == 1200
            continue
        root = ElementTree.fromstring(content)
        told = " ".join("".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))
        assert newest.notice in told
        assert newest.release_id in told
        assert newest.label in told
        assert "A rank is not a verdict." in told
        assert b"class=" not in content
        assert b"href" not in content


def test_a_file_of_an_embargoed_release_says_so(newest: QuarterContent) -> None:
    chart = charts.ranked_dots(newest, "acute")
    assert chart is not None
    held = dataclasses.replace(newest, is_embargoed=True)
    assert "EMBARGOED" in standalone(chart, held)
    assert "EMBARGOED" not in standalone(chart, newest)


def colours(name: str) -> dict[str, str]:
    """A map of colours of the style sheet."""
    said = re.search(rf"\${name}: \((.*?)\);", STYLE.read_text("utf-8"), re.DOTALL)
    assert said is not None
    return dict(re.findall(r"([\w-]+): (#[0-9a-f]{6})", said[1]))


def test_files_have_the_colours_of_pages() -> None:
    assert colours("light") == PALETTE
    assert colours("dark").keys() == PALETTE.keys()


def light(colour: str) -> list[float]:
    """Red, green and blue as parts of light, by the definition of sRGB."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def times(matrix: Sequence[Sequence[float]], parts: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, parts, strict=True)) for row in matrix]


def contrast(one: str, other: str) -> float:
    """By WCAG 2.2."""
    bright, dim = sorted((times([[0.2126, 0.7152, 0.0722]], light(c))[0] for c in (one, other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


# Machado, Oliveira and Fernandes 2009, whole severity.
SEEN_BY = {
    "everyone": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopes": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopes": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritanopes": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}


def apart(one: str, other: str, who: str) -> float:
    """How far apart two colours are for a kind of colour vision, in CIE Lab (1976)."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    white = (0.9505, 1.0, 1.089)

    def lab(colour: str) -> list[float]:
        seen = [min(1.0, max(0.0, part)) for part in times(SEEN_BY[who], light(colour))]
        x, y, z = (
            (part / of) ** (1 / 3) if part / of > 0.008856 else 7.787 * part / of + 16 / 116
            for part, of in zip(times(to_xyz, seen), white, strict=True)
        )
        return [116 * y - 16, 500 * (x - y), 200 * (y - z)]

    return sum((a - b) ** 2 for a, b in zip(lab(one), lab(other), strict=True)) ** 0.5


@pytest.mark.parametrize("variant", ["light", "dark"])
def test_colours_keep_apart_for_every_kind_of_colour_vision(variant: str) -> None:
    of = colours(variant)
    segments = [of[f"segment-{number}"] for number in (1, 2, 3, 4)]
    pairs = [(a, b) for at, a in enumerate(segments) for b in segments[at + 1 :]]
    pairs += [(of["better"], of["worse"]), (of["mine"], of["peers"]), (of["mine"], of["standard"])]
    for who in SEEN_BY:
        for one, other in pairs:
            assert apart(one, other, who) >= 20, (who, one, other, apart(one, other, who))


@pytest.mark.parametrize("variant", ["light", "dark"])
def test_what_carries_a_figure_stands_out_from_the_ground(variant: str) -> None:
    ground = INK_AND_GROUND[variant][1]
    for name, colour in colours(variant).items():
        if name not in ("track", "grid", "peers"):
            assert contrast(colour, ground) >= 3, (name, contrast(colour, ground))
