"""The data dictionary: every released table and mart with grain, columns, types, units, descriptions, tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagster_project.documents.markdown import code, heading, page, table
from dagster_project.documents.sources import DocumentSources, Node, name_in_warehouse
from dagster_project.errors import LeagueError
from dagster_project.releases.tables import RELEASED_TABLES
from dagster_project.settings import WAREHOUSE_SCHEMA
from dagster_project.warehouse.descriptions import UNITS, unit_of

_INTRO = f"""\
Released tables lie in `data/releases/<quarter>/<release id>/` as Parquet and CSV, a file per table, and under the
same names in the schema `{WAREHOUSE_SCHEMA}` of the warehouse. Columns and types are a contract: dbt refuses to build
a table that breaks it. Additions are free; anything else needs a new model version, as
[for consumers](../consumers.md) says. Tests are dbt's own and run in `make test`; what is judged in every run stands
in [gates](gates.md)."""

_TEST_WORDS = {"not_null": "never empty", "unique": "unique", "unique_combination": "no two rows share"}


def data_dictionary(sources: DocumentSources) -> str:
    """The document as Markdown. Raises LeagueError for a released table or a column that nobody describes."""
    described = {name_in_warehouse(node): node for node in _described(sources)}
    released = [released_table.name for released_table in RELEASED_TABLES]
    missing = [name for name in released if name not in described]
    if missing:
        raise LeagueError(
            f"released tables {', '.join(missing)}: expected their columns in a YAML file of dbt/models, as a "
            f"model or as a table of the source `{WAREHOUSE_SCHEMA}`; found none. Describe them there."
        )
    further = sorted(name for name in described if name not in released)
    shown: dict[str, str] = {}
    return page(
        heading(1, "Data dictionary"),
        _INTRO,
        heading(2, "Released tables"),
        *(_section(sources, name, described[name], shown) for name in released),
        heading(2, "Further tables of the warehouse") if further else "",
        "They aren't part of a release's files, nor of the contract." if further else "",
        *(_section(sources, name, described[name], shown) for name in further),
        heading(2, "Units"),
        table(("unit", "how its numbers are to be read"), UNITS.items()),
    )


def _described(sources: DocumentSources) -> list[Node]:
    written = [node for node in sources.sources if node["schema"] == WAREHOUSE_SCHEMA]
    return [*sources.marts, *written]


def _section(sources: DocumentSources, name: str, node: Node, shown: dict[str, str]) -> str:
    """One table; columns that an earlier table has word for word are referred to, not repeated."""
    columns = _columns(sources, name, node)
    earlier = shown.setdefault(columns, name)
    return page(
        heading(3, name),
        str(node["description"]),
        " ".join(said for said in (_grain(node), _standing(node)) if said),
        columns if earlier == name else f"The columns are those of [{earlier}](#{earlier}).",
        _tests_of_rows(sources, node),
    ).rstrip("\n")


def _grain(node: Node) -> str:
    grain = node["config"].get("meta", {}).get("grain") or node.get("meta", {}).get("grain")
    if not grain:
        return ""
    kind = {"view": "A view: it is computed when it is read. "}.get(
        node["config"].get("materialized", ""), ""
    )
    return f"{kind}One row per {', '.join(code(column) for column in grain)}."


def _standing(node: Node) -> str:
    """Who answers for a model, which may read it, and its version where it has several."""
    if not node.get("group"):
        return ""
    said = f"Group {code(node['group'])}, access {code(node['access'])}."
    if node.get("version") is not None:
        said += f" Version {node['version']} of {code(node['name'])}; the latest is {node['latest_version']}."
    if node.get("deprecation_date"):
        said += f" Deprecated: it may be gone from {str(node['deprecation_date'])[:10]}."
    return said


def _columns(sources: DocumentSources, name: str, node: Node) -> str:
    rows = []
    for column in node["columns"].values():
        if not column["description"]:
            raise LeagueError(
                f"{name}, column {column['name']}: expected a description in dbt's YAML; found none."
            )
        tests = _tests_of_column(sources, node, column["name"])
        kind, unit = str(column["data_type"] or ""), unit_of(column) or ""
        rows.append((code(column["name"]), kind, column["description"], unit, "; ".join(tests)))
    if not rows:
        raise LeagueError(f"{name}: expected its columns in dbt's YAML; found none.")
    return table(("column", "type", "what it holds", "unit", "tests"), rows)


def _tests_of_column(sources: DocumentSources, node: Node, column: str) -> list[str]:
    return [
        _words(test["test_metadata"])
        for test in sources.tests(node)
        if test.get("column_name") == column and test.get("test_metadata")
    ]


def _words(metadata: Any) -> str:
    name, arguments = str(metadata["name"]), metadata["kwargs"]
    if name == "accepted_values":
        return "one of " + ", ".join(code(str(value)) for value in arguments["values"])
    if name == "relationships":
        return f"stands in {arguments['to']}, column {code(str(arguments['field']))}"
    return _TEST_WORDS.get(name, name.replace("_", " "))


def _tests_of_rows(sources: DocumentSources, node: Node) -> str:
    """Tests about whole rows: the grain, and what dbt/tests says of several tables."""
    said: list[str] = []
    for test in sources.tests(node):
        metadata: Any = test.get("test_metadata")
        if metadata is None:
            said.append(_sentence(str(test["name"])))
        elif not test.get("column_name"):
            columns: Sequence[str] = metadata["kwargs"].get("columns", ())
            listed = ", ".join(code(column) for column in columns)
            name = str(metadata["name"])
            said.append(f"{_sentence(_TEST_WORDS.get(name, name))} {listed}".strip())
    return "Tested of its rows:\n\n" + "\n".join(f"- {sentence}." for sentence in said) if said else ""


def _sentence(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
