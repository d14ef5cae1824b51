"""What a figure is in words, by the publisher's id: the seed figure_kind.csv as an SQL expression."""

from __future__ import annotations

import csv

from dagster_project.settings import DBT_PROJECT_DIR

FIGURE_KINDS = DBT_PROJECT_DIR / "seeds" / "reference" / "figure_kind.csv"


def figure_kind_sql(figure: str = "figure") -> str:
    """A `case` over the column `figure`: the first pattern of the seed that fits, else the id itself."""
    with FIGURE_KINDS.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["precedence"]))
    fits = " ".join(
        f"when {figure} like '{row['figure_pattern']}' then '{row['figure_kind']}'" for row in rows
    )
    return f"case {fits} else {figure} end"
