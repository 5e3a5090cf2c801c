"""Choose texts to annotate next: the most uncertain ones that differ from each other.

Texts are chosen one by one. The next one is the text with the largest value of

    H / (n_tokens + n̄) · (1 − max over the chosen ones of cos(text, chosen one))

where H is the entropy of its tag sequences, n̄ the mean length of the texts, and cos the cosine
similarity of their tf-idf vectors. Random projections approximate these cosines with much smaller
vectors (Achlioptas 2003).

The total entropy H prefers long texts, which take longer to annotate. The entropy per word,
H / n_tokens, prefers short texts with a few odd words, and the network learns less from the same
amount of work (Settles and Craven 2008, "An analysis of active learning strategies for sequence
labeling tasks"). The denominator is a compromise; benchmarks/suggest.py compares the three.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import LOWER
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

from ..confidence.scored_examples import find_component, run_before
from ..decoding.decode import decode, label_thresholds
from ..network.layers.rows import add_rows
from .tasks import Task
from .uncertainty import entropies

# The width of the projections: cosines are kept to about 1 / √width.
WIDTH = 256
BATCH = 256
# The words whose projections are held at once.
_TOKENS = 20_000


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
    n (int): The number of texts to choose.
    name (str): The name of the component.
    done (Callable): Called with the number of texts of each batch that has been processed.
    RETURNS (List[Task]): The chosen texts with their current predictions, the most valuable first;
        fewer than `n` if there are not enough texts with words. The score of a task is its value;
        the uncertainty in `meta` is H / n_tokens, in nats per word.
    RAISES (ValueError): If the number is below 1.
    """
    return [
        _task(nlp, name, texts[choice.number], choice.uncertainty, choice.value)
        for choice in rank(nlp, texts, n, name=name, done=done)
    ]


@dataclass(frozen=True)
class Choice:
    """A text that was chosen.

    number (int): Its index among the texts.
    uncertainty (float): H / n_tokens.
    value (float): Its value when it was chosen.
    """

    number: int
    uncertainty: float
    value: float


def rank(
    nlp: Language,
    texts: Sequence[str],
    n: int,
    *,
    name: str = "window_ner",
    done: Callable[[int], object] = lambda n: None,
) -> list[Choice]:
    """Choose texts to annotate, as `suggest` does. RETURNS (List[Choice]): The chosen ones."""
    if n < 1:
        raise ValueError(f"The number of texts to suggest must be at least 1, got {n}.")
    find_component(nlp, name).require_initialized()
    entropy, words = np.zeros(len(texts)), list[NDArray[np.uint64]]()
    for batch in minibatch(enumerate(texts), size=BATCH):
        numbers, docs = [i for i, _ in batch], [nlp.make_doc(text) for _, text in batch]
        entropy[numbers] = _entropies(nlp, name, docs)
        words += [doc.to_array(LOWER).astype(np.uint64) for doc in docs]
        done(len(batch))
    lengths = np.asarray([len(of_text) for of_text in words])
    has_words = np.asarray([bool(text.strip()) for text in texts], dtype=bool)
    gain = np.where(has_words, entropy_by_cost(entropy, lengths), -1.0)
    chosen, values = choose_texts(gain, project(words), n)
    return [
        Choice(i, float(entropy[i] / lengths[i]), value)
        for i, value in zip(chosen, values, strict=True)
    ]


def entropy_by_cost(
    entropy: NDArray[np.float64], lengths: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Divide the entropy of each text by its length plus the mean length.

    entropy (ndarray): Shape (n_texts,).
    lengths (ndarray): Shape (n_texts,), the number of their tokens.
    RETURNS (ndarray): Shape (n_texts,), 0 for texts without tokens.
    """
    mean = lengths.sum() / max((lengths > 0).sum(), 1)
    found: NDArray[np.float64] = entropy / np.maximum(lengths + mean, 1)
    return found


def _entropies(nlp: Language, name: str, docs: list[Doc]) -> NDArray[np.float64]:
    """The entropy of the tag sequences of each document (n_docs,)."""
    component = find_component(nlp, name)
    if not any(map(len, docs)):
        return np.zeros(len(docs))
    docs = run_before(nlp, name, docs)
    allowed, _ = component.allowed_tags(docs)
    return entropies(component.model.predict(docs), component.objective, allowed)


def _task(nlp: Language, name: str, text: str, uncertainty: float, value: float) -> Task:
    """A task with the current predictions."""
    component = find_component(nlp, name)
    [doc] = run_before(nlp, name, [nlp.make_doc(text)])
    labels = component.label_data
    found = decode(
        component.model.predict([doc]),
        component.objective,
        component.allowed_tags([doc])[0],
        threshold=label_thresholds(component.threshold, labels),
        probabilities=False,
    )
    spans = [(doc[start:end], labels[x]) for start, end, x in found.spans.tolist()]
    entities = [(span.start_char, span.end_char, label) for span, label in spans]
    tokens = [(token.idx, token.idx + len(token)) for token in doc]
    return Task(text, tokens, entities, value, {"uncertainty": round(uncertainty, 4)})


def project(words: Sequence[NDArray[np.uint64]]) -> NDArray[np.float32]:
    """Compute random projections of the tf-idf vectors of texts.

    words (Sequence[ndarray]): The word ids of each text (n_tokens of the text,).
    RETURNS (ndarray): Shape (n_texts, `WIDTH`), unit vectors, or zero for a text without words.
    """
    vectors = np.zeros((len(words), WIDTH), dtype=np.float32)
    lengths = [len(of_text) for of_text in words]
    if not any(lengths):
        return vectors
    text = np.repeat(np.arange(len(words)), lengths)
    known, word = np.unique(np.concatenate(words), return_inverse=True)
    n_texts = np.bincount(np.unique(word * len(words) + text) // len(words))
    weights = np.log1p(len(words) / n_texts).astype(np.float32)
    signs = 2 * np.random.RandomState(0).randint(2, size=(len(known), WIDTH), dtype=np.int8) - 1
    for start in range(0, len(word), _TOKENS):
        some, of = word[start : start + _TOKENS], text[start : start + _TOKENS]
        add_rows(vectors, of, signs[some] * weights[some, None])
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(norms > 0, norms, 1)
    return vectors


def choose_texts(
    gain: NDArray[np.float64], vectors: NDArray[np.float32], n: int
) -> tuple[list[int], list[float]]:
    """Choose texts one by one.

    gain (ndarray): Shape (n_texts,), the value of each text by itself; negative for texts that must
        not be chosen.
    vectors (ndarray): Shape (n_texts, width), unit vectors.
    n (int): The number of texts to choose.
    RETURNS (Tuple[List[int], List[float]]): Their indices, and the value of each when it was
        chosen.
    """
    free = gain >= 0
    closest = np.zeros(len(gain))
    chosen: list[int] = []
    values: list[float] = []
    while free.any() and len(chosen) < n:
        value = np.where(free, gain * (1 - closest), -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        values.append(float(value[best]))
        free[best] = False
        closest = np.maximum(closest, np.clip(vectors @ vectors[best], 0, 1))
    return chosen, values
