"""The lineage diagrams: all tables by stage, and what one mart rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from dagster_project.documents import svg
from dagster_project.documents.layered_layout import LayeredLayout, Point, lay_out
from dagster_project.documents.stage_graph import StageGraph, Table

_MARGIN = 16.0
_BAND_HEAD = 26.0
_BETWEEN_LAYERS = 46.0
_OVERVIEW_WIDTH = 960.0
_LANE = 16.0
_CHIP = 28.0


def mart_diagram(graph: StageGraph, mart: str) -> str:
    """What a mart rests on, back to the landed tables, as an SVG file: a band per stage, a row per layer."""
    part = graph.upstream(mart)
    layers = part.layers()
    widths = {key: _box_width(table) for key, table in part.tables.items()}
    layout = lay_out(layers, part.reads, widths)
    tops, heights, bands, bottom = _vertical_places(part, layers)
    width = _MARGIN * 4 + max(
        layout.middle[point] + (widths[point.key] / 2 if point.is_box else 0)
        for row in layout.rows
        for point in row
    )
    colours = _colours(graph)
    shapes = [_band(names, y, height, width, colours) for names, y, height in bands]
    bottoms = {
        point: tops[point.layer]
        + (_box_height(part.tables[point.key]) if point.is_box else heights[point.layer])
        for row in layout.rows
        for point in row
    }
    shapes += [_line(layout, upper, lower, tops, bottoms) for upper, lower in layout.lines]
    shapes += [
        _passing(layout, point, tops, heights) for row in layout.rows for point in row if not point.is_box
    ]
    for row in layout.rows:
        for point in row:
            if point.is_box:
                table = part.tables[point.key]
                left = layout.middle[point] - widths[point.key] / 2 + 2 * _MARGIN
                shapes.append(
                    _box(
                        table,
                        left,
                        tops[point.layer],
                        widths[point.key],
                        colours[table.stage],
                        part.tables[mart].name,
                    )
                )
    name = part.tables[mart].name
    said = f"{len(part.tables)} tables in {len(part.stages)} stages lead from the landed rows to {name}."
    return svg.document(width, bottom, f"What {name} is made from", said, shapes)


def overview(graph: StageGraph, sources: Sequence[str], gates: Mapping[str, str]) -> str:
    """All tables by stage as an SVG file: `sources` are the publishers' files, `gates` judge stages."""
    colours = _colours(graph)
    stages = [name for group in graph.stages for name in group]
    lanes = {name: i for i, name in enumerate(stages)}
    left = _MARGIN + _LANE * (len(stages) + 1)
    shapes: list[str] = []
    y = _MARGIN
    entries: dict[str, tuple[float, float]] = {}
    first = "publishers' files"
    for stage in (first, *stages):
        if stage == first:
            chips = [(name, False) for name in sources]
        else:
            here = sorted((t for t in graph.tables.values() if t.stage == stage), key=lambda t: t.name)
            chips = [(table.name, table.is_mart) for table in here]
        drawn, height = _chips(chips, left, y, colours[stage])
        gate = f"judged by gate {gates[stage]}" if stage in gates else ""
        shapes += [
            svg.rectangle(
                left, y, _OVERVIEW_WIDTH - left - _MARGIN, height, fill=svg.FILLS[colours[stage]], round_=6
            ),
            svg.text(left + 12, y + 18, stage.replace("_", " "), bold=True),
            svg.text(_OVERVIEW_WIDTH - _MARGIN - 12, y + 18, gate, size=12, anchor="end") if gate else "",
            *drawn,
        ]
        entries[stage] = (y, y + height)
        y += height + 22
    landed = next(iter(stages), first)
    middle = (left + _OVERVIEW_WIDTH - _MARGIN) / 2
    shapes.append(
        svg.line(f"M{middle:.1f},{entries[first][1]:.1f} V{entries[landed][0] - 1:.1f}", arrow=True, thick=2)
    )
    shapes += [
        lane for stage in stages for lane in _lane(graph, stage, stages, entries, left, lanes, colours)
    ]
    said = (
        "Stages from top to bottom: " + ", ".join(name.replace("_", " ") for name in (first, *stages)) + "."
    )
    return svg.document(
        _OVERVIEW_WIDTH, y, "From the publishers' files to the marts", said, [s for s in shapes if s]
    )


def _lane(
    graph: StageGraph,
    stage: str,
    stages: Sequence[str],
    entries: Mapping[str, tuple[float, float]],
    left: float,
    lanes: Mapping[str, int],
    colours: Mapping[str, int],
) -> list[str]:
    """A line down the left margin from a stage to every stage that reads it."""
    readers = [name for name in stages if stage in graph.stage_reads(name)]
    if not readers:
        return []
    x = left - _LANE * (len(stages) - lanes[stage])
    stroke = svg.STROKES[colours[stage]]
    start = entries[stage][1] - 10
    # Each lane enters a band at a height of its own, so that arrows of several lanes don't lie on each other.
    ends = [entries[name][0] + 8 + 5 * (len(stages) - lanes[stage]) % 40 for name in readers]
    shapes = [
        svg.line(
            f"M{left:.1f},{start:.1f} H{x:.1f} V{max([*ends, start]):.1f}",
            arrow=False,
            stroke=stroke,
            thick=1.6,
        )
    ]
    shapes += [
        svg.line(f"M{x:.1f},{end:.1f} H{left - 1:.1f}", arrow=True, stroke=stroke, thick=1.6) for end in ends
    ]
    return shapes


def _chips(
    chips: Sequence[tuple[str, bool]], left: float, top: float, colour: int
) -> tuple[list[str], float]:
    """Names in rows, marts with a thick border; the shapes and the height of their band."""
    shapes: list[str] = []
    x, y = left + 12, top + _BAND_HEAD
    for name, is_mart in chips:
        width = len(name) * svg.CHARACTER + 18
        if x + width > _OVERVIEW_WIDTH - _MARGIN - 12:
            x, y = left + 12, y + _CHIP + 6
        thick = 2.4 if is_mart else 1
        shapes += [
            svg.rectangle(
                x, y, width, _CHIP, fill=svg.PAPER, stroke=svg.STROKES[colour], thick=thick, round_=5
            ),
            svg.text(x + width / 2, y + 18, name, anchor="middle"),
        ]
        x += width + 8
    return shapes, y + _CHIP + 12 - top


def _colours(graph: StageGraph) -> dict[str, int]:
    names = ["publishers' files", *(name for group in graph.stages for name in group)]
    return {name: i % len(svg.FILLS) for i, name in enumerate(names)}


def _box_width(table: Table) -> float:
    longest_seed = max((len(f"+ {seed},") for seed in table.seeds), default=0)
    return max(110.0, len(table.name) * svg.CHARACTER + 20, longest_seed * svg.SMALL_CHARACTER + 14)


def _seed_lines(table: Table) -> list[str]:
    if not table.seeds:
        return []
    room = int((_box_width(table) - 14) / svg.SMALL_CHARACTER)
    return textwrap.wrap("+ " + ", ".join(table.seeds), room, break_long_words=False)


def _box_height(table: Table) -> float:
    return 26.0 + 13.0 * len(_seed_lines(table))


def _vertical_places(
    part: StageGraph, layers: Mapping[str, int]
) -> tuple[list[float], list[float], list[tuple[tuple[str, ...], float, float]], float]:
    """Top and height of each layer, the bands of the stages, and where the drawing ends."""
    heights = [0.0] * (1 + max(layers.values()))
    for key, layer in layers.items():
        heights[layer] = max(heights[layer], _box_height(part.tables[key]))
    tops = [0.0] * len(heights)
    bands = []
    y = _MARGIN
    for group in part.stages:
        own = sorted({layers[key] for key, table in part.tables.items() if table.stage in group})
        start, y = y, y + _BAND_HEAD
        for layer in own:
            tops[layer] = y
            y += heights[layer] + (_BETWEEN_LAYERS if layer != own[-1] else 12.0)
        bands.append((group, start, y - start))
        y += 26.0
    return tops, heights, bands, y - 26.0 + _MARGIN


def _band(names: Sequence[str], y: float, height: float, width: float, colours: Mapping[str, int]) -> str:
    title = ", ".join(names).replace("_", " ")
    return svg.rectangle(
        _MARGIN, y, width - 2 * _MARGIN, height, fill=svg.FILLS[colours[names[0]]], round_=6
    ) + svg.text(_MARGIN + 10, y + 17, title, size=12, bold=True)


def _box(table: Table, left: float, top: float, width: float, colour: int, wanted: str) -> str:
    stroke = svg.STROKES[colour]
    shapes = [
        svg.rectangle(
            left,
            top,
            width,
            _box_height(table),
            fill=svg.PAPER,
            stroke=stroke,
            thick=2.4 if table.name == wanted else 1,
            round_=5,
        ),
        svg.text(left + width / 2, top + 17, table.name, anchor="middle", bold=table.name == wanted),
    ]
    for i, words in enumerate(_seed_lines(table)):
        shapes.append(
            svg.text(left + width / 2, top + 31 + 13 * i, words, size=11, anchor="middle", fill=stroke)
        )
    return "".join(shapes)


def _line(
    layout: LayeredLayout, upper: Point, lower: Point, tops: Sequence[float], bottoms: Mapping[Point, float]
) -> str:
    x1, x2 = layout.middle[upper] + 2 * _MARGIN, layout.middle[lower] + 2 * _MARGIN
    y1, y2 = bottoms[upper], tops[lower.layer] - (1 if lower.is_box else 0)
    bend = (y1 + y2) / 2
    path = f"M{x1:.1f},{y1:.1f} C{x1:.1f},{bend:.1f} {x2:.1f},{bend:.1f} {x2:.1f},{y2:.1f}"
    return svg.line(path, arrow=lower.is_box)


def _passing(layout: LayeredLayout, point: Point, tops: Sequence[float], heights: Sequence[float]) -> str:
    x, top = layout.middle[point] + 2 * _MARGIN, tops[point.layer]
    return svg.line(f"M{x:.1f},{top:.1f} V{top + heights[point.layer]:.1f}", arrow=False)
