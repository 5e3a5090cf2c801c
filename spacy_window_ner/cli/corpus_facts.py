"""The facts that `debug-data` reports of a corpus; `data_report` prints them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE, SENT_START
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vectors import Vectors
from spacy.vocab import Vocab

from ..annotations import read_gold, same_tokens
from ..network.features import Lexemes, read_tokens

_IOB_MISSING, _IOB_BEGIN = 0, 3


@dataclass
class CorpusFacts:
    """The facts of one corpus. Lists of strings are texts of entities, one for each occurrence.

    lexemes (Lexemes): The distinct words of the pipeline's tokens, by NORM.
    word_counts (ndarray): Shape (n_lexemes,), the number of tokens of each.
    texts (Counter[str]): The documents' texts.
    n_misaligned_tokens (int): Tokens of the pipeline that do not align with the annotation.
    n_missing (int): Tokens without annotation, from which nothing is learned.
    n_blocked (int): Tokens that are blocked or in an entity without a label.
    n_unannotated (int): Documents without any annotation.
    n_without_entity (int): Annotated documents without entities.
    names (Counter[Tuple[str, str]]): Text and label of the entities that align with tokens.
    lengths (Dict[str, List[int]]): Their lengths in tokens, by label.
    docs_with (Counter[str]): The number of documents with each label.
    misaligned (List[str]): Entities that do not align with the pipeline's tokens.
    whitespace (List[str]): Entities that begin or end with whitespace.
    punctuation (List[str]): Entities that consist of punctuation only.
    punctuation_edge (List[str]): Other entities that begin or end with punctuation.
    crossing (List[str]): Entities that cross a sentence boundary.
    """

    lexemes: Lexemes
    word_counts: NDArray[np.int64]
    texts: Counter[str]
    n_misaligned_tokens: int = 0
    n_missing: int = 0
    n_blocked: int = 0
    n_unannotated: int = 0
    n_without_entity: int = 0
    names: Counter[tuple[str, str]] = field(default_factory=Counter)
    lengths: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    docs_with: Counter[str] = field(default_factory=Counter)
    misaligned: list[str] = field(default_factory=list)
    whitespace: list[str] = field(default_factory=list)
    punctuation: list[str] = field(default_factory=list)
    punctuation_edge: list[str] = field(default_factory=list)
    crossing: list[str] = field(default_factory=list)

    @property
    def n_docs(self) -> int:
        """RETURNS (int): The number of documents."""
        return self.texts.total()

    @property
    def n_tokens(self) -> int:
        """RETURNS (int): The number of the pipeline's tokens."""
        return int(self.word_counts.sum())

    @property
    def labels(self) -> dict[str, int]:
        """RETURNS (Dict[str, int]): The number of entities of each label, in descending order."""
        counts = {label: len(lengths) for label, lengths in self.lengths.items()}
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def most_common_words(self, number: int, among: NDArray[np.bool_] | None = None) -> list[str]:
        """List words, the most common first.

        number (int): The maximum number of words.
        among (Optional[ndarray]): Shape (n_lexemes,) bool, the words to choose from; all if None.
        RETURNS (List[str]): The words as written.
        """
        order = np.argsort(-self.word_counts, kind="stable")
        if among is not None:
            order = order[among[order]]
        return [self.lexemes.vocab.strings[orth] for orth in self.lexemes.orths[order[:number]]]

    def share(self, among: NDArray[np.bool_]) -> float:
        """Compute the share of some words in the corpus.

        among (ndarray): Shape (n_lexemes,) bool.
        RETURNS (float): Their share of all tokens, from 0 to 1.
        """
        return float(self.word_counts[among].sum()) / max(self.n_tokens, 1)


def read_corpus(examples: Sequence[Example], vocab: Vocab) -> CorpusFacts:
    """Read a corpus.

    examples (Sequence[Example]): The examples, with tokens of the pipeline in `predicted`.
    vocab (Vocab): The pipeline's vocabulary.
    RETURNS (CorpusFacts): The facts.
    """
    predicted = [example.predicted for example in examples]
    # The empty document provides the vocabulary if there are no others.
    tokens = read_tokens([*predicted, Doc(vocab)], ["NORM"])
    _, firsts, places = tokens.distinct()
    lexemes, counts = tokens.lexemes(firsts), np.bincount(places, minlength=len(firsts))
    facts = CorpusFacts(lexemes, counts, Counter(doc.text for doc in predicted))
    misaligned = set(read_gold(examples, {}).misaligned)
    for example in examples:
        if not len(example.reference):
            continue
        facts.n_misaligned_tokens += _misaligned_tokens(example)
        _read_annotation(facts, example.reference)
        _read_entities(facts, example.reference, misaligned)
    return facts


def unknown_words(facts: CorpusFacts, training: CorpusFacts) -> NDArray[np.bool_]:
    """Find words whose NORM does not occur in the training data.

    facts (CorpusFacts): A corpus.
    training (CorpusFacts): The training data.
    RETURNS (ndarray): Shape (n_lexemes,) bool, for the words of the corpus.
    """
    return ~np.isin(facts.lexemes.ids[:, 0], training.lexemes.ids[:, 0])


def words_with_vectors(
    facts: CorpusFacts, vectors: Vectors
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find words with static vectors, looked up as in `StaticVectors`.

    facts (CorpusFacts): A corpus.
    vectors (Vectors): The pipeline's vectors, not in floret mode.
    RETURNS (Tuple[ndarray, ndarray]): Shapes (n_lexemes,) bool: words with a vector as written, and
        words with a vector in lower case only.
    """
    lexemes = facts.lexemes
    if not len(lexemes):
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    lower = [lexemes.vocab[orth].lower for orth in lexemes.orths.tolist()]
    as_written = np.asarray(vectors.find(keys=lexemes.vector_keys)) >= 0
    return as_written, (np.asarray(vectors.find(keys=lower)) >= 0) & ~as_written


def names_with_several_labels(facts: CorpusFacts) -> list[tuple[str, Counter[str]]]:
    """Find names that are annotated with more than one label.

    facts (CorpusFacts): A corpus.
    RETURNS (List[Tuple[str, Counter[str]]]): Each name with the number of times it has each label,
        the most common name first.
    """
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for (name, label), count in facts.names.items():
        labels[name][label] += count
    several = [(name, counts) for name, counts in labels.items() if len(counts) > 1]
    return sorted(several, key=lambda item: -item[1].total())


@dataclass
class IncorrectSpans:
    """The spans of a corpus that are known to be incorrect.

    labels (Counter[str]): The number of spans of each label.
    contradictions (List[str]): Texts of spans that are also annotated as entities.
    n_misaligned (int): Spans that do not align with the pipeline's tokens.
    """

    labels: Counter[str]
    contradictions: list[str]
    n_misaligned: int


def read_incorrect_spans(examples: Sequence[Example], key: str) -> IncorrectSpans:
    """Read the spans that are known to be incorrect.

    examples (Sequence[Example]): The examples.
    key (str): Their key in `doc.spans` of the references.
    RETURNS (IncorrectSpans): The facts.
    """
    facts = IncorrectSpans(Counter(), [], 0)
    for example in examples:
        spans = list(example.reference.spans.get(key, []))
        facts.labels.update(span.label_ for span in spans)
        right = {(ent.start, ent.end, ent.label) for ent in example.reference.ents}
        facts.contradictions += [
            span.text for span in spans if (span.start, span.end, span.label) in right
        ]
        aligned = example.get_aligned_spans_y2x(spans, allow_overlap=True)
        facts.n_misaligned += len(spans) - len(aligned)
    return facts


def _misaligned_tokens(example: Example) -> int:
    if same_tokens(example):
        return 0
    x2y, y2x = example.alignment.x2y, example.alignment.y2x
    same = x2y.lengths == 1
    same[same] = y2x.lengths[x2y.data[np.cumsum(x2y.lengths)[same] - 1]] == 1
    return int((~same & (example.predicted.to_array(IS_SPACE) == 0)).sum())


def _read_annotation(facts: CorpusFacts, doc: Doc) -> None:
    iob, types, space = doc.to_array([ENT_IOB, ENT_TYPE, IS_SPACE]).reshape(-1, 3).T
    missing = iob == _IOB_MISSING
    if missing.all():
        facts.n_unannotated += 1
    else:
        missing &= space == 0  # whitespace counts as outside where there is annotation
        facts.n_without_entity += not doc.ents
    facts.n_missing += int(missing.sum())
    facts.n_blocked += int(((iob == _IOB_BEGIN) & (types == 0)).sum())


def _read_entities(facts: CorpusFacts, doc: Doc, misaligned: set[Span]) -> None:
    if not doc.ents:
        return
    sentence = np.cumsum(doc.to_array(SENT_START) == 1)
    entities = [ent for ent in doc.ents if ent not in misaligned]
    facts.misaligned += [ent.text for ent in doc.ents if ent in misaligned]
    facts.docs_with.update({ent.label_ for ent in entities})
    for ent in entities:
        facts.names[ent.text, ent.label_] += 1
        facts.lengths[ent.label_].append(len(ent))
        if ent.text != ent.text.strip():
            facts.whitespace.append(ent.text)
        if all(token.is_punct for token in ent):
            facts.punctuation.append(ent.text)
        elif ent[0].is_punct or ent[-1].is_punct:
            facts.punctuation_edge.append(ent.text)
        if sentence[ent.start] != sentence[ent.end - 1]:
            facts.crossing.append(ent.text)
