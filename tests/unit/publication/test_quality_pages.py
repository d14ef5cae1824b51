"""Quality, differences from the publisher, corrections and changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import html5lib
import pytest
from published_quarters import FIRST, SECOND, small_contents, write_release
from read_page import ReadPage, read_page, words

from dagster_project.gates.outcome import ExpectationResult
from dagster_project.gates.quality_page import render_quality_page
from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, contents_of
from dagster_project.publication.pages import quality
from dagster_project.settings import DataFolder

Rows = Sequence[Mapping[str, Any]]


def released(folder: Path, **tables: Rows) -> Contents:
    release = write_release(folder / "1".zfill(16), FIRST, tables)
    return contents_of([(release, False)], DataFolder(folder).warehouse)


def of_quarter(contents: Contents, path: str) -> ReadPage:
    return read_page(quality.of_quarter(contents.newest), path)


def of_all(contents: Contents, path: str) -> ReadPage:
    return read_page(quality.of_all(contents), path)


def compared(code: str, figure: str, outcome: str, reason: str) -> dict[str, Any]:
    row = {"organisation_code": code, "table_name": "acute", "figure": figure}
    return row | {"outcome": outcome, "reason": reason}


def test_differences_are_counted_by_figure_and_reason_the_gravest_first(tmp_path: Path) -> None:
    contents = released(
        tmp_path,
        metric=[{"metric_id": "OF0010", "metric_name": "Waits", "domain": "access"}],
        reconciliation=[
            compared("ZA1", "OF0010", "not_computable", "an input"),
            compared("ZA2", "OF0010", "not_computable", "an input"),
            compared("ZA3", "OF0010", "not_computable", "another reason"),
            compared("ZA1", "OF1010", "equal", "computed"),
            compared("ZA1", "OF1010.rank", "within_tolerance", "rounding"),
            compared("ZA1", "OF5002.likely_low", "different", "unexplained"),
            compared("ZA1", "OF9999", "strange", "new"),
        ],
    )
    page = of_quarter(contents, addresses.differences(FIRST))
    assert "1 of 7 figures are equal" in page.text
    assert page.rows("Can't be recomputed") == [
        ["Waits (value)", "2", "an input"],
        ["Waits (value)", "1", "another reason"],
    ]
    assert page.rows("Within the stated tolerance") == [["Waits (rank)", "1", "rounding"]]
    assert page.rows("Different from") == [
        ["Average metric score, likely range, better end", "1", "unexplained"]
    ]
    # An outcome that these pages don't know yet is shown all the same.
    assert page.rows("Strange") == [["OF9999", "1", "new"]]
    headings = [words(heading) for heading in page.root.iter("h2")]
    assert headings[0] == "Different from the publisher's figure"
    assert page.links["Waits (value)"] == "metrics/OF0010.html"
    (row,) = of_all(contents, addresses.DIFFERENCES).rows("Compared figures")
    assert row == ["April to June 2025", "7", "1", "1", "0", "1", "3", "0"]


def test_a_quarter_with_nothing_to_compare_says_so(tmp_path: Path) -> None:
    contents = released(tmp_path)
    assert (
        "Nothing of this quarter could be compared" in of_quarter(contents, addresses.differences(FIRST)).text
    )
    (row,) = of_all(contents, addresses.DIFFERENCES).rows("Compared figures")
    assert row == ["April to June 2025", "nothing could be compared"]


def test_the_quality_report_is_that_of_the_release_word_for_word(tmp_path: Path) -> None:
    finding = ExpectationResult(
        quarter=FIRST,
        gate="metrics",
        suite="values",
        expectation="value_is_possible",
        expectation_type="",
        subject="metric_value",
        success=False,
        severity="warning",
        observed="1 of 3 unexpected",
        says="A value can't be. Look at it.",
        examples=("<b>ZA1</b> has 101 percent",),
        unexpected=1,
    )
    contents = released(
        tmp_path,
        quality_result=[
            {"gate": "metrics", "suite": "values", "expectation": name, "subject": "metric_value"}
            | {"success": success, "observed": "1 of 3 unexpected", "severity": "warning"}
            for name, success in [("value_is_possible", False), ("other", True)]
        ],
    )
    without = of_quarter(contents, addresses.quality(FIRST))
    assert "1 of 2 checks of this release hold. 1 doesn't and is worth a look" in without.text
    assert "This release was made without a report" in without.text
    report = render_quality_page([finding], is_sample={FIRST: True})
    (contents.newest.release.folder / "quality.html").write_bytes(report)
    page = of_quarter(contents, addresses.quality(FIRST))
    (shown,) = page.marked('data-derived="quality"')
    assert "<b>ZA1</b> has 101 percent" in shown
    (main,) = html5lib.parse(report.decode(), namespaceHTMLElements=False).iter("main")
    assert words(main) == f"Quality of the data {shown}"


def with_journal(contents: Contents, *events: tuple[str, str, str, str | None]) -> None:
    """A warehouse whose journal has these events of the first quarter: event, release, how, reason; and a revision."""
    warehouse = contents.newest.warehouse
    warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema league; create schema landing")
        connection.execute(
            "create table league.release_event (event_number integer, quarter varchar, release_id varchar, "
            "event varchar, happened_at timestamp, done_by varchar, reason varchar, how varchar)"
        )
        for number, (event, release, how, reason) in enumerate(events, 1):
            at = datetime(2026, 1, number, 9)
            row = [number, FIRST, release, event, at, "A. Person", reason, how]
            connection.execute("insert into league.release_event values (?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("create table landing.revision (quarter varchar, figure varchar, changed boolean)")
        for quarter, figure, changed in [
            (FIRST, "OF0010", True),
            (FIRST, "OF0010", True),
            (FIRST, "OF5002", True),
            (FIRST, "OF0082", False),
            ("2019-20-Q1", "OF0010", True),
        ]:
            connection.execute("insert into landing.revision values (?, ?, ?)", [quarter, figure, changed])


def test_corrections_are_what_was_withdrawn_replaced_and_revised_and_name_no_person(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    with_journal(
        contents,
        ("published", "a" * 16, "run", None),
        ("withdrawn", "a" * 16, "", "a wrong <file>"),
        ("published", f"{1:016}", "run", None),
    )
    page = of_all(contents, addresses.CORRECTIONS)
    assert f"2 January 2026: Release {'a' * 16} of {FIRST} is withdrawn" in page.text
    assert "Reason: a wrong <file>." in page.text
    assert "Person" not in page.text
    # That a quarter came out at first is no correction, but a change.
    assert "1 January 2026" not in page.text
    replaced = f"3 January 2026: Release {1:016} of {FIRST} is current. Pages of April to June 2025"
    changes = of_all(contents, addresses.CHANGES)
    assert changes.marked('data-derived="news"')[0] == replaced
    assert "1 January 2026" in changes.text
    assert changes.links["Pages of April to June 2025"] == f"../{FIRST}/index.html"
    assert page.marked('data-derived="revised"') == ["3", "2", "1"]
    assert "Urgent referrals with cancer ruled out within 28 days (value): 2" in page.text
    assert "2019" not in page.text


def test_a_publication_without_a_journal_says_that_nothing_is_known(tmp_path: Path) -> None:
    contents = small_contents(tmp_path)
    page = of_all(contents, addresses.CORRECTIONS)
    assert "No release of the quarters shown here was withdrawn or replaced." in page.text
    assert "We know of no published figure of these quarters that a newer file changed." in page.text
    assert "No journal tells when these releases came out." in of_all(contents, addresses.CHANGES).text


def test_changes_say_who_came_and_which_metrics_and_rules_are_others(tmp_path: Path) -> None:
    def quarter(name: str, framework: str, codes: Sequence[str], metrics: Sequence[str]) -> tuple[Any, bool]:
        tables: dict[str, Rows] = {
            "organisation": [
                {"organisation_code": code, "organisation_name": f"Trust {code}"} for code in codes
            ],
            "metric": [
                {"metric_id": one, "metric_name": f"Metric {one}", "domain": "access"} for one in metrics
            ],
        }
        return write_release(tmp_path / name[-1].zfill(16), name, tables, framework=framework), False

    releases = [
        quarter(FIRST, "old", ["ZA1", "ZA2"], ["OF0010"]),
        quarter(SECOND, "new", ["ZA2", "ZA3"], ["OF0020"]),
    ]
    page = of_all(contents_of(releases, tmp_path / "none.duckdb"), addresses.CHANGES)
    assert page.marked('data-derived="framework"') == ["new instead of old"]
    for said in (
        "Came in Trust ZA3",
        "No longer here Trust ZA1",
        "New metrics Metric OF0020",
        "Metrics no longer counted Metric OF0010",
    ):
        assert said in page.text, said
    assert page.links["Trust ZA1"] == f"../{FIRST}/organisations/ZA1.html"


@pytest.mark.parametrize(
    ("of", "says"), [(1, "No two quarters that follow each other"), (2, "Came in Hospital 7")]
)
def test_quarters_are_compared_with_the_one_before_where_that_is_there(
    tmp_path: Path, of: int, says: str
) -> None:
    contents = Contents(small_contents(tmp_path).quarters[:of])
    assert says in of_all(contents, addresses.CHANGES).text
