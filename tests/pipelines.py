"""Small corpora and pipelines that the tests share.

A corpus is written as text with its entities in brackets: `[PER Paris Hilton] met [PER Samuel].`
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, SpanGroup
from spacy.training import Example
from spacy.util import fix_random_seed
from spacy.vectors import Vectors
from texts import read_marked
from thinc.api import Adam, Optimizer

from spacy_window_ner import WindowNER
from spacy_window_ner.settings import change_settings

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.cfg"))
OBJECTIVES = ["crf", "softmax", "logistic"]
ACTIVATIONS = ["tanh", "hard_tanh", "logistic", "relu", "maxout"]

SENTENCES = [
    "[PER Paris Hilton] met [PER Samuel Quinn] in [LOC Paris].",
    "In [DATE April 1989] nobody came to [LOC Berlin].",
    "[PER Samuel] left [LOC New York City] on [DATE 3 April 2001].",
    "Nothing happened there.",
    "The hotel in [LOC Paris] was closed.",
]


def make_examples(nlp: Language, sentences: Iterable[str] = SENTENCES) -> list[Example]:
    """Examples with the pipeline's own tokens."""
    return [
        Example.from_dict(nlp.make_doc(text), {"entities": entities})
        for text, entities in map(read_marked, sentences)
    ]


def corpus(size: int) -> list[str]:
    """Some sentences of a simple pattern, each of them different."""
    people, places = ["Ann Lee", "Bob", "Kim Jones", "Mary Ann Day"], ["Rome", "New York", "Oslo"]
    verbs = ["saw", "left", "likes", "flew to", "knows"]
    return [
        f"[PER {people[i % 4]}] {verbs[i % 5]} [LOC {places[i % 3]}] number {i} ."
        for i in range(size)
    ]


def save_corpus(path: Path, sentences: Iterable[str]) -> Path:
    """Save sentences in spaCy's binary format."""
    nlp = spacy.blank("en")
    examples = make_examples(nlp, sentences)
    DocBin(docs=[example.reference for example in examples]).to_disk(path)
    return path


def add_vectors(nlp: Language, words: Iterable[str], width: int = 8) -> None:
    """Give a pipeline random static vectors of some words."""
    names = sorted(set(words))
    data = np.random.RandomState(0).normal(size=(len(names), width)).astype("f")
    nlp.vocab.vectors = Vectors(strings=nlp.vocab.strings, data=data, keys=names, name="small")


def save_vectors(path: Path, sentences: Iterable[str], width: int = 8) -> Path:
    """Save a pipeline with static vectors of the words of some sentences, and nothing else."""
    nlp = spacy.blank("en")
    texts = [read_marked(sentence)[0] for sentence in sentences]
    add_vectors(nlp, [token.text for text in texts for token in nlp.make_doc(text)], width)
    nlp.to_disk(path)
    return path


def uses_vectors(config: Path) -> bool:
    """Whether a config asks for static vectors."""
    return re.search(r"^include_static_vectors = true$", config.read_text(), re.M) is not None


def small_model(**changes: Any) -> dict[str, Any]:
    """Settings of a small network. `changes` go into [model], those of `tok2vec` into its block."""
    tok2vec = {
        "width": 16,
        "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
        "rows": [200, 50, 100, 50],
        "widths": [12, 4, 8, 4],
    }
    tok2vec |= changes.pop("tok2vec", {})
    return {"hidden_width": 24, "window_size": 2, "tok2vec": tok2vec, **changes}


def small_cnn(width: int, embed_size: int) -> dict[str, Any]:
    """Settings of spaCy's own token vectors, small."""
    return {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "width": width,
        "depth": 1,
        "embed_size": embed_size,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
        "pretrained_vectors": None,
    }


def blank(lang: str = "xx", name: str = "window_ner", **config: Any) -> Language:
    """A blank pipeline with a small window_ner that is not initialized.

    It is of no language, because that is made three times as fast as an English one.
    """
    nlp = spacy.blank(lang)
    nlp.add_pipe("window_ner", name=name, config={"model": small_model(), **config})
    return nlp


def ner_of(nlp: Language, name: str = "window_ner") -> WindowNER:
    """The pipeline's window_ner."""
    pipe = nlp.get_pipe(name)
    assert isinstance(pipe, WindowNER)
    return pipe


def train(
    nlp: Language,
    examples: Sequence[Example],
    steps: int = 40,
    *,
    drop: float = 0.0,
    sgd: Optimizer | None = None,
) -> float:
    """Take some steps over all examples. RETURNS: The loss of the last one."""
    sgd = Adam(0.02) if sgd is None else sgd
    losses: dict[str, float] = {}
    for _ in range(steps):
        losses = nlp.update(examples, drop=drop, sgd=sgd)
    return sum(losses.values())


def trained(
    sentences: Iterable[str] = SENTENCES, *, steps: int = 40, drop: float = 0.0, **config: Any
) -> Language:
    """A pipeline that has learned some sentences."""
    fix_random_seed(0)
    nlp = blank(**config)
    examples = make_examples(nlp, sentences)
    nlp.initialize(lambda: examples)
    train(nlp, examples, steps, drop=drop)
    return nlp


@cache
def shared(objective: str = "crf") -> Language:
    """A pipeline that has learned `SENTENCES` with an objective. Tests do not change it."""
    return trained(model=small_model(objective=objective), steps=60)


def copy_of(nlp: Language, **changes: Any) -> Language:
    """A copy of a pipeline with window_ner to change, with some of its settings changed."""
    config = {**nlp.get_pipe_config("window_ner"), **changes}
    del config["factory"]
    new = blank(nlp.lang, **config)
    ner_of(new).from_bytes(ner_of(nlp).to_bytes(exclude=["vocab"]), exclude=["vocab"])
    change_settings(ner_of(new), changes)
    return new


def entities(doc: Doc) -> list[tuple[str, str]]:
    """Text and label of the entities of a document."""
    return [(ent.text, ent.label_) for ent in doc.ents]


def marked_entities(marked: str) -> list[tuple[str, str]]:
    """Text and label of the entities of a text in brackets."""
    text, entities = read_marked(marked)
    return [(text[start:end], label) for start, end, label in entities]


class Probabilities(list):
    """Numbers that equal others to six digits: the last one of float32 depends on what products
    are remembered, by the shapes that they were computed in.
    """

    __hash__ = None

    def __eq__(self, other):
        if not isinstance(other, list):
            return NotImplemented
        return len(self) == len(other) and np.allclose(self, other, rtol=0, atol=1e-6)

    def __ne__(self, other):
        return not self == other


def predictions(nlp: Language, texts: Iterable[str]) -> list[tuple]:
    """All that window_ner says of some texts: entities with their probabilities."""
    found = []
    for text in texts:
        doc = nlp(text)
        group = doc.spans.get("window_ner", SpanGroup(doc, attrs={"scores": np.zeros(0)}))
        spans = [(span.start, span.end, span.label_) for span in group]
        found.append((entities(doc), spans, Probabilities(group.attrs["scores"].tolist())))
    return found


def texts_of(sentences: Iterable[str] = SENTENCES) -> list[str]:
    """The texts of a corpus."""
    return [read_marked(sentence)[0] for sentence in sentences]


def weights(nlp: Language, name: str = "window_ner") -> list[np.ndarray]:
    """Copies of all parameters."""
    model = ner_of(nlp, name).model
    return [node.get_param(name).copy() for node in model.walk() for name in node.param_names]
