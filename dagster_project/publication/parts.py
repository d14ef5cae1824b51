"""What a publication is made of: functions from contents to files, each by a name that is said while it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dagster_project.publication import data_files, feed, workbooks
from dagster_project.publication.charts import files as chart_files
from dagster_project.publication.contents import Contents, QuarterContent
from dagster_project.publication.pages import (
    area,
    compare,
    derivation,
    downloads,
    find,
    home,
    league_tables,
    method,
    metric,
    organisation,
    quality,
)
from dagster_project.publication.rendering import Produced

# Of one quarter; each may use what earlier quarters say, never what later ones do.
QUARTER_PARTS: Mapping[str, Callable[[QuarterContent], Iterator[Produced]]] = {
    "home": home.of_quarter,
    "league tables": league_tables.of_quarter,
    "organisations": organisation.of_quarter,
    "derivations": derivation.of_quarter,
    "metrics and domains": metric.of_quarter,
    "regions and areas": area.of_quarter,
    "quality": quality.of_quarter,
    "charts": chart_files.of_quarter,
    "workbooks": workbooks.of_quarter,
    "data files": data_files.of_quarter,
}
# Of all quarters; made anew each time.
SITE_PARTS: Mapping[str, Callable[[Contents], Iterator[Produced]]] = {
    "home": home.of_all,
    "organisations": organisation.of_all,
    "compare": compare.of_all,
    "find": find.of_all,
    "method": method.of_all,
    "corrections and changes": quality.of_all,
    "downloads": downloads.of_all,
    "data files": data_files.of_all,
    "feed": feed.of_all,
}
# Says how large the files of the others are.
MADE_LAST = "downloads"
