"""The labels of a component: known to its network, seen in training, met in documents.

A label is known once the network has outputs for it, and seen once the network was trained on an
annotation that has it. A label that is known but unseen is never predicted; its number is in
`model.attrs["unseen_labels"]`, which is saved with the network.
"""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ENT_TYPE
from spacy.errors import Errors
from spacy.strings import StringStore
from spacy.tokens import Doc
from thinc.api import Model

from .sequences.tags import TAGS_PER_LABEL, n_labels


def new_labels(labels: Sequence[str], known: Collection[str]) -> list[str]:
    """Find the labels that are not known yet.

    labels (Sequence[str]): The labels.
    known (Collection[str]): The labels of the network.
    RETURNS (List[str]): The unknown ones in their order, each once.
    RAISES (ValueError): If they are not a list of strings, or one is empty or starts with `!`.
    """
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise ValueError(
            f"Labels must be a list of strings, got {labels!r}. "
            f"`python -m spacy init labels` writes such a list."
        )
    new = [label for label in dict.fromkeys(labels) if label not in known]
    for label in new:
        if not label:
            raise ValueError(
                "An entity label cannot be the empty string, which spaCy uses for tokens outside "
                "of entities. Give the spans a label."
            )
        if label.startswith("!"):  # in spaCy 2 it marked spans that are not an entity
            raise ValueError(Errors.E869.format(label=label))
    return new


def labels_of(docs: Iterable[Doc]) -> set[str]:
    """Find the entity labels in documents.

    docs (Iterable[Doc]): The documents. Each is read with its own string store: a component
        sourced into another pipeline may have a different one.
    RETURNS (Set[str]): The labels.
    """
    found: set[str] = set()
    for doc in docs:
        hashes = set(doc.to_array(ENT_TYPE).tolist()) - {0}
        found.update(doc.vocab.strings[label] for label in hashes)
    return found


def label_numbers(
    labels: Sequence[str], strings: StringStore, left_out: Collection[int] = ()
) -> dict[int, int]:
    """Number labels by their hash.

    labels (Sequence[str]): The labels in the order of the network's outputs.
    strings (StringStore): Where their hashes are from.
    left_out (Collection[int]): Numbers of labels to leave out.
    RETURNS (Dict[int, int]): The number of each label by its hash.
    """
    return {strings[label]: n for n, label in enumerate(labels) if n not in left_out}


def seen_labels(model: Model) -> NDArray[np.bool_]:
    """Find the labels that a network has seen in training.

    model (Model): The network.
    RETURNS (ndarray): Shape (n_labels,) bool.
    """
    seen = np.ones(n_labels(model.get_ref("scores").get_dim("nO")), dtype=bool)
    seen[model.attrs["unseen_labels"]] = False
    return seen


def mark_seen(model: Model, numbers: Collection[int]) -> None:
    """Take labels into use.

    model (Model): The network; its attribute `unseen_labels` changes.
    numbers (Collection[int]): Numbers of labels that an annotation has.
    """
    unseen = model.attrs["unseen_labels"]
    model.attrs["unseen_labels"] = [number for number in unseen if number not in numbers]


def legal_tags(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the tags in use: O, and those of seen labels.

    seen (ndarray): Shape (n_labels,) bool.
    RETURNS (ndarray): Shape (n_tags,) bool.
    """
    return np.append(True, np.repeat(seen, TAGS_PER_LABEL))
