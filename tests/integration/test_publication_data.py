"""Every number of the sample's workbooks, JSON files and data package equals the release; programs can read them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import jsonschema
import pytest
import yaml
from frictionless import Package
from read_workbook import ReadSheet, read_workbook
from required import missing

from dagster_project.files import sha256_of_file
from dagster_project.publication import addresses, data_files, feed, workbooks
from dagster_project.publication.contents import Contents, QuarterContent, Row
from dagster_project.publication.described_tables import STAMPS, described_tables
from dagster_project.publication.pages import derivation, downloads
from dagster_project.publication.publish import current, read_contents
from dagster_project.publication.spreadsheet import NOT_AVAILABLE
from dagster_project.publication.words import table_name
from dagster_project.settings import DataFolder

ATOM = "{http://www.w3.org/2005/Atom}"
# What Excel keeps of a number.
DIGITS = 15


@pytest.fixture(scope="module")
def contents(six_quarters: DataFolder) -> Contents:
    return read_contents(six_quarters, current(six_quarters))


@pytest.fixture(scope="module")
def newest(contents: Contents) -> QuarterContent:
    return contents.newest


@pytest.fixture(scope="module")
def site(contents: Contents, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The newest quarter's data files, and what programs read of all quarters, in a folder."""
    folder = tmp_path_factory.mktemp("site")
    for one in (
        *data_files.of_quarter(contents.newest),
        *data_files.of_all(contents),
        *downloads.of_all(contents),
        *feed.of_all(contents),
    ):
        file = folder / one.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(one.content)
    return folder


def is_cell_of(shown: object, released: object) -> bool:
    """Whether a sheet's cell shows a released value: a number to Excel's digits, all else letter by letter."""
    if released is None or released == "":
        return shown == NOT_AVAILABLE
    if isinstance(released, bool):
        return shown == ("yes" if released else "no")
    if isinstance(released, int | Decimal):
        return isinstance(shown, int | float) and f"{shown:.{DIGITS}g}" == f"{float(released):.{DIGITS}g}"
    return shown == str(released)


def assert_sheet(content: QuarterContent, sheet: ReadSheet, of: workbooks.SheetOf, rows: list[Row]) -> int:
    """Holds each cell of a sheet against the release; returns how many."""
    columns = [column for column in of.columns if column == "organisation_name" or column in rows[0]]
    headings = [workbooks.heading(column) for column in columns]
    assert sheet.headings == [*headings, *([workbooks.DERIVATION] if of.explained else [])]
    assert len(sheet.rows) == len(rows)
    for shown, row in zip(sheet.rows, rows, strict=True):
        for value, column in zip(shown, columns, strict=False):
            expected = workbooks.cell_value(content, row, column)
            assert is_cell_of(value, expected), (sheet.name, column, value, expected)
    return len(rows) * len(columns)


def test_every_cell_of_the_quarters_workbook_equals_the_release(newest: QuarterContent) -> None:
    book = read_workbook(workbooks.quarter_workbook(newest))
    seen = 0
    for name in newest.tables:
        of = workbooks.SheetOf(table_name(name), "league_table", "", workbooks.LEAGUE)
        seen += assert_sheet(newest, book[of.name], of, list(newest.find("league_table", table_name=name)))
    for of in workbooks.OF_THE_QUARTER:
        seen += assert_sheet(newest, book[of.name], of, list(newest.rows(of.table)))
    summary = book["Compared with the publisher"]
    assert sum(row[2] for row in summary.rows) == len(newest.rows("reconciliation"))
    for table, outcome, number in summary.rows:
        assert number == sum(
            (table_name(row["table_name"] or ""), row["outcome"].replace("_", " ")) == (table, outcome)
            for row in newest.rows("reconciliation")
        )
    assert set(book) == {
        *("Cover", "Contents", "Notes", "Columns", "Compared with the publisher"),
        *map(table_name, newest.tables),
        *(of.name for of in workbooks.OF_THE_QUARTER),
    }
    assert seen > 100_000
    tables = described_tables(newest.release)
    for _, _, said, name in book["Columns"].rows:
        table, _, column = name.partition(".")
        known = {
            one.name: one.description for one in (*tables["organisation"].columns, *tables[table].columns)
        }
        assert said == known[column] != ""


def test_every_cell_of_every_board_pack_equals_the_release(newest: QuarterContent) -> None:
    seen = 0
    for produced in workbooks.of_quarter(newest):
        code = Path(produced.path).stem
        if produced.path == addresses.workbook(newest.quarter):
            continue
        book = read_workbook(produced.content)
        for of in workbooks.OF_AN_ORGANISATION:
            rows = list(newest.find(of.table, organisation_code=code))
            assert (of.name in book) == bool(rows)
            if rows:
                seen += assert_sheet(newest, book[of.name], of, rows)
        place = newest.places.get(code)
        assert ("Place" in book) == (place is not None)
        for (what, shown, _), column in zip(
            book["Place"].rows if place else (), workbooks.PLACE_COLUMNS, strict=bool(place)
        ):
            assert place is not None
            assert (what, True) == (workbooks.heading(column), is_cell_of(shown, place[column]))
            seen += 1
    assert seen > 50_000


def as_json(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value


def without_stamps(row: Row) -> dict[str, Any]:
    return {column: as_json(value) for column, value in row.items() if column not in STAMPS}


def json_files(site: Path) -> Iterator[tuple[str, Any]]:
    for file in sorted(site.rglob("*.json")):
        yield str(file.relative_to(site)), json.loads(file.read_bytes())


def test_every_figure_of_every_json_file_equals_the_release(site: Path, newest: QuarterContent) -> None:
    places, organisations = [], 0
    for path, value in json_files(site):
        if "/league-tables/" in path:
            columns = value["columns"].keys()
            places += [{column: row[column] for column in columns} for row in value["rows"]]
        elif "/organisations/" in path:
            organisations += 1
            for table, rows in value["figures"].items():
                expected = newest.find(table, organisation_code=value["organisation_code"])
                found = [{k: v for k, v in row.items() if k != "derivations"} for row in rows]
                assert found == [without_stamps(row) for row in expected], (path, table)
    assert organisations == len(newest.rows("organisation"))
    expected = [without_stamps(row) for row in newest.places.values()]
    key = "organisation_code"
    assert sorted(places, key=lambda row: row[key]) == sorted(expected, key=lambda row: row[key])


def test_every_derivation_that_a_file_names_is_there(site: Path, newest: QuarterContent) -> None:
    ids = {
        one.path: set(re.findall(r'\bid="([^"]+)"', one.content.decode()))
        for one in derivation.of_quarter(newest)
    }
    named = set()
    for path, value in json_files(site):
        if "/organisations/" in path:
            rows = [row for found in value["figures"].values() for row in found]
            named |= {
                (path, value["derivation_page"], name)
                for row in rows
                for name in row.get("derivations", {}).values()
            }
        elif "/league-tables/" in path:
            for row in value["rows"]:
                named |= {(path, row["derivation_page"], name) for name in row["derivations"].values()}
    for path, page, name in named:
        assert name in ids[addresses.resolved(path, page)], (path, name)
    for code in list(newest.places)[::20]:
        book = read_workbook(workbooks.board_pack(newest, code))
        for sheet in (book[name] for name in book if name not in ("Cover", "Contents")):
            assert sheet.headings[-1] == workbooks.DERIVATION
            for shown in sheet.rows:
                page, _, name = shown[-1].partition("#")
                assert name in ids[page], (code, shown)
                named.add((code, page, name))
    assert len(named) > 5_000


def test_every_json_file_of_the_sample_follows_its_schema(site: Path) -> None:
    read = dict(json_files(site))
    validators = {
        path: jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(["date"]))
        for path, schema in read.items()
        if path.startswith("data/v1/schemas/")
    }
    for path, value in read.items():
        if path not in validators and "resources" not in value:
            validators[addresses.resolved(path, value["schema"])].validate(value)
    assert len(validators) == 3


def test_every_table_of_the_data_package_equals_the_release(site: Path, newest: QuarterContent) -> None:
    package = json.loads((site / addresses.data_package(newest.quarter)).read_bytes())
    assert [one["name"] for one in package["resources"]] == list(described_tables(newest.release))
    for resource in package["resources"]:
        file = site / f"data/v1/{newest.quarter}" / resource["path"]
        assert f"sha256:{sha256_of_file(file)}" == resource["hash"]
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        records = csv.DictReader(io.StringIO(content.decode(), newline=""))
        released = newest.rows(resource["name"])
        found = 0
        for record, row in zip(records, released, strict=True):
            for field in resource["schema"]["fields"]:
                shown, value = record[field["name"]], row[field["name"]]
                if isinstance(value, bool):
                    assert shown == str(value).lower()
                elif isinstance(value, int | Decimal):
                    assert Decimal(shown) == value
                else:
                    assert shown.removeprefix("'") == ("" if value is None else str(value).removeprefix("'"))
                assert field["description"]
            found += 1
        assert found == len(released)


def test_the_contract_lies_beside_the_data_and_promises_what_the_data_package_holds(
    site: Path, newest: QuarterContent
) -> None:
    contract = yaml.safe_load((site / addresses.CONTRACT).read_bytes())
    promised = {
        table["name"]: {column["name"] for column in table["properties"]} for table in contract["schema"]
    }
    package = json.loads((site / addresses.data_package(newest.quarter)).read_bytes())
    held = {one["name"]: {field["name"] for field in one["schema"]["fields"]} for one in package["resources"]}
    assert promised.keys() & held.keys() == held.keys()
    assert [name for name in held if not promised[name] <= held[name]] == []
    assert f'href="{Path(addresses.CONTRACT).name}"' in (site / addresses.DATA_GUIDE).read_text("utf-8")


def test_the_data_package_of_the_sample_validates(site: Path, newest: QuarterContent) -> None:
    report = Package(str(site / addresses.data_package(newest.quarter))).validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "type", "note"])[:5]


def test_the_feed_tells_of_each_release_at_the_journals_time(site: Path, contents: Contents) -> None:
    root = ElementTree.parse(site / addresses.FEED).getroot()
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == len(contents.quarters)
    events = feed.journal(contents.newest.warehouse)
    assert {one.findtext(f"{ATOM}updated") for one in entries} == {
        f"{e.at.isoformat()}+00:00" for e in events
    }
    for one in contents.quarters:
        assert any(one.release_id in (entry.findtext(f"{ATOM}title") or "") for entry in entries)


def example(site: Path, language: str) -> str:
    """An example of the guide as it is published, with the folder in place of a site."""
    import html5lib

    page = html5lib.parse((site / addresses.DATA_GUIDE).read_text("utf-8"), namespaceHTMLElements=False)
    (found,) = [one for one in page.iter("code") if one.get("data-example") == language]
    return str(found.text).replace(downloads.SITE, f"{site.as_uri()}/")


@pytest.mark.parametrize("language", ["python", "polling"])
def test_the_guides_python_runs_as_it_stands(site: Path, newest: QuarterContent, language: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", example(site, language)], capture_output=True, text=True, check=True
    )
    wanted = newest.release_id if language == "polling" else f"[{len(newest.places)} rows x 3 columns]"
    assert wanted in ended.stdout


def test_the_guides_sql_runs_as_it_stands(site: Path, newest: QuarterContent) -> None:
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(example(site, "duckdb")).fetchall()
    expected = [
        (row["table_name"], row["rank"], row["organisation_name"]) for row in newest.rows("league_table")
    ]
    assert sorted(rows) == sorted(expected)


def test_libreoffice_opens_the_workbook(newest: QuarterContent, tmp_path: Path) -> None:
    program = shutil.which("soffice")
    if program is None:
        missing("libreoffice", "no LibreOffice: apt-get install libreoffice-calc")
    file = tmp_path / "league-tables.xlsx"
    file.write_bytes(workbooks.quarter_workbook(newest))
    # Sheet 5: after cover, contents, notes and columns the first league table.
    form = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,5"
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    subprocess.run(
        [program, home, "--headless", "--convert-to", form, "--outdir", str(tmp_path), str(file)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    (converted,) = tmp_path.glob("*.csv")
    with converted.open(encoding="utf-8", newline="") as lines:
        records = list(csv.reader(lines))
    codes = [
        row["organisation_code"] for row in newest.places.values() if row["table_name"] == newest.tables[0]
    ]
    assert [record[1] for record in records[-len(codes) :]] == codes
