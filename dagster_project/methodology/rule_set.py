"""A rule set: the tables of dbt/seeds/methodology as frames, alone or with a year's own rules laid over them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from dagster_project.errors import InputMissing, InputRejected
from dagster_project.quarters import Quarter
from dagster_project.settings import METHODOLOGY_DIR

Row = Mapping[str, str]
STATES = ("stated", "verified", "inferred", "assumption", "unknown")


@dataclass(frozen=True)
class RuleTable:
    """One table of rules: `columns` in file order, rows as text; line n of the file is rows[n - 2]."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def of(self, framework: str) -> list[Row]:
        """The rows of one framework."""
        return [row for row in self.rows if row["framework"] == framework]


@dataclass(frozen=True)
class RuleSet:
    """Every table of rules, by name."""

    tables: Mapping[str, RuleTable]

    def rows(self, table: str, framework: str) -> list[Row]:
        """The rows of a framework in a table."""
        return self.tables[table].of(framework)

    @property
    def frameworks(self) -> list[str]:
        """Names of the frameworks that the table `framework` lists."""
        return [row["framework"] for row in self.tables["framework"].rows]

    def frameworks_of(self, quarter: Quarter) -> list[Row]:
        """Rows of `framework` that hold in a quarter."""
        return [
            row
            for row in self.tables["framework"].rows
            if row["from_quarter"] <= str(quarter) <= row["to_quarter"]
        ]


def table_names() -> list[str]:
    """The tables that make a rule set: the bundled seeds."""
    return sorted(path.stem for path in METHODOLOGY_DIR.glob("*.csv"))


def column_types(table: str) -> dict[str, str]:
    """SQL types of a rule table's columns, as dbt's seed configuration declares them."""
    return dict(_declared_types()[table])


@cache
def _declared_types() -> dict[str, dict[str, str]]:
    """Column types by table; read once, as the declaration of all tables is one long file."""
    declared = yaml.safe_load((METHODOLOGY_DIR / "_methodology.yml").read_text(encoding="utf-8"))
    return {seed["name"]: seed["config"]["column_types"] for seed in declared["seeds"]}


def read_rules(rules_dir: Path | None = None) -> RuleSet:
    """The bundled rules; with `rules_dir`, the frameworks that its files name replace the bundled rows of
    the same table. Raises InputMissing or InputRejected, naming file, row and column.
    """
    tables = {name: _read_table(METHODOLOGY_DIR / f"{name}.csv") for name in table_names()}
    if rules_dir is None:
        return RuleSet(tables)
    if not rules_dir.is_dir():
        raise InputMissing(f"{rules_dir} isn't a folder: --rules names one with files such as metric.csv")
    files = sorted(rules_dir.glob("*.csv"))
    if not files:
        raise InputMissing(
            f"{rules_dir} holds no rules: expected CSV files named as in dbt/seeds/methodology, "
            f"such as {', '.join(sorted(tables)[:3])}"
        )
    for file in files:
        bundled = tables.get(file.stem)
        if bundled is None:
            raise InputRejected(
                file=file.name,
                expected=f"one of {', '.join(f'{name}.csv' for name in sorted(tables))}",
                found="another name",
                remedy="Rename the file to the table of rules that it holds, or remove it.",
            )
        tables[file.stem] = _laid_over(bundled, _read_table(file), file)
    return RuleSet(tables)


def write_rules(rules: RuleSet, folder: Path) -> None:
    """Writes a rule set as seed files, LF line ends, one per table."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in rules.tables.values():
        with (folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, table.columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(table.rows)


def _read_table(file: Path) -> RuleTable:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputRejected(
            file=file.name, expected="UTF-8 text", found=str(error), remedy="Save the file as CSV in UTF-8."
        ) from None
    reader = csv.DictReader(text.splitlines())
    columns = tuple(reader.fieldnames or ())
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise InputRejected(
                file=file.name,
                row=reader.line_num,
                expected=f"{len(columns)} fields, as the header has",
                found=f"{sum(value is not None for value in row.values())} fields",
                remedy="Complete the row or quote the commas in it.",
            )
        rows.append({name: value.strip() for name, value in row.items()})
    return RuleTable(file.stem, columns, tuple(rows))


def _laid_over(bundled: RuleTable, own: RuleTable, file: Path) -> RuleTable:
    missing = [column for column in bundled.columns if column not in own.columns]
    unknown = [column for column in own.columns if column not in bundled.columns]
    if missing or unknown:
        raise InputRejected(
            file=file.name,
            row=1,
            column=(missing or unknown)[0],
            expected=f"the columns {', '.join(bundled.columns)}",
            found=", ".join(own.columns) or "an empty file",
            remedy="Use the header of the file of the same name in dbt/seeds/methodology.",
        )
    replaced = {row["framework"] for row in own.rows}
    kept = [row for row in bundled.rows if row["framework"] not in replaced]
    return RuleTable(bundled.name, bundled.columns, (*kept, *own.rows))
