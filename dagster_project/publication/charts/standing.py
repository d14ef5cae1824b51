"""Charts of where an organisation stands in its quarter: metrics and domains among others', and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from dagster_project.publication import words
from dagster_project.publication.charts import strips
from dagster_project.publication.charts.chart import Cell, Chart, Row
from dagster_project.publication.charts.drawing import charted
from dagster_project.publication.contents import QuarterContent
from dagster_project.publication.standings import placed_by_publisher

_SCORES = strips.Axis(
    1,
    4,
    [(1, "1 best"), (2, "2"), (3, "3"), (4, "4 worst")],
    [("dot", "mine", "this one"), ("bar", "peers", "middle half of its table"), ("tick", "ink", "middle")],
)
_MOST_SHOWN = 8
_CHOICES = {
    "equal_domain_weights": "If every domain counted alike",
    "without_override": "Without the financial override",
}
Half = tuple[Decimal, Decimal, Decimal]


def positions(content: QuarterContent, code: str) -> Chart | None:
    """All scored metrics of an organisation: its score of each, and where the middle half of its table lies."""
    scores = [
        row for row in content.find("metric_score", organisation_code=code) if row["metric_score"] is not None
    ]
    if not scores:
        return None
    scores.sort(key=lambda row: (words.domain_order(row["domain"]), row["metric_id"]))
    found, cells, sides = [], [], [0, 0, 0]
    domain = None
    for row in scores:
        half = _middle_half(content, "metric_score", row, "metric_id")
        heading = None if row["domain"] == domain else words.domain_name(row["domain"])
        domain = row["domain"]
        found.append(_on_scores(row["metric_name"], row["metric_score"], half, heading))
        sides[_side(row["metric_score"], half)] += 1
        ranking = content.one("metric_ranking", organisation_code=code, metric_id=row["metric_id"])
        cells.append((row["metric_name"], Cell("metric_score", row, "metric_score"), *_rank_cells(ranking)))
    better, among, worse = sides
    return charted(
        f"positions-{code}",
        "Every metric at a glance",
        f"Scores of {_name(content, code)} on {len(scores)} metrics, from 1, the best, to 4, the worst. On {better} it "
        f"does better than the middle half of its table, on {worse} worse; on {among} it is among the middle half.",
        strips.picture(found, _SCORES),
        ("Metric", "Score", "Rank", "Of"),
        cells,
        _missing_scores(content, code),
    )


def domain_profile(content: QuarterContent, code: str) -> Chart | None:
    """The domain scores of an organisation, each with where the middle half of its table lies."""
    scores = [
        row for row in content.find("domain_score", organisation_code=code) if row["domain_score"] is not None
    ]
    if not scores:
        return None
    scores.sort(key=lambda row: words.domain_order(row["domain"]))
    ordered = sorted(scores, key=lambda row: row["domain_score"])
    best, worst = ordered[0], ordered[-1]
    columns = ("domain_score", "domain_segment", "metric_count")
    return charted(
        f"domains-{code}",
        "Scores by domain",
        f"Scores of {_name(content, code)} in {len(scores)} domains, from 1, the best, to 4, the worst. Its best is "
        f"{words.domain_name(best['domain'])} with {best['domain_score']}, its worst "
        f"{words.domain_name(worst['domain'])} with {worst['domain_score']}.",
        strips.picture(
            [
                _on_scores(
                    words.domain_name(row["domain"]),
                    row["domain_score"],
                    _middle_half(content, "domain_score", row, "domain"),
                )
                for row in scores
            ],
            _SCORES,
        ),
        ("Domain", "Score", "Segment", "Metrics"),
        [
            (words.domain_name(row["domain"]), *(Cell("domain_score", row, column) for column in columns))
            for row in scores
        ],
    )


def segment_probabilities(content: QuarterContent, code: str) -> Chart | None:
    """In how many of the draws an organisation is in each segment."""
    found = sorted(
        content.find("segment_probability", organisation_code=code),
        key=lambda row: (row["variant"], row["segment"]),
    )
    found = [row for row in found if row["variant"] == found[0]["variant"] and row["probability"] is not None]
    if not found:
        return None
    place = content.places.get(code)
    decided = (
        f" That is by the figures, before the publisher placed it in segment {place['final_segment']}."
        if place is not None and placed_by_publisher(place)
        else ""
    )
    likely = [f"segment {row['segment']} in {_percent(row)}" for row in found if _share(row) > 0]
    return charted(
        f"segments-{code}",
        "How sure the segment is",
        f"Chance in which metrics are counted puts {_name(content, code)} in {' and '.join(likely)} of the draws."
        f"{decided}",
        strips.picture(
            [
                strips.Strip(
                    f"Segment {row['segment']}, {words.segment_word(row['segment'])}",
                    _percent(row),
                    [(0, float(row["probability"]), "mine", 14)] if row["probability"] else (),
                )
                for row in found
            ],
            strips.Axis(0, 1, [(0, "never"), (1, "always")]),
        ),
        ("Segment", "Share of the draws", "Draws", "Of"),
        [
            (
                f"Segment {row['segment']}",
                Cell("segment_probability", row, "probability", _percent(row)),
                Cell("segment_probability", row, "times"),
                Cell("segment_probability", row, "replicates"),
            )
            for row in found
        ],
    )


def hangs_on(content: QuarterContent, code: str) -> Chart | None:
    """What rank an organisation would have without each of the metrics that matter most, and under other choices."""
    place = content.places.get(code)
    tried = [] if place is None else _tried(content, place)
    if place is None or not tried:
        return None
    now, last = place["rank"], max(place["organisations_in_table"], 2)
    ranks = [row["rank"] for _, row in tried]
    columns = ("rank", "rank_change", "adjusted_segment")
    return charted(
        f"hangs-on-{code}",
        "What the place hangs on",
        f"{_name(content, code)} ranks {now} of {place['organisations_in_table']}. Under the {len(tried)} other "
        f"choices shown it would rank from {min(ranks)} to {max(ranks)}.",
        strips.picture(
            [
                strips.Strip(
                    label,
                    words.ordinal(row["rank"]),
                    [(now, row["rank"], "mine", 3)],
                    [now],
                    [(row["rank"], "mine", "circle")],
                )
                for label, row in tried
            ],
            strips.Axis(
                1,
                last,
                [(1, "1st"), (last, "last")],
                [("dot", "mine", "rank it would have"), ("tick", "ink", "rank as it is")],
            ),
        ),
        ("Choice", "Rank", "Change of rank", "Segment"),
        [(label, *(Cell("sensitivity", row, column) for column in columns)) for label, row in tried],
    )


def _tried(content: QuarterContent, place: Row) -> list[tuple[str, Row]]:
    """What was tried in words, with the organisation's row under it."""
    code = place["organisation_code"]
    rows = [
        (label, content.one("sensitivity", organisation_code=code, choice=choice))
        for choice, label in _CHOICES.items()
        if choice != "without_override" or place["financial_override"]
    ]
    influential = sorted(
        content.find("metric_influence", organisation_code=code), key=lambda row: row["influence_rank"]
    )
    for influence in influential[:_MOST_SHOWN]:
        metric = content.one("metric", metric_id=influence["metric_id"])
        name = metric["metric_name"] if metric is not None else influence["metric_id"]
        without = {"choice": "without_metric", "subject": influence["metric_id"]}
        rows.append((f"Without: {name}", content.one("sensitivity", organisation_code=code, **without)))
    return [(label, row) for label, row in rows if row is not None and row["rank"] is not None]


def _name(content: QuarterContent, code: str) -> str:
    row = content.places.get(code) or content.one("organisation", organisation_code=code)
    return str(row["organisation_name"]) if row is not None else code


def _middle_half(content: QuarterContent, table: str, row: Row, told_by: str) -> Half:
    """The scores a quarter, half and three quarters of the way down a league table: scores that somebody has, so that
    nothing is computed. Each table's score is named like the table.
    """

    def ordered() -> Half:
        of_table = {"table_name": row["table_name"], told_by: row[told_by]}
        found = sorted(one[table] for one in content.find(table, **of_table) if one[table] is not None)
        low, middle, high = (found[(len(found) - 1) * part // 4] for part in (1, 2, 3))
        return low, middle, high

    return content.once((table, row["table_name"], row[told_by]), ordered)


def _on_scores(label: str, score: Decimal, half: Half, heading: str | None = None) -> strips.Strip:
    low, middle, high = map(float, half)
    return strips.Strip(
        label,
        f"score {score}",
        [(low, high, "peers", 8)] if low < high else (),
        [middle],
        [(float(score), "mine", "circle")],
        heading,
    )


def _side(score: Decimal, half: Half) -> int:
    """0 for better than the middle half, 2 for worse, 1 for among it."""
    return 0 if score < half[0] else 2 if score > half[2] else 1


def _rank_cells(ranking: Row | None) -> Sequence[str | Cell]:
    if ranking is None or ranking["rank_in_table"] is None:
        return "not ranked", "not ranked"
    return [Cell("metric_ranking", ranking, column) for column in ("rank_in_table", "organisations_ranked")]


def _missing_scores(content: QuarterContent, code: str) -> tuple[str, ...]:
    missing = [
        row["metric_name"]
        for row in content.find("metric_score", organisation_code=code)
        if row["metric_score"] is None
    ]
    return (f"Without a score, and so not in the picture: {'; '.join(missing)}.",) if missing else ()


def _percent(row: Row) -> str:
    """Rounded as the board's sentence does, so that both say one figure."""
    return f"{_share(row)}%"


def _share(row: Row) -> Decimal:
    share: Decimal = 100 * row["probability"]
    return share.quantize(Decimal("0.1"), ROUND_HALF_UP)
