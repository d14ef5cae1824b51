"""The rule book of a framework: every row of its rules in words, with its state and source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dagster_project.documents.markdown import code, heading, page, table
from dagster_project.documents.rule_words import STATE_MEANS, in_words, source_of, table_in_words
from dagster_project.documents.sources import DocumentSources
from dagster_project.methodology.rule_check import unknowns
from dagster_project.methodology.rule_set import STATES, Row, RuleSet

# The order in which an analyst reads; tables that aren't named come after these, under their own name.
_OF_A_METRIC = {
    "metric": "what it is",
    "metric_applicability": "who has it",
    "metric_rule": "rule",
    "rule_band": "band",
    "metric_pool": "pool",
    "matrix_input": "matrix",
    "enters_at_dp": "rounding",
    "metric_statistic": "from counts",
    "metric_statistic_measure": "count",
    "known_difference": "may differ",
}
_OF_THE_FRAMEWORK = (
    "framework",
    "segment_boundary",
    "framework_parameter",
    "domain",
    "combined_finance",
    "average_tolerance",
    "expected_organisations",
    "policy",
)
_STEPS = """\
How a rank comes about: each metric's value becomes a **metric score** from 1 (best) to 4 by the metric's rule; the
weighted mean of an organisation's scores is its **average metric score** (unrounded scores go in, unless a row below
says otherwise; a metric without a row is left out, without penalty); cut-points turn the average into the **unadjusted
segment**; the financial override can make it worse, which gives the **adjusted segment**; within its table an
organisation is **ranked** by adjusted segment, then by average. Ties share the better place. Scores are rounded
half-up, once, at the end."""
SURE = ("stated", "verified")
_ASSUMED = """\
A figure is no surer than the rules beneath it. Here stands every rule that is `inferred`, `assumption` or `unknown`, by
framework; those of a single quarter stand under it. All other rules are stated by the publisher or reproduce its own
figures: see the rule books."""


def rule_book(sources: DocumentSources, framework: str) -> str:
    """The document of one framework as Markdown. Each of its rows stands in it exactly once."""
    rules = sources.rules
    about = next(row for row in rules.tables["framework"].rows if row["framework"] == framework)
    metrics = rules.rows("metric", framework)
    by_metric = _tables_about_metrics(rules)
    known = {row["metric_id"] for row in metrics}
    return page(
        heading(1, f"Rule book {framework}"),
        _summary(rules, framework, about),
        _STEPS,
        _what_is_unknown(rules, framework),
        *(
            block
            for name in _in_order(rules.tables, _OF_THE_FRAMEWORK)
            if name not in by_metric
            for block in _about_the_framework(sources, framework, name)
        ),
        heading(2, "Metrics") if metrics else "",
        _at_a_glance(rules, framework),
        *(block for metric in metrics for block in _about_a_metric(rules, framework, metric, by_metric)),
        *_leading_nowhere(rules, framework, by_metric, known),
    )


def rows_of(rules: RuleSet, framework: str) -> list[tuple[str, Row]]:
    """Every row of a framework with the name of its table."""
    return [(name, row) for name in rules.tables for row in rules.rows(name, framework)]


def _tables_about_metrics(rules: RuleSet) -> list[str]:
    about = [name for name, rule_table in rules.tables.items() if "metric_id" in rule_table.columns]
    return _in_order(about, tuple(_OF_A_METRIC))


def _in_order(names: Iterable[str], first: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: (first.index(name) if name in first else len(first), name))


def _summary(rules: RuleSet, framework: str, about: Row) -> str:
    states = [row["state"] for _, row in rows_of(rules, framework)]
    counted = [(state, str(states.count(state)), STATE_MEANS[state]) for state in STATES]
    return page(
        f"The rules of {about['from_quarter']} to {about['to_quarter']}: the rows of `dbt/seeds/methodology/` in "
        f"words, {len(states)} in all.",
        table(("state", "rows", "which means"), (row for row in counted if row[1] != "0")),
    ).rstrip("\n")


def _what_is_unknown(rules: RuleSet, framework: str) -> str:
    missing = unknowns(rules, framework)
    if not missing:
        return ""
    listed = "\n".join(f"- {finding.table}: {finding.text}" for finding in missing)
    return (
        f"**No quarter can be scored by it yet.** What is missing, to be supplied with `--rules`:\n\n{listed}"
    )


def _about_the_framework(sources: DocumentSources, framework: str, name: str) -> list[str]:
    rows = sources.rules.rows(name, framework)
    if not rows:
        return []
    return [
        heading(2, sources.seed_description(name)),
        f"Table {code(name)}.",
        _table_of(sources.rules, ((name, row) for row in rows)),
    ]


def _about_a_metric(rules: RuleSet, framework: str, metric: Row, tables: Sequence[str]) -> list[str]:
    rows = [
        (name, row)
        for name in tables
        for row in rules.rows(name, framework)
        if row["metric_id"] == metric["metric_id"]
    ]
    return [heading(3, f"{metric['metric_id']} {metric['metric_name']}"), _table_of(rules, rows, named=True)]


def _at_a_glance(rules: RuleSet, framework: str) -> str:
    """One line per metric, before its rows in full."""
    lines = []
    for row in rules.rows("metric", framework):
        mine = {
            name: [r for r in rules.rows(name, framework) if r["metric_id"] == row["metric_id"]]
            for name in ("metric_applicability", "metric_rule")
        }
        where = ", ".join(table_in_words(r["table_name"]) for r in mine["metric_applicability"])
        kinds = ", ".join(dict.fromkeys(r["rule"] for r in mine["metric_rule"]))
        lines.append((row["metric_id"], row["metric_name"], row["domain"], where, row["better"], kinds))
    return table(("id", "metric", "domain", "tables", "better", "rule"), lines) if lines else ""


def _leading_nowhere(rules: RuleSet, framework: str, tables: Sequence[str], known: set[str]) -> list[str]:
    """Rows about metrics that the framework doesn't list, such as thresholds for any metric of a unit."""
    rows = [
        (name, row) for name in tables for row in rules.rows(name, framework) if row["metric_id"] not in known
    ]
    return (
        [heading(2, "Rows about no metric of the list"), _table_of(rules, rows, named=True)] if rows else []
    )


def _table_of(rules: RuleSet, rows: Iterable[tuple[str, Row]], *, named: bool = False) -> str:
    header = ("in words", "state", "source")
    body = []
    for name, row in rows:
        note = f" {row['note']}." if row.get("note") else ""
        cells = (in_words(rules, name, row) + note, row["state"], source_of(row))
        body.append((_OF_A_METRIC.get(name, name.replace("_", " ")), *cells) if named else cells)
    return table(("about", *header) if named else header, body)


def assumptions(sources: DocumentSources) -> str:
    """The document as Markdown."""
    rules = sources.rules
    frameworks = rules.tables["framework"].rows
    return page(
        heading(1, "Assumptions and unknowns"),
        _ASSUMED,
        *(block for about in frameworks for block in _of_framework(rules, about)),
    )


def _of_framework(rules: RuleSet, about: Row) -> list[str]:
    framework = about["framework"]
    unsure = [(name, row) for name, row in rows_of(rules, framework) if row["state"] not in SURE]
    opening = [heading(2, framework), _missing(rules, framework)]
    if about["sample_only"] == "true":
        return [
            *opening,
            f"{len(unsure)} of its {len(rows_of(rules, framework))} rows are assumptions: it is made for the "
            f"fictional sample and used for nothing else. They stand in its "
            f"[rule book](rule-book-{framework}.md).",
        ]
    every_quarter = [(name, row) for name, row in unsure if not row.get("quarter")]
    quarters = sorted({row["quarter"] for _, row in unsure if row.get("quarter")})
    return [
        *opening,
        heading(3, f"In every quarter of {framework}") if every_quarter else "",
        _unsure(rules, every_quarter),
        *(
            block
            for quarter in quarters
            for block in (
                heading(3, f"In {quarter}"),
                _unsure(rules, [(name, row) for name, row in unsure if row.get("quarter") == quarter]),
            )
        ),
    ]


def _missing(rules: RuleSet, framework: str) -> str:
    missing = unknowns(rules, framework)
    if not missing:
        return "Complete: its quarters can be scored."
    listed = "\n".join(f"- {finding.table}: {finding.text}" for finding in missing)
    return f"Not complete; no quarter is scored until these are supplied with `--rules`:\n\n{listed}"


def _unsure(rules: RuleSet, rows: list[tuple[str, Row]]) -> str:
    if not rows:
        return ""
    return table(
        ("table", "about", "rule", "state", "source or note"),
        (
            (
                code(name),
                row.get("metric_id", ""),
                in_words(rules, name, row),
                row["state"],
                "; ".join(text for text in (source_of(row), row.get("note", "")) if text),
            )
            for name, row in rows
        ),
    )
