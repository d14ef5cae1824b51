"""A Sphinx extension: on a phone each row of a table stands as a list of its cells, each under its column's name.

HTML can't say that by itself: every cell gets its column's name as `data-label`, and `narrow_tables.css` shows it
where the page is narrow.
"""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


class NarrowTables(HTML5Translator):
    """Sphinx's own HTML with the name of its column on every cell of a table's body."""

    def visit_entry(self, node: nodes.entry) -> None:
        """Opens a cell; raises nothing where a table has no head: its cells get no name."""
        super().visit_entry(node)
        label = _column_name(node)
        if label is not None and self.body[-1].startswith("<td"):
            self.body[-1] = re.sub(
                r"^<td", lambda _: f'<td data-label="{html.escape(label)}"', self.body[-1], count=1
            )


def _column_name(cell: nodes.Element) -> str | None:
    """The text of the head above a cell; None for cells of the head itself and of tables without one."""
    row = cell.parent
    if row is None or not isinstance(row.parent, nodes.tbody):
        return None
    head = next((one for one in row.parent.parent.children if isinstance(one, nodes.thead)), None)
    if head is None or not head.children:
        return None
    names = list(head.children[0].children)
    place = row.index(cell)
    return names[place].astext().strip() if place < len(names) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the translator with the builder of static pages."""
    app.set_translator("html", NarrowTables, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
