"""The sentences of the board's page, each made of the rows of its query and of nothing else.

The queries aren't here (queries/), nor the page (board_page). A sentence says what is, also where there is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster_project.typed_names import TABLES

Rows = Sequence[Mapping[str, Any]]
_CAUSES = {
    "value": "its own new values",
    "others_moved": "others that moved",
    "pool": "organisations that came into a pool or left it",
    "rule": "another rule",
    "metric_in": "metrics newly counted",
    "metric_out": "metrics no longer counted",
    "cut_points": "other cut-points",
    "override": "the override",
    "organisations": "organisations that came or left",
    "revision": "revised figures",
    "rounding": "rounding",
}
_CHOICES = {
    "equal_domain_weights": "if every domain counted alike",
    "without_override": "without the financial override",
    "within_peer_group": "among its peers alone",
}
_VERDICTS = {
    "within_chance": "within what chance can do",
    "beyond_chance": "beyond what chance can do",
    "unclear": "not clearly more than chance",
}
_CAVEATS = {
    "old_data": "old data",
    "age_unknown": "data of unknown age",
    "score_only": "published as a score only",
    "resolved_basis": "exact score read off the published one",
    "published_basis": "only the published score, at two places",
    "small_numbers": "few cases",
    "small_pool": "ranked among few",
    "few_metrics": "few metrics behind the average",
    "published_cut_points": "segments that rest on the publisher's own cut-points, as a table is missing",
    "override_flag_derived": "a flag of the override that isn't published, but derived",
    "override_flag_unknown": "a flag of the override that is unknown, and taken as absent",
    "merged_since": "it has become part of another since",
    "merger_received": "it has taken another in",
}
_MEASURES = {"average_metric_score": "average", "rank": "rank"}
_METRICS_NAMED = 3


@dataclass(frozen=True)
class Subject:
    """Whom the page is about: `name` is short, as in a sentence."""

    code: str
    name: str
    table_name: str
    quarter: str

    @property
    def ranked(self) -> str:
        """Those whom its league table ranks."""
        return TABLES.get(self.table_name, self.table_name)


def where_it_stands(subject: Subject, rows: Rows) -> str:
    row = rows[0]
    start = (
        f"{subject.name} ranks {row['rank']} of {row['organisations_in_table']} {subject.ranked}. Its "
        f"{row['metric_count']} metrics average {row['average_metric_score']}"
    )
    before, now = row["unadjusted_segment"], row["adjusted_segment"]
    if not row["financial_override"]:
        return f"{start}, which makes it segment {now}; no financial override touches it."
    if before == now:
        return f"{start}, which makes it segment {now}; its flag for a financial deficit changes nothing."
    return (
        f"{start}, which alone would make it segment {before}; but it is flagged for a financial deficit, and the "
        f"financial override holds it in segment {now}."
    )


def how_sure(_: Subject, rows: Rows) -> str:
    if not rows:
        return "How sure that is can't be said: no likely range was drawn for it."
    row = rows[0]
    likely = _listed([f"{one['segment']} in {one['percent_in_segment']} %" for one in rows])
    return (
        f"Chance in which metrics are counted could have put the average anywhere from {row['average_low']} to "
        f"{row['average_high']} and the rank anywhere from {row['rank_low']} to {row['rank_high']}: in "
        f"{row['percent_of_draws']} % of the draws they lie between these. The segment is {likely} of the draws."
    )


def without_override(_: Subject, rows: Rows) -> str:
    shares = [
        f"{row['segment']} in {row['percent_before_override']} %"
        for row in rows
        if row["percent_before_override"]
    ]
    if not shares:
        return "How likely each segment is before the override wasn't drawn."
    return f"Before the override the segment is {_listed(shares)} of the draws."


def told_apart(_: Subject, rows: Rows) -> str:
    if not rows:
        return "Who can be told apart from it wasn't drawn."
    row = rows[0]
    if not row["not_told_apart"]:
        return f"It ranks {row['rank']}, and every other can be told apart from it."
    return (
        f"It ranks {row['rank']}, and {row['not_told_apart']} others can't be told apart from it: the first of them at "
        f"rank {row['rank_from']}, the last at rank {row['rank_to']}."
    )


def what_matters_most(_: Subject, rows: Rows) -> str:
    told = [
        f"without {metric(row)} it would rank {row['rank_without_it']}, {_places(row['rank_change'])}"
        for row in rows
    ]
    if not told:
        return "Which metric matters most can't be said."
    if not any(row["rank_change"] for row in rows):
        return "Whichever metric is left out, it ranks as it does."
    start = "Two metrics matter most" if len(told) > 1 else "One metric matters most"
    return f"{start}: {'; '.join(told)}."


def under_other_rules(subject: Subject, rows: Rows) -> str:
    told = []
    for row in rows:
        how = _CHOICES.get(row["choice"])
        if how is None or row["rank"] is None:
            continue
        of = f" of {row['organisations_ranked']}" if row["choice"] == "within_peer_group" else ""
        told.append(f"{how} it would be in segment {row['adjusted_segment']} and rank {row['rank']}{of}")
    if not told:
        return f"Other rules weren't tried on {subject.name}."
    return _sentence("; ".join(told))


def why_the_rank_moved(_: Subject, rows: Rows) -> str:
    if not rows:
        return "Its rank hasn't moved, or no quarter before in which it has one is released."
    row = rows[0]
    told = _listed([f"{cause_words(one['cause'])} {one['places']:+d}" for one in rows])
    return (
        f"In {row['quarter_before']} it ranked {row['rank_before']}, now {row['rank_now']}: "
        f"{row['places_in_all']:+d} places, where less is better. Of these are {told}."
    )


def why_the_average_moved(_: Subject, rows: Rows, in_all: Rows) -> str:
    whole = in_all[0] if in_all else {}
    if whole.get("average_before") is None:
        return "Its average hasn't moved, or no quarter before in which it has one is released."
    largest = sorted(rows, key=lambda row: -abs(row["change"]))[:_METRICS_NAMED]
    how = "fell" if whole["change"] < 0 else "rose" if whole["change"] > 0 else "moved"
    told = _listed([f"{metric(row)} ({row['change']:+})" for row in largest if row["change"]])
    shares = f" The largest shares are {told}." if told else ""
    return (
        f"Its average {how} from {whole['average_before']} to {whole['average_now']}, by {abs(whole['change'])}; "
        f"{_count(whole['metrics'], 'metric')} moved it.{shares}"
    )


def more_than_chance(_: Subject, rows: Rows) -> str:
    if not rows:
        return "Whether a move is more than chance can't be said: there is no quarter before to compare with."
    told = []
    for row in rows:
        verdict = _VERDICTS.get(row["verdict"], row["verdict"])
        start = f"the move of the {_MEASURES[row['measure']]} is {verdict}"
        now = _figure(row, "figure_now")
        if row["likely_low_before"] is None or row["likely_high_before"] is None:
            told.append(f"{start}: no likely range was drawn before, now it is {now}")
            continue
        low, high = (_figure(row, column) for column in ("likely_low_before", "likely_high_before"))
        told.append(f"{start}: likely were {low} to {high}, now it is {now}")
    return _sentence("; ".join(told))


def runs(_: Subject, rows: Rows) -> str:
    if not rows:
        return "No metric has a chart over the quarters."
    told = [
        f"{_count(row['charts'], 'chart')} of at most {_count(row['most_quarters'], 'quarter')}: "
        f"{row['variation'].replace('_', ' ')}"
        for row in rows
    ]
    needed = rows[0]["quarters_needed"]
    return f"Charts over the quarters are read from {needed} quarters on. It has {_listed(told)}."


def next_segment(_: Subject, rows: Rows) -> str:
    if not rows:
        return "How far the next segment is can't be said."
    row = rows[0]
    if row["better_segment"] is None:
        text = f"It is in segment {row['unadjusted_segment']} before the override, the best"
    else:
        text = (
            f"An average of {row['average_needed']}, better by {row['improvement_needed']}, would bring it from "
            f"segment {row['unadjusted_segment']} to segment {row['better_segment']} before the override"
        )
    if row["margin_to_worse"] is not None:
        text += f"; it could lose {row['margin_to_worse']} before falling to the next worse one"
    if row["override_holds"]:
        text += f". While it is flagged, no average brings it out of segment {row['adjusted_segment']}"
    return f"{text}."


def smallest_steps(_: Subject, rows: Rows) -> str:
    if not rows:
        return "No metric alone would bring it there, as far as can be told."
    told = [
        f"{metric(row)} from {row['value']} to {row['value_needed']} {row['unit']}"
        + (
            ""
            if row["step_size"] is None
            else f" ({row['step_size']} of the distance between the table's quartiles)"
        )
        for row in rows
    ]
    return f"The smallest single steps to that average: {'; '.join(told)}."


def to_learn_from(_: Subject, rows: Rows) -> str:
    if not rows:
        return "It is weak on no metric on which another of its table is strong."
    by_exemplar: dict[str, list[str]] = {}
    for row in rows:
        scores = f"{row['metric_score']} against {row['exemplar_metric_score']}"
        by_exemplar.setdefault(short_name(row["exemplar"]), []).append(f"{metric(row)} ({scores})")
    told = [f"from {name} on {_listed(metrics)}" for name, metrics in by_exemplar.items()]
    return f"It could learn {'; '.join(told)}."


def what_follows(_: Subject, rows: Rows) -> str:
    if not rows:
        return "Nothing that the framework states follows."
    yes = [_policy(row) for row in rows if row["applies"] == "yes"]
    depends = [_policy(row) for row in rows if row["applies"] == "depends"]
    text = (
        f"From segment {rows[0]['segment']} follow: {_listed(yes)}" if yes else "Nothing follows for certain"
    )
    if depends:
        text += f"; what isn't published decides on {_listed(depends)}"
    return f"{text}."


def how_long(_: Subject, rows: Rows) -> str:
    if not rows:
        return "How long it has been in its segment can't be said."
    row = rows[0]
    quarters = _count(row["quarters_in_segment"], "released quarter")
    persistent = "counts" if row["is_persistent"] else "doesn't count"
    return (
        f"It has been in segment {row['segment']} for {quarters} in a row, which {persistent} as persistent "
        f"if {row['persistent_quarters']} do ({_state(row['persistent_quarters_state'])})."
    )


def with_care(_: Subject, rows: Rows) -> str:
    if not rows:
        return "No caveat is known."
    by_caveat: dict[str, list[str]] = {}
    for row in rows:
        by_caveat.setdefault(row["caveat"], []).extend([metric(row)] if row["metric_name"] else [])
    told = []
    for caveat, metrics in by_caveat.items():
        words = _CAVEATS.get(caveat, caveat.replace("_", " "))
        told.append(f"{words} ({_listed(metrics)})" if metrics else words)
    return f"To be careful about: {'; '.join(told)}."


SENTENCES: Mapping[str, Callable[..., str]] = {
    "Where it stands": where_it_stands,
    "How sure that is": how_sure,
    "Without the override": without_override,
    "Who can be told apart from it": told_apart,
    "Which metric matters most": what_matters_most,
    "Under other rules": under_other_rules,
    "Why the rank moved": why_the_rank_moved,
    "Why the average moved": why_the_average_moved,
    "Whether that is more than chance": more_than_chance,
    "Runs of improvement": runs,
    "How far the next segment is": next_segment,
    "The smallest steps": smallest_steps,
    "Whom it could learn from": to_learn_from,
    "What follows": what_follows,
    "How long": how_long,
    "With care": with_care,
}


def metric(row: Mapping[str, Any]) -> str:
    """A metric's name within a sentence: `percentage of ...`, but `NHS staff survey`."""
    name = str(row["metric_name"])
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def short_name(name: str) -> str:
    """An organisation's name as a sentence has it."""
    short = name.removesuffix(" (fictional)")
    for end in (" NHS Foundation Trust", " NHS Trust"):
        short = short.removesuffix(end).removesuffix(",")
    return short


def _places(change: int) -> str:
    if not change:
        return "as it does"
    return f"{_count(abs(change), 'place')} {'better' if change < 0 else 'worse'}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def cause_words(cause: str) -> str:
    """Why a figure moved, as a sentence says it."""
    return _CAUSES.get(cause, cause.replace("_", " "))


def _policy(row: Mapping[str, Any]) -> str:
    return f"{row['policy'].replace('_', ' ')} ({_state(row['state'])})"


def _state(state: str) -> str:
    return "an assumption" if state == "assumption" else state


def _figure(row: Mapping[str, Any], column: str) -> str:
    """A rank as a whole number, an average at two places."""
    return str(int(row[column])) if row["measure"] == "rank" else f"{row[column]:f}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
