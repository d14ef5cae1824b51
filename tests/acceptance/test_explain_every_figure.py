"""Every released cell recomputed from the raw bytes, and every lineage entry followed to its line, in full."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.archive.archive import Archive
from dagster_project.explanation.recomputation.judged import NOT_RECOMPUTED, Judged, Judgement
from dagster_project.explanation.recomputation.recomputation import Recomputation
from dagster_project.explanation.recomputation.release_tables import ReleaseTables, find_release
from dagster_project.explanation.recomputation.standings import OVERALL
from dagster_project.quarters import Quarter
from dagster_project.settings import DataFolder

KEYS = {"table_name", "organisation_code", "metric_id", "domain", "figure", "segment"}
OFFICIAL = {"2025-26-Q1": (195, 3458, 967), "2025-26-Q4": (61, 696, 302)}
SAMPLE = ("2025-26-Q1", "2025-26-Q2", "2025-26-Q3", "2025-26-Q4", "2026-27-Q1", "2026-27-Q2")


def release_of(data: DataFolder, quarter: str) -> ReleaseTables:
    return find_release(data, Quarter.from_canonical(quarter))


def every_cell(judged: Judged) -> Iterator[tuple[str, Judgement]]:
    """What a cell is about (organisation, and metric or domain) and its judgement.

    A row that the release has and the raw bytes don't give, or the other way round, is one judgement too.
    """
    organisations = {*judged.recomputation.organisations, *judged.released_league_table}
    for organisation in sorted(organisations):
        for one in judged.league_table(organisation):
            yield organisation[1], one
    recomputation = judged.recomputation
    measured = {
        (one, metric) for one in recomputation.organisations for metric in recomputation.metrics_of(one)
    }
    for scored in sorted(measured | set(judged.released_metric_score)):
        for one in judged.metric_score(*scored):
            yield f"{scored[0][1]} {scored[1]}", one
    domains = {(organisation, domain) for organisation in organisations for domain in judged.rules.domains}
    for within in sorted(domains | set(judged.released_domain_score)):
        for one in judged.domain_score(*within):
            yield f"{within[0][1]} {within[1]}", one
    for domain in (OVERALL, *judged.rules.domains):
        for one in judged.cut_points(domain):
            yield domain or "average", one


def assert_every_cell_agrees(data: DataFolder, quarter: str) -> Counter[tuple[str, str]]:
    """No cell differs, none of a judged table is left out; how many there are by table and column."""
    release = release_of(data, quarter)
    judged = Judged(Recomputation(release, Archive(data.archive)))
    cells = list(every_cell(judged))
    differing = [(what, one.words) for what, one in cells if not one.agrees]
    assert differing == []
    compared = Counter((one.table, one.column) for _, one in cells)
    for table in ("league_table", "metric_score", "domain_score", "segment_threshold"):
        rows = release.rows(table)
        for column in rows[0].keys() - NOT_RECOMPUTED - KEYS:
            assert compared[table, column] == len(rows), (table, column)
    return compared


@pytest.mark.parametrize("quarter", OFFICIAL)
def test_every_cell_of_the_official_release_comes_out_of_the_raw_bytes(
    both_quarters: DataFolder, quarter: str
) -> None:
    compared = assert_every_cell_agrees(both_quarters, quarter)
    figures = (
        ("league_table", "rank"),
        ("metric_score", "metric_score_exact"),
        ("domain_score", "domain_score"),
    )
    assert tuple(compared[figure] for figure in figures) == OFFICIAL[quarter]


@pytest.mark.parametrize("quarter", SAMPLE)
def test_every_cell_of_the_sample_comes_out_of_the_raw_bytes(six_quarters: DataFolder, quarter: str) -> None:
    assert_every_cell_agrees(six_quarters, quarter)


def test_every_cell_comes_out_where_values_are_counted_from_statistics(with_statistics: DataFolder) -> None:
    assert_every_cell_agrees(with_statistics, "2025-26-Q1")
    release = release_of(with_statistics, "2025-26-Q1")
    from_counts = {
        row["metric_id"] for row in release.rows("metric_score") if row["value_source"] != "nof_data"
    }
    assert from_counts == {"OF0005", "OF0010", "OF0011"}


# ---- lineage, followed by other means than the explanation's


Lines = Callable[[str], list[dict[str, str]]]


def lines_of(data: DataFolder) -> Lines:
    """By extract, each physical line of the archived CSV as fields by header; the header's own is first."""

    @cache
    def lines(extract_id: str) -> list[dict[str, str]]:
        raw = (data.archive / extract_id[:2] / extract_id).read_bytes().decode("utf-8-sig").splitlines()
        header = next(csv.reader(raw[:1]))
        return [dict(zip(header, fields, strict=True)) for fields in csv.reader(raw)]

    return lines


def lineage_rows(data: DataFolder, quarter: str) -> Iterator[dict[str, Any]]:
    """Entries that lead to the framework's own files, beside the published figure that reconciliation knows."""
    folder = data.releases / quarter / "current"
    found = duckdb.sql(
        f"""select lineage.*, extract.source, reconciliation.published, metric.domain
        from '{folder}/lineage.parquet' as lineage
        inner join '{folder}/extract.parquet' as extract using (extract_id)
        left join '{folder}/reconciliation.parquet' as reconciliation
            on lineage.organisation_code = reconciliation.organisation_code
            and lineage.table_name = reconciliation.table_name and lineage.figure = reconciliation.figure
        left join '{folder}/metric.parquet' as metric on metric.metric_id = 'OF0' || substr(lineage.figure, 4)
        where extract.source like 'nof%'"""
    )
    for row in found.fetchall():
        yield dict(zip(found.columns, row, strict=True))


def followed(data: DataFolder, quarter: str) -> Counter[str]:
    """Follows every entry to its line and checks it there; how many by role."""
    lines = lines_of(data)
    counted: Counter[str] = Counter()
    for entry in lineage_rows(data, quarter):
        line = lines(entry["extract_id"])[entry["source_row"] - 1]
        code = line.get("Trust_code") or line["ICB_code"]
        assert code.strip() == entry["organisation_code"], entry
        if entry["source"] == "nof_data":
            assert_line_holds(entry, line)
        elif entry["figure"] == "OF5002":
            assert Decimal(line["Average_score"]) == Decimal(entry["published"])
        counted[entry["role"]] += 1
    return counted


def assert_line_holds(entry: dict[str, Any], line: dict[str, str]) -> None:
    """A published entry's line has its figure and value; an input's has a value that goes into the figure."""
    held, figure = line["Metric_ID"].strip(), entry["figure"]
    if entry["role"] == "published":
        assert held == figure, entry
        if entry["published"] is not None:
            assert Decimal(line["Value"]) == Decimal(entry["published"]), entry
    elif figure.startswith("OF1"):
        assert held in (figure, "OF0" + figure[3:]), entry
    elif figure == "OF5000":
        assert held == "OF5004", entry
    else:
        assert held[:3] in ("OF0", "OF1"), entry
    assert Decimal(line["Value"]).is_finite()


def assert_every_figure_has_a_line(data: DataFolder, quarter: str) -> None:
    """No released score, value, domain score or rank is without an entry."""
    release = release_of(data, quarter)
    known = {(row["organisation_code"], row["figure"]) for row in release.rows("lineage")}
    for row in release.rows("metric_score"):
        code, number = row["organisation_code"], row["metric_id"][3:]
        assert (code, f"OF1{number}") in known
        assert row["value"] is None or (code, f"OF0{number}") in known
    for row in release.rows("league_table"):
        assert {(row["organisation_code"], figure) for figure in ("OF5000", "OF5002")} <= known


@pytest.mark.parametrize("quarter", OFFICIAL)
def test_every_lineage_entry_of_the_official_release_leads_to_a_line_that_holds_the_value(
    both_quarters: DataFolder, quarter: str
) -> None:
    counted = followed(both_quarters, quarter)
    assert min(counted["published"], counted["input"]) > 1000
    assert_every_figure_has_a_line(both_quarters, quarter)


@pytest.mark.parametrize("quarter", ["2025-26-Q3", "2026-27-Q1"])
def test_every_lineage_entry_of_the_sample_leads_to_a_line_that_holds_the_value(
    six_quarters: DataFolder, quarter: str
) -> None:
    assert min(followed(six_quarters, quarter).values()) > 1000
    assert_every_figure_has_a_line(six_quarters, quarter)


def test_cells_of_a_statistic_stand_in_rows_of_the_organisation(with_statistics: DataFolder) -> None:
    from python_calamine import CalamineWorkbook

    folder = with_statistics.releases / "2025-26-Q1" / "current"
    entries = duckdb.sql(
        f"""select extract_id, sheet, source_row, organisation_code from '{folder}/lineage.parquet'
        inner join '{folder}/extract.parquet' using (extract_id) where figure in ('OF0005', 'OF0010')
        and source in ('community_waiting_lists', 'cancer_waiting_times') and role = 'input'"""
    ).fetchall()
    assert len(entries) > 1000

    @cache
    def sheet_of(extract_id: str, sheet: str) -> list[list[Any]]:
        workbook = CalamineWorkbook.from_path(Path(with_statistics.archive / extract_id[:2] / extract_id))
        return workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)

    for extract_id, sheet, row, code in entries:
        assert code in [str(cell).strip() for cell in sheet_of(extract_id, sheet)[row - 1]]
