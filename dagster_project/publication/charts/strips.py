"""One way to draw a list of things: each with its label above a strip, on which bars and dots lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from dagster_project.publication.charts.drawing import LINE_HEIGHT, WIDTH, Frame, wrapped

LEFT, RIGHT = 8, 98
_STRIP, _GAP, _TOP = 18, 9, 22


@dataclass(frozen=True)
class Laid:
    """Where the things lie: the baseline of each label, the middle of each strip, and the height of all."""

    labels: list[dict[str, Any]]
    middles: list[float]
    height: float


def laid_out(labels: Sequence[str], width: float = WIDTH) -> Laid:
    """Lays labels out below each other, each in as many lines as it needs."""
    top = 0.0
    placed, middles = [], []
    for label in labels:
        lines = wrapped(label, width)
        placed.append({"y": top + 12, "label": lines})
        middles.append(top + LINE_HEIGHT * len(lines) + _STRIP / 2)
        top += LINE_HEIGHT * len(lines) + _STRIP + _GAP
    return Laid(placed, middles, top)


def frame(bottom: float = 0) -> Frame:
    """Room for what is written beside strips and for the axis above them; the height comes with the rows."""
    return Frame(1, LEFT, RIGHT, _TOP, bottom)


def y(field: str = "y") -> alt.Y:
    """The place of a row, laid out already."""
    return alt.Y(f"{field}:Q", scale=None, axis=None)


def axis(ends: tuple[str, str], values: Sequence[float]) -> alt.Axis:
    """Above the strips, with words at its two ends."""
    first, last = values[0], values[-1]
    return alt.Axis(
        orient="top",
        values=list(values),
        grid=False,
        format="d",
        labelPadding=6,
        labelExpr=f"datum.value == {first} ? '{ends[0]}' : datum.value == {last} ? '{ends[1]}' : datum.label",
        labelAlign=alt.ExprRef(
            f"datum.value == {first} ? 'left' : datum.value == {last} ? 'right' : 'center'"
        ),
    )


def labels() -> alt.Chart:
    """The labels above the strips, from the data `labels`."""
    made: alt.Chart = (
        alt.Chart(alt.NamedData("labels"))
        .mark_text(align="left", x=-LEFT)
        .encode(y=y(), text="label:N", x=alt.value(-LEFT))
    )
    return made


def said_beside(data: str = "rows") -> alt.Chart:
    """What is written at the right end of each strip, the column `said` of the rows."""
    made: alt.Chart = (
        alt.Chart(alt.NamedData(data))
        .mark_text(align="right", dy=4.5, fill="strong")
        .encode(y=y(), text="said:N", x=alt.value(WIDTH - LEFT))
    )
    return made
