"""Charts: what each shows, from released rows to an accessible SVG. Pages place them and don't draw.

Each function gives a `Chart`, or None where what it shows isn't there.
"""

from dagster_project.publication.charts.chart import Cell, Chart
from dagster_project.publication.charts.league_table import distribution, ranked_dots
from dagster_project.publication.charts.over_time import metric_trends, movement, trend
from dagster_project.publication.charts.standing import (
    domain_profile,
    hangs_on,
    positions,
    segment_probabilities,
)

__all__ = [
    "Cell",
    "Chart",
    "distribution",
    "domain_profile",
    "hangs_on",
    "metric_trends",
    "movement",
    "positions",
    "ranked_dots",
    "segment_probabilities",
    "trend",
]
