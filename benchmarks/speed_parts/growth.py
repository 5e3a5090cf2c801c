"""How time and memory grow with the length and the number of documents."""

from collections.abc import Iterator, Sequence
from itertools import chain, cycle, islice

from .pipelines import annotate, load_ours
from .processes import forget_peak, memory_in_use
from .texts import cut
from .turns import Plan, exhaust

SHORT = 100


def time_of_lengths(plan: Plan, n_words: int, lengths: Sequence[int]) -> list[dict[str, float]]:
    """Measure the same words in documents of several lengths.

    plan (Plan): The model and its text, which is repeated until there are words enough.
    n_words (int): The number of words.
    lengths (Sequence[int]): The number of words of a document.
    RETURNS (List[Dict[str, float]]): For each length the seconds, and the peak of memory above
        the documents in megabytes.
    """
    words = list(islice(_endless_words(plan), n_words))
    nlp = load_ours(plan.model)
    annotate(nlp, [text.doc(nlp.vocab) for text in cut(words[: n_words // 10], SHORT)])
    rows = []
    for length in lengths:
        docs = [text.doc(nlp.vocab) for text in cut(words, length)]
        forget_peak()
        before, start = memory_in_use(), plan.clock()
        annotate(nlp, docs)
        seconds = plan.clock() - start
        rows.append(
            {
                "length": length,
                "documents": len(docs),
                "seconds": seconds,
                "peak_megabytes": memory_in_use(peak=True) - before,
            }
        )
        del docs
    return rows


def time_of_counts(plan: Plan, length: int, counts: Sequence[int]) -> list[dict[str, float]]:
    """Measure several numbers of documents as a stream through `nlp.pipe`.

    plan (Plan): The model and its text, which is repeated until there are words enough.
    length (int): The number of words of a document.
    counts (Sequence[int]): The number of documents.
    RETURNS (List[Dict[str, float]]): For each number the seconds, with those of making the
        documents, and the peak of memory above what there was before the first, in megabytes.
    """
    nlp = load_ours(plan.model)
    words = list(chain.from_iterable(text.words for text in plan.texts))
    texts = cut(words, length)
    forget_peak()
    before, rows = memory_in_use(), []
    for number in counts:
        start = plan.clock()
        exhaust(nlp.pipe(text.doc(nlp.vocab) for text in islice(cycle(texts), number)))
        rows.append(
            {
                "documents": number,
                "length": length,
                "seconds": plan.clock() - start,
                "peak_megabytes": memory_in_use(peak=True) - before,
            }
        )
    return rows


def _endless_words(plan: Plan) -> Iterator[str]:
    return cycle(list(chain.from_iterable(text.words for text in (*plan.texts, *plan.other))))
