"""The labels of a component: those of its network, those seen in training, those in documents.

A network has outputs for each of its labels. A label is seen once the network was trained on
annotation with this label; unseen labels are never predicted. Their indices are in
`model.attrs["unseen_labels"]`, which is saved with the network.

If corpora are combined, not all of them annotate all labels. A label that is not annotated in a
document is unknown outside of entities. The annotated labels of a document are stored in its
`user_data`, which `DocBin(store_user_data=True)` saves.
"""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ENT_TYPE
from spacy.errors import Errors
from spacy.strings import StringStore
from spacy.tokens import Doc
from thinc.api import Model

from .sequences.tags import n_labels

# Where `Doc.user_data` has the labels that the annotation has.
ANNOTATED = "window_ner_annotated_labels"


def new_labels(labels: Sequence[str], present: Collection[str]) -> list[str]:
    """Find the labels that a network does not have yet.

    labels (Sequence[str]): The labels.
    present (Collection[str]): The labels of the network.
    RETURNS (List[str]): The new ones in their order, each once.
    RAISES (ValueError): If they are not a list of strings, or one is empty or starts with `!`.
    """
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise ValueError(
            f"Labels must be a list of strings, got {labels!r}. You can generate it with `python "
            f"-m spacy init labels`."
        )
    new = [label for label in dict.fromkeys(labels) if label not in present]
    for label in new:
        if not label:
            raise ValueError(
                "An entity label cannot be the empty string, which spaCy uses for tokens outside "
                "of entities. Give the spans a label."
            )
        if not is_text(label):
            raise ValueError(
                f"The label {label!r} is not valid Unicode: it contains an unpaired surrogate. "
                f"Rename it."
            )
        if label.startswith("!"):  # in spaCy 2 it marked spans that are not an entity
            raise ValueError(Errors.E869.format(label=label))
    return new


def is_text(value: str) -> bool:
    """RETURNS (bool): Whether a string can be written as UTF-8, as spaCy's string store does."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def labels_of(docs: Iterable[Doc]) -> set[str]:
    """RETURNS (Set[str]): The entity labels in documents, looked up in the string store of each
    document, since that of a component sourced from another pipeline may be different.
    """
    return {
        doc.vocab.strings[label]
        for doc in docs
        for label in set(doc.to_array(ENT_TYPE).tolist())
        if label
    }


def annotated_labels(doc: Doc) -> frozenset[str] | None:
    """RETURNS (Optional[FrozenSet[str]]): The labels that are annotated in a document; None for
    all.
    """
    labels = doc.user_data.get(ANNOTATED)
    return None if labels is None else frozenset(labels)


def set_annotated_labels(doc: Doc, labels: Collection[str] | None) -> None:
    """Set which labels are annotated in a document; None for all."""
    if labels is None:
        doc.user_data.pop(ANNOTATED, None)
    else:
        doc.user_data[ANNOTATED] = sorted(labels)


def label_numbers(
    labels: Sequence[str], strings: StringStore, left_out: Collection[int] = ()
) -> dict[int, int]:
    """Number labels by their hash.

    labels (Sequence[str]): The labels in the order of the network's outputs.
    strings (StringStore): The string store.
    left_out (Collection[int]): Numbers of labels to leave out.
    RETURNS (Dict[int, int]): The number of each label by its hash.
    """
    return {strings[label]: n for n, label in enumerate(labels) if n not in left_out}


def seen_labels(model: Model) -> NDArray[np.bool_]:
    """RETURNS (ndarray): Shape (n_labels,) bool, which labels a network has seen in training."""
    seen = np.ones(n_labels(model.get_ref("scores").get_dim("nO")), dtype=bool)
    seen[model.attrs["unseen_labels"]] = False
    return seen


def mark_seen(model: Model, numbers: Collection[int]) -> None:
    """Mark labels of a network as seen, by their numbers."""
    unseen = model.attrs["unseen_labels"]
    model.attrs["unseen_labels"] = [number for number in unseen if number not in numbers]
