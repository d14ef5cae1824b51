"""A workbook read back, for tests: its cells as other programs see them, and what its XML says of them."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineWorkbook

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class ReadSheet:
    """`cells` are rows of values from A1 on; `xml` is the sheet's part; `tables` the parts of its tables."""

    name: str
    cells: list[list[Any]]
    xml: ElementTree.Element
    styles: dict[str, tuple[Any, ...]]

    @property
    def top(self) -> int:
        """The number of the heading row, from 0: the one below the lines before the table."""
        widths = [sum(value != "" for value in row) for row in self.cells]
        return next(number for number, width in enumerate(widths) if width > 1)

    @property
    def lines(self) -> list[str]:
        """The texts above the table."""
        return [str(row[0]) for row in self.cells[: self.top]]

    @property
    def headings(self) -> list[str]:
        return [str(value) for value in self.cells[self.top]]

    @property
    def rows(self) -> list[list[Any]]:
        return self.cells[self.top + 1 :]


def read_workbook(content: bytes) -> dict[str, ReadSheet]:
    """Each sheet by its name, in order."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        styles = _styles(ElementTree.fromstring(parts.read("xl/styles.xml")))
        found = {}
        for number, name in enumerate(book.sheet_names, 1):
            xml = ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{number}.xml"))
            cells = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            of_cells = {cell.get("r", ""): styles[int(cell.get("s", 0))] for cell in xml.iter(f"{_MAIN}c")}
            found[name] = ReadSheet(name, cells, xml, of_cells)
    return found


def elements(sheet: ReadSheet, name: str) -> list[ElementTree.Element]:
    """The elements of a name in the sheet's XML, such as `mergeCell`."""
    return list(sheet.xml.iter(f"{_MAIN}{name}"))


def parts_of(content: bytes) -> dict[str, str]:
    """The XML parts of the file by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return {name: parts.read(name).decode() for name in parts.namelist()}


def _styles(styles: ElementTree.Element) -> list[tuple[Any, ...]]:
    """What each style looks like but for its number format: font, border, alignment."""
    parts = {name: list(styles.find(f"{_MAIN}{name}") or ()) for name in ("fonts", "borders", "cellXfs")}
    found = []
    for style in parts["cellXfs"]:
        font = parts["fonts"][int(style.get("fontId", 0))]
        border = parts["borders"][int(style.get("borderId", 0))]
        alignment = style.find(f"{_MAIN}alignment")
        found.append(
            (
                ElementTree.tostring(font),
                ElementTree.tostring(border),
                tuple(sorted(alignment.items())) if alignment is not None else (),
            )
        )
    return found
