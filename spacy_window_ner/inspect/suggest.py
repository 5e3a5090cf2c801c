"""What to annotate next: texts that are read with most uncertainty, and that differ.

Texts are chosen one by one. The next one has the largest

    H / n_tokens · (1 − max over the chosen ones of cos(text, chosen one))

H being the entropy of its tag sequences, and cos the overlap in words: the cosine of counts of
words, each weighted by how few texts have it. Random projections keep cosines, and are much smaller
than counts (Achlioptas 2003).
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import LOWER
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

from ..confidence.development import find_component, run_before
from ..decoding import decode
from ..layers.rows import add_rows
from ..thresholds import by_label
from .tasks import Task
from .uncertainty import entropies

# The width of the projections: cosines are kept to about 1 / √width.
WIDTH = 256
BATCH = 256


def suggest(
    nlp: Language,
    texts: Sequence[str],
    n: int,
    *,
    name: str = "window_ner",
    done: Callable[[int], object] = lambda n: None,
) -> list[Task]:
    """Choose texts to annotate.

    nlp (Language): The pipeline.
    texts (Sequence[str]): The texts to choose from.
    n (int): How many to choose.
    name (str): The name of the component.
    done (Callable): Is called with the number of texts of each batch that has been read.
    RETURNS (List[Task]): The chosen texts with what is read in them now, the most valuable first;
        fewer where there are not as many with words. The score of a task is its value, the
        uncertainty in `meta` is H / n_tokens.
    RAISES (ValueError): If the number is below 1.
    """
    if n < 1:
        raise ValueError(f"The number of texts to suggest must be 1 or more, got {n}.")
    find_component(nlp, name).require_initialized()
    uncertainty, words = np.zeros(len(texts)), list[NDArray[np.uint64]]()
    for batch in minibatch(enumerate(texts), size=BATCH):
        numbers, docs = [i for i, _ in batch], [nlp.make_doc(text) for _, text in batch]
        uncertainty[numbers] = _uncertainty(nlp, name, docs)
        words += [doc.to_array(LOWER).astype(np.uint64) for doc in docs]
        done(len(batch))
    has_words = np.asarray([bool(text.strip()) for text in texts], dtype=bool)
    chosen, values = choose(np.where(has_words, uncertainty, -1.0), project(words), n)
    return [
        _task(nlp, name, texts[i], float(uncertainty[i]), value)
        for i, value in zip(chosen, values, strict=True)
    ]


def _uncertainty(nlp: Language, name: str, docs: list[Doc]) -> NDArray[np.float64]:
    """The entropy of each document per token (n_docs,)."""
    component, lengths = find_component(nlp, name), np.asarray([len(doc) for doc in docs])
    if not lengths.any():
        return np.zeros(len(docs))
    docs = run_before(nlp, name, docs)
    allowed, _ = component.allowed_tags(docs)
    found = entropies(component.model.predict(docs), component.objective, allowed)
    return found / np.maximum(lengths, 1)


def _task(nlp: Language, name: str, text: str, uncertainty: float, value: float) -> Task:
    """A task with what is read now to begin from."""
    component = find_component(nlp, name)
    [doc] = run_before(nlp, name, [nlp.make_doc(text)])
    labels = component.label_data
    found = decode(
        component.model.predict([doc]),
        component.objective,
        component.allowed_tags([doc])[0],
        threshold=by_label(component.threshold, labels),
        probabilities=False,
    )
    spans = [(doc[start:end], labels[x]) for start, end, x in found.spans.tolist()]
    entities = [(span.start_char, span.end_char, label) for span, label in spans]
    tokens = [(token.idx, token.idx + len(token)) for token in doc]
    return Task(text, tokens, entities, value, {"uncertainty": round(uncertainty, 4)})


def project(words: Sequence[NDArray[np.uint64]]) -> NDArray[np.float32]:
    """Make vectors of texts whose cosines are those of their words, about.

    words (Sequence[ndarray]): The ids of the words of each text (n_tokens of the text,).
    RETURNS (ndarray): Shape (n_texts, `WIDTH`), of length one, or zero for a text without words.
    """
    vectors = np.zeros((len(words), WIDTH), dtype=np.float32)
    if not any(map(len, words)):
        return vectors
    n_texts = Counter[int]()
    for of_text in words:
        n_texts.update(set(of_text.tolist()))
    known = {word: row for row, word in enumerate(n_texts)}
    weights = np.log1p(len(words) / np.asarray(list(n_texts.values()), dtype=np.float32))
    signs = np.random.RandomState(0).randint(2, size=(len(known), WIDTH)).astype(np.float32)
    table = (2 * signs - 1) * weights[:, None]
    for row, of_text in enumerate(words):
        rows = np.asarray([known[word] for word in of_text.tolist()], dtype=np.int64)
        add_rows(vectors[row : row + 1], np.zeros_like(rows), table[rows])
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(norms > 0, norms, 1)
    return vectors


def choose(
    uncertainty: NDArray[np.float64], vectors: NDArray[np.float32], n: int
) -> tuple[list[int], list[float]]:
    """Choose texts one by one.

    uncertainty (ndarray): Shape (n_texts,), negative for texts that are not to be chosen.
    vectors (ndarray): Shape (n_texts, width), of length one.
    n (int): How many to choose.
    RETURNS (Tuple[List[int], List[float]]): Their numbers, and the value of each when it was
        chosen.
    """
    free = uncertainty >= 0
    closest = np.zeros(len(uncertainty))
    chosen: list[int] = []
    values: list[float] = []
    while free.any() and len(chosen) < n:
        value = np.where(free, uncertainty * (1 - closest), -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        values.append(float(value[best]))
        free[best] = False
        closest = np.maximum(closest, np.clip(vectors @ vectors[best], 0, 1))
    return chosen, values
