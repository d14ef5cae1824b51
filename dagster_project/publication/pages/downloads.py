"""What can be downloaded, and the guide for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.data_files import COMPRESSED, ORGANISATION_TABLES, csv_address
from dagster_project.publication.dataset import dataset_of
from dagster_project.publication.described_tables import STAMPS, DescribedTable, described_tables
from dagster_project.publication.rendering import Produced, page
from dagster_project.publication.words import table_name

# Stands for the address of whoever puts the publication on a server: a name that is kept for examples.
SITE = "https://league-tables.example/"
_FORMS = {
    ".xlsx": "Excel workbook",
    ".csv": "CSV",
    ".gz": "CSV, compressed",
    ".json": "JSON",
    ".svg": "SVG picture",
    ".png": "PNG picture",
}
_UNITS = ((1_000_000, "MB"), (1_000, "kB"))


@dataclass(frozen=True)
class Download:
    """A file to download: what it is, where it lies below the root, its form and its size in words."""

    title: str
    path: str
    form: str
    size: str


@dataclass(frozen=True)
class Example:
    """A few lines that read the publication; `language` is the word that tests find it by."""

    language: str
    title: str
    lines: str


def of_all(contents: Contents) -> Iterator[Produced]:
    """The downloads and the guide for programs."""
    newest = contents.newest
    yield page(
        "downloads.html.j2",
        addresses.DOWNLOADS,
        contents,
        quarters=[(one, _main(contents, one)) for one in reversed(contents.quarters)],
        tables=_tables(contents),
        charts=_charts(contents),
        dataset=dataset_of(newest, addresses.DOWNLOADS),
    )
    described = described_tables(newest.release)
    yield page(
        "data_guide.html.j2",
        addresses.DATA_GUIDE,
        contents,
        newest=newest,
        site=SITE,
        examples=examples(newest),
        addresses_of=_addresses(newest),
        tables=[described[name] for name in ORGANISATION_TABLES if name in described],
        others=[table for name, table in described.items() if name not in ORGANISATION_TABLES],
        fields=_fields,
        dataset=dataset_of(newest, addresses.DATA_GUIDE),
    )


def size_in_words(count: int) -> str:
    """Bytes as people read them: 14 kB, 1.2 MB."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.{1 if count < 10 * unit else 0}f}\N{NO-BREAK SPACE}{name}"
    return f"{count}\N{NO-BREAK SPACE}bytes"


def examples(content: QuarterContent) -> tuple[Example, ...]:
    """A few lines in each language that people read tables with; they read the quarter's league tables."""
    csv = SITE + csv_address(content, "league_table")
    return (
        Example(
            "python",
            "Python with pandas",
            "import pandas as pd\n\n"
            f'table = pd.read_csv("{csv}")\n'
            'print(table[["table_name", "rank", "organisation_name"]])',
        ),
        Example(
            "r",
            "R",
            f'table <- read.csv("{csv}")\nhead(table[, c("table_name", "rank", "organisation_name")])',
        ),
        Example(
            "excel",
            "Excel, Power Query (Data, Get Data, Blank Query, Advanced Editor)",
            f'let source = Csv.Document(Web.Contents("{csv}"),\n'
            '        [Delimiter = ",", Encoding = 65001]),\n'
            "    table = Table.PromoteHeaders(source)\n"
            "in table",
        ),
        Example(
            "duckdb",
            "DuckDB",
            f"select table_name, rank, organisation_name\nfrom read_csv('{csv}')\norder by table_name, rank;",
        ),
        Example(
            "polling",
            "Is there something new? (Python)",
            "import json, urllib.request\n\n"
            f'latest = json.load(urllib.request.urlopen("{SITE}{addresses.LATEST}"))\n'
            'print(latest["quarter"], latest["release_id"])',
        ),
    )


def _main(contents: Contents, content: QuarterContent) -> list[Download]:
    """What most people want of a quarter."""
    quarter = content.quarter
    wanted = [
        ("All tables in one workbook", addresses.workbook(quarter)),
        ("All tables as a data package (the list of its CSV files)", addresses.data_package(quarter)),
        ("All league tables as one table", csv_address(content, "league_table")),
        *((table_name(name), addresses.league_table_json(quarter, name)) for name in content.tables),
    ]
    return _there(contents, wanted)


def _tables(contents: Contents) -> list[tuple[DescribedTable, Download]]:
    """Each released table of the newest quarter as CSV."""
    newest = contents.newest
    found = []
    for name, table in described_tables(newest.release).items():
        there = _there(contents, [(name, csv_address(newest, name))])
        found += [(table, download) for download in there]
    return found


def _charts(contents: Contents) -> list[Download]:
    """The newest quarter's charts."""
    newest = contents.newest
    folder = PurePosixPath(addresses.chart(newest.quarter, "any")).parent
    paths = sorted(path for path in contents.sizes if PurePosixPath(path).parent == folder)
    return _there(contents, [(_chart_title(newest, PurePosixPath(path).stem), path) for path in paths])


def _chart_title(content: QuarterContent, name: str) -> str:
    """A chart by its name, such as `values-OF0010-acute`: what it shows, of which measure and table, in words."""
    kind, *of = name.split("-")
    said = []
    for word in of:
        metric = content.one("metric", metric_id=word)
        said.append(str(metric["metric_name"]) if metric else table_name(word))
    return ": ".join([kind.capitalize(), *([", ".join(said)] if said else [])])


def _there(contents: Contents, wanted: list[tuple[str, str]]) -> list[Download]:
    return [
        Download(title, path, _FORMS[PurePosixPath(path).suffix], size_in_words(contents.sizes[path]))
        for title, path in wanted
        if path in contents.sizes
    ]


def _addresses(content: QuarterContent) -> list[tuple[str, str]]:
    """Address and what is there; braces stand for what differs."""
    return [
        (addresses.LATEST, "The newest release, and the current release of each quarter. Poll this one."),
        (addresses.FEED, "Releases, revisions and withdrawals as an Atom feed."),
        (
            addresses.CONTRACT,
            "What may be relied on in the released tables (columns, types, units, keys, notice of changes), in the "
            "Open Data Contract Standard.",
        ),
        (
            addresses.data_package("{quarter}"),
            "The quarter's data package: its CSV files with fields, keys, licence, sources and hashes.",
        ),
        (
            addresses.data_file("{quarter}", "{table}", is_embargoed=content.is_embargoed),
            "A released table.",
        ),
        (
            addresses.compressed_data_file("{quarter}", "{table}", is_embargoed=content.is_embargoed),
            f"A large released table, compressed: {' and '.join(sorted(COMPRESSED))}.",
        ),
        *(
            (
                addresses.league_table_json("{quarter}", name),
                f"The league table of {table_name(name).casefold()}.",
            )
            for name in content.tables
        ),
        (
            addresses.organisation_json("{quarter}", "{code}"),
            "What is known of an organisation in a quarter.",
        ),
        (addresses.data_schema("{kind}"), "The JSON Schema of league-table, organisation or latest."),
    ]


def _fields(table: DescribedTable) -> list[tuple[str, str, str]]:
    """Name, type and description of each column of a table but those that all have."""
    return [
        (column.name, column.kind.lower(), column.description)
        for column in table.columns
        if column.name not in STAMPS
    ]
