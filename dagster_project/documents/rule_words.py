"""Each row of the rules as a sentence that an analyst understands without knowing the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dagster_project.documents.markdown import code
from dagster_project.methodology.rule_set import Row, RuleSet

ABOUT_A_ROW = frozenset({"framework", "state", "source", "source_of_rule", "note"})
# How sure a row of the rules is.
STATE_MEANS = {
    "stated": "the publisher says so",
    "verified": "it reproduces the publisher's own figures exactly",
    "inferred": "the best reading of what is published; not proven",
    "assumption": "chosen here, because something is needed; easy to change",
    "unknown": "not published, and not guessed",
}
_DIRECTIONS = {
    "low": "Lower is better",
    "high": "Higher is better",
    "none": "No value is published, only a score",
}
_APPLIES_TO = {"average": "the average metric score", "domain": "each domain score"}


def in_words(rules: RuleSet, table: str, row: Row) -> str:
    """What a row says; a table that has no words of its own gives its columns and values."""
    words = _WORDS.get(table)
    return words(rules, row) if words else _columns_and_values(row)


def source_of(table: Mapping[str, str]) -> str:
    """Where a row comes from. Where `source` names a statistic, the rule's own source has another column."""
    return table["source_of_rule"] if "source_of_rule" in table else table.get("source", "")


def table_in_words(name: str) -> str:
    """A league table's name as people write it."""
    return "ICB" if name == "icb" else name.replace("_", "-")


def _columns_and_values(row: Row) -> str:
    given = {column: value for column, value in row.items() if value and column not in ABOUT_A_ROW}
    parameter = given.pop("parameter", "").replace("_", " ")
    if parameter:
        return f"{parameter[:1].upper()}{parameter[1:]}: {', '.join(given.values()) or 'not known'}."
    return "; ".join(f"{column.replace('_', ' ')}: {value}" for column, value in given.items()) + "."


def _framework(_: RuleSet, row: Row) -> str:
    method = {
        "quartiles": "Segments are quartiles of the average score over all tables together",
        "thresholds": "Segments are cut at fixed thresholds of the average score",
    }.get(row["segmentation_method"], row["segmentation_method"])
    only = " It is accepted for the fictional sample only." if row["sample_only"] == "true" else ""
    return f"Holds from {row['from_quarter']} to {row['to_quarter']}. {method}.{only}"


def _metric(rules: RuleSet, row: Row) -> str:
    names = {domain["domain"]: domain["domain_name"] for domain in rules.rows("domain", row["framework"])}
    places = f", published to {row['value_dp']} decimal places" if row["value_dp"] else ""
    said = [
        names.get(row["domain"], row["domain"]),
        _DIRECTIONS.get(row["better"], row["better"]),
        f"Unit: {row['unit']}{places}" if row["score_only"] != "true" else "",
        f"Covers: {row['period']}" if row["period"] else "",
        {
            "value": "The publisher's Rank ranks the value within the table",
            "score": "The publisher's Rank ranks the score within the table",
        }.get(row["published_rank_of"], ""),
        _weight(row),
    ]
    return ". ".join(part for part in said if part) + "."


def _weight(row: Row) -> str:
    if row["enters_average"] != "true":
        return "It doesn't enter averages itself"
    parts = row["weight_numerator"], row["weight_denominator"]
    return f"Weight in averages: {parts[0] if parts[1] == '1' else '/'.join(parts)}"


def _metric_applicability(_: RuleSet, row: Row) -> str:
    name = table_in_words(row["table_name"])
    if row["required"] == "true":
        return f"Applies to the {name} table, which is incomplete without it."
    return f"Applies to those organisations of the {name} table that provide the service."


def _metric_rule(rules: RuleSet, row: Row) -> str:
    better = {r["metric_id"]: r["better"] for r in rules.rows("metric", row["framework"])}.get(
        row["metric_id"]
    )
    bound = f"{'at most' if better == 'low' else 'at least'} {row['standard']}"
    between = f"{row['score_best']} (best) to {row['score_worst']} (worst)"
    evenly = "evenly by rank; ties share the better score"
    said = {
        "plain": f"All organisations of the pool are ranked by value and score {between}, {evenly}.",
        "standard": f"Whoever meets the standard ({bound}) scores {row['score_if_met']} and isn't "
        f"ranked; the others are ranked and score {between}, {evenly}.",
        "floor": f"Whoever misses the floor ({bound}) scores {row['score_if_failed']} and isn't "
        f"ranked; the others are ranked and score {between}, {evenly}.",
        "band": "The score depends on the band that the value falls into.",
        "matrix": "The score is looked up in the matrix of two other scores.",
        "published": "The score is taken as published; there is no value to compute it from.",
    }.get(row["rule"], _columns_and_values(row))
    of_unit = f"Where the unit is {row['unit']}: " if row["unit"] not in ("", "band", "score") else ""
    return of_unit + (said[0].lower() + said[1:] if of_unit else said)


def _metric_pool(rules: RuleSet, row: Row) -> str:
    together = [
        table_in_words(other["table_name"])
        for other in rules.rows("metric_pool", row["framework"])
        if other["metric_id"] == row["metric_id"] and other["pool"] == row["pool"]
    ]
    name, pool = table_in_words(row["table_name"]), code(row["pool"])
    if len(together) == 1:
        return f"Organisations of the {name} table are ranked among themselves (pool {pool})."
    listed = ", ".join(together[:-1]) + f" and {together[-1]}"
    return f"Organisations of the {name} table share a pool with all of {listed} that have a value (pool {pool})."


def _rule_band(_: RuleSet, row: Row) -> str:
    if row["band_kind"] == "label":
        return f"{row['band_label'][:1].upper()}{row['band_label'][1:]}: score {row['score']}."
    low, high = row["lower_bound"], row["upper_bound"]
    if low and low == high:
        return f"{low} {row['unit']}: score {row['score']}."
    ends = []
    if low:
        ends.append(f"{'at least' if row['lower_inclusive'] == 'true' else 'above'} {low}")
    if high:
        ends.append(f"{'at most' if row['upper_inclusive'] == 'true' else 'below'} {high}")
    words = f"{' and '.join(ends) or 'any value'} {row['unit']}: score {row['score']}."
    return words[:1].upper() + words[1:]


def _enters_at_dp(_: RuleSet, row: Row) -> str:
    return f"In {row['quarter']} the score enters averages rounded to {row['enters_at_dp']} decimal places."


def _metric_statistic(rules: RuleSet, row: Row) -> str:
    role = (
        "comes before the published value" if row["precedence"] == "1" else "only checks the published value"
    )
    parts = {"numerator": "", "denominator": ""}
    for measure in rules.rows("metric_statistic_measure", row["framework"]):
        if measure["metric_id"] == row["metric_id"]:
            sign = " - " if measure["sign"].startswith("-") else " + "
            before = parts[measure["part"]]
            parts[measure["part"]] = (
                f"{before}{sign if before else sign.strip(' +')}{code(measure['measure'])}"
            )
    factor = "" if row["multiplier"] == "1" else f" × {row['multiplier']}"
    factor += "" if row["divisor"] == "1" else f" / {row['divisor']}"
    rounding = f"; rounded to {row['first_rounding_dp']} places first" if row["first_rounding_dp"] else ""
    rounding += f"; ranked at {row['ranked_at_dp']} places" if row["ranked_at_dp"] else ""
    return (
        f"The value counted from {code(row['source'])} over the {row['covers']} {role}: "
        f"({parts['numerator']}) / ({parts['denominator']}){factor}{rounding}; tolerance {row['tolerance']}."
    )


def _metric_statistic_measure(_: RuleSet, row: Row) -> str:
    verb = "is taken off" if row["sign"].startswith("-") else "counts in"
    return f"{code(row['measure'])} {verb} the {row['part']}."


def _known_difference(_: RuleSet, row: Row) -> str:
    side = {"below": "lie below", "above": "lie above"}.get(row["direction"], "differ from")
    reason = row["reason"][:1].upper() + row["reason"][1:]
    return (
        f"{reason}. Values from counts may {side} the published ones by up to {row['largest']}, for up to "
        f"{row['largest_share']} of the organisations (1 is all); a difference beyond that fails reconciliation."
    )


def _matrix_input(_: RuleSet, row: Row) -> str:
    return f"The {row['axis']} score of the matrix is that of {row['input_metric_id']}."


def _combined_finance(_: RuleSet, row: Row) -> str:
    return (
        f"Planned score {row['planned_score']} and variance score {row['variance_score']} "
        f"give combined score {row['combined_score']}."
    )


def _domain(_: RuleSet, row: Row) -> str:
    return (
        f"{row['domain_name']}: the weighted mean of the metric scores of the domain is published as "
        f"{row['score_figure']}, its segment as {row['segment_figure']}."
    )


def _segment_boundary(_: RuleSet, row: Row) -> str:
    what = _APPLIES_TO.get(row["applies_to"], row["applies_to"])
    if row["quantile"]:
        return (
            f"Segment {row['segment']} of {what} ends at the {row['quantile']} quantile of all organisations "
            "of all tables, linear between neighbours; a score on it is in the better segment."
        )
    if row["threshold"]:
        return f"Segment {row['segment']} of {what} ends at {row['threshold']}."
    return f"Where segment {row['segment']} of {what} ends is not known."


def _expected_organisations(_: RuleSet, row: Row) -> str:
    many = f"{row['organisations']} organisations" if row["organisations"] else "a number not known"
    return f"{row['from_quarter']} to {row['to_quarter']}, {table_in_words(row['table_name'])} table: {many}."


def _average_tolerance(_: RuleSet, row: Row) -> str:
    table = f"{row['quarter']}, {table_in_words(row['table_name'])} table"
    if not row["tolerance"].strip("0."):
        return f"{table}: averages are recomputed exactly; no difference is accepted."
    why = (
        "the quarter's rounding isn't known"
        if row["state"] == "unknown"
        else "the quarter's rounding explains it"
    )
    return (
        f"{table}: a difference of up to {row['tolerance']} from the published average is accepted, as {why}."
    )


def _policy(_: RuleSet, row: Row) -> str:
    where = {"": "no segment by itself", "all": "all segments"}.get(
        row["segments"], f"segment {row['segments']}"
    )
    return f"{row['policy'].replace('_', ' ').capitalize()} ({where.replace(',', ' and ')}): {row['rule']}."


_WORDS: Mapping[str, Callable[[RuleSet, Row], str]] = {
    "average_tolerance": _average_tolerance,
    "combined_finance": _combined_finance,
    "domain": _domain,
    "enters_at_dp": _enters_at_dp,
    "expected_organisations": _expected_organisations,
    "framework": _framework,
    "known_difference": _known_difference,
    "matrix_input": _matrix_input,
    "metric": _metric,
    "metric_applicability": _metric_applicability,
    "metric_pool": _metric_pool,
    "metric_rule": _metric_rule,
    "metric_statistic": _metric_statistic,
    "metric_statistic_measure": _metric_statistic_measure,
    "policy": _policy,
    "rule_band": _rule_band,
    "segment_boundary": _segment_boundary,
}
