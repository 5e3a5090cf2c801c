"""Which names occur together, as a graph: GraphML for other programs, or a page to look at."""

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from ..files.saving import replacing
from ..inspect.page import environment
from .association import log_likelihood, pmi

SUFFIXES = (".graphml", ".html")
_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
# What XML 1.0 cannot contain, escaped or not.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STEPS = 200


@dataclass(frozen=True)
class NameNode:
    """A name.

    id (int): Its number in the database.
    name (str): The name.
    label (str): Its label.
    sentences (int): The number of sentences that it is in.
    """

    id: int
    name: str
    label: str
    sentences: int


@dataclass(frozen=True)
class NameEdge:
    """Two names that are in the same sentences.

    one (int): The number of the one in the database.
    other (int): The number of the other.
    sentences (int): The number of sentences with both.
    log_likelihood (float): See `association`.
    pmi (float): See `association`.
    """

    one: int
    other: int
    sentences: int
    log_likelihood: float
    pmi: float


@dataclass(frozen=True)
class Network:
    """Names and what connects them.

    nodes (List[NameNode]): The names, the most frequent first.
    edges (List[NameEdge]): The pairs, the strongest first.
    """

    nodes: list[NameNode]
    edges: list[NameEdge]


def find_network(
    connection: sqlite3.Connection, *, top: int = 100, min_count: int = 2, label: str | None = None
) -> Network:
    """Find which names occur together in sentences.

    connection (sqlite3.Connection): The database.
    top (int): The largest number of pairs; those with the highest log-likelihood ratio are kept.
    min_count (int): The smallest number of sentences with both names.
    label (Optional[str]): The label of the names; all names if None.
    RETURNS (Network): The pairs, and the names in them.
    """
    total = connection.execute("SELECT COUNT(*) FROM sentences").fetchone()[0]
    rows = connection.execute(
        "WITH places AS (SELECT DISTINCT name_id, sentence_id FROM mentions "
        "WHERE ? IS NULL OR label = ?), "
        "pairs AS (SELECT a.name_id AS one, b.name_id AS other, COUNT(*) AS n FROM places AS a "
        "JOIN places AS b ON a.sentence_id = b.sentence_id AND a.name_id < b.name_id "
        "GROUP BY a.name_id, b.name_id HAVING n >= ?), "
        "counts AS (SELECT name_id, COUNT(*) AS n FROM places GROUP BY name_id) "
        "SELECT one, other, pairs.n, first.n, second.n FROM pairs "
        "JOIN counts AS first ON first.name_id = one "
        "JOIN counts AS second ON second.name_id = other",
        (label, label, min_count),
    ).fetchall()
    sizes: dict[int, int] = {}
    edges = []
    for one, other, both, n_one, n_other in rows:
        sizes |= {one: n_one, other: n_other}
        counts = (both, n_one, n_other, total)
        edges.append(NameEdge(one, other, both, log_likelihood(*counts), pmi(*counts)))
    edges.sort(key=lambda e: (-e.log_likelihood, -e.sentences, e.one, e.other))
    edges = edges[:top]
    nodes = []
    for name_id in {name_id for edge in edges for name_id in (edge.one, edge.other)}:
        query = "SELECT text, label FROM names WHERE id = ?"
        text, of = connection.execute(query, (name_id,)).fetchone()
        nodes.append(NameNode(name_id, text, of, sizes[name_id]))
    nodes.sort(key=lambda n: (-n.sentences, n.name, n.label))
    return Network(nodes, edges)


def save_network(network: Network, path: Path) -> None:
    """Save a graph. An existing file is replaced as a whole.

    network (Network): The graph.
    path (Path): The file, `.graphml` or `.html`.
    RAISES (ValueError): If it has another suffix.
    """
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path} must end in {' or '.join(SUFFIXES)}.")
    content = to_graphml(network) if path.suffix == ".graphml" else to_html(network)
    with replacing(path) as unfinished:
        unfinished.write_text(content, encoding="utf8")


def to_graphml(network: Network) -> str:
    """Write a graph as GraphML, which Gephi, NetworkX and others read.

    network (Network): The graph.
    RETURNS (str): The XML. Characters that XML cannot contain are left out.
    """
    root = ElementTree.Element("graphml", {"xmlns": _NAMESPACE})
    fields = {"node": NameNode, "edge": NameEdge}
    types = {str: "string", int: "int", float: "double"}
    attributes = {
        kind: [name for name in one.__annotations__ if name not in ("id", "one", "other")]
        for kind, one in fields.items()
    }
    for kind, names in attributes.items():
        for name in names:
            facts = {"id": f"{kind}_{name}", "for": kind, "attr.name": name}
            facts["attr.type"] = types[fields[kind].__annotations__[name]]
            ElementTree.SubElement(root, "key", facts)
    graph = ElementTree.SubElement(root, "graph", {"id": "names", "edgedefault": "undirected"})
    for node in network.nodes:
        element = ElementTree.SubElement(graph, "node", {"id": f"n{node.id}"})
        _add_data(element, "node", attributes["node"], node)
    for edge in network.edges:
        ends = {"source": f"n{edge.one}", "target": f"n{edge.other}"}
        _add_data(ElementTree.SubElement(graph, "edge", ends), "edge", attributes["edge"], edge)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def to_html(network: Network) -> str:
    """Draw a graph on a page that needs no other file and no network.

    network (Network): The graph.
    RETURNS (str): The HTML, with a drawing and a table of the pairs.
    """
    number = {node.id: i for i, node in enumerate(network.nodes)}
    ends = np.array([(number[e.one], number[e.other]) for e in network.edges], dtype=int)
    places = layout(len(network.nodes), ends.reshape(-1, 2))
    labels = sorted({node.label for node in network.nodes})
    template = environment("spacy_window_ner.mentions").get_template("network.html")
    return template.render(
        nodes=list(zip(network.nodes, places.tolist(), strict=True)),
        edges=[(edge, number[edge.one], number[edge.other]) for edge in network.edges],
        colors={
            label: f"hsl({360 * i // len(labels)}, 60%, 40%)" for i, label in enumerate(labels)
        },
        most=max((edge.sentences for edge in network.edges), default=1),
    )


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


def _add_data(
    element: ElementTree.Element, kind: str, names: list[str], values: NameNode | NameEdge
) -> None:
    for name in names:
        data = ElementTree.SubElement(element, "data", {"key": f"{kind}_{name}"})
        data.text = _FORBIDDEN.sub("", str(getattr(values, name)))
