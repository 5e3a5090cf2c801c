"""A corpus reader that varies sentence starts and document lengths, to make the network robust."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from spacy.attrs import (
    ENT_ID,
    ENT_IOB,
    ENT_KB_ID,
    ENT_TYPE,
    LEMMA,
    MORPH,
    NORM,
    ORTH,
    POS,
    SENT_START,
    SPACY,
    TAG,
)
from spacy.errors import Errors
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from spacy.vocab import Vocab

from ..annotations import copy_words, same_tokens
from ..files.texts import unpack_docs
from ..labels import annotated_labels, set_annotated_labels
from .augmenters import Augmenter

# What can be annotated of a token but for its syntax, the entities first.
_ANNOTATION = ENT_IOB, ENT_TYPE, SENT_START, ENT_KB_ID, ENT_ID, TAG, POS, MORPH, LEMMA, NORM


def create_corpus(
    path: Path | None,
    gold_preproc: bool = False,
    max_length: int = 0,
    limit: int = 0,
    augmenter: Callable | None = None,
    sentence_starts: float = 0.0,
    cut: float = 0.0,
    labels: Sequence[str] | None = None,
) -> "SentenceCorpus":
    """Make `spacy_window_ner.Corpus.v1`, a reader of annotated documents; see `SentenceCorpus`.

    RAISES (ValueError): If the path is missing, or a setting is outside its range.
    """
    if path is None:
        raise ValueError(Errors.E913)
    return SentenceCorpus(
        path,
        gold_preproc=gold_preproc,
        max_length=max_length,
        limit=limit,
        augmenter=augmenter,
        sentence_starts=sentence_starts,
        cut=cut,
        labels=labels,
    )


class SentenceCorpus(Corpus):
    """spaCy's `Corpus`, with some documents without sentence starts, and some cut into pieces."""

    def __init__(
        self,
        path: str | Path,
        *,
        sentence_starts: float = 0.0,
        cut: float = 0.0,
        labels: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        """Initialize the reader.

        path (Union[str, Path]): A file or folder in spaCy's binary format.
        sentence_starts (float): The share of documents, drawn at random each time, whose predicted
            document gets the sentence starts of the annotation, from 0 to 1.
        cut (float): The share of documents, drawn at random each time, that are cut between
            sentences, from 0 to 1: half of them into single sentences, the others into runs of
            random length.
        labels (Optional[Sequence[str]]): The labels that are annotated. Other labels are unknown
            outside of entities, and nothing is learned about them. If None, the labels are those
            set in each document (`labels.set_annotated_labels`), or else all labels.
        **settings: Settings of spaCy's `Corpus`.
        RAISES (ValueError): If a share is outside its range.
        """
        for name, share in (("sentence_starts", sentence_starts), ("cut", cut)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must be a share of documents from 0 to 1, got {share}.")
        super().__init__(path, **settings)
        self.sentence_starts = sentence_starts
        self.cut = cut
        self.labels = labels
        self.augmenter = _keep_labels(self.augmenter)

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Yield examples.

        nlp (Language): The pipeline.
        YIELDS (Example): The examples.
        """
        for example in super().__call__(nlp):
            if self.labels is not None:
                set_annotated_labels(example.reference, self.labels)
            # Without a share, nothing is drawn: to read dev makes no difference to training.
            if self.sentence_starts and random.random() < self.sentence_starts:
                set_sentence_starts(example)
            yield example

    def read_docbin(self, vocab: Vocab, locs: Iterable[str | Path]) -> Iterator[Doc]:
        """Read annotated documents.

        vocab (Vocab): The vocabulary.
        locs (Iterable[Union[str, Path]]): The files.
        YIELDS (Doc): The documents with tokens, as many as `limit` says.
        """
        docs = (doc for loc in locs for doc in unpack_docs(loc, vocab) if len(doc))
        return islice(docs, self.limit or None)

    def make_examples(self, nlp: Language, reference_docs: Iterable[Doc]) -> Iterator[Example]:
        """Make examples of whole documents, or of runs of their sentences.

        nlp (Language): The pipeline.
        reference_docs (Iterable[Doc]): The annotated documents.
        YIELDS (Example): The examples.
        """
        return super().make_examples(nlp, self._pieces(reference_docs))

    def _make_example(self, nlp: Language, reference: Doc, gold_preproc: bool) -> Example:
        """The same as spaCy's method, but four times as fast at copying the annotated words."""
        if not (gold_preproc or reference.has_unknown_spaces):
            return super()._make_example(nlp, reference, gold_preproc)
        return Example(copy_words(reference, nlp.vocab), reference)

    def _pieces(self, docs: Iterable[Doc]) -> Iterator[Doc]:
        for doc in docs:
            if self.cut and random.random() < self.cut and doc.has_annotation("SENT_START"):
                yield from cut_document(doc)
            else:
                yield doc


def read_examples(nlp: Language, docs: Iterable[Doc]) -> list[Example]:
    """Make examples from annotated documents as spaCy's `Corpus` does, including empty ones.

    nlp (Language): The pipeline whose tokenizer is used.
    docs (Iterable[Doc]): The documents. Those with unknown white space keep their tokens.
    RETURNS (List[Example]): An example for each document.
    """
    return [
        Example(
            copy_words(doc, nlp.vocab) if doc.has_unknown_spaces else nlp.make_doc(doc.text),
            doc,
        )
        for doc in docs
    ]


def _keep_labels(augmenter: Augmenter) -> Augmenter:
    """An augmenter whose examples state their annotated labels."""

    def augment(nlp: Language, example: Example) -> Iterator[Example]:
        labels = annotated_labels(example.reference)
        for augmented in augmenter(nlp, example):
            set_annotated_labels(augmented.reference, labels)
            yield augmented

    return augment


def set_sentence_starts(example: Example) -> None:
    """Give the predicted document of an example the sentence starts of its annotation, if any.

    example (Example): The example; its predicted document is changed.
    """
    if same_tokens(example):  # the same as spaCy aligns, but many times faster
        starts = np.where(example.reference.to_array(SENT_START) == 1, 1, -1)
        starts[:1] = 1
        if not example.reference.has_annotation("SENT_START"):
            starts[:] = 0
        example.predicted.from_array([SENT_START], starts.astype(np.uint64))
        return
    for token, starts in zip(example.predicted, example.get_aligned_sent_starts(), strict=True):
        token.is_sent_start = starts


def cut_document(doc: Doc) -> Iterator[Doc]:
    """Cut a document between sentences: with probability ½ into single sentences, otherwise into
    runs of random length.

    doc (Doc): The document, with sentence starts.
    YIELDS (Doc): The pieces, with their annotation.
    """
    for piece in divide(doc, _draw_cuts(doc)):
        set_annotated_labels(piece, annotated_labels(doc))
        # spaCy's reader would tokenize the words of the annotation again.
        piece.has_unknown_spaces = doc.has_unknown_spaces
        yield piece


def _draw_cuts(doc: Doc) -> Iterator[int]:
    starts = 1 + np.flatnonzero(doc.to_array(SENT_START)[1:] == 1)
    borders = [0, *starts.tolist(), len(doc)]
    single = random.random() < 0.5
    yield 0
    n_left = len(borders) - 1
    while n_left:
        n_left -= 1 if single else random.randint(1, n_left)
        yield borders[-1 - n_left]


def divide(doc: Doc, cuts: Iterable[int]) -> Iterator[Doc]:
    """Divide a document as `Span.as_doc` does, which goes through the tokens in Python.

    doc (Doc): The document.
    cuts (Iterable[int]): Where the pieces begin and end, ascending from 0 to the number of tokens.
        The annotation of entities across them is missing in the pieces.
    YIELDS (Doc): The pieces, with what is annotated of their tokens.
    """
    if doc.has_annotation("DEP"):  # heads may have to be moved
        yield from (doc[start:stop].as_doc() for start, stop in pairwise(cuts))
        return
    orths, spaces = doc.to_array([ORTH, SPACY]).reshape(-1, 2).T.tolist()
    values = doc.to_array(list(_ANNOTATION)).reshape(-1, len(_ANNOTATION))
    iob, is_set = values[:, 0], np.asarray(values.any(axis=0))
    is_set[:3] = True
    attrs = [attr for attr, any_set in zip(_ANNOTATION, is_set.tolist(), strict=True) if any_set]
    values = values[:, is_set]
    entity = np.where(iob % 2 == 1, np.cumsum(iob == 3), -1)
    # The entity that goes on at each place, if any.
    going_on = [*np.where(iob == 1, entity, -1).tolist(), -1]
    for start, stop in pairwise(cuts):
        part = values[start:stop]
        for cut in {going_on[start] if start else -1, going_on[stop]} - {-1}:
            part[entity[start:stop] == cut, :2] = 0
        piece = Doc(doc.vocab, words=orths[start:stop], spaces=spaces[start:stop])
        yield piece.from_array(attrs, part)
