"""The probabilities of a component: its threshold, and what can be asked beyond its entities."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.errors import Errors
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab
from thinc.api import Model

from ..annotations import predicted_entities, preset_mask
from ..labels import label_numbers
from ..objectives import Objective, get_objective
from ..sequences.batching import Scores
from ..sequences.tags import tag_names
from ..settings import change_settings
from .alternatives import alternatives
from .errors import naming_documents
from .thresholds import Threshold, checked


class ProbabilisticPipe(TrainablePipe):
    """A component whose network gives scores of tags.

    vocab (Vocab): The shared vocabulary.
    model (thinc.api.Model): The network, from a list of Docs to `Scores`.
    name (str): The name of the component.
    cfg (Dict[str, Any]): Its labels and settings.
    """

    vocab: Vocab
    model: Model[list[Doc], Scores]
    name: str
    cfg: dict[str, Any]

    @property
    def threshold(self) -> Threshold:
        """The probability above which spans are entities, or one for each label; None for the best
        tag sequence. A new value is written to the config of the pipeline too.

        RAISES (ValueError): If it is set to a value that is out of range or has unknown labels.
        """
        return self.cfg["threshold"]

    @threshold.setter
    def threshold(self, value: Threshold) -> None:
        change_settings(self, {"threshold": checked(value, self.cfg["labels"])})

    @property
    def objective(self) -> Objective:
        """RETURNS (Objective): The training objective of the network."""
        return get_objective(self.model.attrs["objective"])

    @property
    def tag_names(self) -> tuple[str, ...]:
        """RETURNS (Tuple[str]): The BILUO tags in the order of the columns of probabilities."""
        return tag_names(self.cfg["labels"])

    def tag_probabilities(self, doc: Doc) -> NDArray[np.float64]:
        """Compute the probability of every tag at every token of a document. Entities that other
        components have set are certain.

        doc (Doc): The document; entities that were predicted in it make no difference.
        RETURNS (ndarray): Shape (n_tokens, n_tags) float64, columns as in `tag_names`.
        RAISES (ValueError): If the component is not initialized.
        """
        if len(doc) == 0:
            return np.zeros((0, len(self.tag_names)))
        scores, allowed = self._free_scores(doc)
        with naming_documents([doc], self.name):
            return self.objective.tag_probabilities(scores, allowed).astype(np.float64)

    def alternatives(self, span: Span) -> list[tuple[str | None, float]]:
        """Find what else the words of a span could be.

        span (Span): The span, an entity or not.
        RETURNS (List[Tuple[Optional[str], float]]): Each label with the probability that the span
            is an entity of this label, and None with the probability that none of its words is in
            an entity, the most probable first. What is missing to 1 are entities that begin or end
            at other words.
        RAISES (ValueError): If the span has no words, or the component is not initialized.
        """
        if len(span) == 0:
            raise ValueError("A span without words has no alternatives.")
        scores, allowed = self._free_scores(span.doc)
        with naming_documents([span.doc], self.name):
            of_labels, outside = alternatives(scores, self.objective, allowed, span.start, span.end)
        labels, unseen = self.cfg["labels"], self.model.attrs["unseen_labels"]
        found = [(label, p) for label, p in zip(labels, of_labels.tolist(), strict=True)]
        found = [pair for n, pair in enumerate(found) if n not in unseen]
        return sorted([(None, outside), *found], key=lambda pair: -pair[1])

    def _free_scores(self, doc: Doc) -> tuple[Scores, NDArray[np.bool_] | None]:
        """The scores and allowed tags of a document without its predicted entities. If `spans_key`
        is None, all entities with labels of the network count as predicted.
        """
        self.require_initialized()
        scores = self.model.predict([doc])
        predicted = [doc.ents] if self.cfg["spans_key"] is None else None
        return scores, self.allowed_tags([doc], predicted)[0]

    def allowed_tags(
        self, docs: Sequence[Doc], predicted: Sequence[Sequence[Span]] | None = None
    ) -> tuple[NDArray[np.bool_] | None, bool]:
        """Compute the tags that documents allow to the labels that the network has seen.

        docs (Sequence[Doc]): The documents.
        predicted (Optional[Sequence[Sequence[Span]]]): The entities of each document that may be
            read anew; by default, those that were predicted in it before.
        RETURNS (Tuple[Optional[ndarray], bool]): Shape (n_tokens, n_tags) bool, None for all; and
            whether any other entity is set. See `preset_mask`.
        """
        if predicted is None:
            predicted = [predicted_entities(doc, self.cfg["spans_key"]) for doc in docs]
        labels, unseen = self.cfg["labels"], self.model.attrs["unseen_labels"]
        in_use = label_numbers(labels, self.vocab.strings, left_out=unseen)
        return preset_mask(docs, in_use, len(labels), predicted)

    def require_initialized(self) -> None:
        """RAISES (ValueError): If the component is not initialized (spaCy's E109)."""
        if not self.model.get_ref("scores").has_param("W"):
            raise ValueError(Errors.E109.format(name=self.name))
