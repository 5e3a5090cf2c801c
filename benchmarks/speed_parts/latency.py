"""How long one sentence takes."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

import numpy as np
from systems import SYSTEM

from .pipelines import PEER, load_ours, load_peer
from .texts import Text, cut
from .turns import Plan

SENTENCE = 20


def measure_latency(plan: Plan, n_sentences: int) -> dict[str, dict[str, float]]:
    """Measure how long one sentence takes.

    plan (Plan): What to measure. Each turn goes through all sentences; one more turn before is not
        measured.
    n_sentences (int): The number of different sentences.
    RETURNS (Dict[str, Dict[str, float]]): Milliseconds of each: 50th, 95th and 99th percentile.
    """
    sentences = sentences_of(plan, n_sentences)
    pipelines = {SYSTEM: load_ours(plan.model), PEER: load_peer(plan.peer)}
    seconds: dict[str, list[float]] = defaultdict(list)
    for turn in range(1 + plan.repeats):
        if turn == 1:
            seconds.clear()
        for sentence in sentences:
            for name, nlp in pipelines.items():
                doc, string = sentence.doc(nlp.vocab), str(sentence)
                start = plan.clock()
                for _, pipe in nlp.pipeline:
                    doc = pipe(doc)
                between = plan.clock()
                nlp(string)
                seconds[name].append(between - start)
                seconds[f"nlp(text) with {name}"].append(plan.clock() - between)
    return {name: _percentiles(values) for name, values in seconds.items()}


def sentences_of(plan: Plan, number: int) -> list[Text]:
    """Take the first words of documents.

    plan (Plan): The documents.
    number (int): How many of them to take, at most.
    RETURNS (List[Text]): Different sentences of `SENTENCE` words; shorter ones only where no
        document has so many words.
    """
    sentences = [
        Text(text.words[:SENTENCE], text.spaces[:SENTENCE])
        for text in (*plan.texts, *plan.other)
        if len(text) >= SENTENCE
    ]
    if not sentences:
        sentences = cut(chain.from_iterable(text.words for text in plan.texts), SENTENCE)
    return sentences[:number]


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    values = 1000 * np.percentile(seconds, [50, 95, 99])
    return dict(zip(("p50", "p95", "p99"), values.tolist(), strict=True))
