"""What the pages of a publication claim, held against the Parquet files of its releases: faults in sentences.

Counting, rounding and looking up are done here anew and not by the publication's code; only the names of cells are
shared (`figures.KEYS`), as they say which cell is meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

import duckdb
import html5lib  # type: ignore[import-untyped]

from dagster_project import notices
from dagster_project.errors import LeagueError
from dagster_project.publication import words
from dagster_project.publication.figures import KEYS
from dagster_project.quarters import Quarter
from dagster_project.reading.board_page import board_page
from dagster_project.settings import DataFolder
from dagster_project.shown import in_one_line

Row = Mapping[str, Any]
_TESTS = Path(__file__).resolve().parents[2]
_READ_ALOUD = ("alt", "aria-label", "title", "placeholder")
_MARKS = ("data-cell", "data-count", "data-sentence", "data-derived", "data-free", "data-compared")
_NUMBER = re.compile(r"[-+\u2212]?[0-9][0-9,]*(?:\.[0-9]+)?")
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_ALWAYS_FREE = (
    r"20[0-9]{2}-[0-9]{2}(?:-Q[1-4])?",
    r"Q[1-4] 20[0-9]{2}[-/][0-9]{2}",
    rf"(?:{_MONTH} (?:20[0-9]{{2}} )?to )?{_MONTH} 20[0-9]{{2}}",
    r"OF[0-9]{4}(?:\.[a-z_]+)?",
    r"[0-9a-f]{16}|[0-9a-f]{64}",
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* (?:to [A-Z][a-z]+ )?20[0-9]{2}",
    r"SHA-256|WCAG 2\.2|UTF-8",
    # The scales, with the words that go with their ends.
    r"(?:from )?1(?:,? (?:the )?best,?|,? \(best\)| is (?:the )?best,?| being the best)"
    r"(?: to 4(?: \(worst\)|, the worst))?",
    r"4(?:,? (?:the )?worst| \(worst\)| is worst)",
    *(rf"(?:segment )?{n}(?: - |, ){words.segment_word(n)}(?! )" for n in (1, 2, 3, 4, 5)),
)
_PROSE = ("method/", "data/", "downloads/", "changes/", "corrections/", "find/", "compare/")
# The one script that is data.
_LINKED_DATA = "application/ld+json"


@dataclass(frozen=True)
class Page:
    """A parsed page by its path below the root, with what its parser objected to."""

    path: str
    root: Element
    objections: tuple[str, ...]

    @classmethod
    def parsed(cls, path: str, text: str) -> Page:
        parser = html5lib.HTMLParser(namespaceHTMLElements=False)
        root = parser.parse(text)
        return cls(path, root, tuple(f"{line}: {name}" for (line, _), name, _ in parser.errors))

    @property
    def quarter(self) -> str | None:
        first = self.path.split("/")[0]
        return first if re.fullmatch(r"20[0-9]{2}-[0-9]{2}-Q[1-4]", first) else None

    @property
    def is_derivation(self) -> bool:
        return "/derivations/" in self.path

    def marked(self, attribute: str) -> Iterator[tuple[Element, str]]:
        for element in self.root.iter():
            value = element.get(attribute) if isinstance(element.tag, str) else None
            if value is not None:
                yield element, value

    @cached_property
    def ids(self) -> Counter[str]:
        return Counter(value for _, value in self.marked("id"))


def text_of(element: Element) -> str:
    """What is read of an element, in one line."""
    return " ".join("".join(element.itertext()).split())


class Truth:
    """The releases that a publication shows, read from their Parquet files."""

    def __init__(self, data: DataFolder, releases: Mapping[str, str]) -> None:
        self._data = data
        self.releases = dict(releases)
        self._connection = duckdb.connect(config={"threads": 1})
        self._rows: dict[tuple[str, str], dict[tuple[str, ...], Row]] = {}
        self._sentences: dict[tuple[str, str], dict[str, str]] = {}

    def _file(self, quarter: str, table: str) -> Path:
        return self._data.releases / quarter / self.releases[quarter] / f"{table}.parquet"

    def rows(self, quarter: str, table: str) -> dict[tuple[str, ...], Row]:
        """The rows of a released table, or of a view of the warehouse, by their keys as a cell's name has them."""
        if (quarter, table) not in self._rows:
            file, where = self._file(quarter, table), f"quarter = '{quarter}'"
            source = f"read_parquet('{file}')"
            if not file.is_file():
                self._connection.execute(
                    f"attach if not exists '{self._data.warehouse}' as nhs_league_tables (read_only)"
                )
                self._connection.execute("use nhs_league_tables")
                source = f"nhs_league_tables.league.{table}"
            found = self._connection.execute(f"select * from {source} where {where}")
            names = [column[0] for column in found.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            keyed: dict[tuple[str, ...], Row] = {
                tuple("" if row[k] is None else str(row[k]).replace("|", "%7C") for k in KEYS[table]): row
                for row in rows
            }
            assert len(keyed) == len(rows), f"rows of {table} aren't told apart by {KEYS[table]}"
            self._rows[quarter, table] = keyed
        return self._rows[quarter, table]

    def cell(self, name: str, quarter: str | None) -> Any:
        """The cell of a name; raises KeyError where the release has none."""
        before, slash, rest = name.partition("/")
        if slash and re.fullmatch(r"20[0-9]{2}-[0-9]{2}-Q[1-4]", before):
            quarter, name = before, rest
        assert quarter, f"{name} names no quarter on a page of all"
        table, *keys, column = name.split("|")
        return self.rows(quarter, table)[tuple(keys)][column]

    def count(self, said: str) -> int:
        """How many rows a table has with these values: `quarter|table|column=value|...`."""
        quarter, table, *equal = said.split("|")
        if not self._file(quarter, table).is_file():
            return 0
        wanted = dict(one.split("=", 1) for one in equal)
        return sum(
            all(str(row[column]) == value for column, value in wanted.items())
            for row in self._plain_rows(quarter, table)
        )

    def _plain_rows(self, quarter: str, table: str) -> list[Row]:
        return list(self.rows(quarter, table).values())

    def sentence(self, quarter: str, code: str, heading: str) -> str:
        """The sentence that the board's page says of an organisation under a heading."""
        if (quarter, code) not in self._sentences:
            page = board_page(self._data, code, Quarter.from_canonical(quarter))
            self._sentences[quarter, code] = {part.heading: part.sentence for part in page.parts}
        return self._sentences[quarter, code][heading]

    @cached_property
    def texts(self) -> set[str]:
        """Every text cell of the releases, in one line."""
        found: set[str] = set()
        for quarter, release_id in self.releases.items():
            for file in (self._data.releases / quarter / release_id).glob("*.parquet"):
                columns = self._connection.execute(
                    f"describe select * from read_parquet('{file}')"
                ).fetchall()
                for name, kind, *_ in columns:
                    if kind == "VARCHAR":
                        cells = self._connection.execute(
                            f"select distinct {name} from read_parquet('{file}')"
                        )
                        found |= {
                            " ".join(str(cell).split()) for (cell,) in cells.fetchall() if cell is not None
                        }
        return found

    @cached_property
    def free(self) -> re.Pattern[str]:
        """Names, codes, released words, fixed words and quarters: digits in them are held by being there."""
        names: set[str] = set()
        for quarter in self.releases:
            for table, columns in _NAMES.items():
                rows = self._plain_rows(quarter, table) if self._file(quarter, table).is_file() else []
                names |= {str(row[column]) for row in rows for column in columns if row[column]}
        names |= {name for one in list(names) for name in _shortened(one)}
        names |= set(_strings(vars(words))) | set(_strings(vars(notices)))
        names = {in_one_line(name) for name in names if any(map(str.isdigit, name))}
        escaped = [re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name))]
        return re.compile(
            "|".join(rf"(?<!\w)(?:{one})(?!\w|-[0-9Q])" for one in [*escaped, *_ALWAYS_FREE]), re.I
        )


_NAMES = {
    "organisation": (
        *("organisation_code", "organisation_name", "organisation_subtype", "region", "successor_code"),
        *("icb_code", "icb_name", "town", "postcode"),
    ),
    "league_table": ("organisation_name", "organisation_code"),
    "metric": ("metric_id", "metric_name", "period", "unit"),
    "extract": ("file_name", "licence", "publisher"),
    # What a release says in words, numbers and all.
    "metric_score": ("period",),
    "caveat": ("caveat_text",),
    "consequence": ("rule", "note"),
    "framework_rule": ("source",),
}


def _shortened(name: str) -> Iterator[str]:
    """A metric's name without how all begin, and a postcode's first half."""
    yield re.sub(r"^(Percentage|Number|Rate) of (patients |people )?", "", name)
    if re.fullmatch(r"[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}", name):
        yield name.split()[0]


def _strings(value: object) -> Iterator[str]:
    """The fixed texts of a module, within mappings and tuples too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if not str(name).startswith("__"):
                yield from _strings(one)
    elif isinstance(value, tuple | frozenset):
        for one in value:
            yield from _strings(one)


def faults(page: Page, truth: Truth) -> Iterator[str]:
    """Everything that is wrong with a page by itself."""
    for gate in GATES.values():
        yield from gate(page, truth)


def invalid(page: Page, _: Truth) -> Iterator[str]:
    """What a strict parser of HTML objects to, and ids that occur twice."""
    yield from (f"{page.path}:{objection}" for objection in page.objections)
    yield from (f"{page.path}: the id {name!r} occurs {n} times" for name, n in page.ids.items() if n > 1)


def wrong_cells(page: Page, truth: Truth) -> Iterator[str]:
    """Cells that aren't the released ones, or are shown as something else."""
    for element, name in page.marked("data-cell"):
        try:
            value = truth.cell(name, page.quarter)
        except (KeyError, duckdb.Error) as error:
            yield f"{page.path}: {name} is no released cell ({error})"
            continue
        if element.get("value") != _plain(value):
            yield f"{page.path}: {name} has the value {element.get('value')}, released is {_plain(value)}"
        if not shows(value, text_of(element)):
            yield f"{page.path}: {name} is shown as {text_of(element)!r}, released is {_plain(value)}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def shows(value: Any, text: str) -> bool:
    """Whether a text shows a value: a number rounded half up, an ordinal, a share as a percentage, a date."""
    found = _NUMBER.findall(text.replace("out of 10", ""))
    if isinstance(value, date):
        return text in (value.isoformat(), f"{value.day} {value:%B %Y}")
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return not found or (not isinstance(value, bool) and text in str(value))
    if not found:
        return bool(value == 0)
    if len(found) > 1:
        return False
    written = found[0].replace(",", "").replace("\u2212", "-")
    shown = Decimal(written)
    number = Decimal(value)
    places = Decimal(1).scaleb(-len(written.partition(".")[2]))
    per_cent = text.partition(found[0])[2].lstrip().startswith(("%", "in 100"))
    candidates = [number, number * 100] if per_cent and abs(number) <= 1 else [number]
    if written[0] not in "+-":
        candidates = [abs(one) for one in candidates]
    return shown in [one.quantize(places, ROUND_HALF_UP) for one in candidates]


def wrong_counts(page: Page, truth: Truth) -> Iterator[str]:
    """Counts that aren't so when the rows are counted again."""
    for element, said in page.marked("data-count"):
        counted = truth.count(said)
        if element.get("value") != str(counted) or not shows(counted, text_of(element)):
            yield f"{page.path}: {said} is shown as {text_of(element)!r}, counted {counted}"


def wrong_sentences(page: Page, truth: Truth) -> Iterator[str]:
    """Sentences that the board's page doesn't say."""
    for element, said in page.marked("data-sentence"):
        *quarter, code, heading = said.split("|")
        asked = quarter[0] if quarter else page.quarter
        try:
            sentence = truth.sentence(str(asked), code, heading)
        except (KeyError, LeagueError) as error:
            yield f"{page.path}: no sentence {said} ({error})"
            continue
        if text_of(element) != " ".join(sentence.split()):
            yield f"{page.path}: {said} says {text_of(element)!r}, expected {sentence!r}"


def wrong_comparisons(page: Page, truth: Truth) -> Iterator[str]:
    """Released cells that a derivation says it compared, and that the release doesn't have so."""
    code = PurePosixPath(page.path).stem
    compared = 0
    for element, said in page.marked("data-compared"):
        table, told_by = said.split("|")
        assert page.quarter
        keys = {"metric_score": (code, told_by), "domain_score": (code, told_by)}
        names = [" ".join((text or "").replace(",", "").split()) for text in _before_each_b(element)]
        shown = [text_of(b) for b in element.iter("b")]
        compared += len(shown)
        if table == "segment_threshold":
            rows = [truth.rows(page.quarter, table)[told_by, str(n)] for n in (1, 2, 3)]
            expected = [
                row[name.replace(" ", "_")] for row, name in zip(_each_twice(rows), names, strict=False)
            ]
        else:
            found = truth.rows(page.quarter, table)
            row = found[keys[table]] if table in keys else _place_of(found, code)
            expected = [row[name.replace(" ", "_")] for name in names]
        for name, text, value in zip(names, shown, expected, strict=True):
            if not _same_released(value, text):
                yield f"{page.path}: {said} {name} is shown as {text!r}, released is {value!r}"
    verdicts = [text_of(one) for one in page.root.iter("p") if one.get("class") == "derivation__verdict"]
    for verdict in verdicts:
        if (
            page.is_derivation
            and verdict != f"All {compared} released cells agree with what the raw bytes give."
        ):
            yield f"{page.path}: the verdict is {verdict!r}, {compared} cells are shown"


def _before_each_b(element: Element) -> Iterator[str | None]:
    children = list(element)
    for at, child in enumerate(children):
        if child.tag == "b":
            yield children[at - 1].tail if at else element.text


def _each_twice(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        yield row


def _place_of(rows: Mapping[tuple[str, ...], Row], code: str) -> Row:
    return next(row for row in rows.values() if row["organisation_code"] == code)


def _same_released(value: Any, text: str) -> bool:
    if value is None:
        return text == "none"
    if isinstance(value, Decimal):
        return Decimal(text) == value
    return text == in_one_line(_plain(value))


def unheld_digits(page: Page, truth: Truth) -> Iterator[str]:
    """Digits that people read and that nothing holds against the release."""
    for text, marks in _read_texts(page.root, {}):
        if not any(map(str.isdigit, text)) or any(mark in marks for mark in _MARKS if mark != "data-free"):
            continue
        reason = marks.get("data-free")
        left = truth.free.sub("", text)
        if reason is None and any(map(str.isdigit, left)):
            yield f"{page.path}: digits that nothing holds: {text!r}"
        elif reason in ("working", "raw line") and not page.is_derivation:
            yield f"{page.path}: data-free={reason!r} is for derivations only"
        elif reason == "prose" and not page.path.startswith(_PROSE):
            yield f"{page.path}: data-free='prose' is for documentation only: {text!r}"
        elif reason not in (None, "working", "raw line", "prose", "text"):
            yield f"{page.path}: data-free={reason!r} is no reason"
    for element, reason in page.marked("data-free"):
        if reason == "text" and text_of(element) not in truth.texts and not _is_listed(element, truth):
            yield f"{page.path}: {text_of(element)!r} is no text of the release"
    for _, how in page.marked("data-derived"):
        if not _has_a_test(how):
            yield f"{page.path}: data-derived={how!r} is held by no test"


def _is_listed(element: Element, truth: Truth) -> bool:
    """A text cell with its first letter in the other case, or with a full stop."""
    text = text_of(element)
    variants = {text.rstrip("."), text[:1].lower() + text[1:], text[:1].upper() + text[1:]}
    variants |= {one.rstrip(".") for one in variants}
    return bool(variants & truth.texts)


def _has_a_test(how: str) -> bool:
    wanted = f'data-derived="{how}"'
    return any(
        wanted in file.read_text("utf-8") for file in _TESTS.rglob("test_*.py") if "publication" in str(file)
    )


def _read_texts(element: Element, marks: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each text that people read with the marks of the elements around it, the nearest first."""
    if not isinstance(element.tag, str) or element.tag in ("script", "style"):
        return
    own = {name: value for name in _MARKS if (value := element.get(name)) is not None}
    inside = {**marks, **own}
    for name in _READ_ALOUD:
        if element.get(name):
            yield str(element.get(name)), inside
    yield " ".join((element.text or "").split()), inside
    for child in element:
        yield from _read_texts(child, inside)
        yield " ".join(_without_label(child).split()), inside


def _without_label(counted: Element) -> str:
    """What follows an element; after a count without the value that was counted by: `12` `in segment 3`."""
    tail = counted.tail or ""
    label = re.match(r"\s*(?:in|are in) segment ([0-9])\b", tail)
    said = (counted.get("data-count") or "").split("|")
    return tail[label.end() :] if label and any(one.endswith(f"segment={label[1]}") for one in said) else tail


def unsafe(page: Page, _: Truth) -> Iterator[str]:
    """What a strict content security policy refuses, and what would be loaded from elsewhere."""
    for element in page.root.iter():
        if not isinstance(element.tag, str):
            continue
        tag = element.tag.rpartition("}")[2]
        if tag == "script" and not element.get("src") and element.get("type") != _LINKED_DATA:
            yield f"{page.path}: a script within the page"
        if tag in ("style", "iframe", "object", "embed", "base"):
            yield f"{page.path}: <{tag}>"
        for name, value in element.attrib.items():
            plain = str(name).rpartition("}")[2]
            if plain == "style" or plain.startswith("on"):
                yield f"{page.path}: <{tag} {plain}={value!r}>"
            if plain in ("src", "srcset", "poster", "data", "action", "formaction") and _is_elsewhere(value):
                yield f"{page.path}: <{tag} {plain}={value!r}> is loaded from elsewhere"
            if plain == "href" and _is_elsewhere(value) and (tag != "a" or not value.startswith("https://")):
                icon = tag == "link" and element.get("rel") == "icon" and value.startswith("data:,")
                if not icon:
                    yield f"{page.path}: <{tag} href={value!r}> leads elsewhere"


def _is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).scheme) or address.startswith("//")


GATES: Mapping[str, Callable[[Page, Truth], Iterator[str]]] = {
    "invalid": invalid,
    "cells": wrong_cells,
    "counts": wrong_counts,
    "sentences": wrong_sentences,
    "comparisons": wrong_comparisons,
    "digits": unheld_digits,
    "unsafe": unsafe,
}


def dead_links(pages: Mapping[str, Page], files: set[str]) -> Iterator[str]:
    """Links within the publication that lead to no file, or to no id of a page."""
    for page in pages.values():
        for element in page.root.iter():
            if not isinstance(element.tag, str):
                continue
            for name in ("href", "src"):
                address = element.get(name)
                if address is not None and not _is_elsewhere(address):
                    fault = _dead(page.path, address, pages, files)
                    if fault:
                        yield f"{page.path}: {address!r} {fault}"


def _dead(here: str, address: str, pages: Mapping[str, Page], files: set[str]) -> str | None:
    parts = urlsplit(address)
    there = here
    if parts.path:
        there = _joined(here, unquote(parts.path))
    if there not in files:
        return f"leads to {there}, which isn't there"
    if parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].ids:
        return f"leads to no id of {there}"
    return None


def _joined(here: str, relative: str) -> str:
    parts = list(PurePosixPath(here).parent.parts)
    for part in relative.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def read_pages(folder: Path) -> dict[str, Page]:
    """Every page of a publication by its path."""
    return {
        str(file.relative_to(folder)): Page.parsed(str(file.relative_to(folder)), file.read_text("utf-8"))
        for file in sorted(folder.rglob("*.html"))
    }


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
