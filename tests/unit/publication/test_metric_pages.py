"""Pages of metrics and domains: who ranks where, who is missing and why, who moved, and the rule in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from published_quarters import FIRST, HOSTILE, SECOND, small_contents, with_a_gap, write_release
from read_page import ReadPage, read_page

from dagster_project.documents.rule_words import in_words
from dagster_project.methodology.rule_set import read_rules
from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, contents_of
from dagster_project.publication.pages import metric
from dagster_project.publication.words import NOT_ADJACENT

Rows = Sequence[Mapping[str, Any]]
WAITS = {"metric_id": "OF0003", "metric_name": "Waits", "domain": "access", "framework": "2025-26"} | {
    "better": "low",
    "unit": "percent",
    "value_dp": 2,
    "score_only": False,
    "enters_average": True,
    "weight_numerator": 1,
    "weight_denominator": 3,
    "state": "inferred",
    "source": "the manual",
    "period": "latest month",
}


def rule(table: str, state: str = "stated", **terms: str) -> dict[str, Any]:
    said = "; ".join(f"{name}={value}" for name, value in terms.items())
    return {
        "framework": "2025-26",
        "rule_table": table,
        "rule_terms": said,
        "state": state,
        "source": "the manual",
    }


def applies(table: str, required: str) -> dict[str, Any]:
    return rule("metric_applicability", metric_id="OF0003", table_name=table, required=required)


def organisations(*codes: str, table: str = "acute") -> list[dict[str, Any]]:
    return [
        {"organisation_code": code, "organisation_name": f"Trust {code}", "table_name": table}
        for code in codes
    ]


def scored(
    code: str, value: str | None, score: str | None, table: str = "acute", **more: Any
) -> dict[str, Any]:
    row = {"organisation_code": code, "table_name": table, "metric_id": "OF0003", "metric_name": "Waits"}
    return row | {"domain": "access", "unit": "percent", "value": value, "metric_score": score} | more


def ranked(code: str, rank: int, of: int) -> dict[str, Any]:
    row = {"organisation_code": code, "table_name": "acute", "metric_id": "OF0003", "rank_in_table": rank}
    return row | {
        "organisations_ranked": of,
        "median": "5",
        "lower_quartile": "4.50",
        "upper_quartile": "6.25",
    }


def made(folder: Path, **tables: Rows) -> Contents:
    """One quarter of these tables, with the metric OF0003."""
    whole: dict[str, Rows] = {"metric": [WAITS]} | tables
    release = write_release(folder / "1".zfill(16), FIRST, whole, framework="2025-26")
    return contents_of([(release, False)], folder / "none.duckdb")


def page_of(contents: Contents, path: str) -> ReadPage:
    return read_page(metric.of_quarter(contents.newest), path)


def test_a_ranking_has_place_value_score_and_standard_the_best_first(tmp_path: Path) -> None:
    contents = made(
        tmp_path,
        organisation=organisations("ZA1", "ZA2", "ZA3"),
        metric_score=[
            scored("ZA1", "7.500000", "4.00", standard_met=False),
            scored("ZA2", "1.000000", "1.00", standard_met=True),
            scored("ZA3", None, None),
        ],
        metric_ranking=[ranked("ZA1", 2, 2), ranked("ZA2", 1, 2)],
    )
    page = page_of(contents, addresses.metric(FIRST, "OF0003"))
    assert page.heading == "April to June 2025: Waits"
    assert page.rows("Acute trusts: all") == [
        ["1", "Trust ZA2", "1", "1.00", "met"],
        ["2", "Trust ZA1", "7.5", "4.00", "not met"],
        ["not ranked", "Trust ZA3", "not published", "no score", "none"],
    ]
    assert "A lower value is better." in page.text
    assert "Half of the values lie between 4.5 and 6.25 percent; the middle one is 5." in page.text
    assert page.links["1.00"] == "../derivations/ZA2.html#OF1003"


def test_a_metric_says_what_it_is_and_how_sure_that_is(tmp_path: Path) -> None:
    ends = {
        "score_best": "2",
        "score_worst": "4",
        "score_if_met": "1",
        "score_if_failed": "",
        "note": "Likely",
    }
    about = {"metric_id": "OF0003", "unit": "percent", "rule": "standard", "standard": "18.500000"}
    rules = [
        rule("metric", metric_id="OF0003", better="low"),
        rule("metric_rule", "assumption", **about, **ends),
        rule("metric_pool", metric_id="OF0003", table_name="acute", pool="acute"),
        rule("enters_at_dp", metric_id="OF0003", quarter=FIRST, enters_at_dp="2"),
        rule("enters_at_dp", metric_id="OF0003", quarter=SECOND, enters_at_dp="3"),
    ]
    page = page_of(made(tmp_path, framework_rule=rules), addresses.metric(FIRST, "OF0003"))
    for said in (
        "Weight in the average1/3",
        "Time it coverslatest month",
        "Standardat most 18.5 percent",
        "Inferred: the best reading of what is published; not proven",
        "Sourcethe manual",
        "whoever meets the standard (at most 18.5) scores 1 and isn't ranked",
        "Likely. Assumption: chosen here, because something is needed; easy to change. Source: the manual.",
        "Organisations of the acute table are ranked among themselves (pool acute).",
        "rounded to 2 decimal places",
    ):
        assert said in page.text, said
    # A rule of another quarter isn't this one's.
    assert "rounded to 3 decimal places" not in page.text


def test_every_rule_of_a_metric_is_said_in_the_words_of_the_rule_book(tmp_path: Path) -> None:
    rules = read_rules()
    tables = ("metric_rule", "rule_band", "matrix_input", "metric_pool", "enters_at_dp", "known_difference")
    rows = [(table, row) for table in (*tables, "metric", "domain") for row in rules.rows(table, "2025-26")]
    stamps = {"framework", "state", "source"}
    released = [
        rule(table, row["state"], **{name: text for name, text in row.items() if name not in stamps})
        for table, row in rows
    ]
    metrics = [WAITS | {"metric_id": row["metric_id"]} for table, row in rows if table == "metric"]
    contents = made(tmp_path, framework_rule=released, metric=metrics)
    for produced in metric.of_quarter(contents.newest):
        metric_id = Path(produced.path).stem
        mine = [(table, row) for table, row in rows if row.get("metric_id") == metric_id and table in tables]
        mine = [(table, row) for table, row in mine if row.get("quarter", FIRST) == FIRST]
        expected = [
            f"{in_words(rules, table, row)} {row['note']}."
            if row.get("note")
            else in_words(rules, table, row)
            for table, row in mine
        ]
        if metric_id.startswith("OF"):
            _, *shown = read_page([produced], produced.path).marked('data-derived="rule"')
            assert [re.sub("[0-9.]+", _trimmed, one) for one in shown] == [
                re.sub("[0-9.]+", _trimmed, " ".join(one.replace("`", "").split())) for one in expected
            ]


def _trimmed(number: re.Match[str]) -> str:
    """A number in a text without idle zeroes."""
    text = number[0]
    return text.rstrip("0").rstrip(".") if re.fullmatch(r"[0-9]+\.[0-9]+", text) else text


def test_a_metric_without_rules_and_scores_says_both(tmp_path: Path) -> None:
    page = page_of(made(tmp_path), addresses.metric(FIRST, "OF0003"))
    assert "Standardnone: it is only compared with others" in page.text
    assert "No league table of this quarter counts this metric." in page.text
    assert "This release doesn't hold the rules of this metric in words." in page.text
    assert "There is no earlier quarter here to compare with." in page.text


def test_where_the_quarter_just_before_isnt_here_no_change_of_scores_is_worked_out(tmp_path: Path) -> None:
    content = with_a_gap(tmp_path).newest
    page = read_page(metric.of_quarter(content), addresses.metric(content.quarter, "OF0082"))
    assert NOT_ADJACENT in page.text
    assert "no earlier quarter" not in page.text


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([applies("acute", "true")], "This league table needs the metric"),
        ([applies("acute", "false")], "The metric counts only for those that provide the service"),
        ([], "no rule says whether there should be one"),
    ],
)
def test_who_is_missing_is_counted_and_named_with_the_reason(tmp_path: Path, rules: Rows, why: str) -> None:
    contents = made(
        tmp_path,
        framework_rule=rules,
        organisation=organisations("ZA1", "ZA2", "ZA3"),
        metric_score=[scored("ZA1", "7", "2.50")],
    )
    page = page_of(contents, addresses.metric(FIRST, "OF0003"))
    assert page.marked('data-derived="missing"') == ["2"]
    assert "2 of the 3 are not in this ranking." in page.text
    assert why in page.text
    assert {"Trust ZA2", "Trust ZA3"} <= page.links.keys()


def test_a_table_that_the_metric_belongs_to_says_when_nobody_has_a_score(tmp_path: Path) -> None:
    contents = made(tmp_path, framework_rule=[applies("acute", "true")], organisation=organisations("ZA1"))
    page = page_of(contents, addresses.metric(FIRST, "OF0003"))
    assert "the release has no score for anybody in it" in page.text


def test_a_metric_published_as_a_score_only_has_neither_value_nor_place(tmp_path: Path) -> None:
    page = read_page(metric.of_quarter(small_contents(tmp_path).newest), addresses.metric(SECOND, "OF0046"))
    assert page.rows("Acute trusts: all")[0] == ["Hospital 8 of Nowhere NHS Trust", "1.00"]
    assert "it is published as a score only" in page.text
    assert "Half of the values" not in page.text


def test_those_whose_score_changed_most_are_named_better_and_worse_apart(tmp_path: Path) -> None:
    moved = [
        {"organisation_code": code, "table_name": "acute", "measure": "metric_score", "metric_id": "OF0003"}
        | {"quarter_before": "2024-25-Q4", "release_id_before": "0" * 16, "is_in": False, "is_out": False}
        | {"figure_before": Decimal(before), "figure_after": Decimal(before) + change, "change": change}
        for code, before, change in [
            ("ZA1", "3.5", Decimal("-1.25")),
            ("ZA2", "2", Decimal("0.5")),
            ("ZA3", "2", Decimal(0)),
            ("ZA9", "2", Decimal(2)),
        ]
    ]
    came = moved[0] | {"organisation_code": "ZA4", "figure_before": None, "change": None, "is_in": True}
    contents = made(
        tmp_path,
        organisation=organisations("ZA1", "ZA2", "ZA3", "ZA4"),
        movement_total=[*moved, came],
    )
    page = page_of(contents, addresses.metric(FIRST, "OF0003"))
    assert page.rows("Better than before") == [["Trust ZA1", "3.5", "2.25", "-1.25"]]
    # ZA9 is no organisation of the quarter any more.
    assert page.rows("Worse than before") == [["Trust ZA2", "2", "2.5", "0.5"]]
    assert "Since January to March 2025, by the score" in page.text


def test_a_long_ranking_has_a_page_of_its_own_and_no_page_is_too_large(tmp_path: Path) -> None:
    acute, others = [f"ZA{n:03}" for n in range(140)], [f"ZB{n:03}" for n in range(61)]
    name = {
        "organisation_name": "The Longest Name of a Partnership University Hospitals NHS Foundation Trust"
    }
    rows = (
        [(code, "acute") for code in acute]
        + [(code, "non_acute") for code in others]
        + [("ZC1", "ambulance")]
    )
    contents = made(
        tmp_path,
        league_table=[{"organisation_code": code, "table_name": table, "rank": 1} for code, table in rows],
        organisation=[one | name for code, table in rows for one in organisations(code, table=table)],
        metric_score=[scored(code, "61.230000", "2.51", table, standard_met=True) for code, table in rows],
        metric_ranking=[
            ranked(code, at, 140) | {"table_name": table} for at, (code, table) in enumerate(rows, 1)
        ],
        domain_score=[
            {"organisation_code": code, "table_name": table, "domain": "access", "domain_score": "2.51"}
            | {"domain_segment": 3, "metric_count": 7}
            for code, table in rows
        ],
    )
    produced = list(metric.of_quarter(contents.newest))
    assert max(len(one.content) for one in produced) < 150_000
    for main, own in (
        (addresses.metric(FIRST, "OF0003"), addresses.metric_ranking(FIRST, "OF0003", "acute")),
        (addresses.domain(FIRST, "access"), addresses.domain_ranking(FIRST, "access", "acute")),
    ):
        page = read_page(produced, main)
        assert len(page.rows("Acute trusts: the best five")) == 5
        assert page.links["The whole ranking: acute trusts"] == own.rpartition("/")[2]
        assert len(page.rows("Ambulance trusts: all")) == 1
        assert len(read_page(produced, own).rows("Acute trusts: all")) == 140


def test_a_domain_has_its_metrics_averages_and_segments(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    page = read_page(metric.of_quarter(contents.newest), addresses.domain(SECOND, "people"))
    assert "Sickness absence rate" in page.links
    first = page.rows("Acute trusts: all")[0]
    assert first == ["Hospital 2 of Nowhere NHS Trust", "1.40", "1 - best", "1"]
    assert page.marked('data-derived="missing"') == ["1"]
    empty = read_page(
        metric.of_quarter(small_contents(tmp_path / "empty", without=["domain_score"]).newest),
        addresses.domain(SECOND, "people"),
    )
    assert "no average score for anybody" in empty.text


def test_all_metrics_of_a_quarter_are_listed_by_domain(tmp_path: Path) -> None:
    page = read_page(metric.of_quarter(small_contents(tmp_path).newest), addresses.metrics(SECOND))
    assert list(page.links)[-6:] == [
        "Access to services",
        "Urgent referrals with cancer ruled out within 28 days",
        "Effectiveness and experience of care",
        "Summary hospital-level mortality indicator",
        "People and workforce",
        "Sickness absence rate",
    ]
    none = small_contents(tmp_path / "none", without=["metric"])
    assert (
        "This release lists no metrics."
        in read_page(metric.of_quarter(none.newest), addresses.metrics(SECOND)).text
    )


def test_a_hostile_name_is_text_in_every_ranking(tmp_path: Path) -> None:
    contents = small_contents(tmp_path, names={"ZA1": HOSTILE})
    for produced in metric.of_quarter(contents.newest):
        page = read_page([produced], produced.path)
        assert not list(page.root.iter("script"))
    assert (
        "<script>alert"
        in read_page(metric.of_quarter(contents.newest), addresses.metric(SECOND, "OF0010")).text
    )
