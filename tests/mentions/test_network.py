"""The graph of names, with names that are not meant well."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from spacy.tokens import Doc, DocBin, Span

from spacy_window_ner.mentions.association import log_likelihood
from spacy_window_ner.mentions.database import reading
from spacy_window_ner.mentions.indexing import index
from spacy_window_ner.mentions.network import find_network, save_network, to_graphml, to_html

from .texts import ruler, write_texts

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img/src=x/onerror=alert(1)>',
    "</title></svg><b>",
    "&amp;{{7*7}}{%x%}",
    "]]><evil/>",
    "\x00\x0b\x1b[31mRed",
    "'; DROP TABLE names; --",
]
GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The graph of names that would break pages, XML, SQL and terminals."""
    folder = tmp_path_factory.mktemp("hostile")
    nlp = ruler()
    docs = []
    for _ in range(2):
        doc = Doc(nlp.vocab, words=HOSTILE)
        labels = ["PER"] * (len(HOSTILE) - 1) + ["<i>"]
        doc.set_ents([Span(doc, i, i + 1, label=label) for i, label in enumerate(labels)])
        docs.append(doc)
    DocBin(docs=docs).to_disk(folder / "texts.spacy")
    index(nlp, [folder / "texts.spacy"], folder / "names.db")
    with reading(folder / "names.db") as connection:
        return find_network(connection)


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.texts = set(), set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.texts.append(data)


def test_the_network_is_that_of_the_plain_count(connection):
    network = find_network(connection, min_count=1, top=1000, numbers=True)
    sentences: dict[int, set[int]] = {}
    for sentence, name_id in connection.execute("SELECT sentence_id, name_id FROM mentions"):
        sentences.setdefault(sentence, set()).add(name_id)
    total = connection.execute("SELECT COUNT(*) FROM sentences").fetchone()[0]

    def count(*ids: int) -> int:
        return sum(set(ids) <= names for names in sentences.values())

    pairs = {(a, b) for names in sentences.values() for a in names for b in names if a < b}
    assert {(edge.one, edge.other) for edge in network.edges} == pairs
    for edge in network.edges:
        numbers = count(edge.one, edge.other), count(edge.one), count(edge.other), total
        assert edge.sentences == numbers[0]
        assert edge.log_likelihood == log_likelihood(*numbers)
    assert {(node.id, node.sentences) for node in network.nodes} == {
        (i, count(i)) for pair in pairs for i in pair
    }


def test_the_strongest_pairs_are_kept(connection):
    every = find_network(connection, min_count=1, top=1000)
    some = find_network(connection, min_count=1, top=3)
    assert some.edges == every.edges[:3]
    assert len(some.nodes) <= 6
    twice = find_network(connection, min_count=2)
    assert [edge for edge in every.edges if edge.sentences >= 2] == twice.edges != []
    people = find_network(connection, min_count=1, label="PER")
    assert {node.label for node in people.nodes} == {"PER"}


def test_graphml_can_be_read(hostile):
    root = ElementTree.fromstring(to_graphml(hostile))
    nodes = root.findall(f"{GRAPHML}graph/{GRAPHML}node")
    names = {node.find(f"{GRAPHML}data[@key='node_name']").text for node in nodes}
    assert names == {re.sub("[\x00\x0b\x1b]", "", name) for name in HOSTILE}
    ids = {node.get("id") for node in nodes}
    edges = root.findall(f"{GRAPHML}graph/{GRAPHML}edge")
    assert len(edges) == len(hostile.edges) == 21
    assert {edge.get(end) for edge in edges for end in ("source", "target")} <= ids
    keys = {key.get("id") for key in root.findall(f"{GRAPHML}key")}
    assert {data.get("key") for data in root.iter(f"{GRAPHML}data")} == keys


def test_pages_are_escaped_and_need_no_network(hostile, connection):
    page, plain = Page(to_html(hostile)), Page(to_html(find_network(connection)))
    assert page.tags == plain.tags
    assert page.attributes == plain.attributes
    assert not page.tags & {"script", "img", "link", "iframe", "b", "evil"}
    assert not page.attributes & {"src", "href", "onerror"}
    text = "".join(page.texts)
    for name in HOSTILE[:5]:
        assert name in text
    assert "url(" not in to_html(hostile) and "http:" not in to_html(hostile)


def test_an_empty_graph(tmp_path):
    index(ruler({"LOC": ["Rome"]}), [write_texts(tmp_path / "texts.jsonl")], tmp_path / "names.db")
    with reading(tmp_path / "names.db") as connection:
        network = find_network(connection)
    assert network.nodes == network.edges == []
    for name in ("graph.html", "graph.graphml"):
        save_network(network, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 0
    with pytest.raises(ValueError, match=r"must end in .graphml or .html"):
        save_network(network, tmp_path / "graph.png")


def test_files_are_replaced_as_a_whole(tmp_path, connection):
    path = tmp_path / "graph.html"
    path.write_text("old", encoding="utf8")
    save_network(find_network(connection), path)
    assert path.read_text(encoding="utf8").startswith("<!doctype html>")
    assert [one.name for one in tmp_path.iterdir()] == ["graph.html"]


def test_dates_are_left_out(connection):
    def labels(**options):
        network = find_network(connection, min_count=1, top=1000, **options)
        return {node.label for node in network.nodes}

    assert labels() == {"PER", "LOC", "ORG"}
    assert "DATE" in labels(numbers=True)
    assert labels(label="DATE") <= {"DATE"}
