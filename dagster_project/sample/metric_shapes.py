"""How the sample's values are spread: a curve per metric and table, shifts by subtype, who has what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Curve = tuple[tuple[float, float], ...]
# where a normal variable has its 5th, 25th, 50th, 75th and 95th percentile, with an end on either side
_PLACES = (-3.0, -1.645, -0.674, 0.0, 0.674, 1.645, 3.0)


@dataclass(frozen=True)
class Shape:
    """A metric's spread: `curve` maps a normal variable to a value, which is kept within the limits.

    `steps` hidden values lie in one unit (1000 means three decimals); `same_for` is how a value stays
    between quarters: `quarter` moves each quarter, `year` with the financial year, `survey` in its Q4.
    """

    curve: Curve
    lowest: float = 0.0
    highest: float = 100.0
    steps: int = 100_000
    same_for: str = "quarter"


def _spread(*values: float) -> Curve:
    return tuple(zip(_PLACES, values, strict=True))


_BREAK_EVEN: Curve = (
    (-3, -3.4), (-1.645, -1.9), (-1.05, -0.6), (-0.75, 0), (0.7, 0), (1.645, 1.4), (3, 2.6),
)  # fmt: skip
_DEFICITS: Curve = (
    (-3, -17), (-1.645, -9), (-0.674, -4), (0, -1.6), (0.35, 0), (1.1, 0), (1.645, 0.6), (3, 3.6),
)  # fmt: skip
_NEAR_PLAN: Curve = (
    (-3, -4.3), (-1.645, -1.7), (-1, -0.3), (-0.85, 0), (0.6, 0), (1.645, 0.4), (3, 4.2),
)  # fmt: skip
_OFF_PLAN: Curve = (
    (-3, -6), (-1.645, -2.2), (-0.75, -0.6), (-0.4, 0), (0.5, 0), (1.645, 1), (3, 3.1),
)  # fmt: skip
_ANY = (-500.0, 500.0)

# the curve of a metric, unless a table has its own below
_SHAPES: dict[str, Shape] = {
    "OF0003": Shape(_spread(-0.8, 0.1, 1.3, 2.4, 3.3, 5, 8.2)),
    "OF0005": Shape(_spread(-1, -0.3, 0.04, 1.1, 6.4, 48, 66), steps=1000),
    "OF0010": Shape(_spread(58, 66.5, 73.5, 77, 80, 83.5, 88.5)),
    "OF0011": Shape(_spread(42, 54, 64, 71, 75.7, 82, 87)),
    "OF0013": Shape(_spread(51, 62.5, 70, 76, 79, 85.5, 97)),
    "OF0014": Shape(_spread(-0.5, 0.4, 4, 8.4, 13, 18, 25)),
    "OF0016": Shape(_spread(24, 34, 48, 58, 72, 86, 103)),
    "OF0017": Shape(_spread(24, 25.5, 27.5, 29.4, 32, 35, 38)),
    "OF0020": Shape(_spread(-1, 0, 1.2, 3, 5, 10, 24), steps=1),
    "OF0023": Shape(_spread(45, 52, 57, 61, 66, 73, 83)),
    "OF0025": Shape(_spread(-0.2, 0.02, 0.5, 0.7, 1, 1.8, 3.4)),
    "OF0028": Shape(_spread(44, 47, 50, 53, 56, 58.5, 61)),
    "OF0041": Shape(_spread(-23, -12, 1, 7, 15.5, 25, 47), *_ANY),
    "OF0048": Shape(_spread(0.62, 0.9, 1.04, 1.16, 1.32, 1.62, 2.4)),
    "OF0057": Shape(_spread(35, 62, 79, 85, 90, 95.5, 98.5)),
    "OF0061": Shape(_spread(5.5, 5.93, 6.24, 6.42, 6.6, 6.85, 7.45), 0, 10, same_for="survey"),
    "OF0063": Shape(_spread(10.5, 12.5, 20.5, 24.5, 28.5, 33, 36)),
    "OF0079": Shape(_BREAK_EVEN, *_ANY, same_for="year"),
    "OF0081": Shape(_NEAR_PLAN, *_ANY),
    "OF0082": Shape(_spread(3.4, 4, 4.6, 5.2, 5.8, 6.5, 7.1)),
    "OF0084": Shape(_spread(6, 6.46, 6.71, 6.88, 7.04, 7.35, 7.7), 0, 10, same_for="survey"),
    "OF0085": Shape(_spread(-13.5, -3.2, 0.3, 2.9, 5.2, 8, 14), *_ANY, same_for="year"),
    "OF0086": Shape(_spread(66, 78, 94, 105, 112.5, 125, 139), 0, 500, same_for="survey"),
    "OF0088": Shape(_spread(0.66, 0.9, 1.05, 1.22, 1.38, 1.85, 4.4)),
    "OF0106": Shape(_spread(-6.8, -3.2, -0.6, 1, 3, 5.5, 10.3), *_ANY),
}
_SHAPES_OF_TABLE: dict[tuple[str, str], Shape] = {
    ("OF0079", "acute"): Shape(_DEFICITS, *_ANY, same_for="year"),
    ("OF0081", "acute"): Shape(_OFF_PLAN, *_ANY),
    ("OF0061", "non_acute"): Shape(_spread(5.7, 6.15, 6.57, 6.8, 6.95, 7.2, 7.45), 0, 10, same_for="survey"),
    ("OF0061", "ambulance"): Shape(_spread(5.2, 5.4, 5.7, 5.9, 6.1, 6.3, 6.5), 0, 10, same_for="survey"),
    ("OF0084", "non_acute"): Shape(_spread(6.3, 6.65, 6.95, 7.08, 7.2, 7.38, 7.5), 0, 10, same_for="survey"),
    ("OF0084", "ambulance"): Shape(_spread(5.6, 5.8, 6, 6.15, 6.3, 6.5, 6.7), 0, 10, same_for="survey"),
    ("OF0082", "non_acute"): Shape(_spread(3.2, 4.2, 5, 5.65, 6.25, 6.95, 7.6)),
    ("OF0082", "ambulance"): Shape(_spread(5.4, 5.7, 6.1, 6.6, 7.2, 7.8, 8.5)),
    ("OF0086", "ambulance"): Shape(_spread(85, 88, 94, 100, 106, 112, 118), 0, 500, same_for="survey"),
    ("OF0003", "icb"): Shape(_spread(0.3, 0.8, 1.6, 2.4, 3, 3.9, 4.8)),
    ("OF0005", "icb"): Shape(_spread(-0.2, 0.2, 1.1, 3, 8, 22, 34), steps=1000),
    ("OF0057", "icb"): Shape(_spread(60, 71, 79, 84, 88, 92, 96)),
    ("OF0041", "icb"): Shape(_spread(-9, -4, 1, 5, 10, 17, 24), *_ANY),
}
_BETTER_BY_SUBTYPE: dict[tuple[str, str], float] = {
    ("OF0013", "Acute - Specialist"): 1.7,
    ("OF0014", "Acute - Specialist"): 2.4,
    ("OF0020", "Acute - Specialist"): 1.3,
    ("OF0025", "Acute - Specialist"): 1.4,
    ("OF0061", "Acute - Specialist"): 1.0,
    ("OF0084", "Acute - Specialist"): 1.2,
    ("OF0079", "Acute - Specialist"): 0.7,
    ("OF0020", "Acute - Small"): 0.7,
    ("OF0020", "Acute - Teaching"): -0.4,
    ("OF0023", "Acute - Specialist"): 0.3,
    ("OF0048", "Acute - Specialist"): -0.6,
    ("OF0079", "Acute - Small"): -0.5,
    ("OF0061", "Community"): 0.6,
    ("OF0084", "Community"): 0.6,
    ("OF0005", "Community"): -0.4,
}
# a score without a value: the score, and the share of organisations up to and with it (of 1000)
BANDS: dict[str, tuple[tuple[int, int], ...]] = {
    "OF0035": ((1, 50), (2, 930), (3, 975), (4, 1000)),
    "OF0046": ((1, 75), (2, 920), (3, 1000)),
    "OF0067": ((1, 30), (2, 330), (3, 920), (4, 1000)),
    "OF0069": ((1, 90), (2, 905), (3, 965), (4, 1000)),
}
# the share of organisations with a metric (of 1000), for those that not all have
_SHARES: dict[tuple[str, str], int] = {
    ("OF0005", "acute"): 620,
    ("OF0041", "acute"): 165,
    ("OF0057", "acute"): 430,
    ("OF0025", "acute"): 950,
    ("OF0005", "Acute - Specialist"): 190,
    ("OF0041", "Acute - Specialist"): 125,
    ("OF0057", "Acute - Specialist"): 0,
    ("OF0005", "Mental Health and Learning Disability"): 570,
    ("OF0016", "Mental Health and Learning Disability"): 955,
    ("OF0041", "Mental Health and Learning Disability"): 890,
    ("OF0057", "Mental Health and Learning Disability"): 520,
    ("OF0035", "Mental Health and Learning Disability"): 980,
    ("OF0063", "Mental Health and Learning Disability"): 980,
    ("OF0016", "Community"): 70,
    ("OF0041", "Community"): 360,
    ("OF0057", "Community"): 930,
    ("OF0035", "Community"): 0,
    ("OF0063", "Community"): 70,
    ("OF0063", "icb"): 940,
    ("OF0057", "icb"): 970,
}
# what only the first few specialists, or a specialist and the island trust, report
_SPECIALISTS_WITH: dict[str, int] = {
    "OF0003": 13, "OF0023": 13, "OF0106": 13, "OF0010": 0, "OF0011": 0, "OF0013": 5, "OF0014": 5, "OF0046": 0,
    "OF0069": 14, "OF0035": 1, "OF0016": 1,
}  # fmt: skip
_ISLAND_ONLY = ("OF0017", "OF0028", "OF0035", "OF0063")
_FEW_ACUTE = ("OF0016", *_ISLAND_ONLY)


def shape_of(metric_id: str, table: str) -> Shape:
    """The spread of a metric with values; raises KeyError for one that the sample doesn't know."""
    return _SHAPES_OF_TABLE.get((metric_id, table)) or _SHAPES[metric_id]


def subtype_advantage(metric_id: str, subtype: str) -> float:
    """How much better than others a subtype does, in standard deviations."""
    return _BETTER_BY_SUBTYPE.get((metric_id, subtype), 0.0)


def has_metric(metric_id: str, table: str, subtype: str, place_in_subtype: int, draw: int) -> bool:
    """Whether an organisation reports a metric of its table; `draw` is 0 to 999, its own for the metric."""
    if subtype == "Acute - Specialist" and metric_id in _SPECIALISTS_WITH:
        return place_in_subtype < _SPECIALISTS_WITH[metric_id]
    if is_island(subtype, place_in_subtype) and metric_id in _ISLAND_ONLY:
        return True
    if table == "acute" and metric_id in _FEW_ACUTE:
        return False
    share = _SHARES.get((metric_id, subtype), _SHARES.get((metric_id, table), 1000))
    return draw < share


def is_island(subtype: str, place_in_subtype: int) -> bool:
    """Whether this is the island trust, an acute one that also runs ambulances and mental health services."""
    return subtype == "Acute - Multi-Service" and place_in_subtype == 0


def counts_instead_of_rate(subtype: str, place_in_subtype: int) -> bool:
    """Whether a trust's infection threshold is so small that cases are counted, not related to it."""
    return subtype == "Acute - Specialist" and place_in_subtype in (2, 7, 9, 13)


def on_curve(curve: Sequence[tuple[float, float]], place: float) -> float:
    """The value at `place`, linear between the curve's points and flat beyond them."""
    if place <= curve[0][0]:
        return curve[0][1]
    for (left, low), (right, high) in pairwise(curve):
        if place <= right:
            return low + (high - low) * (place - left) / (right - left)
    return curve[-1][1]
