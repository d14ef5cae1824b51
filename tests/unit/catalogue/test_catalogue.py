"""The catalogue: what is bundled holds together, and an entry that can't be right is refused by name."""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
import yaml

from dagster_project.catalogue.catalogue import CATALOGUE, load_catalogue, reader_names
from dagster_project.errors import LeagueError, WrongUsage
from dagster_project.extracts import readers
from dagster_project.extracts.source import source_record, source_records
from dagster_project.settings import METHODOLOGY_DIR


def changed(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The bundled catalogue with the entry of A&E changed."""
    content = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    change(content["sources"]["ae_attendances"])
    path = folder / "catalogue.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_the_bundled_catalogue_names_every_source_once() -> None:
    assert list(load_catalogue().sources) == [
        "nof_data",
        "nof_league_table",
        "cancer_waiting_times",
        "community_waiting_lists",
        "ae_attendances",
        "ambulance_systems",
        "rtt_waiting_times",
        "ods_trusts",
        "icb_names",
    ]


def test_every_reader_that_the_catalogue_names_has_a_record_of_that_name() -> None:
    assert [record.name for record in source_records()] == list(reader_names())
    assert set(reader_names()) == {source.reader for source in load_catalogue().sources.values()}


def test_every_reader_with_a_record_is_named_by_the_catalogue() -> None:
    modules = [import_module(f"{readers.__name__}.{found.name}") for found in iter_modules(readers.__path__)]
    with_record = {module.__name__.rpartition(".")[2] for module in modules if hasattr(module, "SOURCE")}
    assert with_record == set(reader_names())


def test_a_reader_that_there_is_not_is_refused_with_the_module_to_add() -> None:
    with pytest.raises(
        LeagueError, match=r"expected a module extracts/readers/sorcery\.py with the record SOURCE"
    ):
        source_record("sorcery")
    with pytest.raises(LeagueError, match=r"readers/delimited\.py"):
        source_record("delimited")


def test_metrics_that_sources_feed_are_metrics_of_the_framework() -> None:
    with (METHODOLOGY_DIR / "metric.csv").open(encoding="utf-8", newline="") as lines:
        known = {row["metric_id"] for row in csv.DictReader(lines)}
    fed = [source.metrics for source in load_catalogue().sources.values() if source.metrics != "all"]
    assert {metric for metrics in fed for metric in metrics} <= known


def test_every_mark_of_a_record_means_something_that_readers_know() -> None:
    meanings = {
        "framework": {"not available", "not applicable", "suppressed"},
        "statistic": {"missing", "zero", "suppressed", "not_applicable"},
        "organisations": set[str](),
    }
    for record in source_records():
        assert set(record.missing_marks.values()) <= meanings[record.kind], record.name
        assert all(mark == mark.casefold() for mark in record.missing_marks), record.name
        assert bool(record.missing_marks) == bool(meanings[record.kind]), record.name


@pytest.mark.parametrize(
    ("source", "path", "matches"),
    [
        ("nof_data", "/wp-content/uploads/2025/11/nhs-oversight-framework-acute-trust-data-q2.csv", True),
        ("nof_data", "/uploads/nhs-oversight-framework-mental-health-and-community-trust-data-v2.csv", True),
        ("nof_data", "/uploads/nhs-oversight-framework-acute-trust-league-table.csv", False),
        ("nof_league_table", "/uploads/nhs-oversight-framework-ambulance-trust-league-table-q3.csv", True),
        ("nof_league_table", "/uploads/nhs-oversight-framework-ambulance-trust-data.csv", False),
        ("cancer_waiting_times", "/CWT-CRS-Apr-2025-to-Jul-2025-Data-Extract-Provider-Final.xlsx", True),
        ("cancer_waiting_times", "/CWT-CRS-Commissioner-Time-Series.xlsx", False),
        ("community_waiting_lists", "/Community-health-services-waiting-lists-2025-26-June.xlsx", True),
        ("ae_attendances", "/Monthly-AE-June-2025-1-1.csv", True),
        ("ae_attendances", "/July-2025-CSV-9jfy4.csv", True),
        ("ae_attendances", "/Monthly-AE-Time-Series-June-2025.csv", False),
        ("ambulance_systems", "/AmbSYS-Time-Series-until-20250831.xlsx", True),
        ("rtt_waiting_times", "/Full-CSV-data-file-Jun25-ZIP-4M-a8x-revised.zip", True),
        ("ods_trusts", "/api/getReport?report=etr", True),
        ("ods_trusts", "/assets/ods/current/etr.zip", True),
        ("ods_trusts", "/assets/ods/current/ets.zip", False),
    ],
)
def test_links_are_told_by_what_stays_the_same_in_their_names(source: str, path: str, matches: bool) -> None:
    assert load_catalogue().sources[source].links.matches(path, "") is matches


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("reader", "sorcery", "ae_attendances, reader: expected one of .*; found 'sorcery'"),
        ("links", {"href": "("}, "ae_attendances, links.href: .*compiles"),
        ("publication_weeks", [0, 2], "ae_attendances: publication_weeks from 1 to 52"),
        ("publication_weeks", [4, 2], "ae_attendances: .*the first not after the last"),
        ("publication_weeks", None, "ae_attendances: publication_weeks for every cadence"),
        ("licence", "", "ae_attendances, licence: "),
        ("formats", ["pdf"], "ae_attendances, formats.0: .*found 'pdf'"),
        ("missing_marks", {"-": "zero"}, "ae_attendances, missing_marks: Extra inputs are not permitted"),
        ("metrics", ["0013"], "ae_attendances, metrics.*0"),
        (
            "index_pages",
            [{"address": "ftp://x", "checked": True}],
            "index_pages.0.address: .*found 'ftp://x'",
        ),
        ("largest_megabytes", 0, "ae_attendances, largest_megabytes"),
        ("colour", "red", "ae_attendances, colour: .*found 'red'"),
    ],
)
def test_a_wrong_field_is_named_with_its_entry(
    tmp_path: Path, field: str, value: object, expected: str
) -> None:
    with pytest.raises(WrongUsage, match=expected):
        load_catalogue(changed(tmp_path, lambda entry: entry.update({field: value})))


def test_a_field_that_is_left_out_is_named_with_its_entry(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="ae_attendances, publisher: Field required"):
        load_catalogue(changed(tmp_path, lambda entry: entry.pop("publisher")))


def test_an_entry_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yml"
    path.write_text("sources:\n  one: {}\n  one: {}\n", encoding="utf-8")
    with pytest.raises(WrongUsage, match="'one' stands there twice"):
        load_catalogue(path)


@pytest.mark.parametrize("text", ["", "sources: 3", "- a", "sources: {", "sources: {a: 1}"])
def test_what_is_no_catalogue_is_refused_with_the_file_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalogue.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WrongUsage, match=r"catalogue\.yml"):
        load_catalogue(path)


def test_an_unknown_source_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(WrongUsage, match=r"no source 'x'\. It has: nof_data, "):
        load_catalogue().chosen(["x"])
