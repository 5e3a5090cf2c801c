"""The scorer `spacy_window_ner.ner_scorer.v1`, for documents that do not annotate all labels."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy import registry
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from .labels import annotated_labels


@registry.scorers("spacy_window_ner.ner_scorer.v1")
def make_ner_scorer() -> Callable[..., dict[str, Any]]:
    """RETURNS (Callable): `ner_score`."""
    return ner_score


def ner_score(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score entities as spaCy's `spacy.ner_scorer.v1`, but for those of labels that the annotation
    of a document does not have (see `labels.annotated_labels`): they are neither right nor wrong.

    examples (Iterable[Example]): The examples.
    RETURNS (Dict[str, Any]): `ents_p`, `ents_r`, `ents_f` and `ents_per_type`.
    """
    return get_ner_prf(map(_annotated_part, examples), **kwargs)


def _annotated_part(example: Example) -> Example:
    labels = annotated_labels(example.reference)
    if labels is None or all(ent.label_ in labels for ent in example.predicted.ents):
        return example
    words = [token.text for token in example.predicted]
    spaces = [bool(token.whitespace_) for token in example.predicted]
    predicted = Doc(example.predicted.vocab, words=words, spaces=spaces)
    predicted.set_ents(
        [
            Span(predicted, ent.start, ent.end, label=ent.label)
            for ent in example.predicted.ents
            if ent.label_ in labels
        ]
    )
    return Example(predicted, example.reference)
