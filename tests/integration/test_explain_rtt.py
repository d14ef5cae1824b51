"""Waiting lists by provider: under rules that rank their counts, explain adds up each weekly band again."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from fictional_statistics import rtt_csv, rtt_line
from league_command import league

from dagster_project.settings import METHODOLOGY_DIR, DataFolder

QUARTER, METRIC = "2025-26-Q1", "OF0003"
# So many that places beyond the two that are published are left for the order of values that print alike.
WAITING = 1_000_000_000


def published(file: Path) -> Iterator[tuple[str, str, int]]:
    """Code, name and how many of `WAITING` wait over 52 weeks, of every trust with the metric."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        for row in csv.DictReader(opened):
            if row["Metric_ID"] == METRIC and row["Value"]:
                late = round(Decimal(row["Value"]) * WAITING / 100 + Decimal(row["Rank"]))
                yield row["Trust_code"], row["Trust_name"], late


def lines(code: str, name: str, late: int) -> Iterator[str]:
    """Two commissioners with these counts together, and parts and functions that don't count."""
    for commissioner, total, over in (
        ("01Q", WAITING * 3 // 5, late // 3),
        ("02R", WAITING * 2 // 5, late - late // 3),
    ):
        bands = {0: str(total - over), 60: str(over - over // 2), 104: str(over // 2)}
        for part, function in (("Part_2", "C_999"), ("Part_2A", "C_999"), ("Part_2", "C_100")):
            yield rtt_line(
                *(code, commissioner), part=part, function=function, bands=bands, total=str(total), name=name
            )


@pytest.fixture(scope="module")
def ranked_by_counts(
    made_once: Callable[..., Path], new_data: Callable[[Path], DataFolder], sample_extracts: Path
) -> DataFolder:
    """A release of the acute table, made by rules that rank waits over 52 weeks by their counts."""

    def build(folder: Path) -> None:
        extracts, rules = folder / "extracts", folder / "rules"
        extracts.mkdir(parents=True)
        for file in (sample_extracts / QUARTER).glob("*-acute-trust-*.csv"):
            shutil.copy(file, extracts)
        trusts = published(extracts / "nhs-oversight-framework-acute-trust-data.csv")
        raw = rtt_csv(*(line for trust in trusts for line in lines(*trust)))
        (extracts / "20250630-RTT-June-2025-full-extract.csv").write_bytes(raw)
        rules.mkdir()
        text = (METHODOLOGY_DIR / "metric_statistic.csv").read_text("utf-8")
        first = text.replace(f"{METRIC},rtt_waiting_times,2,", f"{METRIC},rtt_waiting_times,1,")
        assert first != text
        (rules / "metric_statistic.csv").write_text(first, "utf-8")
        # The file is made for one metric; the bands within 18 weeks of another are none of its published values.
        known = (METHODOLOGY_DIR / "known_difference.csv").read_text("utf-8")
        (rules / "known_difference.csv").write_text(known.replace("either,2.00,", "either,100.00,"), "utf-8")
        ended = league(
            "run", QUARTER, "--extracts", extracts, "--rules", rules, data=new_data(folder / "data")
        )
        assert ended.code == 0, ended.err

    return DataFolder(made_once("ranked-by-counts", build) / "data")


def test_every_cell_agrees_and_the_sums_are_shown(ranked_by_counts: DataFolder) -> None:
    ended = league("explain", "Z05", QUARTER, METRIC, "--json", data=ranked_by_counts)
    assert ended.code == 0, ended.out + ended.err
    assert ended.answer["agrees"] is True
    (as_published,) = (step for step in ended.answer["explanation"]["steps"] if step["figure"] == METRIC)
    (counted,) = as_published["steps"]
    assert counted["title"] == "Value from the counts of rtt_waiting_times"
    numerator, denominator = counted["steps"]
    assert numerator["value"] == "18300047 from 2 cells"
    assert denominator["value"] == "1000000000 from 2 cells"
    bands = "Gt 52 To 53 Weeks SUM 1 to Gt 104 Weeks SUM 1 (53 columns): 0 + "
    assert all(source["cell"].startswith(bands) for source in numerator["sources"])
    assert [source["source_row"] for source in numerator["sources"]] == [2, 5]


def test_a_score_that_is_printed_in_two_segments_is_admissible_in_either(
    ranked_by_counts: DataFolder,
) -> None:
    """With one table alone the cut-points are the publisher's, at two places; ZEC's 1.90 is in 1, ZGX's in 2."""
    ended = league("reconcile", QUARTER, "--json", data=ranked_by_counts)
    assert ended.code == 0, ended.err
    found = {
        (item["organisation_code"], item["figure"]): item
        for item in ended.answer["not_equal"]
        if item["outcome"] == "admissible"
    }
    ambiguous = found["ZGX", "OF4105"]
    assert (float(ambiguous["computed"]), float(ambiguous["published"])) == (1, 2)
    assert "prints this score on both sides" in ambiguous["reason"]
    assert ("ZEC", "OF4105") not in found
    assert all(figure in ("OF4105", "OF5003") for _, figure in found), "no more than those two figures"
