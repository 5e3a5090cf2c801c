"""Draw a graph: where its nodes are, which of them form communities, and where names have room."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH = 1100
# The height for each node, and at least.
_HEIGHT, _MIN_HEIGHT = 13, 700
_MARGIN = 30
_FONT_SIZE = 12
# The width of a letter of most fonts, at most, and of a wide one, as in Chinese.
_LETTER, _WIDE_LETTER = 0.62 * _FONT_SIZE, 1.1 * _FONT_SIZE
_STEPS = 200


@dataclass(frozen=True)
class NodeMark:
    """How a node is drawn.

    x (float): Where it is, from the left.
    y (float): Where it is, from the top.
    radius (float): The radius of its circle.
    community (int): The number of its community, from 0, the largest first.
    label (Optional[Tuple[float, float]]): Where its name begins, at the baseline; None if there is
        no room for it.
    """

    x: float
    y: float
    radius: float
    community: int
    label: tuple[float, float] | None


@dataclass(frozen=True)
class Drawing:
    """A drawing.

    height (int): Its height; the width is `WIDTH`.
    n_communities (int): The number of communities.
    marks (List[NodeMark]): The nodes.
    """

    height: int
    n_communities: int
    marks: list[NodeMark]


def draw_graph(
    names: Sequence[str],
    sizes: NDArray[np.float64],
    edges: NDArray[np.int_],
    weights: NDArray[np.float64],
) -> Drawing:
    """Draw a graph.

    names (Sequence[str]): The names of the nodes, the most important first: where there is not room
        for all of them, the first ones are shown.
    sizes (NDArray[np.float64]): How large the nodes are, (n_nodes,).
    edges (NDArray[np.int_]): The numbers of the ends of each edge, (n_edges, 2).
    weights (NDArray[np.float64]): The weights of the edges, (n_edges,).
    RETURNS (Drawing): The drawing.
    """
    height = max(_MIN_HEIGHT, _HEIGHT * len(names))
    found = communities(len(names), edges, weights)
    room = np.array([WIDTH - 4 * _MARGIN, height - 2 * _MARGIN])
    places = layout(len(names), edges) * room + np.array([_MARGIN, _MARGIN])
    radii = 3 + np.sqrt(sizes)
    labels = place_labels(names, places, radii, height)
    marks = [
        NodeMark(x, y, radius, community, label)
        for (x, y), radius, community, label in zip(
            places.tolist(), radii.tolist(), found.tolist(), labels, strict=True
        )
    ]
    return Drawing(height, int(found.max(initial=-1)) + 1, marks)


def communities(
    n_nodes: int, edges: NDArray[np.int_], weights: NDArray[np.float64]
) -> NDArray[np.int_]:
    """Find groups of nodes with more edges within them than between them: begin with every node on
    its own, and join the two groups that raise the modularity most, as long as any does (Clauset,
    Newman and Moore 2004).

    n_nodes (int): The number of nodes.
    edges (NDArray[np.int_]): The numbers of the ends of each edge, (n_edges, 2).
    weights (NDArray[np.float64]): The weights of the edges, (n_edges,).
    RETURNS (NDArray[np.int_]): The number of the group of each node, the largest group first,
        (n_nodes,).
    """
    group = np.arange(n_nodes)
    # The shares of the ends of all edges that connect two groups.
    shares = np.zeros((n_nodes, n_nodes))
    np.add.at(shares, (edges[:, 0], edges[:, 1]), weights)
    shares = (shares + shares.T) / max(2 * weights.sum(), 1e-9)
    while n_nodes:
        ends = shares.sum(axis=1)
        gain = np.triu(shares - np.outer(ends, ends), 1)
        one, other = np.unravel_index(np.argmax(gain), gain.shape)
        if gain[one, other] <= 1e-12:
            break
        group[group == other] = one
        shares[one] += shares[other]
        shares[:, one] += shares[:, other]
        shares[other] = shares[:, other] = 0
    _, first, number, counts = np.unique(
        group, return_index=True, return_inverse=True, return_counts=True
    )
    return np.asarray(np.argsort(np.lexsort((first, -counts)))[number.reshape(-1)], dtype=int)


def layout(n_nodes: int, edges: NDArray[np.int_], seed: int = 0) -> NDArray[np.float64]:
    """Find places for the nodes of a graph: all repel each other, and edges pull their ends
    together (Fruchterman and Reingold 1991).

    n_nodes (int): The number of nodes.
    edges (NDArray[np.int_]): The numbers of the ends of each edge, (n_edges, 2).
    seed (int): The seed of the places at the beginning.
    RETURNS (NDArray[np.float64]): Places from 0 to 1, (n_nodes, 2).
    """
    rng = np.random.default_rng(seed)
    places = rng.uniform(size=(n_nodes, 2))
    distance = 1 / np.sqrt(max(n_nodes, 1))
    for step in range(_STEPS):
        apart = places[:, None] - places[None, :]
        squares = np.maximum((apart**2).sum(axis=2), 1e-6)
        force = (apart * (distance**2 / squares)[:, :, None]).sum(axis=1)
        along = places[edges[:, 0]] - places[edges[:, 1]]
        pull = along * (np.sqrt((along**2).sum(axis=1, keepdims=True)) / distance)
        np.subtract.at(force, edges[:, 0], pull)
        np.add.at(force, edges[:, 1], pull)
        # Parts that nothing connects would drift apart for ever.
        force += 0.5 * (0.5 - places)
        size = np.maximum(np.sqrt((force**2).sum(axis=1, keepdims=True)), 1e-9)
        heat = 0.1 * (1 - step / _STEPS)
        places = places + force / size * np.minimum(size, heat)
    low, high = (places.min(axis=0), places.max(axis=0)) if n_nodes else (0.0, 1.0)
    return np.asarray((places - low) / np.maximum(high - low, 1e-9))


def place_labels(
    names: Sequence[str],
    places: NDArray[np.float64],
    radii: NDArray[np.float64],
    height: float,
) -> list[tuple[float, float] | None]:
    """Find room for names beside their nodes, so that none covers another one or a node.

    names (Sequence[str]): The names; the first ones choose first.
    places (NDArray[np.float64]): The places of the nodes, (n_nodes, 2).
    radii (NDArray[np.float64]): Their radii, (n_nodes,).
    height (float): The height of the drawing.
    RETURNS (List[Optional[Tuple[float, float]]]): Where each name begins, at the baseline; None if
        there is no room.
    """
    # Boxes (left, top, right, bottom) that are taken: those of all nodes, and of placed names.
    taken = np.concatenate([places - radii[:, None], places + radii[:, None]], axis=1)
    found: list[tuple[float, float] | None] = []
    for name, (x, y), radius in zip(names, places, radii, strict=True):
        width, line = _width(name), 1.25 * _FONT_SIZE
        right, left, center = x + radius + 2, x - radius - 2 - width, x - width / 2
        above, below, beside = y - radius - line, y + radius, y - line / 2
        corners = [(right, beside), (left, beside), (center, above), (center, below)]
        corners += [(right, above), (right, below), (left, above), (left, below)]
        boxes = np.array([(a, b, a + width, b + line) for a, b in corners])
        is_over = (
            (boxes[:, None, 0] < taken[:, 2])
            & (boxes[:, None, 2] > taken[:, 0])
            & (boxes[:, None, 1] < taken[:, 3])
            & (boxes[:, None, 3] > taken[:, 1])
        ).any(axis=1)
        is_outside = (boxes.min(axis=1) < 0) | (boxes[:, 2] > WIDTH) | (boxes[:, 3] > height)
        free = np.flatnonzero(~is_over & ~is_outside)
        if len(free):
            box = boxes[free[0]]
            taken = np.vstack([taken, box])
            found.append((float(box[0]), float(box[1] + _FONT_SIZE)))
        else:
            found.append(None)
    return found


def _width(name: str) -> float:
    """An upper bound of the width of a name."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" or letter == "W" for letter in name)
    return wide * _WIDE_LETTER + (len(name) - wide) * _LETTER
