"""g_t = Σ_(label, position) Σ_i E[row_i(label, position)]: lists of names as features.

A match of a list is evidence, not a decision: the network learns what it is worth (Ratinov and Roth
2009, section 6). Another component, for example spaCy's `span_ruler`, writes the matches to
`doc.spans`. The features of a token are the sum of a vector for each label and position (only,
first, inner or last token) of the matches that cover it; the same pair in several matches counts
once. Pairs are hashed to four rows of E, as in `embedding`, so labels need not be listed.

g is a term of z; ∂J/∂E collects ∂J/∂g at the rows used.
"""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model

from ...sequences.tags import TAGS_PER_LABEL, tags_of_spans
from .embedding import inc_rows, init
from .rows import Term, add_rows
from .to_numpy import NUMPY_OPS

InT = list[Doc]
OutT = Term

# The name of the layer in saved networks and in graphs.
GAZETTEER = "gazetteer"
ROWS = 200
_SEED = 0


def Gazetteer(spans_key: str, nO: int) -> Model[InT, OutT]:
    """Build the features of matches.

    spans_key (str): Where in `doc.spans` the matches are.
    nO (int): Width of the features.
    RETURNS (Model): List of Docs → Term (n_tokens, nO), zero where no match is, with the parameter
        E (200, nO).
    """
    return Model(
        GAZETTEER,
        forward,
        init=init,
        dims={"nO": nO, "nV": ROWS},
        params={"E": None},
        attrs={"spans_key": spans_key},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> tuple[Term, Callable[[NDArray], InT]]:
    """Sum the vectors of the matches that cover each token.

    docs (List[Doc]): The documents.
    RETURNS: The features as a term of z, and the callback that takes the gradient of z
        (n_tokens, nO). It returns an empty list, since documents have no gradient.
    """
    key = model.attrs["spans_key"]
    if is_train and not any(key in doc.spans for doc in docs):
        _warn_missing(key)
    matched, ids = read_matches(docs, key)
    hashes = NUMPY_OPS.hash(np.ascontiguousarray(ids), _SEED)
    rows = hashes.astype(np.int64) % model.get_dim("nV")
    E = model.get_param("E")
    tokens, place = np.unique(matched, return_inverse=True)
    features = np.zeros((len(tokens), E.shape[1]), dtype=E.dtype)
    add_rows(features, place, E[rows].sum(axis=1))

    def backprop(d_Z: NDArray) -> InT:
        inc_rows(model, rows, d_Z[matched])
        return []

    n = sum(map(len, docs))
    return Term(tokens, np.arange(len(tokens)), features, n), backprop


def read_matches(
    docs: Sequence[Doc], spans_key: str
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Read the matches of documents.

    docs (Sequence[Doc]): The documents; one without the key has no matches.
    spans_key (str): Where in `doc.spans` the matches are.
    RETURNS (Tuple[ndarray, ndarray]): Each pair of a token and a match's label and position once:
        the tokens (n,), ascending, counted through the batch, and one number for each label and
        position (n,).
    RAISES (ValueError): If a match lies outside its document.
    """
    spans: list[tuple[int, int, int]] = []
    labels: list[int] = []  # of each token of the spans
    first = 0
    for doc in docs:
        if spans_key in doc.spans:
            try:
                for span in filter(len, doc.spans[spans_key]):
                    spans.append((first + span.start, first + span.end, 0))
                    labels += [span.label] * len(span)
            except IndexError as error:
                raise ValueError(
                    f"doc.spans[{spans_key!r}] has a span outside the document: {error}. If tokens "
                    f"were merged after the spans were set, merge them before that."
                ) from error
        first += len(doc)
    tokens, tags, _ = tags_of_spans(np.asarray(spans, dtype=np.int64))
    # Labels among spaCy's symbols have consecutive numbers: leave room for their tags.
    ids = np.asarray(labels, dtype=np.uint64) * np.uint64(TAGS_PER_LABEL) + tags.astype(np.uint64)
    pairs = np.unique(np.stack([tokens.astype(np.uint64), ids], axis=1), axis=0)
    return pairs[:, 0].astype(np.int64), pairs[:, 1]


def _warn_missing(key: str) -> None:
    warnings.warn(
        f"No document of this batch has doc.spans[{key!r}], where gazetteer_key expects the "
        f"matches in lists of names, so they are not used. Add a span_ruler with spans_key = "
        f'"{key}" before this component, and add its name to annotating_components in [training] '
        f"(nlp.update(…, annotates=[…])), or set gazetteer_key = null.",
        stacklevel=2,
    )
