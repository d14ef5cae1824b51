"""Which organisation of the compared releases a person means: by code, or by a part of its name."""

from __future__ import annotations

from difflib import get_close_matches

import duckdb

from dagster_project.errors import InputMissing

_SUGGESTED = 5


def organisation_named(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The organisation's code; raises InputMissing with those that come near."""
    names = dict(
        connection.execute(
            "select organisation_code, max_by(organisation_name, quarter) from league.league_table "
            "group by organisation_code order by organisation_code"
        ).fetchall()
    )
    wanted = " ".join(text.split())
    if wanted.upper() in names:
        return wanted.upper()
    holding = [code for code, name in names.items() if wanted.casefold() in name.casefold()]
    if len(holding) == 1:
        return str(holding[0])
    by_name = {name.casefold(): code for code, name in names.items()}
    near = holding or [
        *get_close_matches(wanted.upper(), names, _SUGGESTED),
        *(by_name[name] for name in get_close_matches(wanted.casefold(), by_name, _SUGGESTED)),
    ]
    suggested = ", ".join(f"{code} ({names[code]})" for code in near[:_SUGGESTED])
    raise InputMissing(
        f"{text!r}: expected the code or a part of the name of one organisation of either release; found "
        f"{len(holding) or 'none'}. " + (f"Near it: {suggested}." if suggested else "None comes near.")
    )
