"""Where the boxes and lines of a layered diagram go: few crossings, no overlaps, the same each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_SWEEPS = 12
_GAP = 24.0
_LINE_WIDTH = 10.0


@dataclass(frozen=True)
class Point:
    """A box (`name` without a `+`) or the place where a long line crosses a layer on its way down."""

    key: str
    layer: int
    is_box: bool


@dataclass(frozen=True)
class LayeredLayout:
    """Points of each layer from left to right, the x of each point's middle in pixels, and the lines."""

    rows: tuple[tuple[Point, ...], ...]
    middle: Mapping[Point, float]
    lines: tuple[tuple[Point, Point], ...]


def lay_out(
    layers: Mapping[str, int], reads: Mapping[str, Sequence[str]], widths: Mapping[str, float]
) -> LayeredLayout:
    """Lays out boxes of given widths (pixels) in given layers.

    All lines from one box share a path down to the layer where each leaves it, so that a box that is read
    ten times sends one line through the layers between, not ten.
    """
    rows, lines = _points_and_lines(layers, reads)
    ordered = _with_few_crossings(rows, lines)
    half = {point: (widths[point.key] if point.is_box else _LINE_WIDTH) / 2 for row in rows for point in row}
    return LayeredLayout(tuple(map(tuple, ordered)), _middles(ordered, lines, half), tuple(lines))


def _points_and_lines(
    layers: Mapping[str, int], reads: Mapping[str, Sequence[str]]
) -> tuple[list[list[Point]], list[tuple[Point, Point]]]:
    rows: list[list[Point]] = [[] for _ in range(1 + max(layers.values()))]
    boxes = {key: Point(key, layer, True) for key, layer in sorted(layers.items())}
    for point in boxes.values():
        rows[point.layer].append(point)
    readers: dict[str, list[str]] = {}
    for key in sorted(reads):
        for source in reads[key]:
            readers.setdefault(source, []).append(key)
    lines: list[tuple[Point, Point]] = []
    for source in sorted(readers):
        above = boxes[source]
        last = max(layers[key] for key in readers[source])
        for layer in range(layers[source] + 1, last + 1):
            lines += [(above, boxes[key]) for key in readers[source] if layers[key] == layer]
            if layer < last:
                passing = Point(source, layer, False)
                rows[layer].append(passing)
                lines.append((above, passing))
                above = passing
    return rows, lines


def _with_few_crossings(rows: list[list[Point]], lines: Sequence[tuple[Point, Point]]) -> list[list[Point]]:
    """Sweeps down and up, each point to the mean place of its neighbours; the best order seen is kept."""
    above, below = _neighbours(lines)
    current = [list(row) for row in rows]
    best, fewest = current, _crossings(current, lines)
    for sweep in range(_SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        order = range(1, len(current)) if sweep % 2 == 0 else range(len(current) - 2, -1, -1)
        current = [list(row) for row in current]
        for layer in order:
            place = {point: i for row in current for i, point in enumerate(row)}
            wanted = {
                point: _mean([place[other] for other in neighbours.get(point, ())], place[point])
                for point in current[layer]
            }
            current[layer].sort(key=wanted.__getitem__)
        crossings = _crossings(current, lines)
        if crossings < fewest:
            best, fewest = current, crossings
    return best


def _neighbours(
    lines: Sequence[tuple[Point, Point]],
) -> tuple[dict[Point, list[Point]], dict[Point, list[Point]]]:
    above: dict[Point, list[Point]] = {}
    below: dict[Point, list[Point]] = {}
    for upper, lower in lines:
        above.setdefault(lower, []).append(upper)
        below.setdefault(upper, []).append(lower)
    return above, below


def _crossings(rows: Sequence[Sequence[Point]], lines: Sequence[tuple[Point, Point]]) -> int:
    place = {point: i for row in rows for i, point in enumerate(row)}
    by_layer: dict[int, list[tuple[int, int]]] = {}
    for upper, lower in lines:
        by_layer.setdefault(upper.layer, []).append((place[upper], place[lower]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for ends in by_layer.values()
        for i, a in enumerate(ends)
        for b in ends[i + 1 :]
    )


def _middles(
    rows: Sequence[Sequence[Point]], lines: Sequence[tuple[Point, Point]], half: Mapping[Point, float]
) -> dict[Point, float]:
    """Draws every point towards its neighbours, as far as those beside it leave room."""
    above, below = _neighbours(lines)
    middle: dict[Point, float] = {}
    for row in rows:
        at = 0.0
        for point in row:
            middle[point] = at + half[point]
            at += 2 * half[point] + _GAP
    for sweep in range(2 * _SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = [
                _mean([middle[o] for o in (*above.get(p, ()), *below.get(p, ()))], middle[p]) for p in row
            ]
            for point, at in zip(row, _kept_apart(wanted, [half[p] for p in row]), strict=True):
                middle[point] = at
    left = min(middle[point] - half[point] for point in middle)
    return {point: at - left for point, at in middle.items()}


def _kept_apart(wanted: Sequence[float], half: Sequence[float]) -> list[float]:
    """The places nearest to those wanted at which nothing overlaps: the mean of a pass from either side."""
    apart = [a + b + _GAP for a, b in pairwise(half)]
    rightwards = [wanted[0]]
    for i, room in enumerate(apart):
        rightwards.append(max(wanted[i + 1], rightwards[-1] + room))
    leftwards = [wanted[-1]]
    for i in range(len(apart) - 1, -1, -1):
        leftwards.append(min(wanted[i], leftwards[-1] - apart[i]))
    return [(a + b) / 2 for a, b in zip(rightwards, reversed(leftwards), strict=True)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else float(otherwise)
