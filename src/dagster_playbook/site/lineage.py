"""The graph of models as SVG, drawn at build: layers from left to right, each model a link, consumers marked."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable

from dagster_playbook.facts.facts import Facts, ModelFact
from dagster_playbook.site.builder import in_order, is_consumed

PLACE = "<!-- site: lineage -->"
#: pixels of a box, and between boxes
_BOX = (236, 26)
_GAP = (54, 10)
_MARGIN = 8
_SWEEPS = 4


class Graph:
    """The models of the platform with who reads whom; external tables are left out."""

    def __init__(self, facts: Facts) -> None:
        self.models = {model.fqn: model for model in in_order(facts) if model.kind != "EXTERNAL"}
        self.children: dict[str, list[str]] = {fqn: [] for fqn in self.models}
        for fqn, model in self.models.items():
            for parent in model.depends_on:
                if parent in self.children:
                    self.children[parent].append(fqn)

    def parents(self, fqn: str) -> list[str]:
        """The models that a model reads."""
        return [parent for parent in self.models[fqn].depends_on if parent in self.models]

    def downstream(self, fqn: str) -> list[str]:
        """Every model that reads it, directly or not, in the order of the flow."""
        found, waiting = set[str](), [fqn]
        while waiting:
            new = [child for child in self.children[waiting.pop()] if child not in found]
            found |= set(new)
            waiting += new
        return [name for name in self.models if name in found]


def draw(graph: Graph, wanted: Collection[str], up: str, label: str, chosen: str = "") -> str:
    """The models of `wanted` and the edges between them as one SVG in a region that scrolls.

    Args:
        up: the way from the page to the site's root, for the links.
        label: what the picture shows, for who cannot see it.
        chosen: the model that the page is about.
    """
    layers = _layers(graph, wanted)
    places = {
        fqn: (_MARGIN + depth * (_BOX[0] + _GAP[0]), _MARGIN + row * (_BOX[1] + _GAP[1]))
        for depth, layer in enumerate(layers)
        for row, fqn in enumerate(layer)
    }
    width = 2 * _MARGIN + len(layers) * (_BOX[0] + _GAP[0]) - _GAP[0]
    height = 2 * _MARGIN + max(map(len, layers), default=1) * (_BOX[1] + _GAP[1]) - _GAP[1]
    edges = [
        _edge(places[parent], places[fqn], parent, fqn, graph)
        for fqn in places for parent in graph.parents(fqn) if parent in places
    ]  # fmt: skip
    nodes = [_node(graph, fqn, places[fqn], up, is_chosen=fqn == chosen) for fqn in places]
    text = html.escape(label)
    return (
        f'<div class="pb-lineage" tabindex="0" role="region" aria-label="{text}">'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="group" aria-label="{text}">{"".join(edges)}{"".join(nodes)}</svg></div>'
    )


def _layers(graph: Graph, wanted: Collection[str]) -> list[list[str]]:
    """Each model right of all that it reads; within a layer near to what it is bound to."""
    depth: dict[str, int] = {}
    for fqn in graph.models:
        if fqn in wanted:
            depth[fqn] = max((depth[parent] + 1 for parent in graph.parents(fqn) if parent in depth), default=0)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for fqn, number in depth.items():
        layers[number].append(fqn)
    row = {fqn: place for layer in layers for fqn, place in _rows(layer)}
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            middle = {fqn: _middle(_neighbours(graph, fqn, row), row, row[fqn]) for fqn in layer}
            layer.sort(key=lambda fqn: (row[fqn], fqn))
            layer.sort(key=middle.__getitem__)
            row |= dict(_rows(layer))
    return layers


def _rows(layer: list[str]) -> list[tuple[str, float]]:
    """Where each model of a layer stands, 0 to 1 from the top."""
    return [(fqn, number / len(layer)) for number, fqn in enumerate(layer)]


def _neighbours(graph: Graph, fqn: str, known: Collection[str]) -> list[str]:
    return [other for other in (*graph.parents(fqn), *graph.children[fqn]) if other in known]


def _middle(names: Iterable[str], row: dict[str, float], own: float) -> float:
    rows = [row[name] for name in names]
    return sum(rows) / len(rows) if rows else own


def _edge(start: tuple[int, int], end: tuple[int, int], parent: str, fqn: str, graph: Graph) -> str:
    x1, y1 = start[0] + _BOX[0], start[1] + _BOX[1] // 2
    x2, y2 = end[0], end[1] + _BOX[1] // 2
    bend = (x2 - x1) // 2
    names = f'data-from="{graph.models[parent].name}" data-to="{graph.models[fqn].name}"'
    return f'<path class="pb-edge" {names} d="M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"/>'


def _node(graph: Graph, fqn: str, place: tuple[int, int], up: str, *, is_chosen: bool) -> str:
    model = graph.models[fqn]
    classes = ["pb-node", *(["pb-consumed"] if is_consumed(model) else []), *(["pb-chosen"] if is_chosen else [])]
    said = f"{model.name}, {model.kind}" + (", read by consumers" if is_consumed(model) else "")
    x, y = place
    return (
        f'<a class="{" ".join(classes)}" href="{up}{page_of(model)}" data-model="{model.name}" aria-label="{said}">'
        f'<title>{said}</title><rect x="{x}" y="{y}" width="{_BOX[0]}" height="{_BOX[1]}" rx="3"/>'
        f'<text x="{x + 8}" y="{y + 17}">{_short(model.name)}</text></a>'
    )


def _short(name: str) -> str:
    bare = name.partition(".")[2] or name
    return bare if len(bare) <= 33 else f"{bare[:32]}…"


def page_of(model: ModelFact) -> str:
    """The address of a model's page, from the site's root."""
    return f"platform/models/{model.name}.html"
