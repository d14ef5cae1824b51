"""How the command shows the lineage of columns on a terminal; nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.markup import escape

from dagster_project.layout import Column, Rows
from dagster_project.lineage.influence import ROWS
from dagster_project.shown import Terminal

_out = Terminal()


def show_lineage(answer: Mapping[str, Any]) -> None:
    """One column in full, or all columns of a table with the sources that their values are made of."""
    if len(answer["columns"]) == 1:
        _show_column(answer["table"], answer["columns"][0], answer["files"])
    else:
        _show_table(answer)
    if answer["rows"]:
        _out.print("\nWhich rows there are is decided by")
        for name, columns in _by_table(answer["rows"]):
            _out.print(f"  {name} ({', '.join(columns)})")


def _show_table(answer: Mapping[str, Any]) -> None:
    rows = []
    for column in answer["columns"]:
        direct, indirect = _split(column["sources"])
        made = [f"{name} ({', '.join(columns)})" for name, columns in _by_table(direct)]
        made += [f"constant {constant}" for constant in column["constants"]]
        decided = ", ".join(dict.fromkeys(source["table"] for source in indirect))
        files = ", ".join(f"{file} ({', '.join(names)})" for file, names in _published(direct).items())
        rows.append((column["column"], files, ", ".join(made), decided))
    columns = ("column", "read from the files of", "its value is made of", "decided by columns of")
    _out.print(f"[bold]{answer['table']}[/bold]")
    _out.print(Rows([Column(columns[0]), *(Column(heading, least=20) for heading in columns[1:])], rows))
    _out.print(f"\n`league lineage {answer['table']}.COLUMN` shows the way of one column.")


def _show_column(table: str, column: Mapping[str, Any], files: Mapping[str, Mapping[str, str]]) -> None:
    _out.print(f"[bold]{table}.{column['column']}[/bold]  {escape(column['description'] or '')}")
    direct, indirect = _split(column["sources"])
    _show_files(column["sources"], files)
    for step in (step for step in column["steps"] if step["made_from"]):
        _out.print(f"\n{step['column']} is made from")
        for origin in step["made_from"]:
            _out.print(f"  {_counted(origin['column'])}  [dim]{', '.join(origin['how'])}[/dim]")
    if direct:
        _out.print("\nIts value is made of")
        for source in direct:
            _show_source(source)
    if column["constants"]:
        _out.print(f"\nIts value can be a constant of the models: {escape(', '.join(column['constants']))}")
    if indirect:
        _out.print("\nDecided by (conditions, order, groups, counts)")
        for name, columns in _by_table(indirect):
            _out.print(f"  {name}: {', '.join(columns)}")


def _show_files(sources: Sequence[Mapping[str, Any]], files: Mapping[str, Mapping[str, str]]) -> None:
    """The publishers' files and columns at the end of the way: those that give the value, then those that decide."""
    direct, indirect = _split(sources)
    for says, found in (("Its value is read from", direct), ("It is decided by", indirect)):
        published = _published(found)
        if published:
            _out.print(f"\n{says} the publishers' files")
        for name, headings in published.items():
            file = files[name]
            columns = "column" if len(headings) == 1 else "columns"
            _out.print(f"  [bold]{escape(file['title'])}[/bold] ({name}, {escape(file['publisher'])})")
            _out.print(f"      {columns}: {escape(', '.join(headings))}")


def _published(sources: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By source, the headings of its files that these columns are read from."""
    found: dict[str, dict[str, None]] = {}
    for source in sources:
        for name, headings in source["published_as"].items():
            found.setdefault(name, {}).update(dict.fromkeys(headings))
    return {name: list(headings) for name, headings in found.items()}


def _show_source(source: Mapping[str, Any]) -> None:
    name = f"{source['table']}.{source['column']}"
    _out.print(f"  {_counted(name)}  [dim]{', '.join(source['how'])}[/dim]")
    if len(source["path"]) > 1:
        _out.print(f"      by way of {' <- '.join(source['path'][:-1])}")
    for file, columns in source["published_as"].items():
        _out.print(f"      read from {escape(', '.join(columns))} of {file} files")


def _split(sources: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    return [one for one in sources if one["direct"]], [one for one in sources if not one["direct"]]


def _by_table(columns: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    return [
        (name, ["its rows" if one["column"] == ROWS else one["column"] for one in found])
        for name, found in groupby(columns, key=lambda one: one["table"])
    ]


def _counted(name: str) -> str:
    return f"rows of {name.removesuffix('.' + ROWS)}" if name.endswith(f".{ROWS}") else name
