"""A computation graph as SVG, from left to right in layers: an edge runs through every layer between its ends, and the
order within a layer is that of the neighbours, so that few edges cross."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from gradproof.report.page.computation import Edge, Graph

ACROSS, DOWN = 158, 76
MARGIN = 26
HIGH = 30
ROUNDS = 8
"""So often are the layers put in order, forwards and backwards in turn."""


def drawn(graph: Graph, told: str) -> Markup:
    """The graph. `told` says in words what it shows."""
    return Markup(Layout(graph).svg(told))


class Layout:
    """Places in layers: a node is its number, a passage of an edge through a layer the numbers of both."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layer = _layers(graph)
        self.paths = [self._path(k, edge) for k, edge in enumerate(graph.edges)]
        self.rows: dict[int, list] = defaultdict(list)
        for number in range(len(graph.nodes)):
            self.rows[self.layer[number]].append(number)
        for path in self.paths:
            for layer, place in enumerate(path[1:-1], start=self.layer[path[0]] + 1):
                self.rows[layer].append(place)
        self._order()
        self.tall = max(map(len, self.rows.values()))
        self.at = {}
        for layer, row in self.rows.items():
            self.at |= {place: self._point(layer, k) for k, place in enumerate(row)}

    def _path(self, number: int, edge: Edge) -> list:
        between = range(self.layer[edge.source] + 1, self.layer[edge.target])
        return [edge.source, *((number, layer) for layer in between), edge.target]

    def _order(self) -> None:
        before, after = defaultdict(list), defaultdict(list)
        for path in self.paths:
            for one, other in pairwise(path):
                before[other].append(one)
                after[one].append(other)
        for turn in range(ROUNDS):
            layers = sorted(self.rows, reverse=turn % 2 == 1)
            neighbours = after if turn % 2 else before
            for layer in layers:
                heights = self._heights()
                wanted = {p: _mean([heights[n] for n in neighbours[p]], heights[p]) for p in self.rows[layer]}
                self.rows[layer].sort(key=wanted.__getitem__)

    def _heights(self) -> dict:
        return {place: (k + 0.5) / len(row) for row in self.rows.values() for k, place in enumerate(row)}

    def _point(self, layer: int, row: int) -> tuple[float, float]:
        share = (row + 0.5) / len(self.rows[layer])
        return MARGIN + 40 + layer * ACROSS, MARGIN + share * self.tall * DOWN

    def svg(self, told: str) -> str:
        """The picture, with what it shows in words."""
        width = 2 * MARGIN + 80 + max(self.rows) * ACROSS + 94
        height = 2 * MARGIN + self.tall * DOWN
        parts = [self._edge(edge, path) for edge, path in zip(self.graph.edges, self.paths, strict=True)]
        parts += [self._node(number) for number in range(len(self.graph.nodes))]
        parts += [self._labels(edge, path) for edge, path in zip(self.graph.edges, self.paths, strict=True)]
        title = f"<title>{escape(told)}</title>"
        box = f'viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}"'
        return f'<svg class="graph" {box} role="img">{title}{"".join(parts)}</svg>'

    def _ends(self, path: Sequence) -> list[tuple[float, float]]:
        points = [self.at[place] for place in path]
        (x0, y0), (x1, y1) = points[0], points[-1]
        return [(x0 + self._half(path[0]), y0), *points[1:-1], (x1 - self._half(path[-1]), y1)]

    def _half(self, number: int) -> float:
        return max(17.0, 4.0 * len(self.graph.nodes[number].label) + 8)

    def _edge(self, edge: Edge, path: Sequence) -> str:
        points = self._ends(path)
        d = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
        for (x0, y0), (x1, y1) in pairwise(points):
            middle = (x0 + x1) / 2
            d += f"C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
        return f'<path class="edge" d="{d}"/>'

    def _labels(self, edge: Edge, path: Sequence) -> str:
        (x0, y0), (x1, y1) = self._ends(path)[:2]
        # Where the edge has left its node, and those to others have parted.
        x, y = x0 + 0.5 * (x1 - x0), y0 + 0.5 * (y1 - y0)
        return _text("fwd halo", x, y - 6, edge.value) + _text("bwd halo", x, y + 14, edge.slope)

    def _node(self, number: int) -> str:
        node, (x, y), half = self.graph.nodes[number], self.at[number], self._half(number)
        tone = "node in" if node.is_input else "node out" if node.is_output else "node"
        radius = 15 if node.is_input else 7
        at = f'x="{x - half:.1f}" y="{y - 15:.1f}" width="{2 * half:.1f}" height="{HIGH}"'
        box = f'<rect class="{tone}" {at} rx="{radius}"/>'
        text = _text("op", x, y + 4, node.label)
        if node.is_input:
            text += _text("bwd", x, y + 28, node.slope)
        if node.is_output:
            text += f'<path class="edge" d="M{x + half:.1f} {y:.1f}h76"/>'
            text += _text("fwd", x + half + 38, y - 6, node.value) + _text("bwd", x + half + 38, y + 14, node.slope)
        return box + text


def _text(tone: str, x: float, y: float, text: str) -> str:
    return f'<text class="{tone}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _layers(graph: Graph) -> list[int]:
    """Every node one layer behind its last source; an input as near as it can be to where it is first used."""
    layer = [0] * len(graph.nodes)
    for edge in sorted(graph.edges, key=lambda edge: edge.target):
        layer[edge.target] = max(layer[edge.target], layer[edge.source] + 1)
    for number, node in enumerate(graph.nodes):
        used = [layer[edge.target] for edge in graph.edges if edge.source == number]
        if node.is_input and used:
            layer[number] = min(used) - 1
    return layer
