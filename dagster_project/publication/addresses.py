"""Where every page and file of the publication lies, as paths below its root, and how one leads to another.

A quarter's own folder only ever leads to itself, to earlier quarters and to pages of all quarters, so that a new
quarter leaves it as it is. Folders are named with their `index.html`, so that links work from a disk too.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

HOME = "index.html"
FIND = "find/index.html"
COMPARE = "compare/index.html"
METHOD = "method/index.html"
GLOSSARY = "method/glossary.html"
ASSUMPTIONS = "method/assumptions.html"
DIFFERENCES = "method/differences.html"
CORRECTIONS = "corrections/index.html"
DOWNLOADS = "downloads/index.html"
CHANGES = "changes/index.html"
DATA_GUIDE = "data/index.html"
FEED = "feed.atom"
LATEST = "data/latest.json"
CONTRACT = "data/contract.odcs.yaml"
ASSETS = "assets"
_NOT_IN_A_SLUG = re.compile(r"[^a-z0-9]+")


def link(here: str, there: str) -> str:
    """The relative link from one page to another, each a path below the root; a fragment of `there` stays."""
    path, _, fragment = there.partition("#")
    if path == here and fragment:
        return f"#{fragment}"
    relative = _relative(path, posixpath.dirname(here) or ".")
    return f"{relative}#{fragment}" if fragment else relative


@lru_cache(maxsize=4096)
def _relative(path: str, folder: str) -> str:
    return posixpath.relpath(path, folder)


def slug(text: str) -> str:
    """A name as part of an address: small letters and digits joined by hyphens."""
    return _NOT_IN_A_SLUG.sub("-", text.casefold()).strip("-") or "unnamed"


def by_name(rows: Iterable[Mapping[str, Any]], column: str) -> dict[str, list[Mapping[str, Any]]]:
    """The rows by the name that they have in a column and that becomes part of an address, names in their order.

    Names that make the same address are the same thing, written in another way: the first of them stands for all. The
    rows of a name keep their order; those without one are left out.
    """
    named = [row for row in rows if row[column]]
    first: dict[str, str] = {}
    for name in sorted({row[column] for row in named}):
        first.setdefault(slug(name), name)
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in first.values()}
    for row in named:
        found[first[slug(row[column])]].append(row)
    return found


def quarter_home(quarter: str) -> str:
    return f"{quarter}/index.html"


def table(quarter: str, table_name: str) -> str:
    return f"{quarter}/tables/{slug(table_name)}.html"


def table_picture(quarter: str, table_name: str) -> str:
    """A league table drawn: everybody's average and likely range in rank order."""
    return f"{quarter}/tables/{slug(table_name)}-picture.html"


def organisation(quarter: str, code: str) -> str:
    """The page of an organisation in one quarter."""
    return f"{quarter}/organisations/{code}.html"


def organisation_in_all(code: str) -> str:
    """The page of an organisation that stays: every quarter in which it has a place, and the newest first."""
    return f"organisations/{code}.html"


def comparison(*codes: str) -> str:
    """The page that compares, with whom it compares at first."""
    chosen = "&".join(f"{name}={code}" for name, code in zip("abcd", codes, strict=False))
    return f"{COMPARE}?{chosen}"


def usual_comparison(name: str) -> str:
    """A comparison that stands without JavaScript; `name` is its table, what its members share, and a number."""
    return f"compare/{slug(name)}.html"


def compared_data(table_name: str, digest: str) -> str:
    """What the page that compares knows of a league table, by its hash."""
    return f"compare/{slug(table_name)}-{digest}.js"


def derivation(quarter: str, code: str, figure: str | None = None) -> str:
    """How an organisation's figures of a quarter came about; `figure` is the publisher's id, such as OF1010."""
    page = f"{quarter}/derivations/{code}.html"
    return f"{page}#{figure}" if figure else page


def metric(quarter: str, metric_id: str) -> str:
    return f"{quarter}/metrics/{metric_id}.html"


def metrics(quarter: str) -> str:
    """All metrics of a quarter by domain."""
    return f"{quarter}/metrics/index.html"


def metric_ranking(quarter: str, metric_id: str, table_name: str) -> str:
    """The whole ranking of one league table by a metric, where the metric's own page is too long for it."""
    return f"{quarter}/metrics/{metric_id}-{slug(table_name)}.html"


def domain(quarter: str, name: str) -> str:
    return f"{quarter}/domains/{slug(name)}.html"


def domain_ranking(quarter: str, name: str, table_name: str) -> str:
    """The whole ranking of one league table by a domain, where the domain's own page is too long for it."""
    return f"{quarter}/domains/{slug(name)}-{slug(table_name)}.html"


def areas(quarter: str) -> str:
    """All regions and ICB areas of a quarter."""
    return f"{quarter}/regions/index.html"


def region(quarter: str, name: str) -> str:
    return f"{quarter}/regions/{slug(name)}.html"


def icb_area(quarter: str, code: str) -> str:
    return f"{quarter}/icb-areas/{code}.html"


def search_index(digest: str) -> str:
    """What the search page searches, by its hash, so that a page never meets another publication's."""
    return f"find/search-{digest}.js"


def quality(quarter: str) -> str:
    return f"{quarter}/quality.html"


def differences(quarter: str) -> str:
    """Where a quarter's figures aren't the publisher's."""
    return f"{quarter}/differences.html"


def chart(quarter: str, name: str, form: str = "svg") -> str:
    """A chart as a file, for slides; `name` is the chart's own, such as `ranks-acute`."""
    return f"{quarter}/charts/{name}.{form}"


def workbook(quarter: str) -> str:
    return f"{quarter}/workbooks/league-tables-{quarter}.xlsx"


def board_pack(quarter: str, code: str) -> str:
    return f"{quarter}/workbooks/{code}.xlsx"


def league_table_json(quarter: str, table_name: str) -> str:
    return f"data/v1/{quarter}/league-tables/{slug(table_name)}.json"


def organisation_json(quarter: str, code: str) -> str:
    return f"data/v1/{quarter}/organisations/{code}.json"


def data_package(quarter: str) -> str:
    return f"data/v1/{quarter}/datapackage.json"


def data_file(quarter: str, table_name: str, *, is_embargoed: bool = False) -> str:
    """A released table as CSV, a resource of the data package.

    Nothing in a CSV file can say that it is embargoed, as its bytes are the release's: its name does.
    """
    return f"data/v1/{quarter}/{'EMBARGOED-' if is_embargoed else ''}{table_name}.csv"


def compressed_data_file(quarter: str, table_name: str, *, is_embargoed: bool = False) -> str:
    """A large released table as CSV, compressed."""
    return f"{data_file(quarter, table_name, is_embargoed=is_embargoed)}.gz"


def data_schema(kind: str) -> str:
    """The JSON Schema of a kind of JSON file: league-table, organisation or latest."""
    return f"data/v1/schemas/{kind}.json"


def resolved(here: str, relative: str) -> str:
    """Where a relative link of a page or file leads, as a path below the root: `link` read backwards."""
    path, _, fragment = relative.partition("#")
    there = posixpath.normpath(posixpath.join(posixpath.dirname(here), path)) if path else here
    return f"{there}#{fragment}" if fragment else there
