"""The contract as a document of the Open Data Contract Standard: made from what dbt's YAML says of released tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dagster_project.documents.sources import DocumentSources, Node, name_in_warehouse
from dagster_project.errors import LeagueError
from dagster_project.notices import NOT_A_VERDICT, OFFICIAL_NOTICE, SAMPLE_NOTICE
from dagster_project.releases.tables import EARLIER_RELEASE, OF_TWO_RELEASES, POINTS_AT, RELEASED_TABLES
from dagster_project.settings import OWNER, WAREHOUSE_NAME, WAREHOUSE_SCHEMA
from dagster_project.warehouse.descriptions import UNITS, one_line, unit_of

Document = dict[str, Any]

NOTICE_DAYS = 180
_API_VERSION = "v3.2.0"
# dbt's type without its size -> the standard's type.
_LOGICAL = {
    "varchar": "string",
    "boolean": "boolean",
    "integer": "integer",
    "bigint": "integer",
    "decimal": "number",
    "double": "number",
    "date": "date",
}
_MEASURED = ("integer", "number")
_ROLE = "Each receiver's own: the address is given when it is delivered to and stands in no file."


def contract_document(sources: DocumentSources, version: str) -> Document:
    """The contract in the order of the standard. The same sources and version give the same document.

    Raises LeagueError for a released table or column of which dbt's YAML doesn't say what the contract promises.
    """
    written = (node for node in sources.sources if node["schema"] == WAREHOUSE_SCHEMA)
    nodes = {name_in_warehouse(node): node for node in (*sources.marts, *written)}
    missing = [table.name for table in RELEASED_TABLES if table.name not in nodes]
    if missing:
        raise LeagueError(
            f"released tables {', '.join(missing)}: expected them described in dbt/models; found none. Describe "
            "them there, or take them out of releases/tables.py by the rules of docs/contract-changelog.md."
        )
    return {
        "apiVersion": _API_VERSION,
        "kind": "DataContract",
        "id": "nhs-league-tables",
        "name": "NHS league tables, recomputed",
        "version": version,
        "status": "active",
        "domain": "NHS oversight",
        "dataProduct": "nhs-league-tables",
        "description": _purpose(),
        "servers": list(_servers()),
        "schema": [_schema(sources, table.name, nodes[table.name]) for table in RELEASED_TABLES],
        "support": [_support()],
        "team": {"name": OWNER.removeprefix("team:"), "description": "Those who run the quarters."},
        "slaProperties": list(_levels()),
        "customProperties": _properties(
            licenceOfficial="OGL-UK-3.0", licenceSample="MIT", unitsOfColumns=dict(UNITS)
        ),
    }


def custom(element: Mapping[str, Any], name: str) -> Any:
    """A property of an element that the standard has no word for; None where it hasn't one."""
    found = (one["value"] for one in element.get("customProperties", ()) if one["property"] == name)
    return next(found, None)


def _purpose() -> Document:
    return {
        "purpose": "NHS England's quarterly league tables, recomputed from the published files figure by figure, with "
        "what they rest on, how sure they are and how they compare with the publisher's.",
        "usage": f"{NOT_A_VERDICT} docs/consumers.md says which table answers which question, and shows how to ask.",
        "limitations": f"{OFFICIAL_NOTICE} A release of the sample says: {SAMPLE_NOTICE}",
    }


def _servers() -> Iterator[Document]:
    """Where the tables lie; no address and no name of a machine stands here."""
    folder = "data/releases/*/current/{model}"
    yield {
        "server": "releases",
        "type": "local",
        "description": "The current release of each quarter, below the data folder (LEAGUE_DATA_DIR).",
        "path": f"{folder}.parquet",
        "format": "parquet",
    }
    yield {
        "server": "releases-csv",
        "type": "local",
        "description": "The same tables as UTF-8 text; a missing value is empty.",
        "path": f"{folder}.csv",
        "format": "csv",
        "delimiter": ",",
    }
    yield {
        "server": "warehouse",
        "type": "duckdb",
        "description": "One file of all quarters, exchanged whole.",
        "database": f"data/warehouse/{WAREHOUSE_NAME}.duckdb",
        "schema": WAREHOUSE_SCHEMA,
    }
    for server, what in {
        "postgresql": "A PostgreSQL database that is delivered to.",
        "iceberg-lake": "An Iceberg lake that is delivered to; a snapshot names its release.",
        "delta-lake": "A Delta lake that is delivered to; a commit names its release.",
        "spark": "The tables of a run on Spark, in the databases of its catalogue.",
    }.items():
        yield {"server": server, "type": "custom", "description": f"{what} {_ROLE}"}


def _schema(sources: DocumentSources, name: str, node: Node) -> Document:
    tests = sources.tests(node)
    grain = list((node["config"].get("meta") or {}).get("grain") or ())
    if grain and EARLIER_RELEASE in node["columns"] and EARLIER_RELEASE not in grain:
        # A release's files compare it with one other; the warehouse compares it with several.
        grain.append(EARLIER_RELEASE)
    if not grain or not node["description"]:
        raise LeagueError(
            f"{name}: expected a description and a `grain` in dbt's YAML; found one of them at most."
        )
    required = {"quarter", "release_id", "is_sample"} & set(node["columns"]) | _never_empty(tests)
    is_key = set(grain) <= required
    properties = [
        _column(name, column, tests, column["name"] in required, grain if is_key else [])
        for column in node["columns"].values()
    ]
    return {
        "name": name,
        "physicalName": name,
        "physicalType": "table",
        "logicalType": "object",
        "description": one_line(node["description"]),
        "dataGranularityDescription": f"One row per {', '.join(grain)}.",
        **({"deprecated": True} if _ends_on(node) else {}),
        "properties": properties,
        **_relationships(name, node),
        **({} if is_key else {"quality": [_no_two_rows_share(grain)]}),
        "customProperties": _properties(
            modelVersion=node.get("version"),
            deprecationDate=_ends_on(node),
        ),
    }


def _ends_on(node: Node) -> str | None:
    """The day from which the table may be gone, as 2027-06-30."""
    return str(node["deprecation_date"])[:10] if node.get("deprecation_date") else None


def _never_empty(tests: list[Node]) -> set[str]:
    """Columns that dbt's tests hold never to be empty."""
    found = set()
    for test in tests:
        metadata = test.get("test_metadata") or {}
        if metadata.get("name") == "not_null":
            found.add(test["column_name"])
        elif metadata.get("name") == "rows_are_complete":
            found.update(metadata["kwargs"]["columns"])
    return found


def _column(table: str, column: Node, tests: list[Node], required: bool, key: list[str]) -> Document:
    name, kind, unit = column["name"], str(column["data_type"]), unit_of(column)
    logical = _LOGICAL.get(kind.partition("(")[0])
    if logical is None or not column["description"]:
        raise LeagueError(
            f"{table}, column {name}: expected a description and one of the types {', '.join(_LOGICAL)} in dbt's "
            f"YAML; found type {kind} and description {column['description']!r}."
        )
    if (logical in _MEASURED) != (unit is not None) or (unit is not None and unit not in UNITS):
        raise LeagueError(
            f"{table}, column {name}: expected `meta: {{unit: ...}}` of a number, and of nothing else, as one of "
            f"{', '.join(UNITS)}; found {unit!r} of type {kind}. Mend dbt's YAML, or add the unit to "
            "warehouse/descriptions.py."
        )
    values = _allowed(tests, name)
    return {
        "name": name,
        "logicalType": logical,
        "physicalType": kind,
        "description": one_line(column["description"]),
        "required": required,
        **({"primaryKey": True, "primaryKeyPosition": key.index(name) + 1} if name in key else {}),
        **({"enum": [{"value": value} for value in values]} if values else {}),
        **({"customProperties": _properties(unit=unit)} if unit else {}),
    }


def _allowed(tests: list[Node], column: str) -> list[str]:
    for test in tests:
        metadata = test.get("test_metadata") or {}
        if metadata.get("name") == "accepted_values" and test.get("column_name") == column:
            return [str(value) for value in metadata["kwargs"]["values"]]
    return []


def _relationships(table: str, node: Node) -> Document:
    """Which of its columns name a row of another table, always of the same quarter."""
    found = [
        {
            "type": "foreignKey",
            "from": [f"{table}.quarter", f"{table}.{column}"],
            "to": [f"{other}.quarter", f"{other}.{named}"],
        }
        for column, (other, named) in POINTS_AT.items()
        if column in node["columns"] and other != table and table not in OF_TWO_RELEASES
    ]
    return {"relationships": found} if found else {}


def _no_two_rows_share(grain: list[str]) -> Document:
    """What tells rows apart where a part of it may be empty, which no primary key may."""
    return {
        "name": "no_two_rows_share_their_grain",
        "type": "library",
        "metric": "duplicateValues",
        "description": f"No two rows share {', '.join(grain)}.",
        "dimension": "uniqueness",
        "arguments": {"properties": grain},
        "mustBe": 0,
    }


def _levels() -> Iterator[Document]:
    yield {
        "property": "frequency",
        "value": 3,
        "unit": "months",
        "description": "A quarter is released once its files are published; a revision of them gives a new release.",
    }
    yield {
        "property": "deprecationNotice",
        "value": NOTICE_DAYS,
        "unit": "days",
        "description": "A table that is to go stays so long after the changelog of the contract says so.",
    }
    yield {
        "property": "retention",
        "value": "the current release of every quarter",
        "description": "A run removes no release. A withdrawn one leaves a notice with its reason.",
    }


def _support() -> Document:
    return {
        "channel": "Those who run the quarters",
        "scope": "issues",
        "description": "Questions about the recomputed tables go to the team that runs them; those about the "
        "published figures to NHS England, who has no part in this.",
    }


def _properties(**values: Any) -> list[Document]:
    return [{"property": name, "value": value} for name, value in values.items() if value is not None]
