"""Which names occur together, as a graph: GraphML for other programs, or a page to look at."""

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..files.saving import replacing
from ..inspect.page import N_COLORS, render
from .association import log_likelihood, pmi
from .drawing import draw_graph

SUFFIXES = (".graphml", ".html")
_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
# What XML 1.0 cannot contain, escaped or not.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Entities that are no names; their labels in spaCy's pipelines.
NUMBERS = ("DATE", "TIME", "PERCENT", "MONEY", "QUANTITY", "ORDINAL", "CARDINAL")


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
    connection: sqlite3.Connection,
    *,
    top: int = 100,
    min_count: int = 2,
    label: str | None = None,
    numbers: bool = False,
) -> Network:
    """Find which names occur together in sentences.

    connection (sqlite3.Connection): The database.
    top (int): The largest number of pairs; those with the highest log-likelihood ratio are kept.
    min_count (int): The smallest number of sentences with both names.
    label (Optional[str]): The label of the names; all names if None.
    numbers (bool): Whether dates and the like (`NUMBERS`) are included if no label is given.
    RETURNS (Network): The pairs, and the names in them.
    """
    total = connection.execute("SELECT COUNT(*) FROM sentences").fetchone()[0]
    left_out = () if numbers else NUMBERS
    rows = connection.execute(
        "WITH places AS (SELECT DISTINCT name_id, sentence_id FROM mentions "
        f"WHERE label = ? OR ? IS NULL AND label NOT IN ({', '.join('?' * len(left_out))})), "
        "pairs AS (SELECT a.name_id AS one, b.name_id AS other, COUNT(*) AS n FROM places AS a "
        "JOIN places AS b ON a.sentence_id = b.sentence_id AND a.name_id < b.name_id "
        "GROUP BY a.name_id, b.name_id HAVING n >= ?), "
        "counts AS (SELECT name_id, COUNT(*) AS n FROM places GROUP BY name_id) "
        "SELECT one, other, pairs.n, first.n, second.n FROM pairs "
        "JOIN counts AS first ON first.name_id = one "
        "JOIN counts AS second ON second.name_id = other",
        (label, label, *left_out, min_count),
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
    RETURNS (str): The HTML, with a drawing and a table of the pairs. Each community has a color.
    """
    number = {node.id: i for i, node in enumerate(network.nodes)}
    ends = np.array([(number[e.one], number[e.other]) for e in network.edges], dtype=int)
    weights = np.array([edge.sentences for edge in network.edges], dtype=float)
    names = [node.name for node in network.nodes]
    sizes = np.array([node.sentences for node in network.nodes], dtype=float)
    picture = draw_graph(names, sizes, ends.reshape(-1, 2), weights)
    return render(
        "network.html",
        package="spacy_window_ner.mentions",
        styles=("network.css",),
        nodes=list(zip(network.nodes, picture.marks, strict=True)),
        edges=[(edge, number[edge.one], number[edge.other]) for edge in network.edges],
        picture=picture,
        n_colors=N_COLORS,
        most=max((edge.sentences for edge in network.edges), default=1),
    )


def _add_data(
    element: ElementTree.Element, kind: str, names: list[str], values: NameNode | NameEdge
) -> None:
    for name in names:
        data = ElementTree.SubElement(element, "data", {"key": f"{kind}_{name}"})
        data.text = _FORBIDDEN.sub("", str(getattr(values, name)))
