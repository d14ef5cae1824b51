"""Data for programs: JSON at addresses that stay, CSV in a Frictionless data package, the newest release.

In JSON a decimal is text with all its digits, as in `league show --json`: a JSON number becomes a binary fraction in
most programs. Whole numbers are numbers, what is missing is null, and a link is relative to the file it stands in.
"""

from __future__ import annotations

import gzip
import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from dagster_project.errors import InputRejected
from dagster_project.publication import addresses
from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.dataset import period
from dagster_project.publication.described_tables import (
    STAMPS,
    Column,
    DescribedTable,
    described_tables,
)
from dagster_project.publication.figures import figure_of
from dagster_project.publication.licences import Licence, licence_of
from dagster_project.publication.rendering import Produced
from dagster_project.publication.words import LOWER_IS_BETTER, NOT_A_VERDICT, table_name
from dagster_project.settings import CONTRACT_FILE
from dagster_project.shown import json_text

Row = Mapping[str, Any]
# What the file of an organisation holds, in this order; a table that a release lacks is an empty list.
ORGANISATION_TABLES = (
    "organisation",
    "league_table",
    "domain_score",
    "metric_score",
    "likely_range",
    "segment_probability",
    "not_told_apart",
    "segment_distance",
    "movement_total",
    "movement_beyond_chance",
    "caveat",
    "consequence",
)
# Three megabytes each as they are, a twentieth of that compressed; nobody opens them in a spreadsheet.
COMPRESSED = frozenset({"lineage", "reconciliation"})
_NAMESPACE = uuid.UUID("5a1c7f5e-0b1d-5f0e-9d0b-3f3f6d9a2b71")
_DECIMAL = {"type": ["string", "null"], "pattern": "^-?[0-9]+(\\.[0-9]+)?$"}
_JSON_TYPES: Mapping[str, Mapping[str, Any]] = {
    "BOOLEAN": {"type": ["boolean", "null"]},
    "INTEGER": {"type": ["integer", "null"]},
    "BIGINT": {"type": ["integer", "null"]},
    "DATE": {"type": ["string", "null"], "format": "date"},
    "VARCHAR": {"type": ["string", "null"]},
}
_FIELD_TYPES = {
    "BOOLEAN": "boolean",
    "INTEGER": "integer",
    "BIGINT": "integer",
    "DATE": "date",
    "VARCHAR": "string",
}


def of_quarter(content: QuarterContent) -> Iterator[Produced]:
    """The quarter's JSON files and its data package."""
    for name in content.tables:
        yield _league_table(content, name)
    for code in content.codes:
        yield _organisation(content, code)
    yield from _package(content)


def of_all(contents: Contents) -> Iterator[Produced]:
    """`latest.json`, the contract of the released tables, and the schemas of all JSON files."""
    yield _json(addresses.LATEST, _latest(contents))
    yield Produced(addresses.CONTRACT, CONTRACT_FILE.read_bytes())
    for kind, schema in schemas(contents.newest).items():
        yield _json(addresses.data_schema(kind), schema)


def plain_value(value: object) -> object:
    """A released value as JSON holds it."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value


def _league_table(content: QuarterContent, name: str) -> Produced:
    path = addresses.league_table_json(content.quarter, name)
    columns = described_tables(content.release)["league_table"].columns
    return _json(
        path,
        {
            **_envelope(content, path, "league-table"),
            "table_name": name,
            "title": table_name(name),
            "page": addresses.link(path, addresses.table(content.quarter, name)),
            "columns": {column.name: column.description for column in _own(columns)},
            "rows": [
                {
                    **_record("league_table", row),
                    "derivation_page": _derivation_page(content, path, row["organisation_code"]),
                    "page": addresses.link(
                        path, addresses.organisation(content.quarter, row["organisation_code"])
                    ),
                    "json": addresses.link(
                        path, addresses.organisation_json(content.quarter, row["organisation_code"])
                    ),
                }
                for row in content.places.values()
                if row["table_name"] == name
            ],
        },
    )


def _organisation(content: QuarterContent, code: str) -> Produced:
    path = addresses.organisation_json(content.quarter, code)
    return _json(
        path,
        {
            **_envelope(content, path, "organisation"),
            "organisation_code": code,
            "page": addresses.link(path, addresses.organisation(content.quarter, code)),
            "derivation_page": _derivation_page(content, path, code),
            "figures": {
                table: [_record(table, row) for row in content.find(table, organisation_code=code)]
                for table in ORGANISATION_TABLES
            },
        },
    )


def _record(table: str, row: Row) -> dict[str, Any]:
    """A released row without its stamps. `derivations` names for each figure in it the part of the derivation page that
    explains it: written out as links they would be a third of the file.
    """
    values = {column: plain_value(value) for column, value in row.items() if column not in STAMPS}
    derivations = {
        column: name
        for column, value in row.items()
        if isinstance(value, int | Decimal)
        and column not in STAMPS
        and (name := figure_of(table, row, column))
    }
    return {**values, "derivations": derivations} if derivations else values


def _derivation_page(content: QuarterContent, path: str, code: str) -> str:
    return addresses.link(path, addresses.derivation(content.quarter, code))


def _envelope(content: QuarterContent, path: str, kind: str) -> dict[str, Any]:
    """What every JSON file says before its figures."""
    licence = licence_of(is_sample=content.is_sample)
    first, last = period(content)
    return {
        "schema": addresses.link(path, addresses.data_schema(kind)),
        "kind": "fictional sample data" if content.is_sample else "unofficial recomputation",
        "notice": content.notice,
        "is_sample": content.is_sample,
        "is_embargoed": content.is_embargoed,
        "licence": {"name": licence.name, "title": licence.title, "path": licence.path},
        "how_to_read": f"{LOWER_IS_BETTER} {NOT_A_VERDICT}",
        "quarter": content.quarter,
        "period": {"from": first, "to": last},
        "release_id": content.release_id,
    }


def _latest(contents: Contents) -> dict[str, Any]:
    here = addresses.LATEST
    return {
        **_envelope(contents.newest, here, "latest"),
        **_addresses(here, contents.newest),
        "feed": addresses.link(here, addresses.FEED),
        "quarters": [
            {"quarter": one.quarter, "release_id": one.release_id, **_addresses(here, one)}
            for one in contents.quarters
        ],
    }


def _addresses(here: str, content: QuarterContent) -> dict[str, Any]:
    quarter = content.quarter
    return {
        "page": addresses.link(here, addresses.quarter_home(quarter)),
        "data_package": addresses.link(here, addresses.data_package(quarter)),
        "workbook": addresses.link(here, addresses.workbook(quarter)),
        "league_tables": {
            name: addresses.link(here, addresses.league_table_json(quarter, name)) for name in content.tables
        },
        "organisation": addresses.link(here, addresses.organisation_json(quarter, "{code}")),
    }


def schemas(content: QuarterContent) -> dict[str, dict[str, Any]]:
    """The JSON Schemas by kind, their columns and types those of the release's tables.

    Additions are free, as in the released tables: a consumer must bear members that it doesn't know.
    """
    tables = described_tables(content.release)
    text, link = {"type": "string"}, {"type": "string", "format": "uri-reference"}
    links = {"type": "object", "additionalProperties": link}
    row = _row_schema(tables["league_table"])
    league_table = {
        "table_name": text,
        "title": text,
        "page": link,
        "columns": {"type": "object", "additionalProperties": text},
        "rows": {
            "type": "array",
            "items": {
                **row,
                "properties": {
                    **row["properties"],
                    "derivation_page": link,
                    "page": link,
                    "json": link,
                },
                "required": [
                    *("organisation_code", "rank", "derivations", "derivation_page", "page", "json")
                ],
            },
        },
    }
    figures = {
        name: {"type": "array", "items": _row_schema(tables[name]) if name in tables else {"type": "object"}}
        for name in ORGANISATION_TABLES
    }
    organisation = {
        "organisation_code": text,
        "page": link,
        "derivation_page": link,
        "figures": {"type": "object", "properties": figures, "required": list(figures)},
    }
    places = {
        "page": link,
        "data_package": link,
        "workbook": link,
        "league_tables": links,
        "organisation": {"type": "string", "description": "A template: put the code in place of the braces"},
    }
    quarter = {"quarter": text, "release_id": text, **places}
    latest = {
        **places,
        "feed": link,
        "quarters": {
            "type": "array",
            "items": {"type": "object", "properties": quarter, "required": list(quarter)},
        },
    }
    return {
        "league-table": _schema("A league table of a quarter", league_table),
        "organisation": _schema("The figures of an organisation in a quarter", organisation),
        "latest": _schema("The newest release, and the current release of each quarter", latest),
    }


def _schema(title: str, own: Mapping[str, Any]) -> dict[str, Any]:
    text = {"type": "string"}
    said = {
        "schema": text,
        "kind": {"enum": ["fictional sample data", "unofficial recomputation"]},
        "notice": text,
        "is_sample": {"type": "boolean"},
        "is_embargoed": {"type": "boolean"},
        "licence": {
            "type": "object",
            "properties": {"name": text, "title": text, "path": text},
            "required": ["name", "title", "path"],
        },
        "how_to_read": text,
        "quarter": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-Q[1-4]$"},
        "period": {
            "type": "object",
            "properties": {
                "from": {"type": "string", "format": "date"},
                "to": {"type": "string", "format": "date"},
            },
            "required": ["from", "to"],
        },
        "release_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": {**said, **own},
        "required": [*said, *own],
    }


def _row_schema(table: DescribedTable) -> dict[str, Any]:
    properties = {
        column.name: {**_JSON_TYPES.get(column.kind, _DECIMAL), "description": column.description}
        for column in _own(table.columns)
    }
    derivations = {
        "type": "object",
        "description": "Column: the part of the derivation page that explains its figure, after a # in its address",
        "additionalProperties": {"type": "string"},
    }
    return {
        "type": "object",
        "description": table.description,
        "properties": {**properties, "derivations": derivations},
    }


def _own(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if column.name not in STAMPS]


def _package(content: QuarterContent) -> Iterator[Produced]:
    """The released CSV files and their descriptor; files keep the release's own bytes, large ones compressed."""
    resources = []
    for table in described_tables(content.release).values():
        released = _released_csv(content, table.name)
        if table.name in COMPRESSED:
            # Without a name and a time in it.
            released = gzip.compress(released, mtime=0)
        file = Produced(csv_address(content, table.name), released)
        yield file
        resources.append(_resource(table, file, addresses.data_package(content.quarter)))
    yield _json(addresses.data_package(content.quarter), _descriptor(content, resources), indent=1)


def csv_address(content: QuarterContent, table: str) -> str:
    """Where a released table lies as CSV."""
    form = addresses.compressed_data_file if table in COMPRESSED else addresses.data_file
    return form(content.quarter, table, is_embargoed=content.is_embargoed)


def _released_csv(content: QuarterContent, table: str) -> bytes:
    file = content.release.folder / f"{table}.csv"
    said = content.release.release_file["files"][file.name]["sha256"]
    found = file.read_bytes()
    digest = hashlib.sha256(found).hexdigest()
    if digest != said:
        raise InputRejected(
            file=str(file),
            expected=f"sha256 {said}, as release.json says",
            found=f"sha256 {digest}",
            remedy="Restore the release folder from a backup, or make the release again.",
        )
    return found


def _descriptor(content: QuarterContent, resources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    licence = licence_of(is_sample=content.is_sample)
    first, last = period(content)
    return {
        "profile": "tabular-data-package",
        "name": f"nhs-league-tables-{content.quarter.casefold()}",
        "id": f"urn:uuid:{uuid.uuid5(_NAMESPACE, content.release_id)}",
        "title": f"NHS league tables of {content.label}, recomputed",
        "description": f"{content.notice} {LOWER_IS_BETTER} {NOT_A_VERDICT} The CSV files are those of the release: "
        "an apostrophe stands before a text that a spreadsheet would compute. Units stand in the fields' descriptions.",
        "version": content.release_id,
        "temporal": {"from": first, "to": last},
        "quarter": content.quarter,
        "release_id": content.release_id,
        "is_sample": content.is_sample,
        "is_embargoed": content.is_embargoed,
        "homepage": addresses.link(
            addresses.data_package(content.quarter), addresses.quarter_home(content.quarter)
        ),
        "licenses": [_licence(licence)],
        "sources": [
            {
                "title": f"{row['publisher']}: {row['file_name']}",
                "source": row["source"],
                "hash": f"sha256:{row['extract_id']}",
                "bytes": row["bytes"],
                "licence": row["licence"],
            }
            for row in content.rows("extract")
        ],
        "resources": list(resources),
    }


def _licence(licence: Licence) -> dict[str, str]:
    return {"name": licence.name, "title": licence.title, "path": licence.path}


def _resource(table: DescribedTable, file: Produced, here: str) -> dict[str, Any]:
    resource = {
        "profile": "tabular-data-resource",
        "name": table.name,
        "path": addresses.link(here, file.path),
        "title": table.name.replace("_", " ").capitalize(),
        "description": table.description,
        "scheme": "file",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(file.content),
        "hash": f"sha256:{hashlib.sha256(file.content).hexdigest()}",
        "schema": _table_schema(table),
    }
    return {**resource, "compression": "gz"} if file.path.endswith(".gz") else resource


def _table_schema(table: DescribedTable) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "fields": [
            {
                "name": column.name,
                "type": _FIELD_TYPES.get(column.kind, "number"),
                "description": column.description,
            }
            for column in table.columns
        ],
        "missingValues": [""],
    }
    if table.key:
        schema["primaryKey"] = list(table.key)
    if table.points_at:
        schema["foreignKeys"] = [
            {"fields": [column], "reference": {"resource": there, "fields": [named]}}
            for column, (there, named) in table.points_at.items()
        ]
    return schema


def _json(path: str, value: object, *, indent: int | None = None) -> Produced:
    return Produced(path, (json_text(value, indent=indent) + "\n").encode())
