"""Texts and names as SQL writes them. What a person or a file gives to a statement goes through here or as a parameter;
DuckDB takes none in `attach`, `copy`, `comment on` and where a name stands."""

from __future__ import annotations

from pathlib import Path


def literal(value: str | Path) -> str:
    """A text or a path as a literal, in quotes."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted_name(identifier: str) -> str:
    """The name of a column, table or schema, in quotes."""
    return '"' + identifier.replace('"', '""') + '"'
