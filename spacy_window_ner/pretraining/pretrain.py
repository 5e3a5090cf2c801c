"""Pretrains word vectors, and networks that predict masked words, on raw text."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from statistics import fmean

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations import copy_words
from ..component import WindowNER
from ..confidence.scored_examples import find_component
from .contexts import batches_of, learn_contexts
from .vectors import LearnedVectors, learn_vectors
from .widening import add_vectors, networks_of
from .words import Words

# The number of batches in which a new network counts the frequencies of its feature values.
COUNTED_BATCHES = 1000

# The passes over the texts.
READING, COUNTING, CONTEXTS = "Reading", "Counting", "Learning contexts"
# The number of words to learn contexts from. More than 1.5 million words improve little.
CONTEXT_WORDS = 1_500_000
# The number of steps over which losses are averaged.
AVERAGED = 20
Read = Callable[[Language, str, float], Iterable[Doc]]


@dataclass(frozen=True)
class Pretrained:
    """The result of pretraining.

    nlp (Language): The pipeline.
    vectors (LearnedVectors): The vectors of the words in the texts.
    n_words (int): The number of words that its networks were pretrained on.
    losses (Tuple[float, float]): The loss of the first and last steps of that, in nats.
    """

    nlp: Language
    vectors: LearnedVectors
    n_words: int = 0
    losses: tuple[float, float] = (0.0, 0.0)


def pretrain(
    work: Language,
    nlp: Language,
    read: Read,
    *,
    width: int = 64,
    min_count: int = 3,
    words: Words | None = None,
) -> Pretrained:
    """Learn from raw text: first word vectors, then to predict masked words.

    work (Language): The pipeline to start from. It must not be used afterwards, since the strings
        of all words are added to it.
    nlp (Language): Another copy of this pipeline, for the result.
    read (Callable[[Language, str, float], Iterable[Doc]]): Reads a share of the texts, drawn at
        random, with the tokenizer of a pipeline, for the vectors (`READING`), the features of a new
        network (`COUNTING`) or masked words (`CONTEXTS`).
    width (int): The width of the vectors.
    min_count (int): Minimum frequency of a word to get a vector.
    words (Optional[Words]): The words that were read in an interrupted run, to continue.
    RETURNS (Pretrained): The second pipeline, with the new vectors next to its previous ones, and
        networks that use them.
    RAISES (ValueError): If there is too little text, or no network can use the vectors.
    """
    if nlp.pipeline and not networks_of(nlp):
        raise ValueError(
            "The network was sourced from a pipeline with different word vectors, and would not "
            "use the new ones. Start from that pipeline instead (--from)."
        )
    vectors = learn_vectors(read(work, READING, 1.0), width, min_count, words)
    for pipeline in (work, nlp):
        add_vectors(pipeline, vectors)
    n_words, losses = 0, list[float]()
    for name, component in networks_of(work):
        if not component.model.get_ref("scores").has_param("W"):
            _initialize(component, work, read)
        docs = read(work, CONTEXTS, min(1.0, CONTEXT_WORDS / vectors.text.n_tokens))
        n_words, losses = learn_contexts(component.model, docs, vectors)
        find_component(nlp, name).model = component.model
    if not losses:  # no network that learns contexts, or no time left
        return Pretrained(nlp, vectors)
    fell = fmean(losses[:AVERAGED]), fmean(losses[-AVERAGED:])
    return Pretrained(nlp, vectors, n_words, fell)


def _initialize(component: WindowNER, nlp: Language, read: Read) -> None:
    """Initialize a new network, without labels, from some of the texts."""

    def examples() -> Iterable[Example]:
        for batch in islice(batches_of(read(nlp, COUNTING, 1.0)), COUNTED_BATCHES):
            for doc in batch:
                annotated = copy_words(doc, nlp.vocab)
                annotated.set_ents([])  # words of documents without annotation are not counted
                yield Example(doc, annotated)

    component.initialize(examples, nlp=nlp, labels=[])
