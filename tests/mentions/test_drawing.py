"""The drawing of a graph."""

import numpy as np

from spacy_window_ner.mentions.drawing import WIDTH, communities, draw_graph, layout
from spacy_window_ner.mentions.network import NameEdge, NameNode, Network, save_network
from tests.browser import NEEDS_CHROMIUM, browser  # noqa: F401


def two_parts():
    """The edges of two complete graphs of five nodes."""
    edges = np.array([(a, b) for part in (0, 5) for a in range(5) for b in range(a)], dtype=int)
    edges[10:] += 5
    return edges


def test_the_layout_brings_neighbors_together():
    edges = two_parts()
    places = layout(10, edges)
    assert places.shape == (10, 2)
    assert (places >= 0).all() and (places <= 1).all()
    distances = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2))
    within = [distances[a, b] for a, b in edges]
    between = distances[:5, 5:]
    assert max(within) < between.min()
    assert (layout(10, edges) == places).all()


def modularity(groups, edges, weights):
    """The plain formula (Newman 2004)."""
    total = weights.sum()
    ends = np.zeros(len(groups))
    np.add.at(ends, edges.reshape(-1), np.repeat(weights, 2))
    same = groups[edges[:, 0]] == groups[edges[:, 1]]
    expected = sum((ends[groups == one].sum() / (2 * total)) ** 2 for one in np.unique(groups))
    return weights[same].sum() / total - expected


def test_communities_are_dense_parts():
    edges = np.concatenate([two_parts(), [(0, 5), (10, 11)]])
    found = communities(12, edges, np.ones(len(edges)))
    assert found.tolist() == [0] * 5 + [1] * 5 + [2] * 2
    assert communities(0, edges[:0], np.ones(0)).tolist() == []


def test_no_community_can_be_joined_with_another():
    rng = np.random.default_rng(0)
    edges = np.array([(a, b) for a in range(20) for b in range(a) if rng.random() < 0.15])
    weights = rng.integers(1, 5, size=len(edges)).astype(float)
    found = communities(20, edges, weights)
    best = modularity(found, edges, weights)
    assert best > modularity(np.arange(20), edges, weights)
    for one in range(found.max() + 1):
        for other in range(one):
            assert modularity(np.where(found == one, other, found), edges, weights) <= best + 1e-9


def crowd(n=90):
    """A graph with more names than there is room for in its middle."""
    rng = np.random.default_rng(0)
    names = [f"{'Wide WWW' if i % 9 == 0 else 'Somebody'} of Number {i} 東京" for i in range(n)]
    edges = np.array([(int(rng.integers(i)), i) for i in range(1, n)])
    return names, np.full(n, 4.0), edges, np.ones(n - 1)


def test_names_have_room():
    drawn = draw_graph(*crowd())
    shown = [mark for mark in drawn.marks if mark.label]
    assert len(shown) > 45
    for mark in shown:
        assert 0 <= mark.label[0] < WIDTH and 0 < mark.label[1] <= drawn.height
    # The most important name is always shown.
    assert drawn.marks[0].label


class TestInChromium:
    pytestmark = NEEDS_CHROMIUM

    def test_no_name_is_over_another(self, browser, tmp_path):  # noqa: F811
        names, sizes, edges, _ = crowd()
        labels = zip(names, sizes, strict=True)
        nodes = [NameNode(i, name, "PER", int(size)) for i, (name, size) in enumerate(labels)]
        pairs = [NameEdge(a, b, 2, 1.0, 1.0) for a, b in edges.tolist()]
        save_network(Network(nodes, pairs), tmp_path / "graph.html")
        for width in (1280, 400):
            page = browser.new_page(viewport={"width": width, "height": 900})
            messages = []
            page.on("console", lambda message, to=messages: to.append(message.text))
            page.goto((tmp_path / "graph.html").as_uri())
            boxes = page.eval_on_selector_all(
                "svg text:not(.crowded)",
                "all => all.map(one => one.getBoundingClientRect()).map("
                "box => [box.left, box.top, box.right, box.bottom])",
            )
            left, top, right, bottom = np.array(boxes).T
            over = (left[:, None] < right) & (right[:, None] > left)
            over &= (top[:, None] < bottom) & (bottom[:, None] > top)
            assert len(boxes) > 45
            assert over.sum() == len(boxes)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert messages == []
            hidden = page.locator("g:has(.crowded)").first
            assert not hidden.locator("text").is_visible()
            hidden.locator("circle").hover()
            assert hidden.locator("text").is_visible()
            page.close()
