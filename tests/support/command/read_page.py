"""A published page as a test reads it: held against the HTML standard, then asked for its words, tables and links."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import html5lib

from dagster_project.publication.rendering import Produced


@dataclass(frozen=True)
class ReadPage:
    """The page's tree, without namespaces."""

    root: Element

    @property
    def text(self) -> str:
        """All of its main part, in one line."""
        main = self.root.find(".//main")
        assert main is not None
        return words(main)

    @property
    def heading(self) -> str:
        (heading,) = self.root.iter("h1")
        return words(heading)

    @property
    def links(self) -> dict[str, str]:
        """Address of each link of the main part by its words; the last where several have the same."""
        return {words(link): link.attrib["href"] for link in self.root.findall(".//main//a[@href]")}

    def rows(self, caption: str) -> list[list[str]]:
        """The body of the table whose caption begins so, as words."""
        for table in self.root.iter("table"):
            found = table.find("caption")
            if found is not None and words(found).startswith(caption):
                return [[words(cell) for cell in row] for row in table.findall("tbody/tr")]
        raise AssertionError(f"no table {caption}")

    def marked(self, mark: str) -> list[str]:
        """What the elements say that have an attribute with this value, such as `id="rank"`."""
        name, _, value = mark.partition("=")
        return [words(one) for one in self.root.iter() if one.attrib.get(name) == value.strip('"')]


def words(element: Element) -> str:
    """The text of an element and what is in it, in one line."""
    return " ".join("".join(element.itertext()).split())


def read_page(produced: Iterable[Produced], path: str) -> ReadPage:
    """The page at a path among what was produced; fails where its HTML isn't valid."""
    content = next(one.content for one in produced if one.path == path)
    parser: Any = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return ReadPage(parser.parse(content.decode()))
