"""The rules that a release was made by, as sentences: what each says, how sure it is, and where it comes from."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

from dagster_project.documents.rule_words import STATE_MEANS, in_words, source_of
from dagster_project.explanation.recomputation.release_tables import rule_terms
from dagster_project.methodology.rule_set import Row, RuleSet, RuleTable, table_names
from dagster_project.publication.contents import QuarterContent
from dagster_project.shown import in_one_line

SURE = ("stated", "verified")
_CODE = re.compile(r"`([^`]+)`")
_IDLE_ZEROES = re.compile(r"(-?[0-9]+)(?:(\.[0-9]*[1-9])0*|\.0+)")


@dataclass(frozen=True)
class SaidRule:
    """A row of the rules in words; `about` is a metric's id or empty, `note` may be empty."""

    table: str
    about: str
    sentence: Markup
    state: str
    source: str
    note: str

    @property
    def state_means(self) -> str:
        return STATE_MEANS.get(self.state, "")

    @property
    def is_sure(self) -> bool:
        return self.state in SURE


@dataclass(frozen=True)
class QuarterRules:
    """The rules of a quarter's release; empty for a release from before every term of them was released."""

    framework: str
    quarter: str
    rules: RuleSet

    def rows(self, table: str, **equal: str) -> list[Row]:
        """The rows of a table of rules that hold in the quarter, all or those with these terms."""
        return [
            row
            for row in self.rules.rows(table, self.framework)
            if row.get("quarter", self.quarter) == self.quarter
            and all(row[name] == value for name, value in equal.items())
        ]

    def said(self, table: str, **equal: str) -> Iterator[SaidRule]:
        """The same rows in words."""
        for row in self.rows(table, **equal):
            yield self._said(table, row)

    def unsure(self) -> list[SaidRule]:
        """Every rule that is neither stated by the publisher nor verified on its figures."""
        found: Iterable[SaidRule] = (said for table in self.rules.tables for said in self.said(table))
        return [said for said in found if not said.is_sure]

    def _said(self, table: str, row: Row) -> SaidRule:
        return SaidRule(
            table=table,
            about=row.get("metric_id", ""),
            sentence=marked_up(in_words(self.rules, table, row)),
            state=row["state"],
            source=source_of(row),
            note=row.get("note", ""),
        )


def rules_of(content: QuarterContent) -> QuarterRules:
    """The rules that a quarter's release was made by."""
    found: dict[str, list[Row]] = defaultdict(list)
    framework = str(content.release.release_file.get("framework", ""))
    for row in content.rows("framework_rule"):
        if row.get("rule_terms") is None:
            continue
        terms = {name: _plain(text) for name, text in rule_terms(row["rule_terms"]).items()}
        # Where a rule names a statistic as its source, the rule's own source has another name.
        own = "source_of_rule" if "source" in terms else "source"
        stamps = {"framework": row["framework"], "state": row["state"], own: row["source"] or ""}
        found[row["rule_table"]].append(terms | stamps)
    tables = {name: RuleTable(name, (), tuple(found[name])) for name in table_names()}
    return QuarterRules(framework, content.quarter, RuleSet(tables))


def _plain(term: str) -> str:
    """A number without the zeroes that only its column has room for; any other text as it is."""
    found = _IDLE_ZEROES.fullmatch(term)
    return term if found is None else found[1] + (found[2] or "")


def marked_up(text: str) -> Markup:
    """A sentence of the rules with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(in_one_line(text)))))
