"""The list of assumptions: every row of the rules that isn't stated or verified, and what is still unknown."""

from __future__ import annotations

from dagster_project.documents.markdown import code, heading, page, table
from dagster_project.documents.rule_book import rows_of
from dagster_project.documents.rule_words import in_words, source_of
from dagster_project.documents.sources import DocumentSources
from dagster_project.methodology.rule_check import unknowns
from dagster_project.methodology.rule_set import Row, RuleSet

SURE = ("stated", "verified")
_INTRO = """\
A figure is no surer than the rules beneath it. Here stands every rule that is `inferred`, `assumption` or `unknown`, by
framework; those of a single quarter stand under it. All other rules are stated by the publisher or reproduce its own
figures: see the rule books."""


def assumptions(sources: DocumentSources) -> str:
    """The document as Markdown."""
    rules = sources.rules
    frameworks = rules.tables["framework"].rows
    return page(
        heading(1, "Assumptions and unknowns"),
        _INTRO,
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
        _table(rules, every_quarter),
        *(
            block
            for quarter in quarters
            for block in (
                heading(3, f"In {quarter}"),
                _table(rules, [(name, row) for name, row in unsure if row.get("quarter") == quarter]),
            )
        ),
    ]


def _missing(rules: RuleSet, framework: str) -> str:
    missing = unknowns(rules, framework)
    if not missing:
        return "Complete: its quarters can be scored."
    listed = "\n".join(f"- {finding.table}: {finding.text}" for finding in missing)
    return f"Not complete; no quarter is scored until these are supplied with `--rules`:\n\n{listed}"


def _table(rules: RuleSet, rows: list[tuple[str, Row]]) -> str:
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
