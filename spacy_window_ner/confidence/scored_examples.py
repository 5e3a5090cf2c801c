"""The scores of a network on annotated documents, and which spans are entities."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations import read_gold
from ..component import WindowNER
from ..decoding.decode import decode
from ..labels import label_numbers, seen_labels
from ..objectives import Objective
from ..sequences.batching import Mask, Scores
from ..sequences.tags import MISSING, legal_tags, tags_to_spans
from .calibration import Calibration, fit


@dataclass(frozen=True)
class ScoredSpans:
    """Spans predicted by a network.

    spans (ndarray): Shape (n_spans, 3), rows (start, end, label index), tokens counted over all
        documents, end exclusive.
    probabilities (ndarray): Shape (n_spans,), the probability of each.
    correct (ndarray): Shape (n_spans,) bool, which of them are entities.
    documents (ndarray): Shape (n_spans,), the indices of their documents.
    """

    spans: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    correct: NDArray[np.bool_]
    documents: NDArray[np.int64]

    @property
    def labels(self) -> NDArray[np.int64]:
        """RETURNS (ndarray): Shape (n_spans,), the indices of their labels."""
        return self.spans[:, 2]

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.integer]) -> "ScoredSpans":
        """RETURNS (ScoredSpans): The spans selected by a mask (n_spans,) or by indices (n,)."""
        return ScoredSpans(
            self.spans[chosen],
            self.probabilities[chosen],
            self.correct[chosen],
            self.documents[chosen],
        )


@dataclass(frozen=True)
class ScoredExamples:
    """The scores of a component on annotated documents.

    scores (Scores): The network's scores: emissions (n_tokens, n_tags), transitions
        (n_labels + 1, n_labels + 1) and lengths (n_docs,).
    objective (Objective): The objective that it was trained with.
    legal (ndarray): Shape (n_tags,) bool, the tags in use.
    tags (ndarray): Shape (n_tokens,), the annotated tags, or `MISSING`.
    allowed (ndarray): Shape (n_tokens, n_tags) bool, the tags that the annotation allows.
    annotated (ndarray): Shape (n_docs, n_labels) bool, the labels that the annotation has.
    presets (Optional[ndarray]): Shape (n_tokens, n_tags) bool, the tags that the documents allow;
        None for all.
    n_gold (ndarray): Shape (n_docs,), the number of annotated entities, including those that do
        not align with the tokens, and those of labels that the network does not have.
    """

    scores: Scores
    objective: Objective
    legal: Mask
    tags: NDArray[np.int32]
    allowed: Mask
    annotated: Mask
    presets: Mask | None
    n_gold: NDArray[np.int64]

    @property
    def n_documents(self) -> int:
        """RETURNS (int): The number of documents."""
        return len(self.n_gold)

    def subset(self, documents: NDArray[np.integer]) -> "ScoredExamples":
        """Choose some documents.

        documents (ndarray): Their numbers, ascending.
        RETURNS (ScoredExamples): These documents alone.
        """
        chosen = np.isin(np.arange(len(self.scores.lengths)), documents)
        tokens = np.repeat(chosen, self.scores.lengths)
        scores = Scores(
            self.scores.emissions[tokens], self.scores.transitions, self.scores.lengths[chosen]
        )
        return replace(
            self,
            scores=scores,
            tags=self.tags[tokens],
            allowed=self.allowed[tokens],
            annotated=self.annotated[chosen],
            presets=None if self.presets is None else self.presets[tokens],
            n_gold=self.n_gold[chosen],
        )

    def corrected(self, calibration: Calibration) -> "ScoredExamples":
        """RETURNS (ScoredExamples): The same documents with corrected scores."""
        return replace(self, scores=calibration.apply(self.scores))

    def fit(self) -> Calibration:
        """RETURNS (Calibration): The maximum likelihood correction of the scores."""
        return fit(self.scores, self.allowed, self.legal, self.objective)

    def entities(self, threshold: float | NDArray[np.float64] | None) -> ScoredSpans:
        """RETURNS (ScoredSpans): The entities at a threshold, or those of the best tag sequences if
        it is None.
        """
        found = decode(self.scores, self.objective, self.presets, threshold=threshold)
        return self._scored(found.spans, found.probabilities)

    def candidates(self, least: float) -> ScoredSpans:
        """RETURNS (ScoredSpans): All spans above a threshold, including overlapping ones."""
        # With this threshold, the entities cost nothing.
        found = decode(
            self.scores, self.objective, self.presets, threshold=1.0, candidates_above=least
        )
        assert found.candidates is not None
        return self._scored(found.candidates.spans, found.candidates.probabilities)

    def _scored(
        self, spans: NDArray[np.int64], probabilities: NDArray[np.float64] | None
    ) -> ScoredSpans:
        """Compare spans with the annotation. Spans with unannotated tokens are left out, as in
        spaCy's scorer, as are spans with labels that are not annotated.
        """
        assert probabilities is not None
        gold = tags_to_spans(self.tags)
        # The end and the label of the annotated entity that starts at each token.
        from_start = np.full((len(self.tags), 2), -1)
        from_start[gold[:, 0]] = gold[:, 1:]
        correct = (from_start[spans[:, 0]] == spans[:, 1:]).all(axis=1)
        missing = np.append(0, np.cumsum(self.tags == MISSING))
        document = np.searchsorted(np.cumsum(self.scores.lengths), spans[:, 0], side="right")
        annotated = missing[spans[:, 1]] == missing[spans[:, 0]]
        annotated &= self.annotated[document, spans[:, 2]]
        return ScoredSpans(spans, probabilities, correct, document).where(annotated)


def score_examples(nlp: Language, name: str, examples: Sequence[Example]) -> ScoredExamples:
    """Run the network of a component on annotated documents.

    nlp (Language): The pipeline. The components before this one are run as well.
    name (str): The name of the component.
    examples (Sequence[Example]): The annotated documents; they are not changed.
    RETURNS (ScoredExamples): The network's scores, and the annotation.
    RAISES (ValueError): If the component is not a `window_ner`, or there is no annotated document.
    """
    component = find_component(nlp, name)
    examples = [example for example in examples if len(example.predicted)]
    if not any(example.reference.has_annotation("ENT_IOB") for example in examples):
        raise ValueError(
            f"[{name}] None of the documents in the development data has annotated entities."
        )
    if nlp.pipe_names[:1] != [name]:  # otherwise nothing changes documents
        examples = copy_and_run(nlp, name, examples)
    docs = [example.predicted for example in examples]
    labels, strings = component.label_data, component.vocab.strings
    unseen = component.model.attrs["unseen_labels"]
    in_use = label_numbers(labels, strings, left_out=unseen)
    gold = read_gold(examples, in_use)
    annotated = np.ones((len(docs), len(labels)), dtype=bool)
    for of_document, numbers in zip(annotated, gold.not_annotated, strict=True):
        of_document[numbers] = False
    return ScoredExamples(
        scores=component.model.predict(docs),
        objective=component.objective,
        legal=legal_tags(seen_labels(component.model)),
        tags=gold.tags,
        allowed=gold.allowed(len(labels)),
        annotated=annotated,
        presets=component.allowed_tags(docs)[0],
        n_gold=np.asarray([len(example.reference.ents) for example in examples], dtype=np.int64),
    )


def find_component(nlp: Language, name: str) -> WindowNER:
    """RETURNS (WindowNER): The component of a pipeline with this name.

    RAISES (ValueError): If it does not exist, or is another kind of component.
    """
    if name not in nlp.component_names:
        raise ValueError(
            f"The pipeline has no component named '{name}'. Components: {nlp.component_names}."
        )
    component = nlp.get_pipe(name)
    if not isinstance(component, WindowNER):
        raise ValueError(f"The component '{name}' must be a window_ner, but is {type(component)}.")
    return component


def run_before(nlp: Language, name: str | None, docs: list[Doc]) -> list[Doc]:
    """Run the components before this one.

    nlp (Language): The pipeline.
    name (Optional[str]): The name of the component; None to run all.
    docs (List[Doc]): The documents, which may change.
    RETURNS (List[Doc]): The documents as passed to the component.
    """
    for other, pipe in nlp.pipeline:
        if other == name:
            break
        docs = list(pipe.pipe(docs)) if hasattr(pipe, "pipe") else list(map(pipe, docs))
    return docs


def copy_and_run(nlp: Language, name: str | None, examples: Sequence[Example]) -> list[Example]:
    """RETURNS (List[Example]): Copies of annotated documents after `run_before`."""
    docs = run_before(nlp, name, [example.predicted.copy() for example in examples])
    return [Example(doc, ex.reference) for doc, ex in zip(docs, examples, strict=True)]
