"""Score a pipeline on texts of many kinds and on the test files of all corpora, beside the
pipelines of spaCy that are installed, and measure speed.

    python scripts/evaluate.py training/model-best corpus training/scores.json

Corpora are read sentence by sentence, with their own tokens. The labels of spaCy's pipelines are
mapped to those of the corpora; entities of other labels do not count. The figures of all systems
are made in the same run. See `evaluate_texts` for the other texts.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import spacy
import srsly
import typer
from evaluate_texts import load_peers, print_scores, score_texts
from prepare import CORPORA
from scores import FOUR, NAMES, compare, predict, summary
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from wasabi import msg

from spacy_window_ner.labels import annotated_labels, set_annotated_labels

REPEATS = 3


def read_sentences(path: Path) -> Iterator[Doc]:
    """RETURNS (Iterator[Doc]): The sentences of the documents of a file."""
    for doc in DocBin().from_disk(path).get_docs(spacy.blank("en").vocab):
        for sentence in doc.sents:
            one = sentence.as_doc()
            set_annotated_labels(one, annotated_labels(doc))
            yield one


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
    """Score all pipelines and write the results."""
    systems = {"window_ner": util.load_model(model), **load_peers()}
    results: dict[str, Any] = {"corpora": {}, "texts": score_texts(systems)}
    print_scores(results["texts"])
    for name in CORPORA:
        gold = list(read_sentences(corpus / f"{name}-test.spacy"))
        row = {
            key: summary(compare(predict(nlp, gold), gold, FOUR), NAMES)
            for key, nlp in systems.items()
        }
        results["corpora"][name] = row
        figures = ", ".join(f"{key} {of['total']['f']}" for key, of in row.items())
        own = row["window_ner"]
        msg.text(f"{name}: F1 of names {figures}; ECE {own['ece']} ({own['ece_by_chance']})")
    texts = [doc.text for doc in read_sentences(corpus / "gum-dev.spacy")] * 4
    results["words_per_second"] = words_per_second(systems, texts)
    msg.text(f"words per second: {results['words_per_second']}")
    srsly.write_json(output, results)


if __name__ == "__main__":
    typer.run(main)
