"""The quality page: escaped, offline, the same bytes every time, and plain about what the data are."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from dagster_project.gates.outcome import ExpectationResult
from dagster_project.gates.quality_page import render_quality_page

HOLDS = ExpectationResult(
    quarter="2026-27-Q1",
    gate="extracts",
    suite="files",
    expectation="file_has_records",
    expectation_type="expect_column_values_to_be_between",
    subject="files",
    success=True,
    severity="critical",
    observed="3 judged, none unexpected",
    says="A file holds no records. Download it again.",
)
FAILS = replace(
    HOLDS,
    gate="metrics",
    expectation="value_is_plausible",
    success=False,
    observed="7 of 9 unexpected",
    examples=("a.csv, row 3: expected a number, found <script>alert('1')</script>",),
    unexpected=7,
)


class _Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def _page(*results: ExpectationResult, is_sample: bool = True) -> str:
    return render_quality_page(results, is_sample={r.quarter: is_sample for r in results}).decode("utf-8")


@pytest.mark.parametrize(
    "field", ["quarter", "gate", "suite", "expectation", "severity", "observed", "says", "examples"]
)
def test_whatever_stands_in_a_result_is_escaped(field: str) -> None:
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    spoilt = replace(FAILS, **{field: (attack,) if field == "examples" else attack})

    elements = _Elements(_page(spoilt))

    assert "script" not in elements.tags
    assert "img" not in elements.tags
    assert "onerror" not in elements.attributes


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing() -> None:
    page = _page(HOLDS, FAILS)

    elements = _Elements(page)

    assert not {"script", "link", "img", "iframe", "object", "a"} & set(elements.tags)
    assert not {"src", "href", "srcset"} & set(elements.attributes)
    assert not re.search(r"https?:|url\(|@import", page)


def test_it_is_grouped_by_quarter_and_gate_in_the_order_of_the_flow() -> None:
    earlier = replace(HOLDS, quarter="2025-26-Q4")

    page = _page(FAILS, HOLDS, earlier)

    headings = re.findall(r"<h[23][^>]*>(.*?)</h[23]>", page)
    assert headings == [
        "2025-26-Q4",
        "Extracts: what was read",
        "2026-27-Q1",
        "Extracts: what was read",
        "Metrics: what was measured",
    ]
    assert page.count("<caption>") == 3
    assert page.count('<th scope="col">') == 15


def test_failures_say_what_to_do_and_which_rows() -> None:
    page = _page(FAILS)

    assert "Download it again." in page
    assert "a.csv, row 3" in page
    assert "and 6 more" in page
    assert "Closed: 1 of 1 expectations" in page


def test_sample_data_are_called_fictional_and_official_ones_an_unofficial_recomputation() -> None:
    licence = "Contains public sector information licensed under the Open Government Licence v3.0."

    sample, official = _page(HOLDS, is_sample=True), _page(HOLDS, is_sample=False)

    assert "Fictional sample data" in sample
    assert licence not in sample
    assert "Fictional" not in official
    assert "unofficial recomputation" in official
    assert licence in official


def test_a_quarter_of_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-27-Q1"):
        render_quality_page([HOLDS], is_sample={})


def test_the_same_results_give_the_same_bytes_with_lf_ends() -> None:
    first = render_quality_page([HOLDS, FAILS], is_sample={"2026-27-Q1": True})

    assert first == render_quality_page([HOLDS, FAILS], is_sample={"2026-27-Q1": True})
    assert b"\r" not in first
    assert first.endswith(b"</html>\n")
