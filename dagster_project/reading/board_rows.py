"""The rows of each sentence of the board's page, found in released tables by their keys: for hundreds of pages at once.

They are what the queries (queries/) give, without a query for each organisation; a test holds one against the other.
The queries stay what a reader can run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, Protocol

from dagster_project.reading.board_sentences import SENTENCES, Subject, short_name
from dagster_project.shown import in_one_line

Row = Mapping[str, Any]
Rows = Sequence[Row]
_FIXED = "fixed_cut_points"
_LIKELY = Decimal("0.01")
_STEPS = 3
_INFLUENCES = 2


class Tables(Protocol):
    """One quarter's released tables, as a publication's contents have them."""

    def find(self, table: str, **equal: Any) -> Rows:
        """The rows of a table whose columns equal these values."""
        ...

    def one(self, table: str, **equal: Any) -> Row | None:
        """The one row with these values."""
        ...


def sentences(tables: Tables, place: Row, headings: Iterable[str] = tuple(SENTENCES)) -> dict[str, str]:
    """The sentences of an organisation by their headings; `place` is its row of the league table."""
    code = place["organisation_code"]
    name = short_name(place["organisation_name"] or code)
    subject = Subject(code, name, place["table_name"], place["quarter"])
    rows = BoardRows(tables, code)
    return {heading: in_one_line(SENTENCES[heading](subject, *ROWS[heading](rows))) for heading in headings}


@dataclass(frozen=True)
class BoardRows:
    """An organisation's rows for each query."""

    tables: Tables
    code: str

    def of(self, table: str, **equal: Any) -> Rows:
        return self.tables.find(table, organisation_code=self.code, **equal)

    def metric_name(self, metric_id: str | None) -> str | None:
        metric = self.tables.one("metric", metric_id=metric_id) if metric_id else None
        return metric["metric_name"] if metric else None

    @cached_property
    def probabilities(self) -> Rows:
        return sorted(self.of("segment_probability", variant=_FIXED), key=lambda row: row["segment"])

    def how_sure(self) -> Rows:
        return [
            {
                **likely,
                "percent_of_draws": _whole(100 * (likely["high_percentile"] - likely["low_percentile"])),
                "segment": row["segment"],
                "percent_in_segment": _rounded(100 * row["probability"], 1),
            }
            for likely in self.of("likely_range", variant=_FIXED)
            for row in self.probabilities
            if row["probability"] > _LIKELY
        ]

    def before_override(self) -> Rows:
        return [
            {
                "segment": row["segment"],
                "percent_before_override": _rounded(100 * row["probability_before_override"], 1),
            }
            for row in self.probabilities
        ]

    def told_apart(self) -> Rows:
        return [{**row, "not_told_apart": row["organisations"]} for row in self.of("not_told_apart")]

    def influences(self) -> Rows:
        found = sorted(
            (row for row in self.of("metric_influence") if row["influence_rank"] <= _INFLUENCES),
            key=lambda row: row["influence_rank"],
        )
        return [
            {**row, "metric_name": self.metric_name(row["metric_id"]), "rank_without_it": without["rank"]}
            for row in found
            for without in self.of("sensitivity", subject=row["metric_id"])
            if self.metric_name(row["metric_id"])
        ]

    def other_rules(self) -> Rows:
        return sorted(self.of("sensitivity", subject=None), key=lambda row: row["choice"])

    def moved(self, measure: str) -> Rows:
        return self.of("movement", measure=measure)

    def total(self, measure: str) -> Rows:
        return self.of("movement_total", measure=measure)

    def rank_moved(self) -> Rows:
        return [
            {
                "quarter_before": total["quarter_before"],
                "rank_before": _whole(total["figure_before"]),
                "rank_now": _whole(total["figure_after"]),
                "cause": row["cause"],
                "places": _whole(row["change"]),
                "places_in_all": _whole(total["change"]),
            }
            for total in self.total("rank")
            for row in sorted(self.moved("rank"), key=lambda row: (row["change"], row["cause"]))
        ]

    def average_moved(self) -> Rows:
        """Per metric what it changed, as the query gives it: the sums are the release's own causes."""
        shares: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.moved("average_metric_score"):
            if row["metric_id"]:
                shares[row["metric_id"]] += row["change"]
        return [
            {
                "metric_id": metric_id,
                "metric_name": self.metric_name(metric_id),
                "change": _rounded(change, 3),
            }
            for metric_id, change in sorted(shares.items(), key=lambda pair: (pair[1], pair[0]))
            if self.metric_name(metric_id)
        ]

    def average_moved_in_all(self) -> Rows:
        totals, moved = self.total("average_metric_score"), self.moved("average_metric_score")
        if not totals or not moved:
            return []
        return [
            {
                "average_before": _rounded(totals[0]["figure_before"], 3),
                "average_now": _rounded(totals[0]["figure_after"], 3),
                "change": _rounded(totals[0]["change"], 3),
                "metrics": len({row["metric_id"] for row in moved if row["metric_id"]}),
            }
        ]

    def beyond_chance(self) -> Rows:
        return [
            {**row, "figure_now": _rounded(row["figure_after"], 2)}
            for row in sorted(self.of("movement_beyond_chance"), key=lambda row: row["measure"])
        ]

    def charts(self) -> Rows:
        rule = self.tables.one("framework_rule", rule_table="insight_parameter", rule_key="spc_least_points")
        by_variation: dict[str, list[Row]] = defaultdict(list)
        for row in self.of("metric_variation"):
            by_variation[row["variation"]].append(row)
        return [
            {
                "variation": variation,
                "charts": len(rows),
                "most_quarters": max(row["points"] for row in rows),
                "quarters_needed": _whole(Decimal(rule["rule_value"])),
            }
            for variation, rows in sorted(by_variation.items())
            if rule
        ]

    def distance(self) -> Rows:
        columns = ("average_needed", "improvement_needed", "margin_to_worse")
        return [
            {**row, **{column: _rounded(row[column], 3) for column in columns}}
            for row in self.of("segment_distance")
        ]

    def steps(self) -> Rows:
        found = sorted(
            (row for row in self.of("metric_step") if row["step_rank"] and row["step_rank"] <= _STEPS),
            key=lambda row: row["step_rank"],
        )
        return [
            {
                **row,
                "metric_name": self.metric_name(row["metric_id"]),
                "value": _rounded(row["value"], 2),
                "value_needed": _rounded(row["value_needed"], 2),
            }
            for row in found
        ]

    def exemplars(self) -> Rows:
        found = sorted(self.of("exemplar", exemplar_rank=1), key=lambda row: row["metric_id"])
        named = (
            (row, self.tables.one("league_table", organisation_code=row["exemplar_code"])) for row in found
        )
        return [
            {
                **row,
                "metric_name": self.metric_name(row["metric_id"]),
                "exemplar": of["organisation_name"],
            }
            for row, of in named
            if of
        ]

    def consequences(self) -> Rows:
        by_policy = sorted(self.of("consequence"), key=lambda row: row["policy"])
        by_state = sorted(by_policy, key=lambda row: row["state"], reverse=True)
        return sorted(by_state, key=lambda row: row["applies"], reverse=True)

    def caveats(self) -> Rows:
        found = sorted(
            self.of("caveat"), key=lambda row: (row["caveat"], row["metric_id"] is None, row["metric_id"])
        )
        return [{**row, "metric_name": self.metric_name(row["metric_id"])} for row in found]


ROWS: Mapping[str, Callable[[BoardRows], tuple[Rows, ...]]] = {
    "Where it stands": lambda rows: (rows.of("league_table"),),
    "How sure that is": lambda rows: (rows.how_sure(),),
    "Without the override": lambda rows: (rows.before_override(),),
    "Who can be told apart from it": lambda rows: (rows.told_apart(),),
    "Which metric matters most": lambda rows: (rows.influences(),),
    "Under other rules": lambda rows: (rows.other_rules(),),
    "Why the rank moved": lambda rows: (rows.rank_moved(),),
    "Why the average moved": lambda rows: (rows.average_moved(), rows.average_moved_in_all()),
    "Whether that is more than chance": lambda rows: (rows.beyond_chance(),),
    "Runs of improvement": lambda rows: (rows.charts(),),
    "How far the next segment is": lambda rows: (rows.distance(),),
    "The smallest steps": lambda rows: (rows.steps(),),
    "Whom it could learn from": lambda rows: (rows.exemplars(),),
    "What follows": lambda rows: (rows.consequences(),),
    "How long": lambda rows: (rows.of("segment_persistence"),),
    "With care": lambda rows: (rows.caveats(),),
}


def _rounded(value: Decimal | None, places: int) -> Decimal | None:
    """As DuckDB's cast to a decimal: half away from nought."""
    return None if value is None else value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _whole(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))
